"""Newton corrections of least norm: exact on linear maps, halved where they overshoot, and ended in time."""

import numpy as np
import pytest
from toys import CURVED, FIRST, NOISE, TOY, A, X, linear_map, point
from toys import LINEAR as PLANE

from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.distances import relative_error
from decoupling_lib.engine.features import Block, Counted, Passes
from decoupling_lib.engine.lift import Damping
from decoupling_lib.engine.newton import correct

ROWS = np.random.default_rng(1).standard_normal((4, 9))
LINEAR = linear_map((2, 2), ROWS)
AIM = np.array([1.0, -2.0, 3.0, 0.5])
UNDAMPED, FIVE = Damping(0.0, np.ones(4)), Damping(0.0, np.ones(5))


def test_an_undamped_step_solves_a_linear_problem_by_the_nearest_point():
    x = point(2, 9)
    found, *_ = correct(Counted(LINEAR), x, AIM, np.ones(4, bool), UNDAMPED, 1e-9)
    np.testing.assert_allclose(found, x + np.linalg.pinv(ROWS) @ (AIM - ROWS @ x), atol=1e-10)


def test_each_damped_step_leaves_the_same_share_of_the_gap():
    """With orthogonal gradients of squared norm g, a step leaves the share δ/(g + δ)."""
    linear, g, delta = linear_map((1, 1), np.sqrt(3.0) * np.eye(2, 5)), 3.0, 0.6
    aim = np.array([2.0, 5.0])
    share = delta / (g + delta)
    found, *_ = correct(
        Counted(linear),
        np.zeros(5),
        aim,
        np.ones(2, bool),
        Damping(delta, np.ones(2)),
        2 * share**3,
    )
    np.testing.assert_allclose(linear.values(found), aim * (1 - share**3), rtol=1e-9)
    never, *_ = correct(Counted(linear), np.zeros(5), aim, np.ones(2, bool), Damping(delta, np.ones(2)), 0.0, most=5)
    np.testing.assert_allclose(aim - linear.values(never), aim * share**5, rtol=1e-9)


def test_a_point_at_its_aim_stays_and_costs_one_forward_pass():
    features, x = Counted(LINEAR), point(2, 9)
    found, *_ = correct(features, x, LINEAR.values(x), np.ones(4, bool), UNDAMPED, 1e-9)
    np.testing.assert_array_equal(found, x)
    assert features.passes == Passes(forward=1)


def test_dead_features_stay_out_of_it():
    live, x = np.array([True, False, True, True]), point(2, 9)
    found, *_ = correct(Counted(LINEAR), x, AIM, live, UNDAMPED, 1e-9)
    np.testing.assert_allclose(found, x + np.linalg.pinv(ROWS[live]) @ (AIM - ROWS @ x)[live], atol=1e-10)
    assert abs((ROWS @ found - AIM)[1]) > 0.1


def test_curved_features_reach_the_goal_in_every_block():
    aim, goal = TOY.values(NOISE), 1e-8
    found, *_ = correct(Counted(TOY), FIRST, aim, np.ones(5, bool), Damping(0.0, np.ones(5)), goal)
    for block in (slice(2), slice(2, 5)):
        assert relative_error(TOY.values(FIRST)[block], aim[block]) > 0.01
        assert relative_error(TOY.values(found)[block], aim[block]) <= goal


def test_a_step_that_overshoots_is_halved():
    """For the arc tangent at 3 the full step and its half increase the error, and a quarter reduces it."""
    atan = ClosedForm((Block("atan", 1),), np.arctan, lambda x: np.diag(1 / (1 + x * x)))
    aim, step = 0.1, (0.1 - np.arctan(3.0)) * 10
    errors = [abs(np.arctan(3 + share * step) - aim) for share in (0, 1, 0.5, 0.25)]
    assert min(errors[1:3]) > errors[0] > errors[3]
    goal = errors[3] / aim * 1.001  # one accepted step is enough
    found, *_ = correct(
        Counted(atan),
        np.array([3.0]),
        np.array([aim]),
        np.ones(1, bool),
        Damping(0.0, np.ones(1)),
        goal,
    )
    assert found[0] == pytest.approx(3 + step / 4)


def test_a_point_that_no_step_improves_stays():
    """x² + 1 cannot be 0.5; at 0.001 every step jumps far over the minimum."""
    features = Counted(ClosedForm((Block("square", 1),), lambda x: x * x + 1, lambda x: np.diag(2 * x)))
    x = np.array([1e-3])
    found, *_ = correct(features, x, np.array([0.5]), np.ones(1, bool), Damping(0.0, np.ones(1)), 1e-3)
    np.testing.assert_array_equal(found, x)
    assert features.passes.forward == 1 + 4, "the full step and three halvings"


# With a Gram matrix that is given, and not computed again


def test_one_step_with_the_exact_matrix_solves_a_linear_map_with_least_norm():
    aim = PLANE.values(X) + np.array([0.1, -0.2, 0.3, 0.0, 0.1])
    found = correct(PLANE, X, aim, np.ones(5, bool), FIVE, 0.0, 1, A @ A.T, recompute=False)
    assert found.steps == 1 and found.forward == 2
    np.testing.assert_allclose(found.x, X + (np.linalg.pinv(A) @ (aim - PLANE.values(X))).reshape(X.shape), atol=1e-12)


def test_a_matrix_of_another_point_brings_curved_features_closer_step_by_step():
    aim = CURVED.values(X) + 0.05
    errors = []
    for most in (0, 1, 2, 4):
        found = correct(CURVED, X, aim, np.ones(5, bool), FIVE, 0.0, most, A @ A.T, recompute=False)
        assert found.steps == most
        errors.append(np.linalg.norm(CURVED.values(found.x) - aim))
    assert errors[0] > 1.5 * errors[1] > 2.25 * errors[2] and errors[3] < errors[2]


def test_a_matrix_that_does_not_fit_does_no_harm():
    aim = CURVED.values(X) + 0.1
    found = correct(CURVED, X, aim, np.ones(5, bool), FIVE, 0.0, 5, 1e-3 * np.eye(5), recompute=False)
    assert np.array_equal(found.x, X) and found.steps == 0


def test_features_that_take_no_part_stay_out():
    live = np.array([True, True, True, True, False])
    aim = PLANE.values(X) + 0.1
    gram = np.where(np.outer(live, live), A @ A.T, 0.0)
    found = correct(PLANE, X, aim, live, FIVE, 0.0, 1, gram, recompute=False)
    np.testing.assert_allclose(PLANE.values(found.x)[:4], aim[:4], atol=1e-10)
