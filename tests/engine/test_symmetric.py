"""The symmetric step: its equations, its order, its way back, and legs that are interrupted and resumed."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from toys import FIRST, NOISE, TOY, reference

from decoupling_lib.engine import symmetric_step
from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.context import Context, Settings
from decoupling_lib.engine.features import Block, Counted, Passes
from decoupling_lib.engine.leg_state import Guide, LegState
from decoupling_lib.engine.lift import Damping, dense_velocity
from decoupling_lib.engine.normalization import impose, normalize, retracing
from decoupling_lib.engine.ode import graded_grid
from decoupling_lib.engine.symmetric import follow_symmetric

LIVE = np.ones(5, bool)
GRAMS = np.ones((2, 1, 1), np.float32)
RATE = 0.2 * np.concatenate([np.zeros(2), (TOY.values(NOISE) - TOY.values(FIRST))[2:]])
SCALES = np.array([2.0, 2.0, 0.5, 0.5, 1.0])


def follow(steps: int, delta: float, x: np.ndarray = FIRST, sign: int = 1, **keywords):
    grid = graded_grid(steps, 2.0, 1.5)
    grid = grid if sign > 0 else 1 - grid[::-1]
    return follow_symmetric(TOY, LegState(x), sign * RATE, LIVE, Damping(delta, SCALES), grid, 1e-12, **keywords)


def distance(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.max(np.abs(x - y)))


def integrate_exactly(delta: float) -> np.ndarray:
    """Return the end of the damped lift by its definition, with a rule of high order and error control."""

    def field(_: float, x: np.ndarray) -> np.ndarray:
        return dense_velocity(TOY.linearize(x).jacobian(), RATE, LIVE, Damping(delta, SCALES))

    return solve_ivp(field, (0, 1), FIRST, method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]


@pytest.mark.parametrize("delta", [0.0, 0.05])
def test_it_converges_to_the_damped_lift_with_order_two(delta: float):
    errors = [distance(follow(steps, delta).x, integrate_exactly(delta)) for steps in (8, 16, 32)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(orders, 2, atol=0.15)


def test_without_damping_features_follow_their_line_at_any_step_size():
    for steps in (1, 3):
        seen = []
        grid = graded_grid(steps, 2.0)
        follow_symmetric(
            TOY,
            LegState(FIRST),
            RATE,
            LIVE,
            Damping(0.0, SCALES),
            grid,
            1e-12,
            on_step=lambda s, state, seen=seen: seen.append((s, TOY.values(state.x))),
        )
        assert [s for s, _ in seen] == pytest.approx(list(grid[1:]))
        for s, f in seen:
            np.testing.assert_allclose(f, TOY.values(FIRST) + s * RATE, atol=1e-9)


def test_one_step_solves_its_two_equations():
    delta = 0.3
    states = []
    follow_symmetric(
        TOY,
        LegState(FIRST),
        RATE,
        LIVE,
        Damping(delta, SCALES),
        np.array([0.0, 1.0]),
        1e-13,
        on_step=lambda _, state: states.append(state),
    )
    ((_, velocity, multipliers),) = states[0].nodes
    np.testing.assert_allclose(states[0].x, FIRST + velocity, atol=1e-14)
    rows = TOY.linearize(FIRST + velocity / 2).jacobian() / np.sqrt(SCALES)[:, None]
    np.testing.assert_allclose(velocity, multipliers @ rows, atol=1e-10)
    moved = (TOY.values(states[0].x) - TOY.values(FIRST)) / np.sqrt(SCALES)
    np.testing.assert_allclose(moved + delta * multipliers, RATE / np.sqrt(SCALES), atol=1e-10)


@pytest.mark.parametrize("delta", [0.0, 0.05])
@pytest.mark.parametrize("steps", [1, 2, 6])
def test_the_way_back_is_exact_at_any_step_size(steps: int, delta: float):
    away = follow(steps, delta)
    back = follow(steps, delta, away.x, -1)
    assert distance(away.x, FIRST) > 0.1
    assert distance(back.x, FIRST) < 1e-10
    assert (away.status, back.status) == ("reached", "reached")
    if steps < 6:  # not because the steps are accurate
        assert distance(away.x, integrate_exactly(delta)) > 1e-3


def test_a_way_back_on_another_grid_does_not_return():
    away = follow(3, 0.05)
    other = follow_symmetric(TOY, LegState(away.x), -RATE, LIVE, Damping(0.05, SCALES), graded_grid(3, 2.0, 1.5), 1e-12)
    assert distance(other.x, FIRST) > 1e-5


def test_a_dead_feature_takes_no_part():
    live = np.array([True, True, True, False, True])
    alive = [0, 1, 2, 4]
    part = ClosedForm(
        (Block("block1", 2), Block("block2", 2)),
        lambda x: TOY.values(x)[alive],
        lambda x: TOY.linearize(x).jacobian()[alive],
    )
    grid = graded_grid(4, 2.0)
    whole = follow_symmetric(TOY, LegState(FIRST), RATE, live, Damping(0.05, SCALES), grid, 1e-13)
    less = follow_symmetric(part, LegState(FIRST), RATE[alive], live[alive], Damping(0.05, SCALES[alive]), grid, 1e-13)
    assert distance(whole.x, less.x) < 1e-9


def run_and_count(steps: int) -> tuple[list[Passes], list[LegState]]:
    """Return the passes made up to each accepted step of a leg, and its states."""
    counted, spent, states = Counted(TOY), [], []

    def note(_: float, state: LegState) -> None:
        spent.append(counted.passes.copy())
        states.append(state)

    grid = graded_grid(steps, 2.0)
    follow_symmetric(counted, LegState(FIRST), RATE, LIVE, Damping(0.05, SCALES), grid, 1e-9, note)
    return spent, states


def test_each_iteration_costs_two_forward_passes_and_one_vjp():
    spent, _ = run_and_count(4)
    assert spent[-1].jacobian_rows == 5 and spent[-1].jvp == 0
    for before, after in zip(spent[:-1], spent[1:], strict=True):
        step = after.since(before)
        assert step.forward == 2 * step.vjp + 1 and step.vjp > 0


def test_the_gram_matrix_is_computed_once_and_learning_saves_passes(monkeypatch):
    learned, states = run_and_count(12)
    monkeypatch.setattr(symmetric_step, "learn_gram", lambda gram, *_: gram)
    kept, frozen = run_and_count(12)
    for spent in (learned, kept):
        assert spent[-1].jacobian_rows == 5
    assert learned[-1].total < kept[-1].total
    rows = TOY.linearize(FIRST).jacobian() / np.sqrt(SCALES)[:, None]
    np.testing.assert_allclose(frozen[-1].gram, rows @ rows.T, rtol=1e-12)
    assert distance(states[-1].x, frozen[-1].x) < 1e-7


@pytest.mark.parametrize("after", [1, 3, 4])
def test_an_interrupted_leg_resumes_to_the_same_bits(after: int):
    latest = {}

    def stop(_: float, state: LegState) -> None:
        latest.update(state.arrays())
        if state.steps == after:
            raise KeyboardInterrupt

    grid, damping = graded_grid(6, 2.0), Damping(0.05, SCALES)
    whole = follow_symmetric(TOY, LegState(FIRST), RATE, LIVE, damping, grid)
    broken = follow_symmetric(TOY, LegState(FIRST), RATE, LIVE, damping, grid, on_step=stop)
    assert (broken.status, broken.steps) == ("interrupted", after)
    rest = follow_symmetric(TOY, LegState.from_arrays(latest), RATE, LIVE, damping, grid)
    assert rest.status == "reached" and rest.x.tobytes() == whole.x.tobytes()


def test_a_target_out_of_reach_stalls_and_keeps_the_last_point():
    """A sum of squares cannot become negative."""
    square = ClosedForm((Block("square", 1),), lambda x: np.array([x @ x]), lambda x: 2 * x[None])
    x = np.array([1.0, 0.0])
    result = follow_symmetric(
        square, LegState(x), np.array([-2.0]), np.ones(1, bool), Damping(0.0, np.ones(1)), np.arange(2.0)
    )
    # Halves of the step lead as far as they can: the square is 1 - 2s on the way, and 0 at half of it.
    assert result.status == "stalled" and result.steps == result.halvings - 1
    assert 0.4 < result.progress < 0.5
    assert result.x @ result.x == pytest.approx(1 - 2 * result.progress)


def test_one_step_is_exact_on_a_linear_map_whose_rows_stay_unchanged():
    rows = np.random.default_rng(7).standard_normal((3, 6))
    copy = rows.copy()
    linear = ClosedForm((Block("all", 3),), lambda x: rows @ x, lambda _: rows)
    scales, delta, rate = np.array([0.5, 1.0, 4.0]), 0.3, np.array([1.0, -2.0, 0.5])
    found = follow_symmetric(
        linear, LegState(np.ones(6)), rate, np.ones(3, bool), Damping(delta, scales), np.arange(2.0), 1e-12
    )
    wanted = 1 + copy.T @ np.linalg.solve(copy @ copy.T + delta * np.diag(scales), rate)
    np.testing.assert_allclose(found.x, wanted, atol=1e-10)
    np.testing.assert_array_equal(rows, copy)


@pytest.mark.parametrize("delta", [0.0, 0.02])
@pytest.mark.parametrize("steps", range(1, 9))
def test_the_way_back_mirrors_the_grid_that_was_used_halves_included(steps: int, delta: float):
    """The whole line, in as few steps as one: some steps have no solution and are halved."""
    near = reference(TOY, TOY.values(NOISE), delta, NOISE)
    settings = Settings(steps=steps, tolerance=1e-12, corrections=0)
    context = Context(Counted(TOY), near, settings)
    there = normalize(context, FIRST)
    back = impose(retracing(context, there), there.x, there.style)
    assert there.status == back.status == "done"
    assert distance(there.x, FIRST) > 0.5 and distance(back.x, FIRST) < 1e-10
    for leg, mirror in zip(there.legs, reversed(back.legs), strict=True):
        assert leg.retraceable and mirror.retraceable and mirror.halvings == 0
        assert leg.steps == mirror.steps == steps + leg.halvings
        np.testing.assert_allclose(mirror.grid, 1 - np.array(leg.grid)[::-1], atol=1e-15)


def test_without_the_halves_the_way_back_is_another_one_and_says_so():
    context = Context(
        Counted(TOY), reference(TOY, TOY.values(NOISE), 0.0, NOISE), Settings(steps=1, tolerance=1e-12, corrections=0)
    )
    there = normalize(context, FIRST)
    back = impose(context, there.x, there.style)
    assert sum(leg.halvings for leg in there.legs) > 0
    assert distance(back.x, FIRST) > 0.1 and not all(leg.retraceable for leg in back.legs)


@pytest.mark.parametrize("delta", [0.0, 0.05])
def test_a_guide_saves_passes_and_changes_nothing_else(delta: float):
    damping, grid = Damping(delta, SCALES), graded_grid(16, 2.0)
    first = follow_symmetric(TOY, LegState(FIRST), 0.3 * RATE, LIVE, damping, grid, 1e-12)
    guide = first.guide
    x = FIRST + 1e-3 * NOISE
    found, passes = [], []
    for chosen in (None, guide):
        counted = Counted(TOY)
        found.append(follow_symmetric(counted, LegState(x), 0.3 * RATE, LIVE, damping, grid, 1e-10, guide=chosen).x)
        passes.append(counted.passes)
    assert distance(*found) < 1e-8
    assert passes[1].jacobian_rows == 0 < passes[0].jacobian_rows and passes[1].total < passes[0].total


def test_a_guide_without_multipliers_saves_the_rows_alone():
    damping, grid = Damping(0.05, SCALES), graded_grid(8, 2.0)
    first = follow_symmetric(TOY, LegState(FIRST), RATE, LIVE, damping, grid, 1e-12)
    start = first.guide.reversed()._replace(multipliers=np.empty((0, 5)))
    counted = Counted(TOY)
    back = follow_symmetric(counted, LegState(first.x), -RATE, LIVE, damping, 1 - grid[::-1], 1e-12, guide=start)
    assert distance(back.x, FIRST) < 1e-9 and counted.passes.jacobian_rows == 0


def test_a_guide_is_interpolated_between_midpoints():
    guide = Guide(np.array([0.0, 0.5, 1.0]), np.array([[1.0], [3.0]]), GRAMS)
    for s, wanted in ((0.0, 1.0), (0.25, 1.0), (0.5, 2.0), (0.75, 3.0), (1.0, 3.0)):
        assert guide.at(s) == pytest.approx(wanted)
    assert Guide(np.array([0.0, 1.0]), np.array([[2.0]]), GRAMS).at(0.3) == 2.0
