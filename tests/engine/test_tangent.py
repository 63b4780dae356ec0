"""Tangent directions: the projection, and the test that belongs to it."""

import numpy as np
import pytest
from toys import FADING, point

from decoupling_lib.engine.tangent import is_tangent, to_tangent
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network

PIXELS = 14


@pytest.mark.parametrize("rows", [1, 3, 9])
def test_the_projection_is_idempotent_and_symmetric_and_removes_the_gradients(rows: int):
    J = FADING.linearize(point(1, PIXELS)).jacobian()[:rows]
    P = np.stack([to_tangent(J, unit) for unit in np.eye(PIXELS)], axis=1)
    np.testing.assert_allclose(P @ P, P, atol=1e-9)
    np.testing.assert_allclose(P, P.T, atol=1e-9)
    assert np.all(np.linalg.norm(P @ J.T, axis=0) < 1e-9 * np.linalg.norm(J, axis=1))
    q = np.linalg.qr(J.T)[0]
    np.testing.assert_allclose(P, np.eye(PIXELS) - q @ q.T, atol=1e-9)
    assert np.trace(P) == pytest.approx(PIXELS - rows)


def test_repeated_and_zero_gradients_change_nothing():
    J = FADING.linearize(point(1, PIXELS)).jacobian()[:3]
    repeated = np.concatenate([J, 2 * J[:1] - J[1:2], np.zeros((1, PIXELS))])
    np.testing.assert_allclose(to_tangent(repeated, point(2, PIXELS)), to_tangent(J, point(2, PIXELS)), atol=1e-9)


def test_the_projection_of_a_direction_is_tangent_and_the_direction_is_not():
    J, dx = FADING.linearize(point(1, PIXELS)).jacobian(), point(2, PIXELS)
    tangent = to_tangent(J, dx)
    assert np.linalg.norm(tangent) > 0.1 * np.linalg.norm(dx)
    assert is_tangent(J, tangent)
    assert not is_tangent(J, dx)
    assert not any(is_tangent(J, row) for row in J)
    assert not is_tangent(J, tangent + 1e-3 * J[-1] / np.linalg.norm(J[-1])), "the weakest feature counts too"


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_whether_a_direction_is_tangent_does_not_depend_on_units(scale: float):
    J, dx = FADING.linearize(point(1, PIXELS)).jacobian(), point(2, PIXELS)
    tangent = to_tangent(J, dx)
    assert is_tangent(scale * J, tangent) and is_tangent(J, scale * tangent)
    assert not is_tangent(scale * J, dx) and not is_tangent(J, scale * dx)


def test_the_projection_keeps_the_shape_of_an_image():
    image = np.random.default_rng(8).random((20, 24, 3))
    means = ChannelMeans(build_network("vgg16", "random", layers=("block1_conv1",), seed=1), "float64")
    J, dx = means.linearize(image).jacobian(), np.random.default_rng(3).standard_normal(image.shape)
    tangent = to_tangent(J, dx)
    assert tangent.shape == image.shape
    assert is_tangent(J, tangent) and not is_tangent(J, dx)
    np.testing.assert_allclose(to_tangent(J, tangent), tangent, atol=1e-9)
