"""Image sizes: width comes first in text, height in arrays, and what is out of range is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refusal

from decoupling_lib.common import validation

SIDES = st.integers(validation.MIN_SIDE, validation.MAX_SIDE)


@given(SIDES, SIDES, st.sampled_from("xX"), st.sampled_from(["", " ", "  "]))
def test_size_is_written_width_first_and_returned_height_first(width, height, sign, space):
    assert validation.size(f"{space}{width}{space}{sign}{space}{height}") == (height, width)
    assert validation.size(str(width)) == (width, width)


@given(st.integers(0, 10**30).filter(lambda side: not validation.MIN_SIDE <= side <= validation.MAX_SIDE), SIDES)
def test_sizes_out_of_range_are_refused(side, other):
    for text in (f"{side}", f"{side}x{other}", f"{other}x{side}"):
        assert f"{validation.MIN_SIDE} to {validation.MAX_SIDE}" in refusal(validation.size, text)


@pytest.mark.parametrize(
    "bad", ["", "x", "64x", "x64", "64x64x3", "-64", "6.4", "1e3", "64 64", "٦٤", 64, None, "9" * 9999]
)
def test_size_refuses_other_text(bad):
    assert '"96x64"' in refusal(validation.size, bad)


@given(st.integers(16, 8000), st.integers(16, 8000))
def test_shape_returns_plain_integers(height, width):
    found = validation.shape([np.int64(height), width])
    assert found == (height, width) and [type(side) for side in found] == [int, int]


@pytest.mark.parametrize(
    "bad", [64, "64", (64,), (64, 64, 3), (64, 15), (64.0, 64), (True, 64), (10**5, 10**5), np.zeros(2)]
)
def test_shape_refuses_what_is_not_a_pair_of_sides(bad):
    assert refusal(validation.shape, bad, "noise").startswith("noise ")


def test_one_way_at_most_to_ask_for_a_size():
    for size, max_side in ((None, None), ((24, 32), None), (None, 48)):
        validation.one_size(size, max_side)
    line = refusal(validation.one_size, (24, 32), 48)
    assert "(24, 32)" in line and "48" in line
