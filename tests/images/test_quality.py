"""Image quality: values worked out by hand, and the conventions in special cases."""

import math
import subprocess
import sys

import numpy as np
import pytest
from refusals import refusal

from decoupling_lib.images.quality import max_error, psnr, ssim

IMAGE = np.random.default_rng(0).uniform(size=(40, 50, 3))


def test_psnr_of_a_constant_offset_and_of_known_noise():
    assert psnr(IMAGE + 0.01, IMAGE) == pytest.approx(40.0, abs=1e-9)
    noise = np.random.default_rng(1).normal(scale=0.1, size=(200, 200, 3))
    # The mean of 120,000 squares has a relative standard deviation of sqrt(2/120000) = 0.4 %, or 0.018 dB.
    assert psnr(noise, np.zeros_like(noise)) == pytest.approx(20.0, abs=0.09)


def test_psnr_of_equal_images_is_infinite_and_values_are_not_clipped():
    assert psnr(IMAGE, IMAGE.copy()) == math.inf
    assert psnr(np.full((4, 4, 3), 11.0), np.full((4, 4, 3), 1.0)) == pytest.approx(-20.0)


def test_psnr_of_float32_is_computed_in_float64():
    one = np.float32(1.0)
    assert psnr(np.full(9, one + np.float32(2**-20)), np.full(9, one)) == pytest.approx(
        200 * math.log10(2) * 2, rel=1e-9
    )


def test_ssim_is_one_for_equal_images_and_falls_with_noise():
    assert ssim(IMAGE, IMAGE.copy()) == pytest.approx(1.0, abs=1e-12)
    noise = np.random.default_rng(2).normal(size=IMAGE.shape)
    weak, strong = (ssim(IMAGE + scale * noise, IMAGE) for scale in (0.05, 0.5))
    assert 1 > weak > strong > 0


def test_ssim_of_two_constant_images_is_the_luminance_term():
    a, b, c1 = 0.2, 0.6, 0.01**2
    expected = (2 * a * b + c1) / (a * a + b * b + c1)
    found = ssim(np.full((20, 20, 3), a), np.full((20, 20, 3), b))
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("shape", [(3, 3, 3), (4, 30, 3), (10, 10, 3), (11, 11, 3)])
def test_the_ssim_window_shrinks_to_fit_small_images(shape):
    small, other = IMAGE[: shape[0], : shape[1]], IMAGE[::-1][: shape[0], : shape[1]]
    assert ssim(small, small) == pytest.approx(1.0, abs=1e-12)
    assert ssim(small, other) < 0.9


def test_ssim_of_an_image_of_the_windows_size_comes_from_weighted_moments():
    """Only the central pixel of such an image is scored, from one Gaussian-weighted covariance."""
    for side, sigma in ((11, 1.5), (7, 1.5 * 7 / 11)):
        x, y = IMAGE[:side, :side], IMAGE[-side:, -side:]
        taps = np.exp(-0.5 * ((np.arange(side) - side // 2) / sigma) ** 2)
        weights = np.outer(taps, taps)[..., None] / taps.sum() ** 2

        def mean(values, weights=weights):
            return (weights * values).sum(axis=(0, 1))

        mx, my = mean(x), mean(y)
        covariance, power = mean(x * y) - mx * my, mean(x * x) + mean(y * y) - mx**2 - my**2
        score = (2 * mx * my + 1e-4) * (2 * covariance + 9e-4)
        score /= (mx**2 + my**2 + 1e-4) * (power + 9e-4)
        assert ssim(x, y) == pytest.approx(score.mean(), rel=1e-9)


def test_max_error_is_that_of_the_one_changed_value():
    other = IMAGE.copy()
    other[3, 4, 1] -= 0.25
    assert max_error(IMAGE, other) == pytest.approx(0.25)


@pytest.mark.parametrize(
    "measure, x, reference",
    [
        (psnr, IMAGE, IMAGE[:-1]),
        (psnr, np.zeros(0), np.zeros(0)),
        (ssim, IMAGE[..., 0], IMAGE[..., 0]),
        (ssim, IMAGE[:2], IMAGE[:2]),
        (max_error, np.zeros((2, 1)), np.zeros((1, 2))),
    ],
)
def test_arrays_that_cannot_be_compared_are_refused(measure, x, reference):
    assert str(x.shape) in refusal(measure, x, reference)


def test_importing_the_measures_imports_no_large_package():
    code = "import sys, decoupling_lib.images.quality; print({'skimage', 'tensorflow'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
