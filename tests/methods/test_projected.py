"""Projected descents: answers in closed form on linear and quadratic toys, and a small random network."""

import numpy as np
import pytest
from toys import BLOCKS, CURVED, LINEAR, A, V, X, history, relative

from decoupling_lib.common.errors import InputError
from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.features import Block, Counted
from decoupling_lib.methods.projected import DRIFT, descend_loss_projected, descend_projected
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network

OWN = np.concatenate([A[:2] @ X.ravel(), V[2:]])  # targets that hold the low block of LINEAR where it is


def test_linear_features_are_held_while_the_others_reach_their_targets():
    result = descend_projected(LINEAR, X, OWN, threshold=1e-6)
    assert result.status == "reached" and result.steps > 1
    np.testing.assert_allclose(A[:2] @ result.x.ravel(), A[:2] @ X.ravel(), rtol=0, atol=1e-13)
    np.testing.assert_allclose(A[2:] @ result.x.ravel(), V[2:], rtol=0, atol=1e-5)


def test_the_first_iteration_takes_linear_held_features_to_their_targets_by_the_shortest_step():
    result, calls = history(descend_projected, LINEAR, X, V, iterations=1)
    nearest = X.ravel() + np.linalg.pinv(A[:2]) @ (V[:2] - A[:2] @ X.ravel())
    np.testing.assert_allclose(result.x.ravel(), nearest, atol=1e-12)
    assert [step for step, _, _ in calls] == [0, 1]


def test_a_step_is_that_of_its_definition():
    """One step with a given learning rate and the textbook's P; then Cauchy's step, which is a minimum on its line."""
    held, moving = A[:2], A[2:]
    p = np.eye(12) - held.T @ np.linalg.inv(held @ held.T) @ held
    direction = -p @ (2 * moving.T @ (moving @ X.ravel() - V[2:]))
    x = descend_projected(LINEAR, X, OWN, learning_rate=0.003, iterations=1).x.ravel()
    np.testing.assert_allclose(x, X.ravel() + 0.003 * direction, atol=1e-13)
    x = descend_projected(LINEAR, X, OWN, iterations=1).x.ravel()
    np.testing.assert_allclose(np.cross(*np.array([x - X.ravel(), direction])[:, :3]), 0, atol=1e-12)
    size = (x - X.ravel()) @ direction / (direction @ direction)
    loss = [np.sum((moving @ (X.ravel() + s * direction) - V[2:]) ** 2) for s in size * np.array([0.99, 1, 1.01])]
    assert loss[1] < min(loss[0], loss[2])


def test_the_drift_of_a_retracted_step_is_of_third_order():
    """The step alone drifts by O(h²). Newton's step with the Jacobian at its start, wrong by O(h), leaves O(h³)."""
    drifts, targets = [], np.concatenate([CURVED.values(X)[:2], V[2:]])
    for rate in (4e-3, 2e-3, 1e-3, 5e-4):
        x = descend_projected(CURVED, X, targets, learning_rate=rate, iterations=1).x
        drifts.append(np.linalg.norm((CURVED.values(x) - CURVED.values(X))[:2]))
    orders = np.log2(np.array(drifts[:-1]) / drifts[1:])
    np.testing.assert_allclose(orders, 3, atol=0.1)


def test_a_step_that_is_too_long_is_halved():
    """The arc tangent saturates, f' = 1/(1 + x²): from x = 3, the linearized root is at 3 - (atan 3 - 0.1)/0.1 = -8.5.

    Half of that step still increases the residual; a quarter of it does not.
    """
    atan = ClosedForm((Block("atan", 1),), np.arctan, lambda x: np.diag(1 / (1 + x * x)))
    start, target, way = np.array([3.0]), np.array([0.1]), -(np.arctan(3.0) - 0.1) * 10
    left = [abs(np.arctan(3 + share * way) - 0.1) for share in (0, 1, 0.5, 0.25)]
    assert min(left[1:3]) > left[0] > left[3]
    result = descend_projected(atan, start, target, iterations=1)
    assert result.x == pytest.approx(3 + way / 4)
    result, calls = history(descend_projected, atan, start, target, threshold=1e-6)
    assert result.status == "reached" and all(b < a for (_, a, _), (_, b, _) in zip(calls, calls[1:], strict=False))
    # With a given learning rate nothing is halved: η = 50 means 50 times the gradient 2 r f'.
    free = descend_projected(atan, start, target, learning_rate=50.0, iterations=1, threshold=0.0)
    assert free.x == pytest.approx(3 - 50 * 2 * (np.arctan(3.0) - 0.1) * 0.1)


