"""The descriptions of arrays in a report: what they contain, and the differences that they show."""

import json

import numpy as np
import pytest

from decoupling_lib.common.errors import InputError
from decoupling_lib.images.noise import uniform_noise
from decoupling_lib.images.pictures import resize
from decoupling_lib.runs import digest


def test_a_downsample_is_the_resized_image_and_shows_a_change():
    x = uniform_noise((48, 32), 1)
    found = digest.describe_array(x)
    np.testing.assert_allclose(found["downsample"], resize(x, (16, 16)), atol=1e-6)
    assert digest.compare_array(found, x) == 0
    assert digest.compare_array(found, x + 0.25) == pytest.approx(0.25, abs=1e-6)
    assert digest.compare_array(found, x[:16]) == np.inf
    hardly = x.copy()
    hardly[5, 6, 1] += 1e-12
    assert digest.compare_array(found, hardly) > 0  # the rounding hides it, the bytes do not


@pytest.mark.parametrize("broken", [{}, {"downsample": None}, {"downsample": "x"}, {"downsample": [[1, 2], [3]]}])
def test_the_difference_from_a_damaged_downsample_is_infinite(broken):
    x = uniform_noise((20, 20), 1)
    recorded = {"shape": [20, 20, 3], "sha256": "0"}
    assert digest.compare_array(recorded | broken, x) == np.inf


@pytest.mark.parametrize("values", [np.full((20, 20, 3), np.nan), np.zeros((20, 20, 4)), np.zeros((8, 20, 3))])
def test_an_array_that_is_not_an_image_has_no_downsample(values):
    with pytest.raises(InputError):
        digest.describe_array(values)


def test_the_gap_of_a_line_is_null_and_differs_from_every_number():
    line = np.linspace(0, 1, 64)[:, None] ** [1, 2]
    gap, infinite = line.copy(), line.copy()
    gap[8:10, 1], infinite[8:10, 1] = np.nan, np.inf
    found = json.loads(json.dumps(digest.describe_plotted(gap, 1), allow_nan=False))
    assert [block for block, pair in enumerate(found["outline"]) if None in pair] == [2]
    assert found["outline"][2][0] is not None
    assert digest.compare_plotted(found, gap, 1) == 0
    assert digest.compare_plotted(found, gap + np.array([0.01, 0]), 1) == pytest.approx(0.01, rel=0.05)
    assert digest.compare_plotted(found, infinite, 1) == digest.MIN_DIFFERENCE  # no number differs, but bytes do
    assert digest.compare_plotted(found, line, 1) == np.inf
    assert digest.compare_plotted(digest.describe_plotted(line, 1), gap, 1) == np.inf
    nothing = np.full((64, 2), np.nan)
    assert (
        digest.compare_plotted(digest.describe_plotted(nothing, 1) | {"sha256": "0"}, nothing, 1)
        == digest.MIN_DIFFERENCE
    )


def test_the_difference_from_a_downsample_with_null_is_infinite():
    x = uniform_noise((20, 20), 1)
    found = digest.describe_array(x) | {"sha256": "0" * 64}
    assert digest.compare_array(found, x) == digest.MIN_DIFFERENCE
    found["downsample"][3][4][1] = None
    assert digest.compare_array(found, x) == np.inf
