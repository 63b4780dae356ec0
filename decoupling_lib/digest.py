"""Short accounts of arrays that a report carries, so that a run made again can be compared without its files."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from . import images

SIDE = 16
DIGITS = 6
"""Decimals of the downsample, digits of an outline: far finer than what two machines agree on."""
_PROCESSOR = ("model name", "cpu family", "model", "stepping", "flags", "CPU implementer", "CPU part", "Features")


def describe(array: np.ndarray) -> dict[str, Any]:
    """Shape, type and sha256 of an array's bytes; of a picture (H, W, 3) also its downsample to 16 x 16 pixels.

    All in types that JSON knows; a value that is not finite is null.
    """
    found = _identity(array)
    if array.ndim == 3:
        found["downsample"] = downsample(array).tolist()
    return found


def downsample(picture: np.ndarray) -> np.ndarray:
    """The picture of 16 x 16 pixels, (16, 16, 3), rounded; smaller pictures are enlarged."""
    return np.round(images.resize(np.asarray(picture, np.float64), (SIDE, SIDE)), DIGITS)


def compare(recorded: Mapping[str, Any], array: np.ndarray) -> float:
    """How far an array is from what was recorded of another.

    0 where the bytes are equal; else the largest difference of the downsamples, in units of the pixels; infinity where
    there is none to compare, or the shapes differ.
    """
    own = describe(array)
    if (own["sha256"], own["shape"]) == (recorded.get("sha256"), recorded.get("shape")):
        return 0.0
    if own["shape"] != recorded.get("shape") or "downsample" not in own:
        return float("inf")
    return _apart(recorded.get("downsample"), own["downsample"])


def describe_plotted(array: np.ndarray, axes: int) -> dict[str, Any]:
    """Shape, type, sha256 and `outline` of an array that a figure shows; see `outline`."""
    return _identity(array) | {"outline": outline(array, axes)}


def outline(array: np.ndarray, axes: int) -> list[Any]:
    """Means of at most 16 blocks along each of the first `axes` axes, six digits: a curve or picture of any units."""
    reduced = np.asarray(array, np.float64)
    for axis in range(axes):
        parts = np.array_split(reduced, min(SIDE, reduced.shape[axis]), axis)
        reduced = np.stack([part.mean(axis) for part in parts], axis)
    return np.vectorize(lambda value: float(f"{value:.{DIGITS}g}"), otypes=[float])(reduced).tolist()


def compare_plotted(recorded: Mapping[str, Any], array: np.ndarray, axes: int) -> float:
    """How far a plotted array is from what was recorded of another.

    0 where the bytes are equal; else the largest difference of the outlines, relative to the largest value that was
    recorded; infinity where they cannot be compared.
    """
    own = describe_plotted(array, axes)
    if (own["sha256"], own["shape"]) == (recorded.get("sha256"), recorded.get("shape")):
        return 0.0
    apart = _apart(recorded.get("outline"), own["outline"])
    if not np.isfinite(apart):
        return apart
    largest = float(np.max(np.abs(np.array(recorded["outline"], dtype=float)), initial=0.0))
    return apart / largest if largest > 0 else apart


def machine() -> dict[str, Any]:
    """Processor, what it can do, usable threads and system: where they and the packages are equal, so are the bits.

    Two processors may share a name: kernels are chosen by what a processor can do, so a digest of that is told as well.
    """
    processor, able = platform.processor() or platform.machine(), platform.machine()
    described = Path("/proc/cpuinfo")
    if described.exists():
        first = described.read_text("utf-8").split("\n\n")[0]
        entries = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}
        processor = entries.get("model name", processor)
        able = "; ".join(" ".join(sorted(entries.get(name, "").split())) for name in _PROCESSOR)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": processor,
        "capabilities": hashlib.sha256(able.encode()).hexdigest()[:16],
        "threads": usable,
        "system": platform.system(),
    }


def _identity(array: np.ndarray) -> dict[str, Any]:
    return {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "sha256": hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest(),
    }


def _apart(recorded: Any, own: Any) -> float:
    """The largest difference of two nested lists of one shape; infinity for what is none."""
    try:
        difference = np.abs(np.array(recorded, dtype=float) - np.array(own, dtype=float))
    except (TypeError, ValueError, OverflowError):
        return float("inf")
    alike = difference.shape == np.shape(own) == np.shape(recorded)
    return float(np.max(difference, initial=0.0)) if alike and np.all(np.isfinite(difference)) else float("inf")
