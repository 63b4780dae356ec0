"""The horizontal lift against formulas written out with plain linear algebra."""

import numpy as np
import pytest

from decoupling_lib.engine.features import Block, ClosedForm, FeatureMap
from decoupling_lib.engine.lift import BLOCK_SHARES, Damping, Lift, dense_velocity, gradient_scales
from decoupling_lib.engine.ode import RULES, integrate
from decoupling_lib.engine.tangent import is_tangent, to_tangent
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network

RNG = np.random.default_rng(4)
PIXELS = 14
MIX = RNG.standard_normal((9, 20)) * np.logspace(0, -1.5, 9)[:, None]
FILTERS = RNG.standard_normal((20, PIXELS)) / 2
PICTURE = np.random.default_rng(8).random((20, 24, 3))


def toy() -> ClosedForm:
    """Nine smooth features of 14 variables, sums of softplus units, the last ones weak; blocks of 2, 3 and 4."""
    blocks = (Block("first", 2), Block("second", 3), Block("third", 4))

    def gradient(x: np.ndarray) -> np.ndarray:
        return (MIX / (1 + np.exp(-FILTERS @ x))) @ FILTERS

    return ClosedForm(blocks, lambda x: MIX @ np.logaddexp(0, FILTERS @ x), gradient)


@pytest.fixture(scope="module")
def means() -> ChannelMeans:
    network = build_network("vgg16", "random", layers=("block1_conv1", "block2_conv1"), seed=1)
    return ChannelMeans(network, "float64")


