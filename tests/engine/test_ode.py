"""Step rules and how flows end, on fields whose flows are known."""

from collections.abc import Callable

import numpy as np
import pytest

from decoupling_lib.engine.ode import RULES, integrate

TURN = 2.5
EQUAL_STEPS = [name for name, rule in RULES.items() if rule.step is not None]


def rotation(x: np.ndarray) -> np.ndarray:
    """Turn the plane by `TURN` radians in unit time."""
    return TURN * np.stack([-x[1], x[0]])


def rotate(x: np.ndarray) -> np.ndarray:
    """Return where the rotation ends."""
    c, s = np.cos(TURN), np.sin(TURN)
    return np.stack([c * x[0] - s * x[1], s * x[0] + c * x[1]])


def logistic(x: np.ndarray) -> np.ndarray:
    return 3 * x * (1 - x)


def grow(x: np.ndarray) -> np.ndarray:
    """Return where the logistic flow ends."""
    return 1 / (1 + (1 / x - 1) * np.exp(-3))


def decay(x: np.ndarray) -> np.ndarray:
    """Follow -∇(N/2 · mean square), the gradient system of the mean square up to its speed."""
    return -x


FLOWS: dict[str, tuple[Callable, Callable, np.ndarray]] = {
    "rotation": (rotation, rotate, np.array([[0.3, -0.7], [1.1, 0.4]])),
    "logistic": (logistic, grow, np.array([0.1, 0.3, 0.8])),
    "decay": (decay, lambda x: x * np.exp(-1), np.array([[1.0, -2.0, 0.5]])),
}


def root_mean_square(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x))))


def pendulum(x: np.ndarray) -> np.ndarray:
    return 4 * np.stack([x[1], -np.sin(x[0])])


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("rule", EQUAL_STEPS)
def test_the_observed_order_is_the_declared_order(rule: str, flow: str):
    field, end, x = FLOWS[flow]
    counts = np.array([16, 32, 64])
    errors = [root_mean_square(integrate(field, x, rule, n, 1e-14).x - end(x)) for n in counts]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders[-1] == pytest.approx(RULES[rule].order, abs=0.15)
    assert abs(orders[-1] - RULES[rule].order) <= abs(orders[0] - RULES[rule].order) + 0.02


@pytest.mark.parametrize("rule", [name for name in EQUAL_STEPS if not RULES[name].symmetric])
def test_an_explicit_step_evaluates_the_field_as_often_as_the_rule_declares(rule: str):
    points = []

    def field(x: np.ndarray) -> np.ndarray:
        points.append(x)
        return -x

    integrate(field, np.array([1.0]), rule, 3)
    assert len(points) == 3 * RULES[rule].stages


@pytest.mark.parametrize(
    ("rule", "factor"),
    [
        ("euler", lambda h: 1 - h),
        ("midpoint", lambda h: 1 - h + h**2 / 2),
        ("rk4", lambda h: 1 - h + h**2 / 2 - h**3 / 6 + h**4 / 24),
        ("symmetric", lambda h: (1 - h / 2) / (1 + h / 2)),
    ],
)
@pytest.mark.parametrize("steps", [1, 3])
def test_each_step_of_decay_multiplies_by_the_stability_function_of_the_rule(rule: str, factor: Callable, steps: int):
    x = np.array([1.0, -2.0, 0.5])
    found = integrate(decay, x, rule, steps, 1e-13).x
    np.testing.assert_allclose(found, x * factor(1 / steps) ** steps, rtol=1e-12)


@pytest.mark.parametrize("flow", FLOWS)
def test_the_error_under_error_control_is_at_most_twice_the_tolerance(flow: str):
    field, end, x = FLOWS[flow]
    tolerances = [1e-3, 1e-5, 1e-7, 1e-9, 1e-11]
    errors = [root_mean_square(integrate(field, x, "adaptive", 400, t).x - end(x)) for t in tolerances]
    assert all(error < 2 * t for error, t in zip(errors, tolerances, strict=True))


