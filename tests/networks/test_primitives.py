"""Preprocessing, activation and pooling by their definitions, and their derivatives by finite differences."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from decoupling_lib.networks import primitives
from decoupling_lib.networks.architectures import ACTIVATIONS, POOLINGS

RNG = np.random.default_rng(11)


def tensor(values: np.ndarray) -> tf.Tensor:
    return tf.constant(values, "float64")


def test_preprocessing_is_that_of_keras():
    x = RNG.random((1, 5, 4, 3))
    expected = tf.keras.applications.vgg16.preprocess_input(255 * x)
    np.testing.assert_allclose(primitives.preprocess(tensor(x)), expected, atol=1e-12)


def logistic_density(t: float) -> Callable:
    return lambda z: 0.25 / t / np.cosh(z / (2 * t)) ** 2


def fourth_order_kernel(t: float) -> Callable:
    """Return the kernel, derived from what defines it: φ times a polynomial of degree 2, with area 1 and variance 0."""
    w = primitives.KERNEL_WIDTH * t
    # ∫φ = ∫u²φ = 1 and ∫u⁴φ = 3, so a + b = 1 and a + 3b = 0.
    a, b = np.linalg.solve([[1.0, 1.0], [1.0, 3.0]], [1.0, 0.0])
    return lambda z: (a + b * (z / w) ** 2) * np.exp(-((z / w) ** 2) / 2) / (w * np.sqrt(2 * np.pi))


KERNELS = {"softplus": logistic_density, "gaussian": fourth_order_kernel}


def smooth_relu(y: np.ndarray, kernel: Callable) -> np.ndarray:
    """Return ∫ max(y - z, 0) K(z) dz by quadrature; all kernels are zero to rounding beyond 200."""
    z, dz = np.linspace(-200.0, 200.0, 400_001, retstep=True)
    return np.array([np.maximum(each - z, 0) @ kernel(z) * dz for each in y])


@pytest.mark.parametrize("activation", KERNELS)
def test_smooth_activations_differ_from_relu_by_half_the_variance_of_their_kernel(activation: str):
    """The integral of the difference is half the variance: π²T²/3 of the logistic density, 0 of the other kernel."""
    y, dy = np.linspace(-300.0, 300.0, 60_001, retstep=True)
    h = primitives.activate(tensor(y), activation, 2.5)[0].numpy()
    expected = {"softplus": np.pi**2 * 2.5**2 / 6, "gaussian": 0.0}[activation]
    assert (h - np.maximum(y, 0)).sum() * dy == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation_and_its_derivative(activation: str):
    y = np.array([-4000.0, -3.0, -0.1, 0.2, 5.0, 4000.0])
    h, slope = primitives.activate(tensor(y), activation, 2.5)
    kernel = KERNELS.get(activation)
    expected = np.maximum(y, 0) if kernel is None else smooth_relu(y, kernel(2.5))
    np.testing.assert_allclose(h, expected, atol=1e-9)
    step = 1e-5
    above, below = (primitives.activate(tensor(y + s), activation, 2.5)[0] for s in (step, -step))
    np.testing.assert_allclose(slope, (above - below) / (2 * step), atol=1e-6)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooling_by_its_definition_drops_odd_edges_and_returns_its_derivative(pooling: str):
    h = RNG.standard_normal((1, 7, 5, 2))
    pooled, shares = (array.numpy() for array in primitives.pool(tensor(h), pooling, 0.7))
    windows = h[:, :6, :4].reshape(1, 3, 2, 2, 2, 2).transpose(0, 1, 3, 5, 2, 4).reshape(1, 3, 2, 2, 4)
    reduce = {
        "smooth": lambda z: 0.7 * np.log(np.mean(np.exp(z / 0.7), axis=-1)),
        "average": lambda z: z.mean(axis=-1),
        "max": lambda z: z.max(axis=-1),
    }[pooling]
    np.testing.assert_allclose(pooled, reduce(windows), atol=1e-12)
    assert shares.shape == h.shape and not shares[:, 6:].any() and not shares[:, :, 4:].any()
    np.testing.assert_allclose(shares.sum(), pooled.size, rtol=1e-12)
    direction, step = RNG.standard_normal(h.shape), 1e-6
    above, below = (primitives.pool(tensor(h + s * direction), pooling, 0.7)[0] for s in (step, -step))
    change = (shares * direction)[:, :6, :4].reshape(1, 3, 2, 2, 2, 2).sum(axis=(2, 4))
    np.testing.assert_allclose(change, (above - below) / (2 * step), atol=1e-6)


def test_the_smooth_maximum_does_not_overflow_and_tends_to_the_maximum():
    h = 1e6 * RNG.standard_normal((1, 4, 4, 3))
    pooled, shares = primitives.pool(tensor(h), "smooth", 1e-3)
    np.testing.assert_allclose(pooled, primitives.pool(tensor(h), "max", None)[0], atol=1e-2)
    assert np.isfinite(shares).all()


def test_tied_maxima_share_the_derivative_equally():
    np.testing.assert_array_equal(primitives.pool(tf.ones((1, 2, 2, 1)), "max", None)[1], np.full((1, 2, 2, 1), 0.25))


def test_spread_and_padding_place_every_entry():
    h = RNG.standard_normal((2, 3, 2, 4))
    wide = primitives.spread(tensor(h)).numpy()
    np.testing.assert_array_equal(wide, h.repeat(2, axis=1).repeat(2, axis=2))
    padded = primitives.pad_to(tensor(h), 5, 3).numpy()
    np.testing.assert_array_equal(padded[:, :3, :2], h)
    assert padded.shape == (2, 5, 3, 4) and np.abs(padded).sum() == np.abs(padded[:, :3, :2]).sum()
