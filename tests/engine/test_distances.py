"""Metrics: values worked out by hand, and the conventions at the edges."""

import math
import subprocess
import sys

import numpy as np
import pytest

from decoupling_lib.common.errors import InputError
from decoupling_lib.engine import distances
from decoupling_lib.images.quality import max_error, psnr, ssim

IMAGE = np.random.default_rng(0).uniform(size=(40, 50, 3))


def test_psnr_of_a_constant_offset_and_of_known_noise():
    assert psnr(IMAGE + 0.01, IMAGE) == pytest.approx(40.0, abs=1e-9)
    noise = np.random.default_rng(1).normal(scale=0.1, size=(200, 200, 3))
    # The mean of 120,000 squares has a relative deviation of sqrt(2/120000) = 0.4 %, that is 0.018 dB.
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
def test_ssim_window_shrinks_to_small_images(shape):
    small, other = IMAGE[: shape[0], : shape[1]], IMAGE[::-1][: shape[0], : shape[1]]
    assert ssim(small, small) == pytest.approx(1.0, abs=1e-12)
    assert ssim(small, other) < 0.9


def test_ssim_of_a_window_sized_image_is_the_gaussian_statistics_at_its_center():
    """Only the center pixel of an odd image of the window's size is scored: one weighted covariance."""
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


def test_max_error():
    other = IMAGE.copy()
    other[3, 4, 1] -= 0.25
    assert max_error(IMAGE, other) == pytest.approx(0.25)


def test_relative_error_counts_live_channels_only():
    f, v = np.array([3.0, 4.0, 9.0]), np.array([0.0, 5.0, 0.0])
    assert distances.relative_error(f, v) == pytest.approx(math.sqrt(9 + 1 + 81) / 5)
    assert distances.relative_error(f, v, np.array([False, True, False])) == pytest.approx(0.2)
    assert distances.relative_error(f, v, np.array([False, False, False])) == 0
    assert distances.relative_error(f, v, np.array([True, False, False])) == math.inf


def test_remaining_fraction_by_hand():
    v, c, f = np.zeros(3), np.array([3.0, 4.0, 100.0]), np.array([1.5, -1.0, 100.0])
    live = np.array([True, True, False])
    block, worst = distances.remaining_fraction(f, v, c, live)
    assert block == pytest.approx(math.hypot(1.5, 1) / 5) and worst == pytest.approx(0.5)
    assert distances.remaining_fraction(c, v, c) == (1.0, 1.0)
    assert distances.remaining_fraction(v, v, c) == (0.0, 0.0)


def test_remaining_fraction_where_the_leg_began_at_its_target():
    v = np.array([1.0, 2.0])
    # The first channel began at its target: it counts in the block, not as the worst channel.
    assert distances.remaining_fraction(np.array([1.3, 2.4]), v, np.array([1.0, 3.0])) == pytest.approx((0.5, 0.4))
    assert distances.remaining_fraction(v, v, v) == (0.0, 0.0)
    assert distances.remaining_fraction(v + 1, v, v)[0] == math.inf


@pytest.mark.parametrize(
    "call",
    [
        lambda: psnr(IMAGE, IMAGE[:-1]),
        lambda: psnr(np.zeros(0), np.zeros(0)),
        lambda: ssim(IMAGE[..., 0], IMAGE[..., 0]),
        lambda: ssim(IMAGE[:2], IMAGE[:2]),
        lambda: max_error(np.zeros((2, 1)), np.zeros((1, 2))),
        lambda: distances.relative_error(np.zeros(2), np.zeros(2), np.array([True])),
        lambda: distances.relative_error(np.zeros(2), np.zeros(2), np.array([1, 0])),
        lambda: distances.remaining_fraction(np.zeros(2), np.zeros(2), np.zeros(3)),
    ],
)
def test_what_cannot_be_compared_is_refused(call):
    with pytest.raises(InputError, match="received .*; accepted: "):
        call()


def test_importing_metrics_stays_light():
    code = "import sys, decoupling_lib.engine.distances, decoupling_lib.images.quality; print({'skimage', 'tensorflow'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
