"""Two significant digits are enough, and one is not."""

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest

from decoupling_lib.exercises.rounding import agrees, describe_given

RIGHT = [0.2844, 1.549, 0.4726, 20.0855, 48.13, -0.1818, 0.05333, 0.0011111, 99.72, 0.125, 1000.0]


def rounded(value: float, digits: int) -> float:
    """Round by decimal arithmetic."""
    exact = Decimal(value)
    return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() - digits + 1), ROUND_HALF_EVEN))


@pytest.mark.parametrize("right", RIGHT)
def test_two_digits_or_more_are_enough(right):
    for digits in range(2, 9):
        assert agrees(rounded(right, digits), right)
    assert agrees(np.float32(right), right)


@pytest.mark.parametrize("right", RIGHT)
def test_a_number_whose_second_digit_differs_by_one_is_refused(right):
    unit = float(Decimal(1).scaleb(Decimal(right).adjusted() - 1))
    for wrong in (rounded(right, 2) + 1.2 * unit, rounded(right, 2) - 1.2 * unit, -right, 10 * right, right / 10):
        assert not agrees(wrong, right)


def test_zero_has_no_digits_and_is_met_closely():
    assert agrees(1e-3, 0.0) and not agrees(0.01, 0.0)


def test_all_numbers_of_an_array_have_to_agree():
    right = np.array([0.0, 0.4726])
    assert agrees(np.array([0.0, 0.47]), right)
    assert not agrees(np.array([0.0, 0.5]), right) and not agrees(np.array([0.1, 0.4726]), right)


@pytest.mark.parametrize(("given", "asked"), [(0.3, True), (np.float32(0.3), True), (0.31, False), (3, False)])
def test_one_right_digit_is_said_to_be_too_few(given, asked):
    found = describe_given(given, 0.2844)
    assert found.startswith(f"You gave {given:.3g}.") and ("two digits" in found) == asked
