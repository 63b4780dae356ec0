"""Noise: its mean, its spread, and how neighboring pixels are correlated."""

import numpy as np
import pytest
from refusals import refusal

from decoupling_lib.images.noise import NOISE_KINDS, SPREAD, make_noise, noise_draws, uniform_noise

SHAPE = (128, 96)


def neighbor_correlation(x: np.ndarray) -> float:
    """Return the correlation of a pixel with its right-hand neighbor."""
    return float(np.corrcoef(x[:, 1:].ravel(), x[:, :-1].ravel())[0, 1])


@pytest.mark.parametrize("kind", NOISE_KINDS)
def test_noise_is_an_image_around_one_half_and_depends_on_its_seed_alone(kind):
    x = make_noise(kind, SHAPE, 3)
    assert x.shape == (*SHAPE, 3) and x.dtype == np.float64 and 0 <= x.min() < x.max() <= 1
    assert x.mean() == pytest.approx(0.5, abs=0.02)
    assert np.array_equal(make_noise(kind, SHAPE, 3), x) and not np.array_equal(make_noise(kind, SHAPE, 4), x)


def test_uniform_is_the_noise_of_step_0():
    assert np.array_equal(make_noise("uniform", SHAPE, 0), uniform_noise(SHAPE, 0))


def test_each_kind_has_its_spread():
    assert make_noise("gray", SHAPE, 0).std() == pytest.approx(1 / np.sqrt(12), abs=0.01)
    for kind in ("normal", "natural"):  # clipping at 2.5 standard deviations reduces it a little
        assert make_noise(kind, SHAPE, 0).std() == pytest.approx(SPREAD, rel=0.03)


def test_gray_noise_has_no_color_and_the_others_have():
    for kind in NOISE_KINDS:
        x = make_noise(kind, SHAPE, 0)
        assert np.array_equal(x[..., 0], x[..., 1]) == (kind == "gray")


def test_neighbors_are_correlated_in_natural_noise_alone():
    found = {kind: neighbor_correlation(make_noise(kind, SHAPE, 0)) for kind in NOISE_KINDS}
    assert found.pop("natural") > 0.5 and max(map(abs, found.values())) < 0.05


def test_natural_noise_has_the_spectrum_of_photographs():
    """Power falls as 1/frequency²: a line through its logarithms, averaged over rings, has slope -2."""
    side = 256
    x = make_noise("natural", (side, side), 0)[..., 0]
    power = np.abs(np.fft.fft2(x - x.mean())) ** 2
    rings = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side), indexing="ij"))
    edges = np.geomspace(4 / side, 0.2, 9)
    middle = [power[(rings >= a) & (rings < b)].mean() for a, b in zip(edges, edges[1:], strict=False)]
    slope = np.polyfit(np.log(np.sqrt(edges[1:] * edges[:-1])), np.log(middle), 1)[0]
    assert slope == pytest.approx(-2, abs=0.3)


def test_draws_are_reproducible_uniform_and_independent():
    noise, draws = uniform_noise((64, 48), 5), noise_draws((64, 48), 5, 4)
    assert noise.shape == (64, 48, 3) and draws.shape == (4, 64, 48, 3)
    assert np.array_equal(noise, np.random.default_rng(5).random((64, 48, 3)))
    assert np.array_equal(draws[0], noise)
    assert np.array_equal(noise_draws((64, 48), 5, 2), draws[:2])
    assert draws.min() >= 0 and draws.max() < 1
    assert np.all(np.abs(draws.mean(axis=(1, 2, 3)) - 0.5) < 5 / np.sqrt(12 * noise.size))
    assert np.all(np.abs(np.corrcoef(draws.reshape(4, -1)) - np.eye(4)) < 5 / np.sqrt(noise.size))


def test_bad_arguments_are_refused():
    for arguments in (("pink", SHAPE, 0), ("normal", (0, 4), 0), ("normal", SHAPE, -1)):
        refusal(make_noise, *arguments)
    for arguments in (((8, 8), 0), ((16, 16), -1)):
        refusal(uniform_noise, *arguments)
    for arguments in (((8, 8), 0, 1), ((16, 16), -1, 1), ((16, 16), 0, 0), ((16, 16), 0, 10**7)):
        refusal(noise_draws, *arguments)
