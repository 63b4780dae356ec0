"""Pictures and a way to call the command line, for the tests of command line, report and checkpoint."""

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from command_line import Said
from PIL import Image

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # as main sets it, but a test module may import TensorFlow before
COUNTED = ("inputs tried", "faults injected", "runs resumed")
"""What tests may record as a property; `make test-faults` prints the sums."""


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


def pytest_terminal_summary(terminalreporter) -> None:
    """Adds up what the tests of faults recorded: inputs tried, faults injected, runs resumed."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", []):
        counts.update({name: n for name, n in report.user_properties if name in COUNTED})
    if counts:
        said = ", ".join(f"{counts[name]:,} {name}" for name in COUNTED)
        failed = len(terminalreporter.stats.get("failed", [])) + len(terminalreporter.stats.get("error", []))
        terminalreporter.write_line(f"{said}; {failed} tests saw something lost, or untold")
