"""The baselines: answers in closed form on linear and quadratic toys, and a small random network."""

from functools import partial

import numpy as np
import pytest
from toys import CURVED, LINEAR, A, V, X, history, relative

from decoupling_lib.common.errors import InputError
from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.features import Block, Counted
from decoupling_lib.methods import baselines
from decoupling_lib.methods.baselines import descend, descend_lbfgs
from decoupling_lib.methods.projected import descend_loss_projected, descend_projected
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network

SIZES = np.array([2, 2, 3, 3, 3])  # of the block of each feature
ALL = (descend, descend_projected, descend_loss_projected, descend_lbfgs)


def no_threshold(**options):
    """Return arguments of a run that only its number of iterations ends."""
    return {"threshold": None, "iterations": 25, "learning_rate": 0.01, **options}


def test_sgd_on_linear_features_has_its_closed_form():
    """x_k = x* + (I - 2 η H)^k (x_0 - x*) with H = Σ_i a_i a_iᵀ / (size of the block of i): the mean, not the sum."""
    solution = np.linalg.pinv(A) @ V
    h = (A.T / SIZES) @ A
    expected = solution + np.linalg.matrix_power(np.eye(12) - 0.02 * h, 25) @ (X.ravel() - solution)
    result = descend(LINEAR, X, V, **no_threshold())
    assert (result.status, result.steps) == ("max_steps", 25)
    assert result.x.shape == X.shape
    np.testing.assert_allclose(result.x.ravel(), expected, rtol=0, atol=1e-6)


