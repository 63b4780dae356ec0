"""The decoupled leg: what damping leaves, what the correction at its end does, and its status."""

from dataclasses import replace

import numpy as np
import pytest
from toys import EXACT, FIRST, NOISE, SAMPLE, SECOND, TOY, linear_map, point, reference

from decoupling_lib.engine.context import Context, Record, Reference, Settings, Task
from decoupling_lib.engine.decoupled_leg import follow_lift
from decoupling_lib.engine.features import Counted
from decoupling_lib.engine.lift import Damping
from decoupling_lib.engine.normalization import impose, normalize
from decoupling_lib.engine.ode import FlowResult
from decoupling_lib.moments.coupled import moment_feature_map

# On a linear map, where everything is known


@pytest.mark.parametrize("steps", [1, 3])
def test_a_damped_leg_leaves_the_known_share_in_each_eigendirection(steps: int):
    delta = 0.3
    A = np.random.default_rng(3).standard_normal((4, 9)) * np.array([2, 1, 0.5, 0.1])[:, None]
    linear = linear_map((4,), A)
    x = point(5, 9)
    eigenvalues, vectors = np.linalg.eigh(A @ A.T)
    for g, direction in zip(eigenvalues, vectors.T, strict=True):
        step0 = reference(linear, A @ x + 3 * direction, delta)
        route = normalize(Context(Counted(linear), step0, Settings("euler", steps, 1e-12)), x)
        left = delta / (g + delta)
        assert route.legs[0].remaining_fraction == pytest.approx(left, rel=1e-9)
        np.testing.assert_allclose(A @ route.x, A @ x + 3 * (1 - left) * direction, atol=1e-9)


@pytest.mark.parametrize("held", [1.0, 5.0])
def test_a_damped_leg_with_held_features_and_scales_moves_by_the_filtered_rate(held: float):
    delta, scales = 0.4, np.array([0.5, 0.5, 2, 2, 2])
    A = np.random.default_rng(4).standard_normal((5, 9))
    linear = linear_map((2, 3), A)
    x, values = point(6, 9), np.arange(1.0, 6.0)
    step0 = Reference(values, np.ones(5, bool), Damping(delta, scales, (1.0, held)))

    def filtered(size: int, rate: np.ndarray) -> np.ndarray:
        G, D = A[:size] @ A[:size].T, delta * np.diag(scales[:size] * ([held, held, 1, 1, 1] if size > 2 else 1))
        return G @ np.linalg.solve(G + D, rate)

    route = normalize(Context(Counted(linear), step0, Settings("euler", 1, 1e-12)), x)
    c1 = A[:2] @ x
    between = x + A[:2].T @ np.linalg.solve(A[:2] @ A[:2].T, filtered(2, values[:2] - c1))
    c2 = A[2:] @ between
    np.testing.assert_allclose(route.style, np.concatenate([c1, c2]), rtol=1e-9)
    end = A @ between + filtered(5, np.concatenate([np.zeros(2), values[2:] - c2]))
    np.testing.assert_allclose(A @ route.x, end, rtol=1e-9)
    assert route.legs[1].held_relative_error == pytest.approx(
        np.linalg.norm(end[:2] - values[:2]) / np.linalg.norm(values[:2])
    )
    assert route.legs[1].relative_error == pytest.approx(
        np.linalg.norm(end[2:] - values[2:]) / np.linalg.norm(values[2:])
    )
    assert route.legs[1].mse == pytest.approx(np.mean((end[2:] - values[2:]) ** 2))


# The correction at the end of a leg of Step 3

DAMPED = Settings("adaptive", 400, 1e-9, 1e-3)


def follow_uncorrected(context: Context, x: np.ndarray, task: Task, record: Record) -> FlowResult:
    """Follow a leg without the correction, which only imposing legs have."""
    return follow_lift(context, x, replace(task, imposing=False), record)


def damped_reference(delta: float = 0.02) -> Reference:
    return reference(TOY, TOY.values(NOISE), delta, NOISE)


