"""How far a result is from what it should be: between two pictures, between features and their targets."""

from __future__ import annotations

import math

import numpy as np

from ..common.errors import input_error
from ..common.validation import same_shape


def relative_error(f: np.ndarray, v: np.ndarray, live: np.ndarray | None = None) -> float:
    """‖f - v‖/‖v‖ over the live channels.

    Parameters
    ----------
    f, v : features and their target, shape (n,).
    live : bool, shape (n,): the channels that count (default: all).

    Returns
    -------
    0 when f = v on the live channels (also when none is live); infinite when only v vanishes there.

    Raises
    ------
    InputError : the shapes differ or there is no value.
    """
    f, v = _live(live, f, v)
    return _ratio(float(np.linalg.norm(f - v)), float(np.linalg.norm(v)))


def remaining_fraction(
    f: np.ndarray, v: np.ndarray, c: np.ndarray, live: np.ndarray | None = None
) -> tuple[float, float]:
    """The part of a leg's way from c to v left at f: ‖f - v‖/‖c - v‖, and that of the worst channel alone.

    Parameters
    ----------
    f, v, c : features now, their target, and where the leg began, shape (n,).
    live : bool, shape (n,): the channels that count (default: all).

    Returns
    -------
    (block, worst channel). A channel that began exactly at its target has no way to go and is left out of the
    worst one. 0 when there is nothing left; the block's is infinite when it left a target at which it began.

    Raises
    ------
    InputError : the shapes differ or there is no value.
    """
    f, v, c = _live(live, f, v, c)
    left, way = np.abs(f - v), np.abs(c - v)
    block = _ratio(float(np.linalg.norm(left)), float(np.linalg.norm(way)))
    moved = way > 0
    worst = float(np.max(left[moved] / way[moved])) if moved.any() else 0.0
    return block, worst


def _ratio(part: float, whole: float) -> float:
    if whole == 0:
        return 0.0 if part == 0 else math.inf
    return part / whole


def _live(live: np.ndarray | None, *vectors: np.ndarray) -> list[np.ndarray]:
    first = np.asarray(vectors[0])
    mask = np.ones(first.shape, dtype=bool) if live is None else np.asarray(live)
    if mask.shape != first.shape or mask.dtype != bool:
        accepted = f"booleans of shape {first.shape}"
        raise input_error("mask of live channels", "does not fit", mask, accepted, "give one per channel")
    return [same_shape(vector, first)[0][mask] for vector in vectors]


def block_error(f: np.ndarray, target: np.ndarray, live: np.ndarray) -> float:
    """‖f - t‖/‖t‖ over live features, or ‖f - t‖ where t is 0 (a mean, a skewness)."""
    if np.any(target[live]):
        return relative_error(f, target, live)
    return float(np.linalg.norm(f[live]))
