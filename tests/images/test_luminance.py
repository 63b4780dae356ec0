"""Luminance and chrominance: exchanging one leaves the other as it was."""

import numpy as np
import pytest

from decoupling_lib.common.errors import InputError
from decoupling_lib.images.luminance import luminance, replace_luminance

RNG = np.random.default_rng(3)
WIDE = 3 * RNG.standard_normal((16, 18, 3))  # far outside [0, 1]
OTHER = RNG.random((16, 18, 3))


def chrominance(x):
    return x - luminance(x)[..., None]


def test_the_weights_are_those_of_bt_709_and_gray_is_its_own_luminance():
    for color, weight in zip(np.eye(3), (0.2126, 0.7152, 0.0722), strict=True):
        assert luminance(np.full((16, 16, 3), color)) == pytest.approx(np.full((16, 16), weight), abs=3e-4)
    gray = np.repeat(RNG.random((16, 16, 1)), 3, axis=-1)
    np.testing.assert_allclose(luminance(gray), gray[..., 0], rtol=1e-12)
    np.testing.assert_allclose(chrominance(gray), 0, atol=1e-12)


@pytest.mark.parametrize(("x", "source"), [(WIDE, OTHER), (OTHER, WIDE)])
def test_the_luminance_is_that_of_the_source_and_the_chrominance_stays(x, source):
    found = replace_luminance(x, source)
    np.testing.assert_allclose(luminance(found), luminance(source), atol=1e-12)
    np.testing.assert_allclose(chrominance(found), chrominance(x), atol=1e-12)


def test_an_images_own_luminance_changes_nothing_and_an_exchange_is_undone():
    np.testing.assert_array_equal(replace_luminance(WIDE, WIDE), WIDE)
    np.testing.assert_allclose(replace_luminance(replace_luminance(WIDE, OTHER), WIDE), WIDE, atol=1e-12)


def test_images_of_different_shapes_are_refused():
    with pytest.raises(InputError, match="shape"):
        replace_luminance(WIDE, OTHER[:, :17])
