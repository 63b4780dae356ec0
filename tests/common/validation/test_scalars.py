"""Numbers, seeds and choices: what is accepted comes back as a plain value, and everything else is refused."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refusal

from decoupling_lib.common import validation

GRAY = np.full((16, 16, 3), 0.5)


def test_choice_suggests_the_nearest_name_and_does_not_mix_types():
    assert validation.choice("euler", ["euler", "heun"], "method") == "euler"
    assert '"euler"?' in refusal(validation.choice, "Eular", ["euler", "heun"], "method")
    for other in (True, 1.0, "1", GRAY, None):
        assert "accepted: 1, 2;" in refusal(validation.choice, other, [1, 2], "layer")


@pytest.mark.parametrize(
    "bad", [math.nan, math.inf, -math.inf, 10**400, np.float32("nan"), "0.5", None, True, 1j, GRAY]
)
def test_in_range_refuses_what_is_not_a_finite_number(bad):
    assert refusal(validation.in_range, bad, "rate", -math.inf, math.inf).startswith("rate ")


def test_in_range_includes_its_ends_unless_one_is_open():
    assert validation.in_range(0, "rate", 0, 1) == 0.0 and validation.in_range(np.float32(1), "rate", 0, 1) == 1.0
    found = validation.in_range(Fraction(1, 2), "rate", 0, 1)
    assert found == 0.5 and type(found) is float
    assert "above 0 and at most 1;" in refusal(validation.in_range, 0, "rate", 0, 1, low_open=True)
    line = refusal(validation.in_range, 1.0000001, "rate", 0, 1)
    assert "received 1.0000001" in line and "at least 0 and at most 1;" in line


@given(st.floats(), st.floats(-10, 10), st.floats(-10, 10), st.booleans())
def test_in_range_agrees_with_its_definition(value, low, high, low_open):
    if (low < value if low_open else low <= value) and value <= high:
        assert validation.in_range(value, "x", low, high, low_open=low_open) == value
    else:
        refusal(validation.in_range, value, "x", low, high, low_open=low_open)


@given(st.integers(), st.integers(-10, 10), st.integers(-10, 10) | st.just(math.inf))
def test_integer_in_range_agrees_with_its_definition(value, low, high):
    if low <= value <= high:
        assert validation.integer_in_range(value, "x", low, high) == value
    else:
        refusal(validation.integer_in_range, value, "x", low, high)


def test_integer_in_range_accepts_integers_of_any_type_alone():
    found = validation.integer_in_range(np.int64(3), "steps", 2, 9)
    assert found == 3 and type(found) is int
    for bad in (3.0, Fraction(3), True, "3", None, math.nan, GRAY):
        assert "an integer, at least 2;" in refusal(validation.integer_in_range, bad, "steps", 2, math.inf)


def test_layer_counts_and_seeds_have_their_ranges():
    assert [validation.layer_count(n) for n in range(1, 6)] == [1, 2, 3, 4, 5]
    assert validation.seed(0) == 0 and validation.seed(2**32 - 1) == 2**32 - 1
    for bad in (0, 6, 2.0):
        refusal(validation.layer_count, bad)
    for bad in (-1, 2**32, 1.0, True, "1", None):
        refusal(validation.seed, bad)
