"""The horizontal lift: comparison with formulas in plain linear algebra."""

import numpy as np
import pytest
from toys import FADING, linear_map, point, relative

from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.features import Block, FeatureMap, Linearization
from decoupling_lib.engine.lift import (
    BLOCK_SHARES,
    Damping,
    Lift,
    dense_velocity,
    gradient_scales,
    squared_gradient_norms,
)
from decoupling_lib.engine.ode import RULES, integrate
from decoupling_lib.engine.tangent import to_tangent
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network

PIXELS = 14
IMAGE = np.random.default_rng(8).random((20, 24, 3))


@pytest.fixture(scope="module")
def means() -> ChannelMeans:
    network = build_network("vgg16", "random", layers=("block1_conv1", "block2_conv1"), seed=1)
    return ChannelMeans(network, "float64")


def block_rate(features: FeatureMap, seed: int) -> np.ndarray:
    """Return a rate that moves the last block and holds the others."""
    rate = np.zeros(sum(block.size for block in features.blocks))
    last = features.blocks[-1].size
    rate[-last:] = np.random.default_rng(seed).standard_normal(last)
    return rate


def formula(A: np.ndarray, rate: np.ndarray, scales: np.ndarray, delta: float) -> np.ndarray:
    """Return the damped lift by matrices in unscaled coordinates, without eigenvectors."""
    if delta == 0:
        return np.linalg.pinv(A) @ rate
    return A.T @ np.linalg.solve(A @ A.T + delta * np.diag(scales), rate)


# Damping


def test_the_filter_is_that_of_tikhonov_and_without_damping_the_inverse():
    g = np.array([1e-4, 0.03, 0.5, 7.0])
    np.testing.assert_allclose(Damping(0.2, np.ones(4)).filter(g), 1 / (g + 0.2))
    found = Damping(0.0, np.ones(4)).filter(np.array([0.0, 1e-20, 0.5, 7.0]))
    np.testing.assert_allclose(found, [0, 0, 2, 1 / 7])


def test_a_leg_damps_held_features_more_than_moving_ones():
    whole = Damping(0.2, np.array([1.0, 2.0, 3.0, 4.0]), (1.0, 10.0))
    np.testing.assert_array_equal(whole.leg(0, slice(0, 2)).scales, [1, 2])
    np.testing.assert_array_equal(whole.leg(1, slice(2, 3)).scales, [10, 20, 3])
    np.testing.assert_array_equal(whole.prefix(3).leg(1, slice(2, 3)).scales, [10, 20, 3])
    np.testing.assert_array_equal(whole.leg(2, slice(3, 4)).scales, [1, 2, 3, 4])
    np.testing.assert_array_equal(whole.scales, [1, 2, 3, 4])


def scales_at(at: Linearization, blocks: tuple[Block, ...], live: np.ndarray) -> np.ndarray:
    return gradient_scales(squared_gradient_norms(at, live), blocks, live)


def test_scales_are_shares_of_each_squared_gradient_in_the_first_block_and_of_the_live_mean_in_later_ones():
    at = FADING.linearize(point(5, PIXELS))
    squares = [float(row @ row) for row in at.jacobian()]
    live = np.array([1, 1, 1, 0, 1, 0, 0, 0, 0], bool)
    own = [BLOCK_SHARES[0] * squares[0], BLOCK_SHARES[0] * squares[1]]
    found = scales_at(at, FADING.blocks, live)
    np.testing.assert_allclose(found, own + [BLOCK_SHARES[1] * (squares[2] + squares[4]) / 2] * 3 + [1.0] * 4)
    alone = FADING.prefix(1)
    np.testing.assert_allclose(scales_at(alone.linearize(point(5, PIXELS)), alone.blocks, live[:2]), own)


def test_scales_of_dead_and_very_weak_features_of_the_first_block():
    """The squared norms are 4, 9, 1e-18, 0 and 25, and the second feature is dead: the mean of the others is 29/4."""
    features = linear_map((5, 2), np.diag([2.0, 3.0, 1e-9, 0.0, 5.0, 1.0, 0.0]))
    at, live = features.linearize(np.zeros(7)), np.array([1, 0, 1, 1, 1, 1, 1], bool)
    mean = 29 / 4
    wanted = [4, mean, 1e-9 * mean, 1e-9 * mean, 25]
    found = scales_at(at, features.blocks, live)
    np.testing.assert_allclose(found, [BLOCK_SHARES[0] * each for each in wanted] + [BLOCK_SHARES[1] * 0.5] * 2)
    weak = linear_map((2, 1), np.diag([1.0, 1e-3, 1.0]))
    found = scales_at(weak.linearize(np.zeros(3)), weak.blocks, np.ones(3, bool))
    np.testing.assert_allclose(found, [BLOCK_SHARES[0], BLOCK_SHARES[0] * 1e-6, BLOCK_SHARES[1]])


