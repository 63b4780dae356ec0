"""Short descriptions of arrays for a report, so that a later run can be compared with it without the arrays.

Their fields "shape", "dtype", "sha256", "downsample" and "outline" are read by other tools.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..images.pictures import resize

SIDE = 16
"""Side of a downsample in pixels, and maximum number of blocks of an outline along an axis."""
DIGITS = 6
"""Decimals of a downsample, significant digits of an outline: far more than two machines agree on."""
MIN_DIFFERENCE = 10.0**-DIGITS
"""Smallest difference reported for arrays whose bytes differ, since rounding may hide what differs."""


def describe_array(array: np.ndarray) -> dict[str, Any]:
    """Return shape, type and checksum of an array, and the downsample of an image.

    Parameters
    ----------
    array : ndarray
        With three axes it must be an image (H, W, 3) as `images.pictures.resize` accepts it.

    Returns
    -------
    dict
        "shape", "dtype", "sha256" of the bytes and, for three axes, "downsample" (see `downsample`), in types that
        JSON knows.

    Raises
    ------
    InputError
        For an array of three axes with other than three channels, a side below 16, or a value that is not finite.
    """
    found = _identify(array)
    if array.ndim == 3:
        found["downsample"] = downsample(array).tolist()
    return found


def downsample(image: np.ndarray) -> np.ndarray:
    """Return the image at 16 x 16 pixels, rounded to six decimals.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3)
        RGB, nominally in [0, 1].

    Returns
    -------
    ndarray, shape (16, 16, 3)
        The resized image.

    Raises
    ------
    InputError
        For an array that is not an image.
    """
    return np.round(resize(np.asarray(image, np.float64), (SIDE, SIDE)), DIGITS)


def compare_array(recorded: Mapping[str, Any], array: np.ndarray) -> float:
    """Return the difference of an array from a recorded one.

    Parameters
    ----------
    recorded : mapping
        What `describe_array` returned, possibly damaged.
    array : ndarray
        The array to compare.

    Returns
    -------
    float
        0 if and only if shape and bytes are equal. Otherwise the largest difference of the downsamples, in units of
        the pixels, but at least `MIN_DIFFERENCE`; infinity if the shapes differ or there is no downsample.

    Raises
    ------
    InputError
        As `describe_array`.
    """
    own = describe_array(array)
    if (own["sha256"], own["shape"]) == (recorded.get("sha256"), recorded.get("shape")):
        return 0.0
    if own["shape"] != recorded.get("shape") or "downsample" not in own:
        return float("inf")
    return max(_max_difference(recorded.get("downsample"), own["downsample"]), MIN_DIFFERENCE)


def describe_plotted(array: np.ndarray, axes: int) -> dict[str, Any]:
    """Return shape, type, checksum and outline of an array that a figure shows.

    Parameters
    ----------
    array : ndarray
        The plotted data, in any unit.
    axes : int
        Number of axes along which the outline takes means, from the first.

    Returns
    -------
    dict
        "shape", "dtype", "sha256" of the bytes, and "outline" (see `outline`), in types that JSON knows.
    """
    return _identify(array) | {"outline": outline(array, axes)}


def outline(array: np.ndarray, axes: int) -> list[Any]:
    """Return the means of at most 16 blocks along each of the first axes, to six digits.

    Parameters
    ----------
    array : ndarray
        A curve or an image, in any unit.
    axes : int
        Number of axes along which to take means.

    Returns
    -------
    list
        Nested lists of floats; None, which is null in JSON, where a mean is not finite, as at the gap of a line.
    """
    reduced = np.asarray(array, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        for axis in range(axes):
            parts = np.array_split(reduced, min(SIDE, reduced.shape[axis]), axis)
            reduced = np.stack([part.mean(axis) for part in parts], axis)
    return np.vectorize(_round, otypes=[object])(reduced).tolist()


def compare_plotted(recorded: Mapping[str, Any], array: np.ndarray, axes: int) -> float:
    """Return the difference of plotted data from recorded data.

    Parameters
    ----------
    recorded : mapping
        What `describe_plotted` returned, possibly damaged.
    array : ndarray
        The data to compare.
    axes : int
        As for `describe_plotted`.

    Returns
    -------
    float
        0 if and only if shape and bytes are equal. Otherwise the largest difference of the outlines relative to the
        largest recorded value, but at least `MIN_DIFFERENCE`; null equals null. Infinity if the outlines cannot be
        compared, or only one of two values is null.
    """
    own = describe_plotted(array, axes)
    if (own["sha256"], own["shape"]) == (recorded.get("sha256"), recorded.get("shape")):
        return 0.0
    difference = _max_difference(recorded.get("outline"), own["outline"])
    if not np.isfinite(difference):
        return difference
    values = np.array(recorded["outline"], dtype=float)
    largest = float(np.max(np.abs(values[np.isfinite(values)]), initial=0.0))
    return max(difference / largest if largest > 0 else difference, MIN_DIFFERENCE)


def _identify(array: np.ndarray) -> dict[str, Any]:
    return {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "sha256": hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest(),
    }


def _round(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None


def _max_difference(recorded: Any, own: Any) -> float:
    """Return the largest difference of two nested lists of one shape; None equals None. Infinity for anything else."""
    try:
        before, now = (np.array(values, dtype=float) for values in (recorded, own))
    except (TypeError, ValueError, OverflowError):
        return float("inf")
    if before.shape != now.shape or not np.array_equal(np.isfinite(before), np.isfinite(now)):
        return float("inf")
    difference = np.abs(before - now)[np.isfinite(now)]
    return float(np.max(difference, initial=0.0))
