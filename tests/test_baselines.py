"""Baselines: closed-form answers on linear and quadratic toys, and on a small random network."""

from functools import partial

import numpy as np
import pytest

from decoupling_lib import baselines, networks
from decoupling_lib.baselines import descend, direct, projected
from decoupling_lib.channel_means import ChannelMeans
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
OWN = np.concatenate([A[:2] @ X.ravel(), V[2:]])  # holds the low block of LINEAR where it is


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
    result = projected(LINEAR, X, OWN, threshold=1e-6)
    assert result.status == "reached" and result.steps > 1
    np.testing.assert_allclose(A[:2] @ result.x.ravel(), A[:2] @ X.ravel(), rtol=0, atol=1e-13)
    np.testing.assert_allclose(A[2:] @ result.x.ravel(), V[2:], rtol=0, atol=1e-5)


def test_projected_first_takes_linear_held_features_to_their_targets_by_the_shortest_way():
    result, heard = history(projected, LINEAR, X, V, iterations=1)
    nearest = X.ravel() + np.linalg.pinv(A[:2]) @ (V[:2] - A[:2] @ X.ravel())
    np.testing.assert_allclose(result.x.ravel(), nearest, atol=1e-12)
    assert [step for step, _ in heard] == [0, 1]


def test_projected_takes_the_step_it_says():
    """One explicit step by the textbook's P, and Cauchy's step from its own definition, found by search."""
    held, moving = A[:2], A[2:]
    p = np.eye(12) - held.T @ np.linalg.inv(held @ held.T) @ held
    direction = -p @ (2 * moving.T @ (moving @ X.ravel() - V[2:]))
    x = projected(LINEAR, X, OWN, learning_rate=0.003, iterations=1).x.ravel()
    np.testing.assert_allclose(x, X.ravel() + 0.003 * direction, atol=1e-13)
    x = projected(LINEAR, X, OWN, iterations=1).x.ravel()
    np.testing.assert_allclose(np.cross(*np.array([x - X.ravel(), direction])[:, :3]), 0, atol=1e-12)
    size = (x - X.ravel()) @ direction / (direction @ direction)
    loss = [np.sum((moving @ (X.ravel() + s * direction) - V[2:]) ** 2) for s in size * np.array([0.99, 1, 1.01])]
    assert loss[1] < min(loss[0], loss[2])


def test_a_retracted_step_drifts_by_third_order():
    """The step alone drifts by h²; Newton by the Jacobian of the step's start leaves h² times its change, h."""
    drifts, targets = [], np.concatenate([CURVED.values(X)[:2], V[2:]])
    for rate in (4e-3, 2e-3, 1e-3, 5e-4):
        x = projected(CURVED, X, targets, learning_rate=rate, iterations=1).x
        drifts.append(np.linalg.norm((CURVED.values(x) - CURVED.values(X))[:2]))
    orders = np.log2(np.array(drifts[:-1]) / drifts[1:])
    np.testing.assert_allclose(orders, 3, atol=0.1)


def test_a_step_that_is_too_long_is_halved():
    """arctan saturates, f' = 1/(1 + x²): from x = 3 the linearized root is at 3 - (atan 3 - 0.1)/0.1 = -8.5.

    Half of that step still leaves more than there was; a quarter of it does not.
    """
    atan = ClosedForm((Block("atan", 1),), np.arctan, lambda x: np.diag(1 / (1 + x * x)))
    start, target, way = np.array([3.0]), np.array([0.1]), -(np.arctan(3.0) - 0.1) * 10
    left = [abs(np.arctan(3 + share * way) - 0.1) for share in (0, 1, 0.5, 0.25)]
    assert min(left[1:3]) > left[0] > left[3]
    result = projected(atan, start, target, iterations=1)
    assert result.x == pytest.approx(3 + way / 4)
    result, heard = history(projected, atan, start, target, threshold=1e-6)
    assert result.status == "reached" and all(b < a for (_, a), (_, b) in zip(heard, heard[1:], strict=False))
    # With its own learning rate it is not: η = 50 means 50 times the gradient 2 r f'.
    free = projected(atan, start, target, learning_rate=50.0, iterations=1, threshold=0.0)
    assert free.x == pytest.approx(3 - 50 * 2 * (np.arctan(3.0) - 0.1) * 0.1)