def test_a_dead_channel_is_not_in_the_sum_but_counts_in_the_mean():
    live = np.array([True, True, False, True, True])
    rows = A[live]
    h = (rows.T / SIZES[live]) @ rows
    solution = np.linalg.pinv(rows) @ V[live]
    expected = solution + np.linalg.matrix_power(np.eye(12) - 0.02 * h, 25) @ (X.ravel() - solution)
    x = descend(LINEAR, X, V, live=live, **no_threshold()).x
    np.testing.assert_allclose(x.ravel(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("optimizer", baselines.OPTIMIZERS)
def test_each_optimizer_reduces_the_loss_and_repeats_to_the_bit(optimizer):
    """The second run equals the first only if the optimizer keeps no state between runs."""

    def loss(x):
        return np.sum((CURVED.values(x) - V) ** 2 / SIZES)

    run = partial(descend, CURVED, X, V, optimizer=optimizer, **no_threshold(iterations=10))
    first, second = run(), run()
    assert loss(first.x) < loss(X)
    assert np.array_equal(first.x, second.x) and not np.array_equal(first.x, X)


def test_the_first_step_of_adam_is_the_learning_rate_in_every_run():
    """The first step, with its bias corrected, has length η in each coordinate; later steps do not."""
    for start in (X, 2 * X):
        x = descend(CURVED, start, V, optimizer="Adam", **no_threshold(iterations=1)).x
        np.testing.assert_allclose(np.abs(x - start), 0.01, rtol=1e-4)


def test_descent_stops_at_the_relative_error_of_the_last_block_and_reports_each_iterate():
    result, calls = history(descend, LINEAR, X, V, learning_rate=0.02, threshold=0.05)
    assert result.status == "reached" and result.progress == 1
    assert [step for step, _, _ in calls] == list(range(result.steps + 1))
    assert calls[0][1] == pytest.approx(relative(A[2:] @ X.ravel(), V[2:]))
    assert calls[-1][1] == pytest.approx(relative(A[2:] @ result.x.ravel(), V[2:]))
    assert calls[-1][1] <= 0.05 < calls[-2][1]
    assert all(error == pytest.approx(relative(A[2:] @ x.ravel(), V[2:])) for _, error, x in calls)


def test_an_absolute_threshold_is_a_mean_squared_error():
    result = descend(LINEAR, X, V, learning_rate=0.02, threshold=0.05, absolute=True)
    before = descend(LINEAR, X, V, learning_rate=0.02, threshold=None, iterations=result.steps - 1)
    last, earlier = (np.mean((A[2:] @ run.x.ravel() - V[2:]) ** 2) for run in (result, before))
    assert result.status == "reached" and last <= 0.05 < earlier


def test_progress_is_the_share_of_the_error_that_is_gone():
    result, calls = history(descend, LINEAR, X, V, **no_threshold(iterations=5))
    assert 0 < result.progress < 1
    assert result.progress == pytest.approx(1 - calls[-1][1] / calls[0][1])


def test_a_learning_rate_that_is_too_large_diverges():
    result = descend(LINEAR, X, V, **no_threshold(learning_rate=1e4))
    assert result.status == "diverged" and np.isfinite(result.x).all()
    assert relative(A[2:] @ result.x.ravel(), V[2:]) <= 1e3 * relative(A[2:] @ X.ravel(), V[2:])


def test_a_run_whose_features_are_not_finite_diverges_at_its_last_finite_point():
    # The square root has no value for negative x, and one long step leaves its domain.
    with np.errstate(invalid="ignore"):
        root = ClosedForm((Block("root", 1),), np.sqrt, lambda x: np.diag(0.5 / np.sqrt(x)))
        result = descend(root, np.array([1.0]), np.array([0.5]), **no_threshold(learning_rate=10.0))
    assert (result.status, result.steps) == ("diverged", 0) and result.x == 1.0


def test_a_run_without_a_gradient_stalls():
    square = ClosedForm((Block("square", 1),), lambda x: x**2, lambda x: np.diag(2 * x))
    for run in ALL:
        result = run(square, np.zeros(1), np.array([1.0]))
        assert (result.status, result.steps) == ("stalled", 0) and result.x == 0.0


def test_exceptions_of_on_step_are_passed_on():
    def stop(step, error, x):
        if step == 2:
            raise KeyboardInterrupt

    for run in ALL:
        with pytest.raises(KeyboardInterrupt):
            run(CURVED, X, V, threshold=0.0, on_step=stop)


def test_passes_are_those_of_the_documentation():
    counted = Counted(LINEAR)
    descend(counted, X, V, **no_threshold(iterations=7))
    assert vars(counted.passes) == {"forward": 8, "jvp": 0, "vjp": 7, "jacobian_rows": 0}
    counted = Counted(LINEAR)
    descend_lbfgs(counted, X, V, iterations=3, threshold=0.0)
    assert counted.passes.forward == counted.passes.vjp + 1 and counted.passes.jvp == 0


def test_lbfgs_solves_a_consistent_system_in_every_block():
    result, calls = history(descend_lbfgs, LINEAR, X, V, threshold=1e-7)
    assert result.status == "reached"
    f = A @ result.x.ravel()
    worst = max(relative(f[:2], V[:2]), relative(f[2:], V[2:]))
    assert calls[-1][:2] == (result.steps, pytest.approx(worst)) and worst <= 1e-7
    # The path stays in X + the row space of A, so it ends at the nearest solution.
    nearest = X.ravel() + np.linalg.pinv(A) @ (V - A @ X.ravel())
    np.testing.assert_allclose(result.x.ravel(), nearest, atol=1e-5)


def test_lbfgs_weights_blocks_by_their_targets():
    """Two blocks contradict each other; one has values 10,000 times as large."""
    blocks, rows = (Block("a", 1), Block("b", 1)), np.array([[1.0], [1e4]])
    result = descend_lbfgs(ClosedForm(blocks, lambda x: rows @ x, lambda x: rows), np.zeros(1), np.array([1.0, 2e4]))
    # (x - 1)² + (1e4 x - 2e4)²/4e8 = (x - 1)² + (x - 2)²/4 has its minimum at x = 1.2.
    assert result.status in ("stalled", "max_steps") and result.x == pytest.approx(1.2, abs=1e-6)


def test_lbfgs_ignores_dead_channels():
    live = np.array([False, False, True, False, True])
    result = descend_lbfgs(LINEAR, X, V, live=live, threshold=1e-8)
    f = A @ result.x.ravel()
    np.testing.assert_allclose(f[live], V[live], atol=1e-6)
    assert relative(f[:2], V[:2]) > 0.1


def test_a_run_that_starts_at_its_target_makes_no_step():
    for run in ALL:
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
        lambda: descend_lbfgs(LINEAR, X, V * [0, 0, 1, 1, 1]),
    ],
)
def test_input_that_cannot_be_used_is_refused(call):
    with pytest.raises(InputError, match="received .*; accepted: "):
        call()


@pytest.fixture(scope="module")
def network_case():
    """Return the channel means of two layers of a random network, an image of low contrast, and the values of noise."""
    network = build_network("vgg16", "random", layers=("block1_conv1", "block2_conv1"))
    features = ChannelMeans(network)
    noise, image = np.random.default_rng(1).uniform(size=(2, 16, 20, 3))
    return features, 0.2 + 0.3 * image, features.values(noise)


def test_on_a_network_descent_and_lbfgs_reduce_the_error(network_case):
    features, image, v = network_case
    start = relative(features.values(image)[64:], v[64:])
    adam = {"optimizer": "Adam", "learning_rate": 0.01, "threshold": None}
    for run in (partial(descend, **adam, iterations=20), partial(descend_lbfgs, iterations=10, threshold=0.0)):
        result = run(features, image, v)
        assert result.x.shape == image.shape
        assert relative(features.values(result.x)[64:], v[64:]) < 0.9 * start