def test_a_coarser_tolerance_gives_larger_errors_and_fewer_steps():
    field, end, x = FLOWS["rotation"]
    results = [integrate(lambda y: 6 * field(y), x, "adaptive", 400, t) for t in (1e-3, 1e-5, 1e-7, 1e-9)]
    c, s = np.cos(6 * TURN), np.sin(6 * TURN)
    errors = [root_mean_square(result.x - np.array([[c, -s], [s, c]]) @ x) for result in results]
    pairs = list(zip(errors[:-1], errors[1:], strict=True))
    assert all(finer < 0.1 * coarser for coarser, finer in pairs)
    counts = [result.steps for result in results]
    assert counts == sorted(set(counts)), "each finer tolerance takes more steps"


def test_the_symmetric_rule_returns_at_large_steps_and_the_others_do_not():
    x, steps, back = np.array([1.0, 0.5]), 4, {}
    for rule in EQUAL_STEPS:
        there = integrate(pendulum, x, rule, steps, 1e-12)
        assert there.status == "reached" and root_mean_square(there.x - x) > 0.5
        back[rule] = root_mean_square(integrate(lambda y: -pendulum(y), there.x, rule, steps, 1e-12).x - x)
    assert back.pop("symmetric") < 1e-11
    assert min(back.values()) > 1e-3
    assert [name for name, rule in RULES.items() if rule.symmetric] == ["symmetric"]


def test_the_symmetric_rule_keeps_quadratic_invariants_and_rk4_does_not():
    """The implicit midpoint rule keeps every quadratic invariant (Hairer, Lubich and Wanner, theorem IV.2.1)."""
    x = np.array([0.6, -0.8])
    lengths = {rule: np.linalg.norm(integrate(rotation, x, rule, 3, 1e-13).x) for rule in EQUAL_STEPS}
    assert lengths["symmetric"] == pytest.approx(1, abs=1e-12)
    assert abs(lengths["rk4"] - 1) > 1e-3