def test_projected_leaves_dead_channels_out_and_holds_weak_ones():
    weak = np.array([1.0, 1e-9, 1.0, 1.0, 1.0])
    scaled = ClosedForm(BLOCKS, lambda x: weak * (A @ x.ravel()), lambda x: weak[:, None] * A)
    x = projected(scaled, X, weak * OWN, threshold=1e-6).x
    np.testing.assert_allclose(A[:2] @ x.ravel(), A[:2] @ X.ravel(), rtol=0, atol=1e-12)
    live = np.array([True, False, True, True, False])
    x = projected(LINEAR, X, OWN, live=live, threshold=1e-8).x
    moved = A @ (x - X).ravel()
    assert abs(moved[0]) < 1e-12 and abs(moved[1]) > 1e-2
    np.testing.assert_allclose(A[2:4] @ x.ravel(), V[2:4], atol=1e-6)
    assert abs(A[4] @ x.ravel() - V[4]) > 1e-2


def test_projected_stalls_when_the_block_depends_on_what_is_held():
    copied = ClosedForm((Block("a", 1), Block("b", 1)), lambda x: x[:1].repeat(2), lambda x: np.eye(1, 3).repeat(2, 0))
    result = projected(copied, np.ones(3), np.array([1.0, 2.0]))
    assert result.status == "stalled" and np.array_equal(result.x, np.ones(3))


def test_passes_are_as_documented():
    counted = Counted(LINEAR)
    descend(counted, X, V, **no_threshold(iterations=7))
    assert vars(counted.passes) == {"forward": 8, "jvp": 0, "vjp": 7, "jacobian_rows": 0}
    counted = Counted(LINEAR)
    projected(counted, X, OWN, iterations=6, threshold=0.0, refresh=3)
    assert vars(counted.passes) == {"forward": 7 + 2 + 2 * 6, "jvp": 6, "vjp": 6, "jacobian_rows": 4}
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
    for run in (descend, projected, direct):
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
        lambda: projected(LINEAR, X, V, refresh=0),
        lambda: projected(LINEAR, X, V, live=np.ones(4, dtype=bool)),
        lambda: projected(LINEAR, X, V * [1, 1, 0, 0, 0]),
        lambda: direct(LINEAR, X, V * [0, 0, 1, 1, 1]),
    ],
)
def test_what_cannot_be_used_is_refused(call):
    with pytest.raises(InputError, match="received .*; accepted: "):
        call()


@pytest.fixture(scope="module")
def network_case():
    """A small random network's two-layer channel means in float32, a flat picture, and noise's values."""
    network = networks.build("vgg16", "random", layers=("block1_conv1", "block2_conv1"))
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


def test_on_a_network_projected_descent_goes_down_and_holds():
    """Legs as in Step 1: the first layer to noise's values, then the second with the first held there."""
    network = networks.build("vgg16", "random", layers=("block1_conv1", "block2_conv1"), softness=0.32, seed=1)
    features = ChannelMeans(network)
    rows, columns = np.mgrid[:32, :32]
    image = np.stack([0.5 + 0.4 * np.sin(columns / 3), 0.5 + 0.3 * np.cos(rows / 2), 0.3 + 0.01 * columns], axis=-1)
    v = features.values(np.random.default_rng(0).random((32, 32, 3)))
    first = projected(features.prefix(1), image, v[:64], iterations=100)
    assert first.status == "reached"
    result, heard = history(projected, features, first.x, v, iterations=30, threshold=0.0)
    errors = np.array([error for _, error in heard])
    assert np.all(np.diff(errors[1:]) < 0)  # the first iteration is the retraction alone
    assert errors[-1] < 0.2 * errors[0]
    assert relative(features.values(result.x)[:64], v[:64]) <= baselines.DRIFT
    # On to the held layer's own values elsewhere, where the bound binds: it still holds at every end.
    f = features.values(image)
    for iterations in (2, 8):
        torn = projected(features, image, np.concatenate([f[:64], v[64:]]), iterations=iterations, threshold=0.0)
        assert relative(features.values(torn.x)[:64], f[:64]) <= baselines.DRIFT
        assert relative(features.values(torn.x)[64:], v[64:]) < relative(f[64:], v[64:])
