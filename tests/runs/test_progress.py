"""The time of a run: the parts and the line of its estimate, and the progress bar that follows them."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from decoupling_lib.engine.context import Step
from decoupling_lib.engine.ode import graded_grid
from decoupling_lib.runs import progress
from decoupling_lib.runs.pace import Pace
from decoupling_lib.runs.progress import CountProgress, PartsProgress, RunProgress
from decoupling_lib.transfers import estimate as estimates
from decoupling_lib.transfers.estimate import Cost, Estimate, Part, Range, estimate_run
from decoupling_lib.transfers.options import Options
from decoupling_lib.transfers.setup import complete_setup, gather_inputs

PARTS = (
    Part(Step.REFERENCE, "noise", Range(3.0, 3.0)),
    Part(Step.ORIGIN, "a", Range(1.0, 3.0)),
    Part(Step.ORIGIN, "b", Range(4.0, 8.0)),
    Part(Step.TRANSFER, "b", Range(4.0, 8.0)),
    Part(Step.TRANSFER, "a", Range(1.0, 3.0)),
    Part(Step.JUDGING, "a", Range(1.0, 1.0)),
    Part(Step.JUDGING, "a", Range(3.0, 3.0)),
)


UNITS = {"s": 1, "min": 60, "h": 3600}


def read_durations(line: str) -> list[float]:
    """Return the durations in a line in seconds; a number without a unit has that of the next one."""
    seconds, unit = [], ""
    for number, own in reversed(re.findall(r"([\d.]+)(?: (s|min|h)\b)?", line)):
        unit = own or unit
        seconds.insert(0, float(number) * UNITS[unit])
    return seconds


@pytest.mark.parametrize("low", [1.2, 20, 70, 1000, 3000, 1e5])
@pytest.mark.parametrize("factor", [1, 1.2, 2.5, 10, 100])
def test_the_estimates_line_tells_its_duration_and_memory(low, factor):
    line, memory = str(Estimate((Part(Step.ORIGIN, "a", Range(low, low * factor)),), 1234)).rsplit(", ", 1)
    assert line.startswith("estimate: ") and memory == "1,234 MiB"
    durations = read_durations(line)
    assert durations[-1] == pytest.approx(low * factor, rel=0.2, abs=1)
    assert len(durations) == 2 or factor < 1.3
    assert durations[0] == pytest.approx(low, rel=0.3, abs=1)


def test_a_duration_below_a_second_is_no_large_number():
    (seconds,) = read_durations(str(Estimate((Part(Step.ORIGIN, "a", Range(0.1, 0.2)),), 1234)).rsplit(", ", 1)[0])
    assert 0 <= seconds <= 1


@pytest.fixture
def bar(monkeypatch):
    """Return a bar that is not shown, with its numbers."""
    fake = SimpleNamespace(n=0.0, disable=False, titles=[], bar_format="")
    fake.update = lambda more: setattr(fake, "n", fake.n + more)
    fake.set_description_str = lambda title, refresh=True: fake.titles.append(title)
    fake.close = lambda: None
    monkeypatch.setattr(progress, "create_bar", lambda total, quiet: vars(fake).update(total=total) or fake)
    return fake


def test_legs_move_the_bar_by_their_cost_to_its_end(bar):
    with RunProgress(Estimate(PARTS, 1)) as run:
        assert bar.total == 2 + 6 + 6 + 2 + 1 + 3
        for point, at in (
            ((1, "a", 0.0), 0),
            ((1, "a", 0.5), 1),
            ((1, "b", 0.0), 2),
            ((1, "b", 1.0), 8),
            ((3, "b", 0.0), 8),
            ((3, "b", 0.25), 9.5),
            ((3, "a", 0.0), 14),  # the leg before ended early
            ((4, "a", 0.0), 16),
            ((4, "a", 1.0), 17),
            ((4, "a", 0.0), 17),  # the same layer once more
            ((4, "a", 1.0), 20),
        ):
            run.listen(*point, None)
            assert bar.n == pytest.approx(at), point
    assert bar.titles[0] == "Step 1 a" and bar.titles[-1] == "Judging a"
    assert bar.bar_format.endswith("<00:00")


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_what_remains_is_the_estimate_before_the_first_point(clock):
    assert Pace(Estimate(PARTS, 1), clock).remaining == 20
    clock.now += 50  # Step 0 takes as long as it wants
    pace = Pace(Estimate(PARTS, 1), clock)
    pace.move(1, "a", 0.0)
    assert pace.remaining == pytest.approx(20)


@pytest.mark.parametrize("factor", [0.15, 1, 3, 40])
def test_what_remains_is_corrected_by_what_the_first_parts_took(factor, clock):
    """After a tenth of the run it is right within a factor of 3, however wrong the estimate is; then it gets better."""
    pace, begin = Pace(Estimate(PARTS, 1), clock), clock.now
    places = [(1, "a"), (1, "b"), (3, "b"), (3, "a"), (4, "a"), (4, "a")]
    lengths = [part.seconds.middle for part in PARTS[1:]]
    for place, length in zip(places, lengths, strict=True):
        for share in np.linspace(0, 1, 11):
            if share:
                clock.now += factor * length / 10
            pace.move(*place, share)
            rest = factor * 20 - (clock.now - begin)
            if pace.done >= 2:
                assert rest / 3 - 1e-9 <= pace.remaining <= 3 * rest + 1e-9
            if pace.done >= 10:
                assert pace.remaining == pytest.approx(rest, rel=0.35, abs=1e-9)
    assert pace.done == pace.total == 20 and pace.remaining == 0


def test_a_step_that_takes_longer_than_expected_makes_the_rest_longer(clock):
    pace = Pace(Estimate((PARTS[0], Part(Step.ORIGIN, "a", Range(8.0, 8.0), (0.0, 0.2, 0.6, 0.8, 1.0))), 1), clock)
    pace.move(1, "a", 0.0)
    rests = []
    for _ in range(6):
        rests.append(pace.remaining)
        clock.now += 4.0
    # Four steps of 2 s: after 4, 8, ... s for the first of them, three remain that probably take as long.
    assert rests[0] == 8 and all(b > a for a, b in zip(rests[1:], rests[2:], strict=False))
    np.testing.assert_allclose(rests[1:], [3 * spent for spent in (4, 8, 12, 16, 20)], rtol=0.1)


def test_uneven_steps_move_the_bar_evenly(clock):
    grid = (0.0, 0.5, 0.9, 1.0)
    pace = Pace(Estimate((PARTS[0], Part(Step.ORIGIN, "a", Range(6.0, 6.0), grid)), 1), clock)
    places = []
    for share in grid:
        pace.move(1, "a", share)
        places.append(pace.done)
    np.testing.assert_allclose(places, [0, 2, 4, 6])


def test_the_work_of_an_earlier_run_does_not_count_for_the_rate(bar, clock):
    run = RunProgress(Estimate(PARTS, 1))
    run.listen(1, "a", 1.0, None)
    run.listen(1, "b", 0.5, None)
    assert bar.n == 5
    run.listen(1, "b", 1.0, None)
    assert bar.n == 8
    pace = Pace(Estimate(PARTS, 1), clock)
    pace.move(1, "a", 1.0)
    pace.move(1, "b", 0.5)
    clock.now += 30  # for 3 expected seconds
    pace.move(1, "b", 1.0)
    assert pace.remaining == pytest.approx(10 * 12, rel=0.2)


OPTIONS = Options(layers=2, size=(24, 24), network="vgg16", weights="random", steps=2, refinements=1)


def run_legs(options: Options, pictures: tuple[str, str]) -> tuple[list, Estimate]:
    """Return the legs of a run in order, and its estimate."""
    inputs, legs = gather_inputs(*pictures, options), []

    def listen(step, layer, share, x):
        if share == 0:
            legs.append((step, layer))

    expected = estimate_run(inputs)
    complete_setup(inputs).run(listen)
    return legs, expected


@pytest.mark.parametrize("changes", [{}, {"method": "direct", "iterations": 3}])
def test_the_parts_are_the_legs_of_the_run(pictures, changes):
    legs, expected = run_legs(Options(**vars(OPTIONS) | {"tolerance": 1e-2} | changes), pictures)
    assert [(part.step, part.layer) for part in expected.parts[1:]] == legs
    assert all(0 < part.seconds.low <= part.seconds.high for part in expected.parts)


def test_a_self_transfer_has_no_step_2_and_is_measured_twice_at_its_end(pictures):
    inputs = gather_inputs(pictures[0], pictures[0], OPTIONS)
    parts = estimate_run(inputs).parts
    assert {part.step for part in parts} == {0, 1, 3, 4}  # the refinement, and the 8-bit image
    (again,) = [part.seconds for part in parts if "+" in part.layer]
    first = next(part.seconds for part in parts if part.step == 1)
    assert again.low <= first.low and again.high <= first.high  # it measures the image once, by coarse legs


def test_a_symmetric_leg_costs_what_its_passes_cost(monkeypatch, pictures):
    monkeypatch.setattr(estimates, "_measure", lambda inputs: [Cost(1.0, 10.0, 1000.0), Cost(2.0, 20.0, 2000.0)])
    inputs = gather_inputs(*pictures, Options(**vars(OPTIONS) | {"steps": 16}))
    parts = [part for part in estimate_run(inputs).parts if part.layer == inputs.features.blocks[1].name]
    deep, retraced = (next(part for part in parts if part.step == step) for step in (1, 3))
    options = inputs.options
    usual = estimates.count_iterations(16, options.softness, options.tolerance, options.damping)
    counts = [factor * usual for factor in estimates.SPREAD]
    low, high = ((2 * n + 2 * 16) * 2.0 + n * 20.0 for n in counts)
    # One Gram matrix, which learns from the steps.
    np.testing.assert_allclose((deep.seconds.low, deep.seconds.high), (low + 2000, high + 2000))
    end = inputs.settings.corrections
    afterward = end * (2 * 2.0 + 20.0) + (2000 if end else 0)
    np.testing.assert_allclose((retraced.seconds.low, retraced.seconds.high), (low, high + afterward))
    assert deep.grid == tuple(graded_grid(16, *inputs.settings.grading))


@pytest.mark.parametrize(
    ("steps", "softness", "tolerance", "observed"),
    [
        (4, 0.02, 5e-8, 1150),
        (8, 0.02, 5e-8, 1240),
        (48, 0.02, 5e-8, 530),
        (4, 0.29, 5e-8, 225),
        (16, 0.29, 5e-8, 177),
        (16, 0.29, 1e-6, 140),
        (16, 0.29, 1e-5, 113),
        (48, 1.0, 5e-8, 350),
        (4, 1.0, 5e-8, 115),
    ],
)
def test_iterations_are_those_of_observed_legs_within_a_factor_of_two(steps, softness, tolerance, observed):
    assert observed / 2 < estimates.count_iterations(steps, softness, tolerance) < 2 * observed


def test_damped_legs_take_fewer_iterations():
    medians = {0.032: 2959, 0.3: 2041, 1.0: 1698}  # passes of `benchmarks/milder.py`, with about 560 Jacobian rows
    counts = {damping: estimates.count_iterations(16, 0.29, 1e-6, damping) for damping in (0.0, *medians)}
    assert counts[0.0] == counts[0.032]
    for damping, passes in medians.items():
        np.testing.assert_allclose(counts[damping] / counts[0.032], (passes - 560) / (2959 - 560), rtol=0.1)


def test_nothing_is_shown_without_an_estimate(capsys):
    with RunProgress(None) as silent:
        silent.listen(1, "a", 0.5, None)
    assert capsys.readouterr() == ("", "")


def test_a_bar_of_parts_is_at_the_beginning_of_the_current_part(monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    with PartsProgress({"one": 3.0, "two": 5.0, "three": 2.0}) as bar:
        places = []
        for name in ("one", "three"):  # the second is skipped
            bar.begin(name)
            places.append(bar._bar.n)
    assert places == [0.0, 8.0] and bar._bar.total == 10.0


def test_a_quiet_bar_of_parts_shows_nothing(capsys):
    with PartsProgress({"one": 1.0}, quiet=True) as bar:
        bar.begin("one")
    assert capsys.readouterr().err == ""


def test_a_bar_of_tasks_shows_how_many_have_ended_and_failed(monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    with CountProgress(3) as bar:
        for name, failed in (("one", False), ("two", True), ("three", False)):
            bar.count(name, failed)
    assert bar._bar.n == bar._bar.total == 3
    assert "three" in bar._bar.desc and "1 failed" in bar._bar.desc
