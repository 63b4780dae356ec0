"""Pictures and a way to call the command line, for the tests of command line, report and checkpoint."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # as main sets it, but a test module may import TensorFlow before
ROOT = Path(__file__).parent.parent
COUNTED = ("inputs tried", "faults injected", "runs resumed")
"""What tests may record as a property; `make test-faults` prints the sums."""
QUICK = ("--network", "vgg16", "--weights", "random", "--size", "24", "--layers", "1")
QUICK += ("--rule", "rk4", "--steps", "3", "--tolerance", "1e-4")


class Said(NamedTuple):
    """How a call of the command line ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two picture files of 24x24 pixels, gradients under a little noise."""
    rows, columns = np.mgrid[:24, :24] / 24
    noise = np.random.default_rng(5).random((2, 24, 24, 3)) - 0.5
    first = np.stack([rows, columns, 1 - rows], -1) * 0.6 + 0.2
    second = np.stack([np.sin(6 * rows), np.cos(5 * columns), rows * columns], -1) * 0.3 + 0.5
    folder = tmp_path_factory.mktemp("pictures")
    for name, values in (("a.png", first + 0.25 * noise[0]), ("b.png", second + 0.25 * noise[1])):
        Image.fromarray(np.round(255 * np.clip(values, 0, 1)).astype(np.uint8)).save(folder / name)
    return str(folder / "a.png"), str(folder / "b.png")


@pytest.fixture
def decoupling(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Said]]:
    """The command line in this process: called with arguments, it returns exit code and what both streams got."""
    from decoupling_lib import cli

    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")  # main sets it: this puts it back afterwards
    before = signal.getsignal(signal.SIGTERM)

    def call(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["decoupling", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        return Said(end.value.code, *capfd.readouterr())

    yield call
    signal.signal(signal.SIGTERM, before)


def start(*arguments: object) -> subprocess.Popen[str]:
    """The command line in a fresh process."""
    command = [sys.executable, "-m", "decoupling_lib.cli", *map(str, arguments)]
    # A test run in the background ignores SIGINT, and a child would inherit that; a handler it does not.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, before)


def pytest_terminal_summary(terminalreporter) -> None:
    """Adds up what the tests of faults recorded: inputs tried, faults injected, runs resumed."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", []):
        counts.update({name: n for name, n in report.user_properties if name in COUNTED})
    if counts:
        said = ", ".join(f"{counts[name]:,} {name}" for name in COUNTED)
        failed = len(terminalreporter.stats.get("failed", [])) + len(terminalreporter.stats.get("error", []))
        terminalreporter.write_line(f"{said}; {failed} tests saw something lost, or untold")


class Kept(dict):
    """A journal in memory, every state of which is written at once."""

    def find(self, name: str) -> dict[str, np.ndarray] | None:
        return self.get(name)

    def keep(self, name: str, arrays: dict[str, np.ndarray], finished: bool = False) -> None:
        self[name] = {key: np.array(value) for key, value in arrays.items()}


def arrays(folder: Path) -> dict[str, np.ndarray]:
    """The contents of a folder's arrays.npz."""
    with np.load(folder / "arrays.npz", allow_pickle=False) as data:
        return dict(data)


def assert_same_arrays(first: Path, second: Path) -> None:
    """Asserts that two folders hold the same arrays to the bit."""
    one, two = arrays(first), arrays(second)
    assert one.keys() == two.keys()
    for name in one:
        assert (one[name].dtype, one[name].shape) == (two[name].dtype, two[name].shape)
        assert one[name].tobytes() == two[name].tobytes(), name
