"""The derivative of a leg, against finite differences of the leg itself, and its transpose and inverse."""

import numpy as np
import pytest
from random_networks import random_weights
from solved_legs import solve
from toys import FADING, FIRST, NOISE, TOY, point, reference

from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.lift import Damping
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network

NETWORK = build_network(weights=random_weights(), layers=("block1_conv1", "block2_conv1"))


def difference(end, x: np.ndarray, dx: np.ndarray, step: float = 1e-5) -> np.ndarray:
    return (end(x + step * dx) - end(x - step * dx)) / (2 * step)


@pytest.mark.parametrize("delta", [0.0, 0.05])
@pytest.mark.parametrize(("features", "moving"), [(TOY, slice(2, 5)), (FADING, slice(2, 5)), (TOY.prefix(1), slice(2))])
def test_push_is_the_change_of_the_end(features: ClosedForm, moving: slice, delta: float):
    features = features.prefix(2) if len(features.blocks) > 2 else features
    near = FIRST + 0.3 * (NOISE - FIRST)
    aim = features.values(near)
    damping = reference(features, aim, delta, NOISE).damping
    leg, rate = solve(features, FIRST, aim, moving, damping)
    fixed, _ = solve(features, FIRST, aim, moving, damping, rate)
    for seed in (5, 6):
        dx = point(seed, 14)
        moved = difference(lambda x: solve(features, x, aim, moving, damping)[0].points[-1], FIRST, dx)
        np.testing.assert_allclose(leg.push(dx), moved, atol=1e-6 * np.abs(moved).max())
        moved = difference(lambda x: solve(features, x, aim, moving, damping, rate)[0].points[-1], FIRST, dx)
        np.testing.assert_allclose(fixed.push(dx), moved, atol=1e-6 * np.abs(moved).max())
    assert np.abs(leg.push(dx) - fixed.push(dx)).max() > 1e-3, "the rate depends on the start"


@pytest.mark.parametrize("delta", [0.0, 0.05])
def test_pull_is_the_transpose_and_the_reversed_leg_the_inverse(delta: float):
    aim = TOY.values(FIRST + 0.3 * (NOISE - FIRST))
    damping = reference(TOY, aim, delta, NOISE).damping
    leg, rate = solve(TOY, FIRST, aim, slice(2, 5), damping)
    p, q = point(7, 14), point(8, 14)
    assert q @ leg.push(p) == pytest.approx(leg.pull(q) @ p, rel=1e-9)
    fixed, _ = solve(TOY, FIRST, aim, slice(2, 5), damping, rate)
    assert q @ fixed.push(p) == pytest.approx(fixed.pull(q) @ p, rel=1e-9)
    np.testing.assert_allclose(fixed.reversed().push(fixed.push(p)), p, atol=1e-9)
    np.testing.assert_allclose(fixed.pull(fixed.reversed().pull(q)), q, atol=1e-9)


def test_an_undamped_leg_carries_no_change_of_the_features_that_it_moved():
    """All starts end at the same values, so the derivative of the end has no part along the features' gradients."""
    aim = TOY.values(FIRST + 0.3 * (NOISE - FIRST))
    leg, _ = solve(TOY.prefix(1), FIRST, aim[:2], slice(2), Damping(0.0, np.ones(2)))
    rows = TOY.prefix(1).linearize(leg.points[-1]).jacobian()
    moved = leg.push(point(9, 14))
    assert np.abs(rows @ moved).max() < 1e-8 * np.linalg.norm(rows) * np.linalg.norm(moved)


def test_on_a_network():
    features = ChannelMeans(NETWORK, "float64")
    rng = np.random.default_rng(3)
    x, other, dx = rng.random((16, 18, 3)), rng.random((16, 18, 3)), rng.standard_normal((16, 18, 3))
    aim = features.values(0.8 * x + 0.2 * other)
    damping = reference(features, aim, 0.1, other).damping
    leg, _ = solve(features, x, aim, slice(64, 192), damping)
    moved = difference(lambda y: solve(features, y, aim, slice(64, 192), damping)[0].points[-1], x, dx, 1e-4)
    np.testing.assert_allclose(leg.push(dx), moved, atol=1e-4 * np.abs(moved).max())
    assert np.vdot(leg.pull(other), dx) == pytest.approx(np.vdot(other, leg.push(dx)), rel=1e-6)
