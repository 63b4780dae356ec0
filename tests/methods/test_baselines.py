"""Baselines: closed-form answers on linear and quadratic toys, and on a small random network."""

from functools import partial

import numpy as np
import pytest
from toys import CURVED, LINEAR, A, V, X, history, relative

from decoupling_lib.common.errors import InputError
from decoupling_lib.engine.features import Block, ClosedForm, Counted
from decoupling_lib.methods import baselines
from decoupling_lib.methods.baselines import descend, direct
from decoupling_lib.methods.projected import descend_loss_projected, descend_projected
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network

SIZES = np.array([2, 2, 3, 3, 3])
RUNS = (descend, descend_projected, descend_loss_projected, direct)


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
    for run in RUNS:
        result = run(square, np.zeros(1), np.array([1.0]))
        assert (result.status, result.steps) == ("stalled", 0) and result.x == 0.0


def test_what_on_step_raises_passes_through():
    def stop(step, error):
        if step == 2:
            raise KeyboardInterrupt

    for run in RUNS:
        with pytest.raises(KeyboardInterrupt):
            run(CURVED, X, V, threshold=0.0, on_step=stop)


def test_passes_are_as_documented():
    counted = Counted(LINEAR)
    descend(counted, X, V, **no_threshold(iterations=7))
    assert vars(counted.passes) == {"forward": 8, "jvp": 0, "vjp": 7, "jacobian_rows": 0}
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
    torn = ClosedForm((Block("a", 1), Block("b", 1)), lambda x: x * [1, 1e4], lambda x: np.array([[1.0], [1e4]]))
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
    for run in RUNS:
        result = run(LINEAR, X, LINEAR.values(X))
        assert (result.status, result.steps) == ("reached", 0) and np.array_equal(result.x, X)


@pytest.mark.parametrize(
    "call",
    [
        lambda: descend(LINEAR, X, V, optimizer="sgd"),
        lambda: descend(LINEAR, X, V, learning_rate=0.0),
        lambda: descend(LINEAR, X, V, iterations=-1),
        lambda: descend(LINEAR, X, V, threshold=float("nan")),
        lambda: descend(LINEAR, X, V[:3]),
        lambda: direct(LINEAR, X, V * [0, 0, 1, 1, 1]),
    ],
)
def test_what_cannot_be_used_is_refused(call):
    with pytest.raises(InputError, match="received .*; accepted: "):
        call()


@pytest.fixture(scope="module")
def network_case():
    """A small random network's two-layer channel means in float32, a flat picture, and noise's values."""
    network = build_network("vgg16", "random", layers=("block1_conv1", "block2_conv1"))
    features = ChannelMeans(network)
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
