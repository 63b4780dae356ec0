"""Baselines: closed-form answers on linear and quadratic toys, and on a small random network."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from decoupling_lib import baselines
from decoupling_lib.baselines import AS_ANNEX, AnnexOptions, annex, descend, direct, projected
from decoupling_lib.checks import InputError
from decoupling_lib.features import Block, ClosedForm, Counted

RNG = np.random.default_rng(0)
BLOCKS = (Block("low", 2), Block("high", 3))
A = RNG.normal(size=(5, 12))
X = RNG.normal(size=(2, 2, 3))
V = np.array([1.0, -2.0, 3.0, 1.5, -1.0])
LINEAR = ClosedForm(BLOCKS, lambda x: A @ x.ravel(), lambda x: A)
Q = np.array([(m + m.T) / 2 for m in RNG.normal(size=(5, 12, 12))])
# f_i = a_i·x + 0.05 xᵀQ_i x: every feature is curved.
CURVED = ClosedForm(
    BLOCKS,
    lambda x: A @ x.ravel() + 0.05 * np.einsum("nij,i,j->n", Q, x.ravel(), x.ravel()),
    lambda x: A + 0.1 * Q @ x.ravel(),
)
SIZES = np.array([2, 2, 3, 3, 3])


def relative(f, v):
    return np.linalg.norm(f - v) / np.linalg.norm(v)


def history(run, *arguments, **options):
    heard = []
    result = run(*arguments, on_step=lambda *what: heard.append(what), **options)
    return result, heard


def no_threshold(**options):
    return {"threshold": None, "iterations": 25, "learning_rate": 0.01, **options}


def test_sgd_is_the_closed_form_of_linear_descent():
    """x_k = x* + (I - 2 η H)^k (x_0 - x*), H = Σ_i a_i a_iᵀ / (size of i's block): the mean, not the sum."""
    solution = np.linalg.pinv(A) @ V
    h = (A.T / SIZES) @ A
    expected = solution + np.linalg.matrix_power(np.eye(12) - 0.02 * h, 25) @ (X.ravel() - solution)
    result = descend(LINEAR, X, V, **no_threshold())
    assert (result.status, result.steps) == ("max_steps", 25)
    assert result.x.shape == X.shape
    np.testing.assert_allclose(result.x.ravel(), expected, rtol=0, atol=1e-6)


def test_a_masked_channel_leaves_the_sum_and_still_counts_in_the_mean():
    live = np.array([True, True, False, True, True])
    rows = A[live]
    h = (rows.T / SIZES[live]) @ rows
    solution = np.linalg.pinv(rows) @ V[live]
    expected = solution + np.linalg.matrix_power(np.eye(12) - 0.02 * h, 25) @ (X.ravel() - solution)
    x = descend(LINEAR, X, V, live=live, **no_threshold()).x
    np.testing.assert_allclose(x.ravel(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("optimizer", baselines.OPTIMIZERS)
def test_each_optimizer_decreases_the_loss_and_repeats_to_the_bit(optimizer):
    """The second run equals the first only if no state of the optimizer is carried over."""

    def loss(x):
        return np.sum((CURVED.values(x) - V) ** 2 / SIZES)

    run = partial(descend, CURVED, X, V, optimizer=optimizer, **no_threshold(iterations=10))
    first, second = run(), run()
    assert loss(first.x) < loss(X)
    assert np.array_equal(first.x, second.x) and not np.array_equal(first.x, X)


def test_adam_starts_with_a_step_of_the_learning_rate_in_every_run():
    """Adam's bias-corrected first step has length η in each coordinate; a used optimizer's has not."""
    for start in (X, 2 * X):
        x = descend(CURVED, start, V, optimizer="Adam", **no_threshold(iterations=1)).x
        np.testing.assert_allclose(np.abs(x - start), 0.01, rtol=1e-4)


def test_descent_stops_at_the_relative_threshold_of_the_last_block_and_reports_each_iterate():
    result, heard = history(descend, LINEAR, X, V, learning_rate=0.02, threshold=0.05)
    assert result.status == "reached" and result.progress == 1
    assert [step for step, _ in heard] == list(range(result.steps + 1))
    assert heard[0][1] == pytest.approx(relative(A[2:] @ X.ravel(), V[2:]))
    assert heard[-1][1] == pytest.approx(relative(A[2:] @ result.x.ravel(), V[2:]))
    assert heard[-1][1] <= 0.05 < heard[-2][1]


def test_an_absolute_threshold_is_one_on_the_mean_square():
    result = descend(LINEAR, X, V, learning_rate=0.02, threshold=0.05, absolute=True)
    before = descend(LINEAR, X, V, learning_rate=0.02, threshold=None, iterations=result.steps - 1)
    after, earlier = (np.mean((A[2:] @ run.x.ravel() - V[2:]) ** 2) for run in (result, before))
    assert result.status == "reached" and after <= 0.05 < earlier


def test_progress_is_the_share_of_the_error_that_is_gone():
    result, heard = history(descend, LINEAR, X, V, **no_threshold(iterations=5))
    assert 0 < result.progress < 1
    assert result.progress == pytest.approx(1 - heard[-1][1] / heard[0][1])


def test_too_large_a_learning_rate_is_reported_as_divergence():
    result = descend(LINEAR, X, V, **no_threshold(learning_rate=1e4))
    assert result.status == "diverged" and np.isfinite(result.x).all()
    assert relative(A[2:] @ result.x.ravel(), V[2:]) <= 1e3 * relative(A[2:] @ X.ravel(), V[2:])


def test_features_that_are_not_finite_are_divergence_at_the_last_good_point():
    # sqrt has no value for negative x: one long step leaves its domain.
    with np.errstate(invalid="ignore"):
        root = ClosedForm((Block("root", 1),), np.sqrt, lambda x: np.diag(0.5 / np.sqrt(x)))
        result = descend(root, np.array([1.0]), np.array([0.5]), **no_threshold(learning_rate=10.0))
    assert (result.status, result.steps) == ("diverged", 0) and result.x == 1.0


def test_no_gradient_is_a_stall():
    square = ClosedForm((Block("square", 1),), lambda x: x**2, lambda x: np.diag(2 * x))
    for run in (descend, projected, direct):
        result = run(square, np.zeros(1), np.array([1.0]))
        assert (result.status, result.steps) == ("stalled", 0) and result.x == 0.0


def test_what_on_step_raises_passes_through():
    def stop(step, error):
        if step == 2:
            raise KeyboardInterrupt

    for run in (descend, projected, direct):
        with pytest.raises(KeyboardInterrupt):
            run(CURVED, X, V, threshold=0.0, on_step=stop)


def test_projected_holds_linear_features_and_reaches_the_target_of_the_others():
    result = projected(LINEAR, X, V, threshold=1e-6)
    assert result.status == "reached" and result.steps > 1
    np.testing.assert_allclose(A[:2] @ result.x.ravel(), A[:2] @ X.ravel(), rtol=0, atol=1e-13)
    np.testing.assert_allclose(A[2:] @ result.x.ravel(), V[2:], rtol=0, atol=1e-5)


def test_projected_takes_the_step_it_says():
    """One explicit step by the textbook's P, and Cauchy's step from its own definition, found by search."""
    held, moving = A[:2], A[2:]
    p = np.eye(12) - held.T @ np.linalg.inv(held @ held.T) @ held
    direction = -p @ (2 * moving.T @ (moving @ X.ravel() - V[2:]))
    x = projected(LINEAR, X, V, learning_rate=0.003, iterations=1).x.ravel()
    np.testing.assert_allclose(x, X.ravel() + 0.003 * direction, atol=1e-13)
    x = projected(LINEAR, X, V, iterations=1).x.ravel()
    np.testing.assert_allclose(np.cross(*np.array([x - X.ravel(), direction])[:, :3]), 0, atol=1e-12)
    size = (x - X.ravel()) @ direction / (direction @ direction)
    loss = [
        np.sum((moving @ (X.ravel() + s * direction) - V[2:]) ** 2) for s in size * np.array([0.99, 1, 1.01])
    ]
    assert loss[1] < min(loss[0], loss[2])


def test_the_drift_of_curved_held_features_is_of_second_order_in_the_step():
    drifts = []
    for rate in (4e-3, 2e-3, 1e-3, 5e-4):
        x = projected(CURVED, X, V, learning_rate=rate, iterations=1).x
        drifts.append(np.linalg.norm((CURVED.values(x) - CURVED.values(X))[:2]))
    orders = np.log2(np.array(drifts[:-1]) / drifts[1:])
    np.testing.assert_allclose(orders, 2, atol=0.05)


def test_projected_leaves_dead_channels_out_and_holds_weak_ones():
    weak = np.array([1.0, 1e-9, 1.0, 1.0, 1.0])
    scaled = ClosedForm(BLOCKS, lambda x: weak * (A @ x.ravel()), lambda x: weak[:, None] * A)
    targets = weak * V
    x = projected(scaled, X, targets, threshold=1e-6).x
    np.testing.assert_allclose(A[:2] @ x.ravel(), A[:2] @ X.ravel(), rtol=0, atol=1e-12)
    live = np.array([True, False, True, True, False])
    x = projected(LINEAR, X, V, live=live, threshold=1e-8).x
    moved = A @ (x - X).ravel()
    assert abs(moved[0]) < 1e-12 and abs(moved[1]) > 1e-2
    np.testing.assert_allclose(A[2:4] @ x.ravel(), V[2:4], atol=1e-6)
    assert abs(A[4] @ x.ravel() - V[4]) > 1e-2


def test_projected_stalls_when_the_block_depends_on_what_is_held():
    copied = ClosedForm(
        (Block("a", 1), Block("b", 1)), lambda x: x[:1].repeat(2), lambda x: np.eye(1, 3).repeat(2, 0)
    )
    result = projected(copied, np.ones(3), np.array([1.0, 2.0]))
    assert result.status == "stalled" and np.array_equal(result.x, np.ones(3))


def test_passes_are_as_documented():
    counted = Counted(LINEAR)
    descend(counted, X, V, **no_threshold(iterations=7))
    assert vars(counted.passes) == {"forward": 8, "jvp": 0, "vjp": 7, "jacobian_rows": 0}
    counted = Counted(LINEAR)
    projected(counted, X, V, iterations=6, threshold=0.0, refresh=3)
    assert vars(counted.passes) == {"forward": 7 + 2, "jvp": 6, "vjp": 6, "jacobian_rows": 4}
    counted = Counted(LINEAR)
    direct(counted, X, V, iterations=3, threshold=0.0)
    assert counted.passes.forward == counted.passes.vjp + 1 and counted.passes.jvp == 0


def test_direct_solves_a_consistent_system_in_every_block():
    result, heard = history(direct, LINEAR, X, V, threshold=1e-7)
    assert result.status == "reached"
    f = A @ result.x.ravel()
    worst = max(relative(f[:2], V[:2]), relative(f[2:], V[2:]))
    assert heard[-1] == (result.steps, pytest.approx(worst)) and worst <= 1e-7
    # From X the least-squares path stays in X + row space of A: the nearest solution.
    nearest = X.ravel() + np.linalg.pinv(A) @ (V - A @ X.ravel())
    np.testing.assert_allclose(result.x.ravel(), nearest, atol=1e-5)


def test_direct_weighs_blocks_equally():
    """Two blocks that contradict each other, of very different size, end at equal relative errors."""
    torn = ClosedForm(
        (Block("a", 1), Block("b", 1)), lambda x: x * [1, 1e4], lambda x: np.array([[1.0], [1e4]])
    )
    result = direct(torn, np.zeros(1), np.array([1.0, 2e4]))
    # (x - 1)² + (1e4 x - 2e4)²/4e8 = (x - 1)² + (x - 2)²/4 is least at x = 1.2.
    assert result.status in ("stalled", "max_steps") and result.x == pytest.approx(1.2, abs=1e-6)


def test_direct_ignores_masked_channels():
    live = np.array([False, False, True, False, True])
    result = direct(LINEAR, X, V, live=live, threshold=1e-8)
    f = A @ result.x.ravel()
    np.testing.assert_allclose(f[live], V[live], atol=1e-6)
    assert relative(f[:2], V[:2]) > 0.1


def test_a_start_at_the_target_is_reached_without_a_step():
    for run in (descend, projected, direct):
        result = run(LINEAR, X, LINEAR.values(X))
        assert (result.status, result.steps) == ("reached", 0) and np.array_equal(result.x, X)


QUICK = AnnexOptions(learning_rate=0.02, iterations=4000, threshold=1e-3)


def test_annex_normalizes_from_the_shallow_end_and_measures_where_a_stage_begins():
    heard = []
    stages = list(annex(CURVED, X, V, None, QUICK, step=1, on_step=lambda *what: heard.append(what)))
    (low, c_low, first), (high, c_high, second) = stages
    assert (low, high) == ("low", "high") and first.status == second.status == "reached"
    assert np.array_equal(c_low, CURVED.values(X)[:2])
    assert np.array_equal(c_high, CURVED.values(first.x)[2:])
    assert relative(CURVED.values(second.x)[2:], V[2:]) <= 1e-3
    assert [what for what in heard if what[1] == 0] == [
        ("low", 0, heard[0][2]),
        ("high", 0, heard[first.steps + 1][2]),
    ]


def test_the_second_stage_descends_the_sum_of_both_blocks():
    stage = list(annex(LINEAR, X, V, None, replace(QUICK, iterations=20, threshold=0.0), step=2))
    alone = descend(LINEAR, stage[0][2].x, V, learning_rate=0.02, iterations=20, threshold=0.0)
    assert np.array_equal(stage[1][2].x, alone.x)
    assert np.linalg.norm(A[:2] @ (alone.x - stage[0][2].x).ravel()) > 1e-6  # nothing is held


def test_step_three_targets_of_the_annex_and_repaired():
    """Where each stage ends is known: the annex asks both blocks for c, the kit the lower one for v."""
    c = V + np.array([1.0, 2.0, -1.0, 0.5, 2.0])
    start = np.linalg.pinv(A) @ V
    exact = AnnexOptions(learning_rate=0.03, iterations=6000, threshold=1e-5)
    wanted = {"decoupled": np.concatenate([V[:2], c[2:]]), "annex": c}
    ends = {}
    for name, deep in wanted.items():
        options = replace(exact, step3_targets=name)
        (first, began, high), (second, _, low) = annex(LINEAR, start, V, c, options, step=3)
        assert (first, second) == ("high", "low")
        np.testing.assert_allclose(began, V[2:], atol=1e-9)
        np.testing.assert_allclose(A @ high.x, deep, atol=1e-2)
        np.testing.assert_allclose(A[:2] @ low.x, c[:2], atol=1e-4)
        ends[name] = A[:2] @ high.x
    assert np.linalg.norm(ends["annex"] - ends["decoupled"]) > 1


@pytest.mark.parametrize("step, threshold", [(1, 1.0), (2, 0.05)])
def test_absolute_thresholds_are_those_of_the_annex(step, threshold):
    options = replace(AS_ANNEX, learning_rate=0.002, iterations=20_000)
    for (_, _, result), rows in zip(
        annex(LINEAR, X, 9 * V, None, options, step=step), (A[:2], A[2:]), strict=True
    ):
        target = 9 * V[:2] if len(rows) == 2 else 9 * V[2:]
        mse = np.mean((rows @ result.x.ravel() - target) ** 2)
        assert result.status == "reached" and 0.9 * threshold < mse <= threshold


def test_the_annex_has_no_threshold_in_step_three():
    options = replace(AS_ANNEX, learning_rate=0.02, iterations=30)
    stages = list(annex(LINEAR, X, V, LINEAR.values(X) + 1e-9, options, step=3))
    assert [(result.status, result.steps) for _, _, result in stages] == [("max_steps", 30)] * 2
    repaired = annex(LINEAR, X, V, LINEAR.values(X) + 1e-9, QUICK, step=3)
    assert [result.status for _, _, result in repaired][1] == "reached"


def test_a_stage_that_diverged_is_the_last():
    stages = list(annex(LINEAR, X, V, None, replace(QUICK, learning_rate=1e5), step=1))
    assert [(name, result.status) for name, _, result in stages] == [("low", "diverged")]


def test_annex_masks_by_block():
    live = np.array([True, False, True, True, False])
    stages = list(annex(LINEAR, X, V, None, QUICK, step=1, live=live))
    f = A @ stages[-1][2].x.ravel()
    assert relative(f[2:4], V[2:4]) <= 1e-3 < abs(f[4] - V[4])


@pytest.mark.parametrize(
    "call",
    [
        lambda: descend(LINEAR, X, V, optimizer="sgd"),
        lambda: descend(LINEAR, X, V, learning_rate=0.0),
        lambda: descend(LINEAR, X, V, iterations=-1),
        lambda: descend(LINEAR, X, V, threshold=float("nan")),
        lambda: descend(LINEAR, X, V[:3]),
        lambda: projected(LINEAR, X, V, refresh=0),
        lambda: projected(LINEAR, X, V, live=np.ones(4, dtype=bool)),
        lambda: projected(LINEAR, X, V * [1, 1, 0, 0, 0]),
        lambda: direct(LINEAR, X, V * [0, 0, 1, 1, 1]),
        lambda: next(annex(LINEAR, X, V, V, replace(QUICK, step3_targets="thesis"), step=3)),
    ],
)
def test_what_cannot_be_used_is_refused(call):
    with pytest.raises(InputError, match="received .*; accepted: "):
        call()


@pytest.fixture(scope="module")
def network_case():
    """A small random network's two-layer channel means in float32, a flat picture, and noise's values."""
    networks = pytest.importorskip("decoupling_lib.networks")
    channel_means = pytest.importorskip("decoupling_lib.channel_means")
    network = networks.build("vgg16", "random", layers=("block1_conv1", "block2_conv1"))
    features = channel_means.ChannelMeans(network)
    noise, image = np.random.default_rng(1).uniform(size=(2, 16, 20, 3))
    return features, 0.2 + 0.3 * image, features.values(noise)


def test_on_a_network_descent_and_lbfgs_lower_the_error(network_case):
    features, image, v = network_case
    start = relative(features.values(image)[64:], v[64:])
    adam = {"optimizer": "Adam", "learning_rate": 0.01, "threshold": None}
    for run in (partial(descend, **adam, iterations=20), partial(direct, iterations=10, threshold=0.0)):
        result = run(features, image, v)
        assert result.x.shape == image.shape
        assert relative(features.values(result.x)[64:], v[64:]) < 0.9 * start


def test_on_a_network_the_drift_of_projected_descent_is_proportional_to_the_step(network_case):
    """A fixed way in K steps drifts by K O(1/K²): half the rate and twice the steps drift half as far."""
    features, image, v = network_case
    start, drifts = features.values(image), []
    for rate, iterations in ((1e-5, 8), (5e-6, 16)):
        x = projected(features, image, v, learning_rate=rate, iterations=iterations, threshold=0.0).x
        f = features.values(x)
        assert relative(f[64:], v[64:]) < 0.98 * relative(start[64:], v[64:])
        drifts.append(relative(f[:64], start[:64]))
    assert drifts[1] / drifts[0] == pytest.approx(0.5, abs=0.1)