def test_weak_channels_are_held_and_dead_ones_are_not():
    weak = np.array([1.0, 1e-9, 1.0, 1.0, 1.0])
    scaled = ClosedForm(BLOCKS, lambda x: weak * (A @ x.ravel()), lambda x: weak[:, None] * A)
    x = descend_projected(scaled, X, weak * OWN, threshold=1e-6).x
    np.testing.assert_allclose(A[:2] @ x.ravel(), A[:2] @ X.ravel(), rtol=0, atol=1e-12)
    live = np.array([True, False, True, True, False])
    x = descend_projected(LINEAR, X, OWN, live=live, threshold=1e-8).x
    moved = A @ (x - X).ravel()
    assert abs(moved[0]) < 1e-12 and abs(moved[1]) > 1e-2
    np.testing.assert_allclose(A[2:4] @ x.ravel(), V[2:4], atol=1e-6)
    assert abs(A[4] @ x.ravel() - V[4]) > 1e-2


def test_a_block_that_is_a_function_of_the_held_one_stalls():
    copy = ClosedForm((Block("a", 1), Block("b", 1)), lambda x: x[:1].repeat(2), lambda x: np.eye(1, 3).repeat(2, 0))
    result = descend_projected(copy, np.ones(3), np.array([1.0, 2.0]))
    assert result.status == "stalled" and np.array_equal(result.x, np.ones(3))


@pytest.fixture(scope="module")
def network_leg():
    """Return two layers' means, an image whose first layer has the values of noise, these values, and an image."""
    network = build_network("vgg16", "random", layers=("block1_conv1", "block2_conv1"), softness=0.32, seed=1)
    features = ChannelMeans(network)
    rows, columns = np.mgrid[:32, :32]
    image = np.stack([0.5 + 0.4 * np.sin(columns / 3), 0.5 + 0.3 * np.cos(rows / 2), 0.3 + 0.01 * columns], axis=-1)
    v = features.values(np.random.default_rng(0).random((32, 32, 3)))
    first = descend_projected(features.prefix(1), image, v[:64], iterations=100)
    assert first.status == "reached"
    return features, first.x, v, image


def test_on_a_network_the_error_falls_and_the_first_layer_is_held(network_leg):
    features, start, v, image = network_leg
    result, calls = history(descend_projected, features, start, v, iterations=30, threshold=0.0)
    errors = np.array([error for _, error, _ in calls])
    assert np.all(np.diff(errors[1:]) < 0)  # the first iteration is the retraction alone
    assert errors[-1] < 0.2 * errors[0]
    assert relative(features.values(result.x)[:64], v[:64]) <= DRIFT
    # From an image where the bound on the held error takes effect, the layer is still held at the end.
    f = features.values(image)
    for iterations in (2, 8):
        end = descend_projected(features, image, np.concatenate([f[:64], v[64:]]), iterations=iterations, threshold=0.0)
        assert relative(features.values(end.x)[:64], f[:64]) <= DRIFT
        assert relative(features.values(end.x)[64:], v[64:]) < relative(f[64:], v[64:])


def test_on_a_network_the_gradient_of_the_held_loss_does_not_hold_the_first_layer(network_leg):
    """From an image whose first layer is at its values, both take the second to 5 %; only one keeps the first."""
    features, start, v, _ = network_leg
    start = descend_projected(features.prefix(1), start, v[:64], iterations=300, threshold=1e-4).x
    held_error = {}
    for run in (descend_projected, descend_loss_projected):
        result = run(features, start, v, iterations=100, threshold=0.05)
        assert result.status == "reached"
        held_error[run] = relative(features.values(result.x)[:64], v[:64])
    assert held_error[descend_projected] < 1e-3
    assert held_error[descend_loss_projected] > 10 * held_error[descend_projected]


def test_at_the_reference_the_held_loss_has_no_gradient_and_nothing_is_held():
    """The first step is that of a descent of the moving block alone, and the held features move with it."""
    step = 0.003 * -2 * A[2:].T @ (A[2:] @ X.ravel() - V[2:])
    own = np.concatenate([LINEAR.values(X)[:2], V[2:]])  # exactly: rounding errors have a direction too
    x = descend_loss_projected(LINEAR, X, own, learning_rate=0.003, iterations=1).x
    np.testing.assert_allclose(x.ravel(), X.ravel() + step, atol=1e-13)
    assert np.linalg.norm(A[:2] @ step) > 0.1
    held = descend_projected(LINEAR, X, OWN, learning_rate=0.003, iterations=1).x
    np.testing.assert_allclose(A[:2] @ held.ravel(), OWN[:2], atol=1e-13)


