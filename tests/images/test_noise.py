"""Kinds of noise: their means, spreads, and how alike neighbors are."""

import numpy as np
import pytest

from decoupling_lib.common.errors import InputError
from decoupling_lib.images.noise import NOISE_KINDS, SPREAD, make_noise, uniform_noise

SHAPE = (128, 96)


def likeness(x: np.ndarray) -> float:
    """The correlation of a pixel with its right-hand neighbor."""
    return float(np.corrcoef(x[:, 1:].ravel(), x[:, :-1].ravel())[0, 1])


@pytest.mark.parametrize("kind", NOISE_KINDS)
def test_noise_is_an_image_around_one_half_and_repeats(kind):
    x = make_noise(kind, SHAPE, 3)
    assert x.shape == (*SHAPE, 3) and x.dtype == np.float64 and 0 <= x.min() < x.max() <= 1
    assert x.mean() == pytest.approx(0.5, abs=0.02)
    assert np.array_equal(make_noise(kind, SHAPE, 3), x) and not np.array_equal(make_noise(kind, SHAPE, 4), x)


def test_uniform_noise_is_that_of_step_0():
    assert np.array_equal(make_noise("uniform", SHAPE, 0), uniform_noise(SHAPE, 0))


def test_spreads():
    assert make_noise("gray", SHAPE, 0).std() == pytest.approx(1 / np.sqrt(12), abs=0.01)
    for kind in ("normal", "natural"):  # clipping at 2.5 standard deviations takes a little off
        assert make_noise(kind, SHAPE, 0).std() == pytest.approx(SPREAD, rel=0.03)


def test_gray_noise_has_no_color_and_the_others_have():
    for kind in NOISE_KINDS:
        x = make_noise(kind, SHAPE, 0)
        assert np.array_equal(x[..., 0], x[..., 1]) == (kind == "gray")


def test_neighbors_are_alike_in_natural_noise_alone():
    found = {kind: likeness(make_noise(kind, SHAPE, 0)) for kind in NOISE_KINDS}
    assert found.pop("natural") > 0.5 and max(map(abs, found.values())) < 0.05


def test_natural_noise_has_the_spectrum_of_photographs():
    """Power falls like the square of frequency: a line of slope -2, fitted to means over rings."""
    side = 256
    x = make_noise("natural", (side, side), 0)[..., 0]
    power = np.abs(np.fft.fft2(x - x.mean())) ** 2
    rings = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side), indexing="ij"))
    edges = np.geomspace(4 / side, 0.2, 9)
    middle = [power[(rings >= a) & (rings < b)].mean() for a, b in zip(edges, edges[1:], strict=False)]
    slope = np.polyfit(np.log(np.sqrt(edges[1:] * edges[:-1])), np.log(middle), 1)[0]
    assert slope == pytest.approx(-2, abs=0.3)


def test_bad_input_is_refused():
    for arguments in (("pink", SHAPE, 0), ("normal", (0, 4), 0), ("normal", SHAPE, -1)):
        with pytest.raises(InputError):
            make_noise(*arguments)
