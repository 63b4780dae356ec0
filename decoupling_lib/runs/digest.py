"""Short accounts of arrays that a report carries, so that a run made again can be compared without its files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..images.pictures import resize

SIDE = 16
DIGITS = 6
"""Decimals of the downsample, digits of an outline: far finer than what two machines agree on."""
HIDDEN = 10.0**-DIGITS
"""How far an array with other bytes is off at least, whatever its rounded account says."""


def describe(array: np.ndarray) -> dict[str, Any]:
    """Shape, type and sha256 of an array's bytes; of a picture (H, W, 3) also its downsample to 16 x 16 pixels.

    All in types that JSON knows. Raises `InputError` for an array of three axes that is no picture as `images.resize`
    takes it: another number of channels, sides below 16, or a value that is not finite.
    """
    found = _identity(array)
    if array.ndim == 3:
        found["downsample"] = downsample(array).tolist()
    return found


def downsample(picture: np.ndarray) -> np.ndarray:
    """The picture of 16 x 16 pixels, (16, 16, 3), rounded; smaller pictures are enlarged."""
    return np.round(resize(np.asarray(picture, np.float64), (SIDE, SIDE)), DIGITS)


def compare(recorded: Mapping[str, Any], array: np.ndarray) -> float:
    """How far an array is from what was recorded of another.

    0 where the bytes are equal, and only there; else the largest difference of the downsamples, in units of the pixels,
    or `HIDDEN` if that is more; infinity where there is none to compare, or the shapes differ.
    """
    own = describe(array)
    if (own["sha256"], own["shape"]) == (recorded.get("sha256"), recorded.get("shape")):
        return 0.0
    if own["shape"] != recorded.get("shape") or "downsample" not in own:
        return float("inf")
    return max(_apart(recorded.get("downsample"), own["downsample"]), HIDDEN)


def describe_plotted(array: np.ndarray, axes: int) -> dict[str, Any]:
    """Shape, type, sha256 and `outline` of an array that a figure shows; see `outline`."""
    return _identity(array) | {"outline": outline(array, axes)}


def outline(array: np.ndarray, axes: int) -> list[Any]:
    """Means of at most 16 blocks along each of the first `axes` axes, six digits: a curve or picture of any units.

    Nested lists of numbers; None, which JSON knows as null, where a mean is not finite, as at the gap of a line.
    """
    reduced = np.asarray(array, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        for axis in range(axes):
            parts = np.array_split(reduced, min(SIDE, reduced.shape[axis]), axis)
            reduced = np.stack([part.mean(axis) for part in parts], axis)
    return np.vectorize(_rounded, otypes=[object])(reduced).tolist()


def compare_plotted(recorded: Mapping[str, Any], array: np.ndarray, axes: int) -> float:
    """How far a plotted array is from what was recorded of another.

    0 where the bytes are equal, and only there; else the largest difference of the outlines, relative to the largest
    value that was recorded, null being equal to null, or `HIDDEN` if that is more; infinity where they cannot be
    compared, or one of them alone is null.
    """
    own = describe_plotted(array, axes)
    if (own["sha256"], own["shape"]) == (recorded.get("sha256"), recorded.get("shape")):
        return 0.0
    apart = _apart(recorded.get("outline"), own["outline"])
    if not np.isfinite(apart):
        return apart
    values = np.array(recorded["outline"], dtype=float)
    largest = float(np.max(np.abs(values[np.isfinite(values)]), initial=0.0))
    return max(apart / largest if largest > 0 else apart, HIDDEN)


def _identity(array: np.ndarray) -> dict[str, Any]:
    return {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "sha256": hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest(),
    }


def _rounded(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None


def _apart(recorded: Any, own: Any) -> float:
    """The largest difference of two nested lists of one shape, None being equal to None; infinity for what is none."""
    try:
        before, now = (np.array(values, dtype=float) for values in (recorded, own))
    except (TypeError, ValueError, OverflowError):
        return float("inf")
    if before.shape != now.shape or not np.array_equal(np.isfinite(before), np.isfinite(now)):
        return float("inf")
    difference = np.abs(before - now)[np.isfinite(now)]
    return float(np.max(difference, initial=0.0))
