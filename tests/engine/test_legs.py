"""One leg: what damping leaves, what the closing correction does, what is told, and how a leg is interrupted."""

from dataclasses import replace

import numpy as np
import pytest
from toys import EXACT, FIRST, NOISE, SAMPLE, SECOND, TOY, point, reference

from decoupling_lib.engine.context import Context, Record, Reference, Settings, Step, Task
from decoupling_lib.engine.decoupled_leg import follow_lift
from decoupling_lib.engine.features import Block, ClosedForm, Counted
from decoupling_lib.engine.lift import Damping
from decoupling_lib.engine.normalization import impose, normalize
from decoupling_lib.engine.ode import FlowResult
from decoupling_lib.moments.coupled import moment_feature_map

# Damping on a linear map, where everything is known


@pytest.mark.parametrize("steps", [1, 3])
def test_a_damped_leg_leaves_a_known_share_in_each_eigendirection(steps: int):
    delta = 0.3
    A = np.random.default_rng(3).standard_normal((4, 9)) * np.array([2, 1, 0.5, 0.1])[:, None]
    linear = ClosedForm((Block("all", 4),), lambda x: A @ x, lambda x: A)
    x = point(5, 9)
    eigenvalues, vectors = np.linalg.eigh(A @ A.T)
    for g, direction in zip(eigenvalues, vectors.T, strict=True):
        step0 = reference(linear, A @ x + 3 * direction, delta)
        path = normalize(Context(Counted(linear), step0, Settings("euler", steps, 1e-5, 1e-12)), x)
        left = delta / (g + delta)
        assert path.legs[0].remaining_fraction == pytest.approx(left, rel=1e-9)
        np.testing.assert_allclose(A @ path.x, A @ x + 3 * (1 - left) * direction, atol=1e-9)


@pytest.mark.parametrize("held", [1.0, 5.0])
def test_a_damped_leg_with_held_blocks_and_scales_moves_by_the_filtered_rate(held: float):
    delta, scales = 0.4, np.array([0.5, 0.5, 2, 2, 2])
    A = np.random.default_rng(4).standard_normal((5, 9))
    linear = ClosedForm((Block("held", 2), Block("moving", 3)), lambda x: A @ x, lambda x: A)
    x, values = point(6, 9), np.arange(1.0, 6.0)
    step0 = Reference(values, np.ones(5, bool), Damping(delta, scales, (1.0, held)))

    def filtered(size: int, rate: np.ndarray) -> np.ndarray:
        G, D = A[:size] @ A[:size].T, delta * np.diag(scales[:size] * ([held, held, 1, 1, 1] if size > 2 else 1))
        return G @ np.linalg.solve(G + D, rate)

    path = normalize(Context(Counted(linear), step0, Settings("euler", 1, 1e-5, 1e-12)), x)
    c1 = A[:2] @ x
    between = x + A[:2].T @ np.linalg.solve(A[:2] @ A[:2].T, filtered(2, values[:2] - c1))
    c2 = A[2:] @ between
    np.testing.assert_allclose(path.style, np.concatenate([c1, c2]), rtol=1e-9)
    end = A @ between + filtered(5, np.concatenate([np.zeros(2), values[2:] - c2]))
    np.testing.assert_allclose(A @ path.x, end, rtol=1e-9)
    assert path.legs[1].held_relative_error == pytest.approx(
        np.linalg.norm(end[:2] - values[:2]) / np.linalg.norm(values[:2])
    )
    assert path.legs[1].relative_error == pytest.approx(
        np.linalg.norm(end[2:] - values[2:]) / np.linalg.norm(values[2:])
    )
    assert path.legs[1].mse == pytest.approx(np.mean((end[2:] - values[2:]) ** 2))


# Step 3's closing correction

DAMPED = Settings("adaptive", 400, 1e-9, 1e-10, 1e-3)


def uncorrected(context: Context, x: np.ndarray, task: Task, record: Record) -> FlowResult:
    """Follow the leg alone, without the correction, which only imposing legs have."""
    return follow_lift(context, x, replace(task, imposing=False), record)


