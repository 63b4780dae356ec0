"""The decoupled features as a feature map: values and derivative against finite differences and closed forms."""

import numpy as np
import pytest
from random_networks import random_weights
from refusals import refusal
from toys import FADING, FIRST, NOISE, SAMPLE, TOY, point, reference

from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.context import Context, Settings
from decoupling_lib.engine.decoupled_features import DecoupledFeatures, record_legs
from decoupling_lib.engine.decoupled_gradients import decoupled_jacobian
from decoupling_lib.engine.features import Block, Counted
from decoupling_lib.engine.normalization import normalize
from decoupling_lib.moments.gradients import decoupled_gradients
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network

FINE = Settings(steps=6, tolerance=1e-13)


def decoupled(features: ClosedForm, delta: float, settings: Settings = FINE) -> DecoupledFeatures:
    near = features.values(FIRST + 0.4 * (NOISE - FIRST))
    return DecoupledFeatures(Context(Counted(features), reference(features, near, delta, NOISE), settings))


NETWORK = build_network(weights=random_weights(), layers=("block1_conv1", "block2_conv1"))


@pytest.mark.parametrize("delta", [0.0, 0.05])
@pytest.mark.parametrize("features", [TOY, FADING], ids=["two blocks", "three blocks"])
def test_values_are_those_of_step_1_and_the_derivative_is_theirs(features: ClosedForm, delta: float):
    c = decoupled(features, delta)
    at = c.linearize(FIRST)
    np.testing.assert_array_equal(at.values, normalize(c.context, FIRST).style)
    dx, w = point(5, 14), point(6, len(at.values))
    moved = (c.values(FIRST + 1e-5 * dx) - c.values(FIRST - 1e-5 * dx)) / 2e-5
    np.testing.assert_allclose(at.jvp(dx), moved, atol=1e-6 * np.abs(moved).max())
    assert at.vjp(w) @ dx == pytest.approx(w @ at.jvp(dx), rel=1e-6)


def test_the_exact_gradients_are_nearer_to_the_truth_than_the_approximate_ones():
    c = decoupled(TOY, 0.0)
    at = c.linearize(FIRST)
    exact = np.stack([at.vjp(w) for w in np.eye(5)])
    rough = decoupled_jacobian(Counted(TOY), list(at.starts), c.context.reference)
    np.testing.assert_allclose(exact[:2], rough[:2], atol=1e-12)  # nothing is moved before the first block
    assert np.linalg.norm(exact[2:] - rough[2:]) > 0.01 * np.linalg.norm(exact[2:])


def test_on_moments_they_are_the_gradients_of_the_moment_decoupling():
    """Mean, mean square and mean cube, one after the other, with an adjoint of its own derivation."""
    n, powers = SAMPLE.size, np.arange(1, 4)
    moments = ClosedForm(
        tuple(Block(f"m{k}", 1) for k in powers),
        lambda x: np.array([np.mean(x**k) for k in powers]),
        lambda x: np.stack([k * x ** (k - 1) / n for k in powers]),
        lambda x, w: np.diag(sum(w[k - 1] * k * (k - 1) * x ** max(k - 2, 0) / n for k in powers)),
    )
    step0 = reference(moments, np.array([0.0, 1.0, 0.0]))
    settings = Settings(steps=300, tolerance=1e-13, grading=(1.0, 1.0), first_grading=(1.0, 1.0))
    at = DecoupledFeatures(Context(Counted(moments), step0, settings)).linearize(SAMPLE)
    found = np.stack([at.vjp(w) for w in np.eye(3)])
    np.testing.assert_allclose(found, decoupled_gradients(SAMPLE, 3), atol=1e-4 * np.abs(found).max())


def test_on_a_network():
    features = Counted(ChannelMeans(NETWORK, "float64"))
    rng = np.random.default_rng(3)
    x, other, dx = rng.random((16, 18, 3)), rng.random((16, 18, 3)), rng.standard_normal((16, 18, 3))
    step0 = reference(features, features.values(0.7 * x + 0.3 * other), 0.1, other)
    c = DecoupledFeatures(Context(features, step0, Settings(steps=4, tolerance=1e-11)))
    at = c.linearize(x)
    moved = (c.values(x + 1e-4 * dx) - c.values(x - 1e-4 * dx)) / 2e-4
    for block in (slice(64), slice(64, 192)):
        np.testing.assert_allclose(at.jvp(dx)[block], moved[block], atol=1e-3 * np.abs(moved[block]).max())
    w = rng.standard_normal(192)
    assert np.vdot(at.vjp(w), dx) == pytest.approx(w @ at.jvp(dx), rel=1e-4)


def test_rules_without_multipliers_are_refused():
    c = decoupled(TOY, 0.05, Settings("rk4", 6))
    assert "rk4" in refusal(record_legs, c.context, [])
