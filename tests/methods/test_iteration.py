"""What all iterations share: the goal, the judge of the iterates and the loop, on numbers worked out by hand."""

import numpy as np
import pytest
from toys import BLOCKS, LINEAR, A, V, X

from decoupling_lib.common.errors import InputError
from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.features import Block
from decoupling_lib.methods.iteration import DIVERGED, Goal, Watch, iterate, set_goal

TARGETS = np.array([3.0, 4.0, 0.0, 2.0, 1.0])  # the norms of the blocks are 5 and √5
LIVE = np.ones(5, bool)


def goal(**changes) -> Goal:
    """Return a goal of ten iterations without a threshold, with some fields changed."""
    fields = {"blocks": BLOCKS, "targets": TARGETS, "live": LIVE, "iterations": 10, "threshold": None, "on_step": None}
    return Goal(**fields | changes)


def test_a_goal_has_the_places_and_the_weights_of_its_blocks():
    assert goal().slices == [slice(0, 2), slice(2, 5)]
    assert goal().watched == [slice(2, 5)] and goal(every_block=True).watched == goal().slices
    np.testing.assert_allclose(goal().weights, [1 / 25] * 2 + [1 / 5] * 3)
    live = np.array([True, False, True, False, True])
    np.testing.assert_allclose(goal(live=live).weights, [1 / 9, 0, 1, 0, 1])
    np.testing.assert_allclose(goal(targets=np.zeros(5)).weights, 1)


def test_set_goal_returns_arrays_and_takes_all_channels_by_default():
    found = set_goal(LINEAR, [1, -2, 3, 1, -1], None, 7, 0.25, print)
    assert found.blocks == BLOCKS and found.targets.dtype == np.float64 and found.live.all()
    assert (found.iterations, found.threshold, found.on_step) == (7, 0.25, print)
    assert not found.absolute and not found.every_block


@pytest.mark.parametrize(
    "changes",
    [
        {"iterations": -1},
        {"iterations": 1.5},
        {"threshold": -0.1},
        {"threshold": float("nan")},
        {"targets": V[:4]},
        {"targets": V[None]},
        {"live": np.ones(4, bool)},
        {"targets": V * [1, 1, 0, 0, 0]},
        {"targets": V * [0, 0, 1, 1, 1], "every_block": True},
        {"targets": V * [1, 1, 1, 0, 0], "live": np.array([1, 1, 0, 1, 1], bool)},
    ],
)
def test_a_goal_that_cannot_be_used_is_refused(changes):
    arguments = {"targets": V, "live": None, "iterations": 3, "threshold": 0.1, "on_step": None} | changes
    with pytest.raises(InputError, match="(iterations|threshold|targets).*; received .*; accepted: .*; "):
        set_goal(LINEAR, **arguments)


def test_a_block_that_is_not_watched_may_have_targets_of_zero():
    assert set_goal(LINEAR, V * [0, 0, 1, 1, 1], None, 3, 0.1, None).watched == [slice(2, 5)]


def test_the_error_is_that_of_the_last_block_or_of_the_worst():
    f, calls = TARGETS + [5, 0, 0, 1, 0], []
    watch = Watch(goal(on_step=lambda *values: calls.append(values)))
    assert watch.judge(0, X, f) is None
    assert watch.judge(1, X, TARGETS) is None and watch.error == 0
    assert [each[:2] for each in calls] == [(0, pytest.approx(1 / np.sqrt(5))), (1, 0.0)] and watch.first == calls[0][1]
    assert all(each[2] is X for each in calls)
    worst = Watch(goal(every_block=True))
    worst.judge(0, X, f)
    assert worst.error == 1
    dead = Watch(goal(live=np.array([1, 1, 1, 0, 1], bool)))
    dead.judge(0, X, f)
    assert dead.error == 0


@pytest.mark.parametrize(("absolute", "distance"), [(False, 0.1 * np.sqrt(5)), (True, np.sqrt(3 * 0.1))])
def test_a_run_ends_at_its_threshold(absolute: bool, distance: float):
    """The threshold is 0.1, relative or a mean of three squares; the distances are just below and above it."""
    for factor, status in ((0.999, "reached"), (1.001, None)):
        watch = Watch(goal(threshold=0.1, absolute=absolute))
        assert watch.judge(0, X, TARGETS + [9, 9, factor * distance, 0, 0]) == status


def test_a_run_ends_after_its_iterations_unless_the_last_one_reached_the_threshold():
    watch = Watch(goal(threshold=0.1))
    assert watch.judge(9, X, 2 * TARGETS) is None
    assert watch.judge(10, X, 2 * TARGETS) == "max_steps"
    assert watch.judge(10, X, TARGETS) == "reached"


@pytest.mark.parametrize(("first", "limit"), [(0.5, 500), (1e-6, 1)])
def test_a_run_whose_error_grows_a_thousandfold_has_diverged(first: float, limit: float):
    """The growth counts from 0.1 % at least, and divergence counts before every other status."""
    assert DIVERGED == 1e3
    for factor, status in ((0.999, "max_steps"), (1.001, "diverged")):
        watch = Watch(goal())
        assert watch.judge(0, X, TARGETS * (1 + first)) is None
        assert watch.judge(10, X, TARGETS * (1 + factor * limit)) == status
    for bad in (np.nan, np.inf):
        assert Watch(goal(threshold=1.0)).judge(0, X, np.full(5, bad)) == "diverged"


def test_progress_is_the_fraction_of_the_first_error_that_is_gone():
    watch = Watch(goal())
    watch.judge(0, X, 3 * TARGETS)
    watch.judge(1, X, 1.5 * TARGETS)
    result = watch.end(X, 1, "max_steps")
    assert (result.status, result.steps, result.progress) == ("max_steps", 1, pytest.approx(0.75))
    assert watch.end(X, 1, "reached").progress == 1
    watch.judge(2, X, 7 * TARGETS)
    assert watch.end(X, 2, "max_steps").progress == 0, "an error that has grown is no negative progress"


def run(move, x=X, feature_map=LINEAR, targets=V, **changes):
    return iterate(feature_map, x, set_goal(feature_map, targets, None, 5, 1e-9, None, **changes), move)


def test_the_loop_gives_each_iterate_with_its_linearization_and_leaves_the_start_alone():
    steps, start = [], X.copy()

    def move(step, x, at):
        np.testing.assert_allclose(at.values, A @ x.ravel())
        steps.append(step)
        return x + 1

    result = run(move)
    assert steps == [0, 1, 2, 3, 4] and (result.status, result.steps) == ("max_steps", 5)
    np.testing.assert_allclose(result.x, start + 5)
    np.testing.assert_array_equal(X, start)


def test_the_loop_stalls_where_there_is_no_way_down():
    result = run(lambda step, x, at: None if step == 2 else x + 1)
    assert (result.status, result.steps) == ("stalled", 2)
    np.testing.assert_allclose(result.x, X + 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e9])
def test_the_loop_ends_at_the_iterate_before_the_one_that_diverged(bad: float):
    result = run(lambda step, x, at: np.full_like(x, bad) if step == 2 else x + 1)
    assert (result.status, result.steps) == ("diverged", 2)
    np.testing.assert_allclose(result.x, X + 2)


def test_a_start_without_finite_features_diverges_where_it_is():
    root = ClosedForm((Block("root", 1),), np.sqrt, lambda x: np.diag(0.5 / np.sqrt(x)))
    with np.errstate(invalid="ignore"):
        result = run(lambda step, x, at: x, np.array([-1.0]), root, np.ones(1))
    assert (result.status, result.steps) == ("diverged", 0) and result.x == -1.0