def damped_reference(delta: float = 0.02) -> Reference:
    return reference(TOY, TOY.values(NOISE), delta, NOISE)


def test_a_damped_step_3_reaches_another_pictures_style_only_by_its_correction():
    step0 = damped_reference()
    style = normalize(Context(Counted(TOY), step0, DAMPED), FIRST).style
    start = normalize(Context(Counted(TOY), step0, DAMPED), SECOND).x
    plain = impose(Context(Counted(TOY), step0, DAMPED, move=uncorrected), start, style)
    closed = impose(Context(Counted(TOY), step0, DAMPED), start, style)
    assert max(leg.relative_error for leg in plain.legs) > 3 * DAMPED.threshold
    assert [leg.status for leg in closed.legs] == ["reached", "reached"]
    assert max(leg.relative_error for leg in closed.legs) <= DAMPED.threshold


def test_the_correction_leaves_the_held_block_where_the_leg_left_it():
    step0 = damped_reference()
    style = normalize(Context(Counted(TOY), step0, DAMPED), FIRST).style
    start = normalize(Context(Counted(TOY), step0, DAMPED), SECOND).x
    held = {}
    for move in (uncorrected, follow_lift):
        leg = impose(Context(Counted(TOY), step0, DAMPED, move=move), start, style).legs[0]
        assert leg.layer == "block2"
        held[move] = leg.held_relative_error
    assert held[uncorrected] > DAMPED.threshold
    assert held[follow_lift] == pytest.approx(held[uncorrected], abs=DAMPED.threshold)


def test_a_correction_that_damping_slows_down_still_helps_and_is_not_called_reached():
    """Features weaker than δ close slowly: a pass leaves the share δ/(g + δ)."""
    step0 = damped_reference(0.1)
    style = normalize(Context(Counted(TOY), step0, DAMPED), FIRST).style
    start = normalize(Context(Counted(TOY), step0, DAMPED), SECOND).x
    plain, closed = (
        impose(Context(Counted(TOY), step0, DAMPED, move=move), start, style).legs[0]
        for move in (uncorrected, follow_lift)
    )
    assert DAMPED.threshold < closed.relative_error < 0.5 * plain.relative_error
    assert closed.status == "damped_end"


def test_on_a_self_transfer_the_correction_does_nothing():
    step0 = damped_reference()
    away = normalize(Context(Counted(TOY), step0, DAMPED), FIRST)
    assert max(leg.relative_error for leg in away.legs) > 3 * DAMPED.threshold, "the damping matters"
    plain, closed = (
        impose(Context(Counted(TOY), step0, DAMPED, move=move), away.x, away.style)
        for move in (uncorrected, follow_lift)
    )
    assert np.max(np.abs(closed.x - plain.x)) < 10 * DAMPED.tolerance
    assert np.max(np.abs(closed.x - FIRST)) < 100 * DAMPED.tolerance


# What is told of the legs


def test_legs_tell_what_they_did():
    step0 = reference(TOY, TOY.values(NOISE))
    away = normalize(Context(Counted(TOY), step0, EXACT, step=Step.TARGET), FIRST)
    back = impose(Context(Counted(TOY), step0, EXACT), away.x, away.style)
    assert [(leg.step, leg.layer, leg.live_channels) for leg in away.legs] == [(2, "block1", 2), (2, "block2", 3)]
    assert [(leg.step, leg.layer) for leg in back.legs] == [(3, "block2"), (3, "block1")]
    for leg in away.legs + back.legs:
        assert leg.status == "reached" and leg.relative_error <= EXACT.threshold
        counts, errors = zip(*leg.curve, strict=True)
        assert counts[0] == 0 and list(counts) == sorted(counts) and len(counts) == leg.steps + 1
        assert errors[-1] < 1e-6 * errors[0]