def test_blocks_without_a_share_of_their_own_take_the_last_share():
    features = linear_map((1,) * 7, np.eye(7))
    found = scales_at(features.linearize(np.zeros(7)), features.blocks, np.ones(7, bool))
    np.testing.assert_allclose(found, [*BLOCK_SHARES, BLOCK_SHARES[-1], BLOCK_SHARES[-1]])


@pytest.mark.parametrize("live", [True, False])
def test_scales_are_one_where_no_live_feature_has_a_gradient(live: bool):
    features = linear_map((2, 2), np.zeros((4, 5)) if live else np.ones((4, 5)))
    found = scales_at(features.linearize(np.zeros(5)), features.blocks, np.full(4, live))
    np.testing.assert_array_equal(found, np.ones(4))


# The lift


@pytest.mark.parametrize("delta", [0.0, 0.003, 0.3])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("dead", [(), (0, 4, 8)], ids=["all live", "some dead"])
def test_the_velocity_is_that_of_the_formula(count: int, delta: float, dead: tuple[int, ...]):
    features = FADING.prefix(count)
    at, rate = features.linearize(point(6, PIXELS)), block_rate(features, 7)
    live = ~np.isin(np.arange(rate.size), dead)
    damping = Damping(delta, np.linspace(0.5, 2, 9)).prefix(rate.size)
    A = at.jacobian()
    wanted = formula(A[live], rate[live], damping.scales[live], delta)
    assert relative(dense_velocity(A, rate, live, damping), wanted) < 1e-9
    lift = Lift(rate, live, damping, tolerance=1e-12)
    assert relative(lift.velocity(at), wanted) < 1e-8
    assert lift.worst_residual < 1e-11


@pytest.mark.parametrize("delta", [0.0, 0.03])
def test_an_old_preconditioner_gives_the_same_velocity(delta: float):
    features = FADING
    rate, live, damping = block_rate(features, 7), np.ones(9, bool), Damping(delta, np.linspace(0.5, 2, 9))
    old = Lift(rate, live, damping, tolerance=1e-11, patience=400)
    old.velocity(features.linearize(point(6, PIXELS)))
    x = point(6, PIXELS) + 0.3 * point(9, PIXELS)
    at = features.linearize(x)
    rows = []
    watch = type("Watch", (), {"values": at.values, "jvp": at.jvp, "vjp": at.vjp, "jacobian": rows.append})
    assert relative(old.velocity(watch), formula(at.jacobian(), rate, damping.scales, delta)) < 1e-8
    assert not rows, "the gradient Gram matrix of another point was enough"


def test_a_useless_preconditioner_is_computed_again():
    features = FADING
    rate, live, damping = block_rate(features, 7), np.ones(9, bool), Damping(0.01, np.ones(9))
    lift = Lift(rate, live, damping, tolerance=1e-10, patience=2)
    for seed in (6, 10, 11):
        at = features.linearize(3 * point(seed, PIXELS))
        assert relative(lift.velocity(at), formula(at.jacobian(), rate, damping.scales, 0.01)) < 1e-7


