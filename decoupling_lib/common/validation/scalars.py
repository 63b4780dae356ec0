"""Checks of single values: numbers in a range, seeds, and choices from a list."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, TypeVar

from ..errors import input_error, join_names, suggest

_T = TypeVar("_T")


def choice(value: Any, accepted: Iterable[_T], name: str) -> _T:
    """Return the accepted value that equals a value and has its type.

    Parameters
    ----------
    value : object
        The value received.
    accepted : iterable
        The values to choose from.
    name : str
        What the message calls the value.

    Returns
    -------
    object
        The entry of `accepted`.

    Raises
    ------
    InputError
        There is no such entry; the message suggests the closest name.
    """
    options = list(accepted)
    for option in options:
        if type(option) is type(value) and option == value:
            return option
    raise input_error(name, "is not known", value, join_names(options), suggest(value, options))


def layer_count(value: Any) -> int:
    """Return a number of encoder layers.

    Parameters
    ----------
    value : object
        An integer from 1 to 5.

    Returns
    -------
    int
        The number of layers.

    Raises
    ------
    InputError
        The value is not such an integer.
    """
    return integer_in_range(value, "number of layers", 1, 5)


def seed(value: Any) -> int:
    """Return the seed of a random generator.

    Parameters
    ----------
    value : object
        An integer with 0 <= value < 2**32.

    Returns
    -------
    int
        The seed.

    Raises
    ------
    InputError
        The value is not such an integer.
    """
    return integer_in_range(value, "seed", 0, 2**32 - 1)


def integer_in_range(value: Any, name: str, low: int, high: float) -> int:
    """Return an integer that lies in a closed interval.

    Parameters
    ----------
    value : object
        An integer of any type; booleans and floating-point numbers are refused.
    name : str
        What the message calls the value.
    low : int
        The smallest accepted value.
    high : int or float
        The largest accepted value; may be infinite.

    Returns
    -------
    int
        The value.

    Raises
    ------
    InputError
        The value has another type or lies outside the interval.
    """
    accepted = f"an integer{_describe_interval(low, high)}"
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise input_error(name, "is not an integer", value, accepted, "give an integer")
    number = int(value)
    if not low <= number <= high:
        raise input_error(name, "is out of range", value, accepted, "choose a value in this range")
    return number


def in_range(value: Any, name: str, low: float, high: float, *, low_open: bool = False) -> float:
    """Return a finite real number that lies in an interval.

    Parameters
    ----------
    value : object
        A real number of any type; booleans, text and NaN are refused.
    name : str
        What the message calls the value.
    low, high : float
        The ends of the interval; either may be infinite.
    low_open : bool
        Whether `low` itself is refused.

    Returns
    -------
    float
        The value.

    Raises
    ------
    InputError
        The value has another type, is not finite or lies outside the interval.
    """
    accepted = f"a finite number{_describe_interval(low, high, low_open)}"
    if not isinstance(value, Real) or isinstance(value, bool):
        raise input_error(name, "is not a number", value, accepted, "give a number")
    try:
        number = float(value)
    except OverflowError:  # an integer or fraction beyond the largest float
        number = math.inf
    if not math.isfinite(number):
        raise input_error(name, "is not finite", value, accepted, "give a finite number")
    if not low <= number <= high or (low_open and number == low):
        raise input_error(name, "is out of range", value, accepted, "choose a value in this range")
    return number


def _describe_interval(low: float, high: float, low_open: bool = False) -> str:
    """Return the end of a phrase such as "an integer, at least 1 and at most 5"."""
    lower = "" if low == -math.inf else f"{'above' if low_open else 'at least'} {low}"
    upper = "" if high == math.inf else f"at most {high}"
    bounds = " and ".join(part for part in (lower, upper) if part)
    return f", {bounds}" if bounds else ""
