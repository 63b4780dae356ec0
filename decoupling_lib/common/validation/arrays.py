"""Checks of arrays: images, samples, and arrays that are compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Floats
from ..errors import input_error
from .sizes import MIN_SIDE

MIN_SPREAD = 1 / 512
"""A channel whose values span less than this, half an 8-bit step, counts as constant."""


def not_constant(array: Any, name: str) -> Floats:
    """Return an array as `image` does, unless every channel of it is constant or nearly so.

    A constant image has no gradient to follow.

    Parameters
    ----------
    array : array_like, shape (H, W, 3)
        The image; some channel must span at least `MIN_SPREAD`.
    name : str
        What the message calls the image.

    Returns
    -------
    ndarray of float64, shape (H, W, 3)
        The image.

    Raises
    ------
    InputError
        The array is not an image, or every channel spans less than `MIN_SPREAD`.
    """
    x = image(array, name)
    spread = float(np.ptp(x, axis=(0, 1)).max())
    if spread < MIN_SPREAD:
        accepted = f"a spread of at least {MIN_SPREAD:.5f} in some channel"
        step = "choose an image with some contrast"
        raise input_error(name, "is constant, so it has no gradient to follow", spread, accepted, step)
    return x


def image(array: Any, name: str) -> Floats:
    """Return an array as a float64 RGB image.

    Parameters
    ----------
    array : array_like of floating-point numbers, shape (H, W, 3)
        Finite values, nominally in [0, 1]; H and W are at least `MIN_SIDE`.
    name : str
        What the message calls the image.

    Returns
    -------
    ndarray of float64, shape (H, W, 3)
        The input itself if it already has this type.

    Raises
    ------
    InputError
        The shape or type is wrong (integers are refused, since their range is not [0, 1]), or a value is not finite.
    """
    accepted = f"floating-point values of shape (height, width, 3), sides at least {MIN_SIDE}"
    try:
        x = np.asarray(array)
    except (ValueError, TypeError):
        raise input_error(name, "is not an array", array, accepted, "make one array of numbers") from None
    if x.dtype.kind != "f":
        step = "divide 8-bit values by 255" if x.dtype.kind in "iu" else "convert it to real numbers"
        raise input_error(name, f"has values of type {x.dtype}", x, accepted, step)
    if x.ndim != 3 or x.shape[2] != 3:
        raise input_error(name, "has the wrong shape", x, accepted, "put three color channels on the last axis")
    if min(x.shape[:2]) < MIN_SIDE:
        raise input_error(name, "is too small", x, accepted, "use a larger image")
    with np.errstate(over="ignore"):  # long doubles may overflow to infinity, which is refused
        x = np.asarray(x, dtype=np.float64)
    return _finite(x, name)


def sample(array: Any, name: str, least: int = 1) -> Floats:
    """Return an array as a float64 sample.

    Parameters
    ----------
    array : array_like of real numbers, shape (N,)
        Finite values, at least `least` of them.
    name : str
        What the message calls the sample.
    least : int
        The smallest number of values, at least 1.

    Returns
    -------
    ndarray of float64, shape (N,)
        The input itself if it already has this type.

    Raises
    ------
    InputError
        The shape or type is wrong, there are too few values, or a value is not finite.
    """
    accepted = f"a one-dimensional list of at least {least} finite number{'s' if least > 1 else ''}"
    try:
        x = np.asarray(array)
    except (ValueError, TypeError):
        raise input_error(name, "is not a list of numbers", array, accepted, "make one list of numbers") from None
    if x.dtype.kind not in "fiu":
        raise input_error(name, f"has values of type {x.dtype}", x, accepted, "convert them to real numbers")
    if x.ndim != 1:
        raise input_error(name, "has the wrong shape", x, accepted, "flatten it")
    if x.size < least:
        raise input_error(name, "has too few values", x.size, accepted, "add values")
    with np.errstate(over="ignore", invalid="ignore"):  # of long doubles and signaling NaNs, which are refused
        x = x.astype(np.float64, copy=False)
    return _finite(x, name)


def _finite(x: Floats, name: str) -> Floats:
    bad = x.size - int(np.count_nonzero(np.isfinite(x)))
    if bad:
        what = "has 1 value that is not finite" if bad == 1 else f"has {bad} values that are not finite"
        raise input_error(name, what, x, "finite values", "replace NaN and infinite values")
    return x


def same_shape(x: Any, reference: Any) -> tuple[Floats, Floats]:
    """Return two arrays that are to be compared, as float64.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        The values; there is at least one.
    reference : array_like of real numbers, shape of `x`
        What they are compared with.

    Returns
    -------
    x : ndarray of float64
        The first array.
    reference : ndarray of float64
        The second array.

    Raises
    ------
    InputError
        The shapes differ, or the arrays are empty.
    """
    x, reference = np.asarray(x, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if x.shape != reference.shape:
        accepted = f"shape {reference.shape}"
        raise input_error("array", "differs in shape from its reference", x, accepted, "give arrays of one shape")
    if x.size == 0:
        raise input_error("array", "is empty", x, "at least one value", "give some values")
    return x, reference
