"""The tiers of the tests, fixtures that many rooms share, and weights that are drawn once per process."""

import functools
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator

import hypothesis
import numpy as np
import pytest
from command_line import Outcome
from PIL import Image

from decoupling_lib.networks import weights

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # as main sets it, but a test module may import TensorFlow before
COUNTED = ("inputs tried", "faults injected", "runs resumed")
"""Properties that tests may record; their sums are printed at the end."""
TIERS = ("quick", "rest", "all")
QUICK_SHARE = 20
"""The quick tier tries one of so many damaged inputs, the rest tries the others."""

# An example may take long on a loaded machine.
hypothesis.settings.register_profile("tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("tests")

draw_weights = weights._random
weights._random = functools.cache(draw_weights)  # hundreds of tests draw the same 15 million numbers


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--tier",
        choices=TIERS,
        default="all",
        help="quick: what `make test` runs; rest: what only `make test-all` runs; all: both (default)",
    )


def tiers(item: pytest.Item) -> set[str]:
    """Return the tiers that a test belongs to; a test of damaged inputs tries some in each."""
    if item.path.suffix == ".ipynb" or item.get_closest_marker("slow"):
        return {"rest"}
    return {"quick", "rest"} if "input_numbers" in getattr(item, "fixturenames", ()) else {"quick"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the tests of a tier."""
    tier = config.getoption("tier")
    if tier != "all":
        others = [item for item in items if tier not in tiers(item)]
        items[:] = [item for item in items if tier in tiers(item)]
        config.hook.pytest_deselected(items=others)


def pytest_terminal_summary(terminalreporter) -> None:
    """Print the sums of what the tests of faults counted: inputs tried, faults injected, runs resumed."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", []):
        counts.update({name: n for name, n in report.user_properties if name in COUNTED})
    if counts:
        sums = ", ".join(f"{counts[name]:,} {name}" for name in COUNTED)
        failed = len(terminalreporter.stats.get("failed", [])) + len(terminalreporter.stats.get("error", []))
        terminalreporter.write_line(f"{sums}; {failed} tests failed")


@pytest.fixture
def input_numbers(request: pytest.FixtureRequest) -> Callable[[int], range]:
    """Return a function that takes how many inputs there are, and returns the numbers of those to try in this tier."""
    tier = request.config.getoption("tier")

    def choose(count: int) -> range:
        share = -(-count // QUICK_SHARE)
        return {"quick": range(share), "rest": range(share, count), "all": range(count)}[tier]

    return choose


@pytest.fixture(autouse=True)
def _drawing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw random weights again for the tests of drawing."""
    if request.node.get_closest_marker("draws_weights"):
        monkeypatch.setattr(weights, "_random", draw_weights)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Return two image files of 24x24 pixels, gradients with a little noise."""
    rows, columns = np.mgrid[:24, :24] / 24
    noise = np.random.default_rng(5).random((2, 24, 24, 3)) - 0.5
    first = np.stack([rows, columns, 1 - rows], -1) * 0.6 + 0.2
    second = np.stack([np.sin(6 * rows), np.cos(5 * columns), rows * columns], -1) * 0.3 + 0.5
    folder = tmp_path_factory.mktemp("pictures")
    for name, values in (("a.png", first + 0.25 * noise[0]), ("b.png", second + 0.25 * noise[1])):
        Image.fromarray(np.round(255 * np.clip(values, 0, 1)).astype(np.uint8)).save(folder / name)
    return str(folder / "a.png"), str(folder / "b.png")


@pytest.fixture
def decoupling(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Outcome]]:
    """Return the command line as a function in this process: from arguments to exit code, stdout and stderr."""
    from decoupling_lib import cli

    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")  # main sets it: this restores it afterwards
    before = signal.getsignal(signal.SIGTERM)

    def call(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["decoupling", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        return Outcome(end.value.code, *capfd.readouterr())

    yield call
    signal.signal(signal.SIGTERM, before)
