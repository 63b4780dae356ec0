"""Gradients of the decoupled moments, against finite differences, and where they are orthogonal."""

import numpy as np
import pytest
from moment_references import SAMPLES
from toys import SAMPLE

from decoupling_lib.common.errors import InputError
from decoupling_lib.moments.decoupling import decouple_moments
from decoupling_lib.moments.gradients import decoupled_gradients

each_sample = pytest.mark.parametrize("x", SAMPLES.values(), ids=SAMPLES.keys())


def cosines(rows: np.ndarray) -> np.ndarray:
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit @ unit.T


@pytest.mark.parametrize("x", [SAMPLES["ten"], SAMPLES["eight"]], ids=["ten", "eight"])
def test_gradients_are_those_of_finite_differences(x):
    h = 1e-5 * np.std(x)
    differences = np.stack(
        [(decouple_moments(x + h * e).values - decouple_moments(x - h * e).values) / (2 * h) for e in np.eye(x.size)],
        axis=1,
    )
    gradients = decoupled_gradients(x)
    assert gradients.shape == (6, x.size)
    for row, expected in zip(gradients, differences, strict=True):
        np.testing.assert_allclose(row, expected, atol=1e-6 * np.max(np.abs(expected)))


@pytest.mark.parametrize("order", range(1, 7))
def test_a_lower_order_has_the_first_gradients(order):
    np.testing.assert_allclose(decoupled_gradients(SAMPLE, order), decoupled_gradients(SAMPLE)[:order], rtol=1e-8)


@each_sample
def test_the_first_four_gradients_are_orthogonal_everywhere(x):
    """{1, x, x²} closes under brackets, so mean to orthokurtosis are decoupled on the whole space."""
    np.testing.assert_allclose(cosines(decoupled_gradients(x, 4)), np.eye(4), atol=1e-8)


def test_the_last_gradients_are_orthogonal_on_their_manifold_and_not_off_it():
    """∇c_4 and ∇c_5 are orthogonal on R_3, where x has no skewness, and not elsewhere."""
    off = cosines(decoupled_gradients(SAMPLE))
    on = cosines(decoupled_gradients(decouple_moments(SAMPLE, 4).sample))
    deeper = cosines(decoupled_gradients(decouple_moments(SAMPLE, 5).sample))
    assert abs(on[3, 4]) < 1e-8 and abs(on[3, 5]) < 1e-8
    assert abs(deeper[4, 5]) < 1e-8
    assert abs(off[3, 4]) > 0.05 and abs(on[4, 5]) > 0.05


def test_a_sample_with_a_dead_end_has_no_gradients():
    with pytest.raises(InputError, match="leg 4"):
        decoupled_gradients(np.array([0.0, 1, 5]), 5)