@pytest.mark.parametrize("rule", RULES)
def test_on_step_receives_every_accepted_point_in_order_up_to_the_end(rule: str):
    field, end, x = FLOWS["rotation"]
    start, seen = x.copy(), []
    result = integrate(field, x, rule, 400, 1e-6, lambda progress, point: seen.append((progress, point)))
    progress = np.array([share for share, _ in seen])
    assert (result.status, result.progress, result.steps) == ("reached", 1.0, len(seen))
    assert np.all(np.diff(progress) > 0) and progress[0] > 0 and progress[-1] == 1
    np.testing.assert_array_equal(x, start)
    for share, point in seen[:: max(1, len(seen) // 5)]:
        assert point.shape == x.shape
        c, s = np.cos(share * TURN), np.sin(share * TURN)
        np.testing.assert_allclose(point, np.array([[c, -s], [s, c]]) @ x, atol=0.05)
    np.testing.assert_array_equal(seen[-1][1], result.x)


@pytest.mark.parametrize("rule", EQUAL_STEPS)
def test_without_a_grid_steps_are_equal(rule: str):
    seen = []
    integrate(decay, np.ones(2), rule, 8, 1e-12, lambda progress, _: seen.append(progress))
    np.testing.assert_allclose(seen, np.arange(1, 9) / 8, rtol=1e-15)


@pytest.mark.parametrize("rule", EQUAL_STEPS)
def test_a_flow_past_its_pole_diverges_and_keeps_the_last_finite_point(rule: str):
    """The flow of dx/ds = x² from 2 is x = 1/(1/2 - s), which has a pole at s = 1/2."""
    result = integrate(lambda x: x * x, np.array([2.0]), rule, 40, 1e-10)
    assert result.status == "diverged" and "diverged" in result.message
    assert np.all(np.isfinite(result.x)) and np.max(np.abs(result.x)) <= 2e6
    assert 0 < result.progress < 1 and result.grid.size == result.steps + 1 and result.grid[-1] == result.progress
    assert result.steps - result.halvings == np.floor(40 * result.progress + 1e-9), "halves are counted apart"


def test_error_control_stalls_at_the_pole():
    result = integrate(lambda x: x * x, np.array([2.0]), "adaptive", 10_000, 1e-8)
    assert result.status == "stalled"
    assert result.progress == pytest.approx(0.5, abs=1e-3)
    assert np.isfinite(result.x[0])


def wall(x: np.ndarray) -> np.ndarray:
    """Move at unit speed up to a place beyond which there is no velocity."""
    return np.where(x < 0.35, 1.0, np.nan)


def test_a_field_without_a_value_stalls_error_control_and_diverges_with_equal_steps():
    stalled, diverged = (integrate(wall, np.zeros(1), rule, 10, 1e-6) for rule in ("adaptive", "rk4"))
    assert stalled.status == "stalled" and stalled.x[0] < 0.35
    assert diverged.status == "diverged"
    np.testing.assert_allclose(diverged.x, 0.3)
    assert diverged.progress == pytest.approx(0.3)


def test_error_control_with_too_few_steps_reports_how_far_it_came():
    field, _, x = FLOWS["rotation"]
    result = integrate(lambda y: 40 * field(y), x, "adaptive", 3, 1e-10)
    assert (result.status, result.steps) == ("max_steps", 3)
    assert 0 < result.progress < 1
    turn = 40 * TURN * result.progress
    c, s = np.cos(turn), np.sin(turn)
    np.testing.assert_allclose(result.x, np.array([[c, -s], [s, c]]) @ x, atol=1e-8)


def test_error_control_that_needs_all_its_steps_reaches_the_end():
    field, end, x = FLOWS["decay"]
    needed = integrate(field, x, "adaptive", 400, 1e-10).steps
    assert integrate(field, x, "adaptive", needed, 1e-10).status == "reached"
    assert integrate(field, x, "adaptive", needed - 1, 1e-10).status == "max_steps"


@pytest.mark.parametrize("rule", RULES)
def test_an_interruption_in_on_step_keeps_its_point(rule: str):
    seen = []

    def listen(progress: float, point: np.ndarray) -> None:
        seen.append((progress, point.copy()))
        if len(seen) == 3:
            raise KeyboardInterrupt

    result = integrate(lambda x: 20 * rotation(x), np.array([1.0, 0.0]), rule, 100, 1e-8, listen)
    assert (result.status, result.steps) == ("interrupted", 3)
    assert result.progress == seen[-1][0] < 1
    np.testing.assert_array_equal(result.x, seen[-1][1])


@pytest.mark.parametrize("rule", RULES)
def test_an_interruption_in_the_field_keeps_the_last_accepted_point(rule: str):
    calls, seen = 0, []

    def field(x: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        if calls > 60:
            raise KeyboardInterrupt
        return 20 * rotation(x)

    result = integrate(field, np.array([1.0, 0.0]), rule, 100, 1e-8, lambda _, point: seen.append(point))
    assert result.status == "interrupted" and 0 < result.progress < 1
    assert result.steps == len(seen) > 0
    np.testing.assert_array_equal(result.x, seen[-1])


def test_an_implicit_equation_without_a_solution_is_solved_in_halves_up_to_the_pole():
    """x' = x + h(1 + ((x + x')/2)²) at h = 1 from x = 1 has no real root; the flow tan(s + π/4) has a pole at π/4."""
    result = integrate(lambda x: 1 + x * x, np.array([1.0]), "symmetric", 1, 1e-10)
    assert result.status == "diverged" and result.halvings == result.steps > 1
    assert 0.5 < result.progress < np.pi / 4
    np.testing.assert_allclose(result.grid[:-1], np.unique(result.grid)[:-1])
    coarse = np.array([1.0])
    for h in np.diff(result.grid):  # the quadratic equation of each step, by its formula
        b = 1 - h * coarse / 2
        coarse = (b - np.sqrt(b**2 - h * (coarse + h * (1 + coarse**2 / 4)))) / (h / 2)
    np.testing.assert_allclose(result.x, coarse, rtol=1e-7)


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_halves_belong_to_the_grid_that_the_way_back_mirrors(steps: int):
    field, x = (lambda y: 1 + y * y), np.array([-1.0])
    there = integrate(lambda y: 1.4 * field(y), x, "symmetric", steps, 1e-13)
    back = integrate(lambda y: -1.4 * field(y), there.x, "symmetric", tolerance=1e-13, grid=1 - there.grid[::-1])
    assert there.status == back.status == "reached" and there.retraceable and back.halvings == 0
    assert there.steps == steps + there.halvings
    np.testing.assert_allclose(back.x, x, atol=1e-11)
