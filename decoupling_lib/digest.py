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
"""Decimals of the downsample: far finer than what two machines agree on."""


def describe(array: np.ndarray) -> dict[str, Any]:
    """Shape, type and sha256 of an array's bytes; of a picture (H, W, 3) also its downsample to 16 x 16 pixels.

    All in types that JSON knows; a value that is not finite is null.
    """
    found: dict[str, Any] = {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "sha256": hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest(),
    }
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
    try:
        apart = np.abs(np.array(recorded.get("downsample"), dtype=float) - np.array(own["downsample"]))
    except (TypeError, ValueError):
        return float("inf")
    return float(np.max(apart)) if apart.shape == (SIDE, SIDE, 3) and np.all(np.isfinite(apart)) else float("inf")


def machine() -> dict[str, Any]:
    """Processor, usable threads and system: where they and the packages are equal, so are the bits."""
    processor = platform.processor() or platform.machine()
    described = Path("/proc/cpuinfo")
    if described.exists():
        entries = (line.partition(":") for line in described.read_text("utf-8").splitlines())
        processor = next((value.strip() for key, _, value in entries if key.strip() == "model name"), processor)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"processor": processor, "threads": usable, "system": platform.system()}