@pytest.mark.parametrize("rate", [0.01, 0.02])
def test_the_drift_of_the_first_step_does_not_come_back(rate):
    """From the origin, x + 2y + z moves to 6 while x and y are held at 0; everything is known.

    The first step is 12 η (1, 2, 1). After it, the gradient of the held loss is along (1, 2, 0), and only the
    z-component of the moving gradient is orthogonal to that: x = 12 η and y = 24 η stay, and z makes up for them with
    6 - 60 η. If the features were held, z would be 6.
    """
    rows = np.array([[1.0, 0, 0], [0, 1, 0], [1, 2, 1]])
    toy = ClosedForm((Block("held", 2), Block("moving", 1)), lambda x: rows @ x, lambda x: rows)
    targets = np.array([0.0, 0, 6])
    result = descend_loss_projected(toy, np.zeros(3), targets, learning_rate=rate, threshold=1e-10, iterations=5000)
    assert result.status == "reached"
    np.testing.assert_allclose(result.x, [12 * rate, 24 * rate, 6 - 60 * rate], atol=1e-8)
    np.testing.assert_allclose(descend_projected(toy, np.zeros(3), targets, threshold=1e-10).x, [0, 0, 6], atol=1e-8)


def test_each_step_raises_a_linear_held_loss_by_the_square_of_the_held_features_change():
    """By Pythagoras, since the step is at right angles to the gradient of the held loss."""
    points = [descend_loss_projected(LINEAR, X, OWN, learning_rate=0.003, iterations=k).x.ravel() for k in range(12)]
    losses = [np.sum((A[:2] @ x - OWN[:2]) ** 2) for x in points]
    moved = [np.sum((A[:2] @ (b - a)) ** 2) for a, b in zip(points, points[1:], strict=False)]
    np.testing.assert_allclose(np.diff(losses), moved, atol=1e-12)
    assert min(moved[:5]) > 0 and losses[-1] > 1.02 * losses[1] > 0  # also after the first step


def test_away_from_the_reference_a_single_held_feature_is_held_to_first_order():
    """The gradient of its loss is parallel to its own gradient, so the two projections agree."""
    one = ClosedForm((Block("low", 1), Block("high", 3)), lambda x: A[1:] @ x.ravel(), lambda x: A[1:])
    targets = np.concatenate([A[1:2] @ X.ravel() + 0.1, V[2:]])
    p = np.eye(12) - np.outer(A[1], A[1]) / (A[1] @ A[1])
    expected = X.ravel() - 0.003 * 2 * p @ A[2:].T @ (A[2:] @ X.ravel() - V[2:])
    x = descend_loss_projected(one, X, targets, learning_rate=0.003, iterations=1).x
    np.testing.assert_allclose(x.ravel(), expected, atol=1e-12)


def test_dead_channels_have_no_part_in_a_held_loss():
    live = np.array([True, False, True, True, True])
    alone = ClosedForm(
        (Block("low", 1), Block("high", 3)), lambda x: A[[0, 2, 3, 4]] @ x.ravel(), lambda x: A[[0, 2, 3, 4]]
    )
    x = descend_loss_projected(LINEAR, X, V, live=live, learning_rate=0.003, iterations=5).x
    same = descend_loss_projected(alone, X, V[live], learning_rate=0.003, iterations=5).x
    np.testing.assert_allclose(x, same, atol=1e-12)


def test_passes_are_those_of_the_documentation():
    counted = Counted(LINEAR)
    descend_projected(counted, X, OWN, iterations=6, threshold=0.0, refresh=3)
    assert vars(counted.passes) == {"forward": 7 + 2 + 2 * 6, "jvp": 6, "vjp": 6, "jacobian_rows": 4}
    counted = Counted(LINEAR)
    descend_loss_projected(counted, X, OWN, learning_rate=0.003, iterations=6, threshold=0.0)
    assert vars(counted.passes) == {"forward": 7 + 6, "jvp": 0, "vjp": 2 * 6, "jacobian_rows": 0}
    counted = Counted(LINEAR)
    descend_loss_projected(counted, X, V, iterations=1, threshold=0.0)
    assert counted.passes.jvp == 1 and counted.passes.vjp == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda: descend_projected(LINEAR, X, V, refresh=0),
        lambda: descend_projected(LINEAR, X, V, live=np.ones(4, dtype=bool)),
        lambda: descend_projected(LINEAR, X, V * [1, 1, 0, 0, 0]),
        lambda: descend_projected(LINEAR, X, V, learning_rate=0.0),
        lambda: descend_loss_projected(LINEAR, X, V, learning_rate=-1.0),
    ],
)
def test_input_that_cannot_be_used_is_refused(call):
    with pytest.raises(InputError, match="received .*; accepted: "):
        call()