@pytest.mark.parametrize("delta", [0.0, 0.1])
def test_the_velocity_on_a_network_and_on_its_prefix_is_that_of_the_formula(means: ChannelMeans, delta: float):
    for count in (1, 2):
        features = means.prefix(count)
        rate, live = block_rate(features, 2), np.ones(64 if count == 1 else 192, bool)
        live[[3, -5]] = False
        at = features.linearize(IMAGE)
        damping = Damping(delta, scales_at(at, features.blocks, live))
        lift = Lift(rate, live, damping, tolerance=1e-10)
        lift.velocity(features.linearize(IMAGE[::-1]))
        A = at.jacobian()
        found = lift.velocity(at)
        assert found.shape == IMAGE.shape
        assert relative(found.ravel(), formula(A[live], rate[live], damping.scales[live], delta)) < 1e-6
        assert relative(dense_velocity(A, rate, live, damping), found.ravel()) < 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_the_undamped_velocity_is_the_shortest_with_its_effect_on_the_features(seed: int):
    at, rate = FADING.linearize(point(6, PIXELS)), block_rate(FADING, seed)
    found = Lift(rate, np.ones(9, bool), Damping(0.0, np.ones(9)), 1e-12).velocity(at)
    np.testing.assert_allclose(at.jvp(found), rate, atol=1e-9)
    other = found + to_tangent(at.jacobian(), point(20 + seed, PIXELS))
    np.testing.assert_allclose(at.jvp(other), rate, atol=1e-8)
    assert np.linalg.norm(other) > np.linalg.norm(found) * (1 + 1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_damped_velocity_minimizes_misfit_and_length_together(seed: int):
    """It minimizes ‖A dx - r‖² in the norm of (δS)⁻¹ plus ‖dx‖²; a step away from it adds the quadratic term alone."""
    at, rate, scales, delta = FADING.linearize(point(6, PIXELS)), block_rate(FADING, seed), np.linspace(0.5, 2, 9), 0.05

    def cost(dx: np.ndarray) -> float:
        return float(np.sum((at.jvp(dx) - rate) ** 2 / (delta * scales)) + np.sum(dx**2))

    found = Lift(rate, np.ones(9, bool), Damping(delta, scales), 1e-12).velocity(at)
    for size in (1e-3, 1.0):
        step = size * point(30 + seed, PIXELS)
        assert cost(found + step) == pytest.approx(
            cost(found) + np.sum(at.jvp(step) ** 2 / (delta * scales)) + step @ step
        )


def test_repeated_features_with_equal_rates_move_as_one():
    """The undamped problem is rank-deficient and has a solution, that of the pseudo-inverse."""
    whole = FADING.prefix(1)
    twice = ClosedForm(
        (Block("first", 2), Block("again", 2)),
        lambda x: np.tile(whole.values(x), 2),
        lambda x: np.tile(whole.linearize(x).jacobian(), (2, 1)),
    )
    rate, live, damping = np.array([0.3, -0.2, 0.3, -0.2]), np.ones(4, bool), Damping(0.0, np.ones(4))
    at = twice.linearize(point(6, PIXELS))
    wanted = np.linalg.pinv(at.jacobian()[:2]) @ rate[:2]
    assert relative(dense_velocity(at.jacobian(), rate, live, damping), wanted) < 1e-8
    assert relative(Lift(rate, live, damping, 1e-10).velocity(at), wanted) < 1e-8


DAMPINGS = [Damping(0.0, np.ones(9)), Damping(0.1, np.ones(9))]


@pytest.mark.parametrize("damping", DAMPINGS, ids=["exact", "damped"])
def test_a_rate_of_zero_gives_no_velocity(damping: Damping):
    lift = Lift(np.zeros(9), np.ones(9, bool), damping)
    np.testing.assert_array_equal(lift.velocity(FADING.linearize(point(6, PIXELS))), np.zeros(PIXELS))


@pytest.mark.parametrize("damping", DAMPINGS, ids=["exact", "damped"])
def test_without_live_features_there_is_no_velocity(damping: Damping):
    lift = Lift(np.ones(9), np.zeros(9, bool), damping)
    np.testing.assert_array_equal(lift.velocity(FADING.linearize(point(6, PIXELS))), np.zeros(PIXELS))


# Held features


def test_without_damping_held_features_stay_to_first_order(means: ChannelMeans):
    for features, x, held in ((FADING, point(6, PIXELS), 5), (means, IMAGE, 64)):
        at, rate = features.linearize(x), block_rate(features, 2)
        live, damping = np.ones(rate.size, bool), Damping(0.0, np.ones(rate.size))
        moved = at.jvp(Lift(rate, live, damping, 1e-10).velocity(at))
        assert np.max(np.abs(moved[:held])) < 1e-6 * np.linalg.norm(rate)
        free = at.jvp(formula(at.jacobian()[held:], rate[held:], damping.scales[held:], 0.0).reshape(x.shape))
        assert np.max(np.abs(free[:held])) > 1e-2 * np.linalg.norm(rate), "they would move if they were not held"


@pytest.mark.parametrize("rule", [name for name, rule in RULES.items() if rule.step is not None])
def test_the_drift_of_held_features_has_the_order_of_the_rule(rule: str):
    features, x = FADING.prefix(2), point(6, PIXELS)
    rate, live, damping = 3 * block_rate(features, 7), np.ones(5, bool), Damping(0.0, np.ones(5))

    def drift(steps: int) -> float:
        lift = Lift(rate, live, damping, 1e-13)
        end = integrate(lambda y: lift.velocity(features.linearize(y)), x, rule, steps, 1e-13).x
        moved = features.values(end) - features.values(x)
        assert np.linalg.norm(moved[2:] - rate[2:]) < 0.2 * np.linalg.norm(rate), "the moving block moves"
        return float(np.linalg.norm(moved[:2]))

    order = RULES[rule].order
    assert np.log2(drift(12) / drift(24)) == pytest.approx(order, abs=0.3)


def test_the_symmetric_rule_holds_a_quadratic_feature_at_any_step_size():
    """The mean square is held while a mean of sines moves: the implicit midpoint rule keeps quadratic invariants."""
    features = ClosedForm(
        (Block("square", 1), Block("sines", 1)),
        lambda x: np.array([np.mean(x * x), np.mean(np.sin(2 * x))]),
        lambda x: np.stack([2 * x, 2 * np.cos(2 * x)]) / x.size,
    )
    x, drifts = 0.4 * point(6, PIXELS), {}
    for rule in ("symmetric", "rk4"):
        lift = Lift(np.array([0.0, 0.3]), np.ones(2, bool), Damping(0.0, np.ones(2)), 1e-13)
        end = integrate(lambda y, lift=lift: lift.velocity(features.linearize(y)), x, rule, 2, 1e-13).x
        drifts[rule] = abs(features.values(end)[0] - features.values(x)[0])
    assert drifts["symmetric"] < 1e-11
    assert drifts["rk4"] > 1e-8
