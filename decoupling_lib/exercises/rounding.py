"""Numbers that do not come out exact: two significant digits are enough."""

from __future__ import annotations

import numpy as np

DIGITS = 2
"""Significant digits that an answer needs."""
NEAR_ZERO = 2e-3
"""How far an answer may be from a right value of 0, which has no significant digits."""


def agrees(given: float | np.ndarray, right: float | np.ndarray) -> bool:
    """Tell whether numbers agree with the right ones to two significant digits.

    Parameters
    ----------
    given : float or ndarray
        What a student gives.
    right : float or ndarray
        The right values, finite, in the same shape.

    Returns
    -------
    bool
        True if no number is further from its right value than half a unit of that value's second digit.
    """
    size = np.abs(np.asarray(right, dtype=float))
    first = np.floor(np.log10(np.where(size > 0, size, 1.0)))  # the decimal place of the first digit
    accepted = np.where(size > 0, 0.5 * 10.0 ** (first - DIGITS + 1), NEAR_ZERO)
    return bool(np.all(np.abs(np.subtract(given, right)) <= accepted * (1 + 1e-6)))  # 0.125 may be rounded to 0.12


def describe_given(given: float, right: float) -> str:
    """Return the sentence that begins the message for a wrong number.

    Parameters
    ----------
    given : float
        What the student gives, which does not agree with the right value.
    right : float
        The right value.

    Returns
    -------
    str
        The number that was given; if it is the right one with a single digit, also that this is too few.
    """
    rough = np.isclose(given, float(f"{right:.1g}"), rtol=1e-6, atol=0)
    return f"You gave {given:.6g}." + (" Give two digits or more." if rough else "")