def point(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(PIXELS)


def relative(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.linalg.norm(np.ravel(found) - np.ravel(wanted)) / np.linalg.norm(wanted))


def block_rate(features: FeatureMap, seed: int) -> np.ndarray:
    """A rate that moves the last block and holds the others."""
    rate = np.zeros(sum(block.size for block in features.blocks))
    last = features.blocks[-1].size
    rate[-last:] = np.random.default_rng(seed).standard_normal(last)
    return rate


def formula(A: np.ndarray, rate: np.ndarray, scales: np.ndarray, delta: float) -> np.ndarray:
    """The damped lift without eigenvectors: matrices in unscaled coordinates, as in the design notes."""
    if delta == 0:
        return np.linalg.pinv(A) @ rate
    return A.T @ np.linalg.solve(A @ A.T + delta * np.diag(scales), rate)


# Projection and predicate


@pytest.mark.parametrize("rows", [1, 3, 9])
def test_tangent_projection_is_idempotent_symmetric_and_kills_gradients(rows: int):
    J = toy().linearize(point(1)).jacobian()[:rows]
    P = np.stack([to_tangent(J, unit) for unit in np.eye(PIXELS)], axis=1)
    np.testing.assert_allclose(P @ P, P, atol=1e-9)
    np.testing.assert_allclose(P, P.T, atol=1e-9)
    assert np.all(np.linalg.norm(P @ J.T, axis=0) < 1e-9 * np.linalg.norm(J, axis=1))
    q = np.linalg.qr(J.T)[0]
    np.testing.assert_allclose(P, np.eye(PIXELS) - q @ q.T, atol=1e-9)
    assert np.trace(P) == pytest.approx(PIXELS - rows)


def test_tangent_projection_with_a_repeated_and_an_empty_gradient():
    J = toy().linearize(point(1)).jacobian()[:3]
    repeated = np.concatenate([J, 2 * J[:1] - J[1:2], np.zeros((1, PIXELS))])
    np.testing.assert_allclose(to_tangent(repeated, point(2)), to_tangent(J, point(2)), atol=1e-9)


def test_projection_and_predicate_agree():
    J, dx = toy().linearize(point(1)).jacobian(), point(2)
    tangent = to_tangent(J, dx)
    assert np.linalg.norm(tangent) > 0.1 * np.linalg.norm(dx)
    assert is_tangent(J, tangent)
    assert not is_tangent(J, dx)
    assert not any(is_tangent(J, row) for row in J)
    assert not is_tangent(J, tangent + 1e-3 * J[-1] / np.linalg.norm(J[-1])), "the weakest feature counts as well"


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_predicate_does_not_depend_on_units(scale: float):
    J, dx = toy().linearize(point(1)).jacobian(), point(2)
    tangent = to_tangent(J, dx)
    assert is_tangent(scale * J, tangent) and is_tangent(J, scale * tangent)
    assert not is_tangent(scale * J, dx) and not is_tangent(J, scale * dx)


def test_projection_keeps_the_shape_of_a_picture(means: ChannelMeans):
    J = means.prefix(1).linearize(PICTURE).jacobian()
    dx = np.random.default_rng(3).standard_normal(PICTURE.shape)
    tangent = to_tangent(J, dx)
    assert tangent.shape == PICTURE.shape
    assert is_tangent(J, tangent) and not is_tangent(J, dx)
    np.testing.assert_allclose(to_tangent(J, tangent), tangent, atol=1e-9)


# Damping


def test_the_filter_is_tikhonovs_and_the_inverse_undamped():
    g = np.array([1e-4, 0.03, 0.5, 7.0])
    np.testing.assert_allclose(Damping(0.2, np.ones(4)).filter(g), 1 / (g + 0.2))
    found = Damping(0.0, np.ones(4)).filter(np.array([0.0, 1e-20, 0.5, 7.0]))
    np.testing.assert_allclose(found, [0, 0, 2, 1 / 7])


def test_a_leg_damps_what_it_holds_more_than_what_it_moves():
    whole = Damping(0.2, np.array([1.0, 2.0, 3.0, 4.0]), (1.0, 10.0))
    np.testing.assert_array_equal(whole.leg(0, slice(0, 2)).scales, [1, 2])
    np.testing.assert_array_equal(whole.leg(1, slice(2, 3)).scales, [10, 20, 3])
    np.testing.assert_array_equal(whole.prefix(3).leg(1, slice(2, 3)).scales, [10, 20, 3])
    np.testing.assert_array_equal(whole.leg(2, slice(3, 4)).scales, [1, 2, 3, 4])
    np.testing.assert_array_equal(whole.scales, [1, 2, 3, 4])


def linear(sizes: tuple[int, ...], rows: np.ndarray) -> ClosedForm:
    blocks = tuple(Block(f"block{k}", size) for k, size in enumerate(sizes))
    return ClosedForm(blocks, lambda x: rows @ x, lambda x: rows)


def test_scales_are_shares_of_each_own_square_gradient_in_the_first_block_and_of_the_live_mean_in_others():
    at = toy().linearize(point(5))
    squares = [float(row @ row) for row in at.jacobian()]
    live = np.array([1, 1, 1, 0, 1, 0, 0, 0, 0], bool)
    own = [BLOCK_SHARES[0] * squares[0], BLOCK_SHARES[0] * squares[1]]
    found = gradient_scales(at, toy().blocks, live)
    np.testing.assert_allclose(found, own + [BLOCK_SHARES[1] * (squares[2] + squares[4]) / 2] * 3 + [1.0] * 4)
    alone = toy().prefix(1)
    np.testing.assert_allclose(gradient_scales(alone.linearize(point(5)), alone.blocks, live[:2]), own)


def test_scales_of_the_first_block_where_features_are_dead_or_have_hardly_a_gradient():
    """Squared norms 4, 9, 0, 0 and 25, the second dead: the mean of the live ones is 29/4."""
    features = linear((5, 2), np.diag([2.0, 3.0, 1e-9, 0.0, 5.0, 1.0, 0.0]))
    at, live = features.linearize(np.zeros(7)), np.array([1, 0, 1, 1, 1, 1, 1], bool)
    mean = 29 / 4
    wanted = [4, mean, 1e-9 * mean, 1e-9 * mean, 25]
    found = gradient_scales(at, features.blocks, live)
    np.testing.assert_allclose(found, [BLOCK_SHARES[0] * each for each in wanted] + [BLOCK_SHARES[1] * 0.5] * 2)
    weak = linear((2, 1), np.diag([1.0, 1e-3, 1.0]))
    found = gradient_scales(weak.linearize(np.zeros(3)), weak.blocks, np.ones(3, bool))
    np.testing.assert_allclose(found, [BLOCK_SHARES[0], BLOCK_SHARES[0] * 1e-6, BLOCK_SHARES[1]])


def test_blocks_behind_the_last_share_take_the_last():
    features = linear((1,) * 7, np.eye(7))
    found = gradient_scales(features.linearize(np.zeros(7)), features.blocks, np.ones(7, bool))
    np.testing.assert_allclose(found, [*BLOCK_SHARES, BLOCK_SHARES[-1], BLOCK_SHARES[-1]])


@pytest.mark.parametrize("live", [True, False])
def test_scales_are_one_where_no_live_feature_has_a_gradient(live: bool):
    features = linear((2, 2), np.zeros((4, 5)) if live else np.ones((4, 5)))
    found = gradient_scales(features.linearize(np.zeros(5)), features.blocks, np.full(4, live))
    np.testing.assert_array_equal(found, np.ones(4))


# The lift


@pytest.mark.parametrize("delta", [0.0, 0.003, 0.3])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("dead", [(), (0, 4, 8)], ids=["all live", "some dead"])
def test_velocity_is_the_formula(count: int, delta: float, dead: tuple[int, ...]):
    features = toy().prefix(count)
    at, rate = features.linearize(point(6)), block_rate(features, 7)
    live = ~np.isin(np.arange(rate.size), dead)
    damping = Damping(delta, np.linspace(0.5, 2, 9)).prefix(rate.size)
    A = at.jacobian()
    wanted = formula(A[live], rate[live], damping.scales[live], delta)
    assert relative(dense_velocity(A, rate, live, damping), wanted) < 1e-9
    lift = Lift(rate, live, damping, tolerance=1e-12)
    assert relative(lift.velocity(at), wanted) < 1e-8
    assert lift.worst_residual < 1e-11


@pytest.mark.parametrize("delta", [0.0, 0.03])
def test_a_stale_preconditioner_gives_the_same_velocity(delta: float):
    features = toy()
    rate, live, damping = block_rate(features, 7), np.ones(9, bool), Damping(delta, np.linspace(0.5, 2, 9))
    old = Lift(rate, live, damping, tolerance=1e-11, patience=400)
    old.velocity(features.linearize(point(6)))
    x = point(6) + 0.3 * point(9)
    at = features.linearize(x)
    rows = []
    watched = type("Watched", (), {"values": at.values, "jvp": at.jvp, "vjp": at.vjp, "jacobian": rows.append})
    assert relative(old.velocity(watched), formula(at.jacobian(), rate, damping.scales, delta)) < 1e-8
    assert not rows, "solved with the Gram matrix of another point"


def test_a_useless_preconditioner_is_made_anew():
    features = toy()
    rate, live, damping = block_rate(features, 7), np.ones(9, bool), Damping(0.01, np.ones(9))
    lift = Lift(rate, live, damping, tolerance=1e-10, patience=2)
    for seed in (6, 10, 11):
        at = features.linearize(3 * point(seed))
        assert relative(lift.velocity(at), formula(at.jacobian(), rate, damping.scales, 0.01)) < 1e-7


@pytest.mark.parametrize("delta", [0.0, 0.1])
def test_velocity_on_a_network_and_on_its_prefix(means: ChannelMeans, delta: float):
    for count in (1, 2):
        features = means.prefix(count)
        rate, live = block_rate(features, 2), np.ones(64 if count == 1 else 192, bool)
        live[[3, -5]] = False
        at = features.linearize(PICTURE)
        damping = Damping(delta, gradient_scales(at, features.blocks, live))
        lift = Lift(rate, live, damping, tolerance=1e-10)
        lift.velocity(features.linearize(PICTURE[::-1]))
        A = at.jacobian()
        found = lift.velocity(at)
        assert found.shape == PICTURE.shape
        assert relative(found, formula(A[live], rate[live], damping.scales[live], delta)) < 1e-6
        assert relative(dense_velocity(A, rate, live, damping), found) < 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_undamped_velocity_is_the_shortest_that_moves_the_features_so(seed: int):
    at, rate = toy().linearize(point(6)), block_rate(toy(), seed)
    found = Lift(rate, np.ones(9, bool), Damping(0.0, np.ones(9)), 1e-12).velocity(at)
    np.testing.assert_allclose(at.jvp(found), rate, atol=1e-9)
    other = found + to_tangent(at.jacobian(), point(20 + seed))
    np.testing.assert_allclose(at.jvp(other), rate, atol=1e-8)
    assert np.linalg.norm(other) > np.linalg.norm(found) * (1 + 1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_damped_velocity_minimizes_misfit_and_length_together(seed: int):
    """‖A dx - r‖² in the norm of (δS)⁻¹ plus ‖dx‖²: any other direction costs more."""
    at, rate, scales, delta = toy().linearize(point(6)), block_rate(toy(), seed), np.linspace(0.5, 2, 9), 0.05

    def cost(dx: np.ndarray) -> float:
        return float(np.sum((at.jvp(dx) - rate) ** 2 / (delta * scales)) + np.sum(dx**2))

    found = Lift(rate, np.ones(9, bool), Damping(delta, scales), 1e-12).velocity(at)
    for size in (1e-3, 1.0):
        step = size * point(30 + seed)
        assert cost(found + step) == pytest.approx(
            cost(found) + np.sum(at.jvp(step) ** 2 / (delta * scales)) + step @ step
        )


def test_repeated_features_asked_to_move_alike():
    """A rank-deficient undamped problem with a solution: the pseudo-inverse."""
    whole = toy().prefix(1)
    twice = ClosedForm(
        (Block("first", 2), Block("again", 2)),
        lambda x: np.tile(whole.values(x), 2),
        lambda x: np.tile(whole.linearize(x).jacobian(), (2, 1)),
    )
    rate, live, damping = np.array([0.3, -0.2, 0.3, -0.2]), np.ones(4, bool), Damping(0.0, np.ones(4))
    at = twice.linearize(point(6))
    wanted = np.linalg.pinv(at.jacobian()[:2]) @ rate[:2]
    assert relative(dense_velocity(at.jacobian(), rate, live, damping), wanted) < 1e-8
    assert relative(Lift(rate, live, damping, 1e-10).velocity(at), wanted) < 1e-8


DAMPINGS = [Damping(0.0, np.ones(9)), Damping(0.1, np.ones(9))]


@pytest.mark.parametrize("damping", DAMPINGS, ids=["exact", "damped"])
def test_nothing_to_do_is_no_velocity(damping: Damping):
    lift = Lift(np.zeros(9), np.ones(9, bool), damping)
    np.testing.assert_array_equal(lift.velocity(toy().linearize(point(6))), np.zeros(PIXELS))


@pytest.mark.parametrize("damping", DAMPINGS, ids=["exact", "damped"])
def test_nothing_alive_is_no_velocity(damping: Damping):
    lift = Lift(np.ones(9), np.zeros(9, bool), damping)
    np.testing.assert_array_equal(lift.velocity(toy().linearize(point(6))), np.zeros(PIXELS))


# Held features


def test_held_features_stay_to_first_order_undamped(means: ChannelMeans):
    for features, x, held in ((toy(), point(6), 5), (means, PICTURE, 64)):
        at, rate = features.linearize(x), block_rate(features, 2)
        live, damping = np.ones(rate.size, bool), Damping(0.0, np.ones(rate.size))
        moved = at.jvp(Lift(rate, live, damping, 1e-10).velocity(at))
        assert np.max(np.abs(moved[:held])) < 1e-6 * np.linalg.norm(rate)
        free = at.jvp(formula(at.jacobian()[held:], rate[held:], damping.scales[held:], 0.0).reshape(x.shape))
        assert np.max(np.abs(free[:held])) > 1e-2 * np.linalg.norm(rate), "without holding they would move"


@pytest.mark.parametrize("rule", [name for name, rule in RULES.items() if rule.step is not None])
def test_drift_of_held_features_shrinks_at_the_rules_order(rule: str):
    features, x = toy().prefix(2), point(6)
    rate, live, damping = 3 * block_rate(features, 7), np.ones(5, bool), Damping(0.0, np.ones(5))

    def drift(steps: int) -> float:
        lift = Lift(rate, live, damping, 1e-13)
        end = integrate(lambda y: lift.velocity(features.linearize(y)), x, rule, steps, 1e-13).x
        moved = features.values(end) - features.values(x)
        assert np.linalg.norm(moved[2:] - rate[2:]) < 0.2 * np.linalg.norm(rate), "the moving block does move"
        return float(np.linalg.norm(moved[:2]))

    order = RULES[rule].order
    assert np.log2(drift(12) / drift(24)) == pytest.approx(order, abs=0.3)


def test_symmetric_rule_holds_a_quadratic_feature_at_any_step():
    """Mean square held while a mean of sines moves: implicit midpoint keeps quadratic invariants."""
    features = ClosedForm(
        (Block("square", 1), Block("sines", 1)),
        lambda x: np.array([np.mean(x * x), np.mean(np.sin(2 * x))]),
        lambda x: np.stack([2 * x, 2 * np.cos(2 * x)]) / x.size,
    )
    drifts = {}
    for rule in ("symmetric", "rk4"):
        lift = Lift(np.array([0.0, 0.3]), np.ones(2, bool), Damping(0.0, np.ones(2)), 1e-13)
        end = integrate(lambda y, lift=lift: lift.velocity(features.linearize(y)), 0.4 * point(6), rule, 2, 1e-13).x
        drifts[rule] = abs(features.values(end)[0] - features.values(0.4 * point(6))[0])
    assert drifts["symmetric"] < 1e-11
    assert drifts["rk4"] > 1e-8
