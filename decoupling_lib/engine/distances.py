"""Distances between features and their targets."""

from __future__ import annotations

import math

import numpy as np

from ..common.arrays import Floats, Mask
from ..common.errors import input_error
from ..common.validation import same_shape


def block_error(f: Floats, target: Floats, live: Mask) -> float:
    """Return ‖f - t‖/‖t‖ over the live features, or ‖f - t‖ where t is 0 (a mean, a skewness).

    Parameters
    ----------
    f, target : ndarray, shape (n,)
        Features and their target t.
    live : ndarray of bool, shape (n,)
        The features that count.

    Returns
    -------
    float
        At least 0.
    """
    if np.any(target[live]):
        return relative_error(f, target, live)
    return float(np.linalg.norm(f[live]))


def relative_error(f: Floats, v: Floats, live: Mask | None = None) -> float:
    """Return ‖f - v‖/‖v‖ over the live channels.

    Parameters
    ----------
    f, v : ndarray, shape (n,)
        Features and their target.
    live : ndarray of bool, shape (n,), optional
        The channels that count. Default: all.

    Returns
    -------
    float
        0 if f equals v on the live channels (also if no channel is live); infinite if v alone is 0 there.

    Raises
    ------
    InputError
        If the shapes differ or there is no value.

    Examples
    --------
    >>> relative_error(np.array([3.0, 5.0]), np.array([3.0, 4.0]))
    0.2
    """
    f, v = _select_live(live, f, v)
    return _ratio(float(np.linalg.norm(f - v)), float(np.linalg.norm(v)))


def remaining_fraction(f: Floats, v: Floats, c: Floats, live: Mask | None = None) -> tuple[float, float]:
    """Return the share of the way from c to v that remains at f, ‖f - v‖/‖c - v‖, and that of the worst channel.

    Parameters
    ----------
    f, v, c : ndarray, shape (n,)
        Features now, their target, and the features at which the leg began.
    live : ndarray of bool, shape (n,), optional
        The channels that count. Default: all.

    Returns
    -------
    block : float
        Share of the whole block: 0 if nothing remains, infinite if the block left a target at which it began.
    worst : float
        Share of the worst channel. A channel that began exactly at its target has no way to go and is left out.

    Raises
    ------
    InputError
        If the shapes differ or there is no value.
    """
    f, v, c = _select_live(live, f, v, c)
    left, way = np.abs(f - v), np.abs(c - v)
    block = _ratio(float(np.linalg.norm(left)), float(np.linalg.norm(way)))
    moved = way > 0
    worst = float(np.max(left[moved] / way[moved])) if moved.any() else 0.0
    return block, worst


def _ratio(part: float, whole: float) -> float:
    if whole == 0:
        return 0.0 if part == 0 else math.inf
    return part / whole


def _select_live(live: Mask | None, *vectors: Floats) -> list[Floats]:
    first = np.asarray(vectors[0])
    mask = np.ones(first.shape, dtype=bool) if live is None else np.asarray(live)
    if mask.shape != first.shape or mask.dtype != bool:
        accepted = f"booleans of shape {first.shape}"
        raise input_error("mask of live channels", "does not fit", mask, accepted, "give one per channel")
    return [same_shape(vector, first)[0][mask] for vector in vectors]