def test_a_damped_step_3_reaches_the_style_of_another_image_only_by_its_correction():
    step0 = damped_reference()
    style = normalize(Context(Counted(TOY), step0, DAMPED), FIRST).style
    start = normalize(Context(Counted(TOY), step0, DAMPED), SECOND).x
    plain = impose(Context(Counted(TOY), step0, DAMPED, move=follow_uncorrected), start, style)
    corrected = impose(Context(Counted(TOY), step0, DAMPED), start, style)
    assert max(leg.relative_error for leg in plain.legs) > 3 * DAMPED.threshold
    assert [leg.status for leg in corrected.legs] == ["reached", "reached"]
    assert max(leg.relative_error for leg in corrected.legs) <= DAMPED.threshold


def test_the_correction_leaves_the_held_block_where_it_is():
    step0 = damped_reference()
    style = normalize(Context(Counted(TOY), step0, DAMPED), FIRST).style
    start = normalize(Context(Counted(TOY), step0, DAMPED), SECOND).x
    held_error = {}
    for move in (follow_uncorrected, follow_lift):
        leg = impose(Context(Counted(TOY), step0, DAMPED, move=move), start, style).legs[0]
        assert leg.layer == "block2"
        held_error[move] = leg.held_relative_error
    assert held_error[follow_uncorrected] > DAMPED.threshold
    assert held_error[follow_lift] == pytest.approx(held_error[follow_uncorrected], abs=DAMPED.threshold)


def test_a_correction_that_damping_slows_down_helps_and_ends_as_damped_end():
    """Features weaker than δ move slowly: a step leaves the share δ/(g + δ)."""
    step0 = damped_reference(0.1)
    style = normalize(Context(Counted(TOY), step0, DAMPED), FIRST).style
    start = normalize(Context(Counted(TOY), step0, DAMPED), SECOND).x
    plain, corrected = (
        impose(Context(Counted(TOY), step0, DAMPED, move=move), start, style).legs[0]
        for move in (follow_uncorrected, follow_lift)
    )
    assert DAMPED.threshold < corrected.relative_error < 0.5 * plain.relative_error
    assert corrected.status == "damped_end"


def test_in_a_self_transfer_the_correction_does_nothing():
    step0 = damped_reference()
    away = normalize(Context(Counted(TOY), step0, DAMPED), FIRST)
    assert max(leg.relative_error for leg in away.legs) > 3 * DAMPED.threshold, "the damping has an effect"
    plain, corrected = (
        impose(Context(Counted(TOY), step0, DAMPED, move=move), away.x, away.style)
        for move in (follow_uncorrected, follow_lift)
    )
    assert np.max(np.abs(corrected.x - plain.x)) < 10 * DAMPED.tolerance
    assert np.max(np.abs(corrected.x - FIRST)) < 100 * DAMPED.tolerance


# Its status


def test_a_damped_leg_that_ends_short_of_the_threshold_is_a_damped_end():
    route = normalize(Context(Counted(TOY), damped_reference(0.1), DAMPED), FIRST)
    assert [leg.status for leg in route.legs] == ["damped_end", "damped_end"]
    assert all(leg.relative_error > DAMPED.threshold for leg in route.legs)


def test_a_leg_reaches_a_target_of_zero():
    moments = moment_feature_map(2)
    route = normalize(Context(Counted(moments), reference(moments, [0, 1]), EXACT), SAMPLE)
    assert [leg.status for leg in route.legs] == ["reached", "reached"]


def test_a_leg_with_too_few_steps_ends_as_max_steps_and_the_next_leg_follows():
    settings = Settings("adaptive", 1, 1e-12, 1e-9)
    route = normalize(Context(Counted(TOY), reference(TOY, TOY.values(NOISE)), settings), FIRST)
    assert [leg.status for leg in route.legs] == ["max_steps", "max_steps"] and route.status == "done"