def test_listener_hears_each_leg_from_start_to_end():
    heard: dict[str, list[float]] = {}
    step0 = reference(TOY, TOY.values(NOISE))

    def listen(step: int, layer: str, progress: float, x: np.ndarray | None) -> None:
        assert step == 1 and x is not None and x.shape == FIRST.shape
        heard.setdefault(layer, []).append(progress)

    normalize(Context(Counted(TOY), step0, EXACT, listen=listen), FIRST)
    assert list(heard) == ["block1", "block2"]
    for progress in heard.values():
        assert progress[0] == 0 and progress[-1] == 1 and np.all(np.diff(progress) > 0)


@pytest.mark.parametrize("at", [0.0, 0.5])
def test_an_interrupt_ends_the_run_at_the_last_accepted_point(at: float):
    last = {}

    def listen(step: int, layer: str, progress: float, x: np.ndarray) -> None:
        last["x"] = x.copy()
        if layer == "block2" and progress >= at:
            raise KeyboardInterrupt

    step0 = reference(TOY, TOY.values(NOISE))
    settings = Settings("rk4", 10, threshold=1e-9, first_grading=(1, 1), grading=(1, 1))
    path = normalize(Context(Counted(TOY), step0, settings, listen=listen), FIRST)
    assert path.status == "interrupted"
    assert [leg.status for leg in path.legs] == ["reached", "interrupted"]
    assert path.legs[1].steps == 10 * at
    np.testing.assert_array_equal(path.x, last["x"])


def test_a_target_out_of_reach_ends_the_run_at_its_leg():
    """No sample has a mean square below its squared mean."""
    path = normalize(
        Context(Counted(moment_feature_map(3)), reference(moment_feature_map(3), [1.0, -2.0, 0.0]), DAMPED), SAMPLE
    )
    assert path.status in ("stalled", "diverged")
    assert [leg.layer for leg in path.legs] == ["m1", "m2"]
    assert path.legs[-1].status == path.status
    assert np.all(np.isfinite(path.x))


def test_a_leg_with_too_few_steps_says_so_and_the_next_one_goes_on():
    settings = Settings("adaptive", 1, 1e-12, 1e-12, 1e-9)
    path = normalize(Context(Counted(TOY), reference(TOY, TOY.values(NOISE)), settings), FIRST)
    assert [leg.status for leg in path.legs] == ["max_steps", "max_steps"] and path.status == "done"


def test_a_damped_leg_that_ends_short_of_the_threshold_says_so():
    path = normalize(Context(Counted(TOY), damped_reference(0.1), DAMPED), FIRST)
    assert [leg.status for leg in path.legs] == ["damped_end", "damped_end"]
    assert all(leg.relative_error > DAMPED.threshold for leg in path.legs)


@pytest.mark.parametrize("delta", [0.0, 0.05])
def test_dead_features_are_told_but_take_no_part(delta: float):
    """A feature that never moves, with another reference value, beside two that do."""
    with_dead = ClosedForm(
        (Block("block1", 3), Block("block2", 3)),
        lambda x: np.insert(TOY.values(x), 1, 0.7),
        lambda x: np.insert(TOY.linearize(x).jacobian(), 1, 0.0, axis=0),
    )
    values, live = np.insert(TOY.values(NOISE), 1, 5.0), np.arange(6) != 1
    step0 = Reference(values, live, Damping(delta, np.ones(6)))
    path = normalize(Context(Counted(with_dead), step0, EXACT), FIRST)
    plain = normalize(Context(Counted(TOY), reference(TOY, TOY.values(NOISE), delta), EXACT), FIRST)
    np.testing.assert_allclose(path.x, plain.x, atol=1e-9)
    np.testing.assert_allclose(np.delete(path.style, 1), plain.style, rtol=1e-9)
    assert path.style[1] == 0.7
    assert [leg.live_channels for leg in path.legs] == [2, 3]
    for leg, same in zip(path.legs, plain.legs, strict=True):
        assert leg.relative_error == pytest.approx(same.relative_error, abs=1e-9)


def test_a_leg_is_reached_where_its_target_is_zero():
    path = normalize(Context(Counted(moment_feature_map(2)), reference(moment_feature_map(2), [0, 1]), EXACT), SAMPLE)
    assert [leg.status for leg in path.legs] == ["reached", "reached"]
