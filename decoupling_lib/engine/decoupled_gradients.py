"""Gradients of the decoupled features, approximated from the raw Jacobians at the ends of the legs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.linalg import eigh

from ..common.arrays import Floats
from .context import Reference
from .features import Counted, block_slices

CHUNK = 2**21
"""Entries of a Jacobian, 16 MiB in float64, that are processed at a time: at 512 px the whole has gigabytes."""


def decoupled_jacobian(features: Counted, starts: list[Floats], reference: Reference) -> Floats:
    """Return an approximation of the gradients of the decoupled features at x.

    A leg moves x by -A⁺(f(x) - v), where A⁺ is the damped inverse of the held and moved features. To first order, and
    without the curvature of the features, a change dx before the leg becomes dx - A⁺ A_j dx after it.

    Parameters
    ----------
    features : Counted
        The feature map.
    starts : list of ndarray
        x̌_0 = x, x̌_1, …: where the leg of each block begins, which is the end of the leg before.
    reference : Reference
        What Step 0 determined.

    Returns
    -------
    ndarray, shape (n, N)
        One gradient per row, in the dtype of the network. No other array of its size is made: the Jacobians are
        changed in place.
    """
    slices = list(block_slices(features.blocks).values())
    weights = reference.live / np.sqrt(reference.damping.scales)
    at = []
    for depth, (block, start) in enumerate(zip(slices, starts, strict=True), start=1):
        rows = features.prefix(depth).linearize(start).jacobian(reference.live[: block.stop])
        rows *= weights[: block.stop, None].astype(rows.dtype)
        at.append(rows)
    inverses = []
    for place, (passed, block) in enumerate(zip(at[1:], slices, strict=False)):
        damping = reference.damping.leg(place, block)
        # From the scaling by `weights` to that of the leg and back; for the moving block they are the same.
        ease = np.sqrt(reference.damping.scales[: block.stop] / damping.scales)
        eigenvalues, vectors = eigh(ease[:, None] * product(passed[: block.stop], passed[: block.stop]) * ease)
        inverse = (vectors * damping.filter(eigenvalues)) @ vectors[block].T
        inverses.append(ease[:, None] * inverse)
    # The deepest block comes first: the raw rows of a block are used by the deeper blocks, and by them only.
    decoupled = at[-1]
    for depth, block in reversed(list(enumerate(slices))):
        rows = at[depth][block]
        for earlier in range(depth - 1, -1, -1):
            moving = slices[earlier]
            back = product(rows, at[earlier + 1][: moving.stop]) @ inverses[earlier]
            add_product(rows, -back, at[earlier][moving])
        decoupled[block] = rows
        del at[depth]
    decoupled /= np.where(weights > 0, weights, np.inf)[:, None].astype(decoupled.dtype)
    return decoupled


def product(a: Floats, b: Floats) -> Floats:
    """Return a bᵀ, computed in float64 piece by piece whatever the dtypes of a and b.

    Parameters
    ----------
    a : ndarray, shape (k, N)
        First factor.
    b : ndarray, shape (m, N)
        Second factor.

    Returns
    -------
    ndarray, shape (k, m)
        float64.
    """
    total = np.zeros((len(a), len(b)))
    for columns in _column_slices(len(a) + len(b), a.shape[1]):
        total += a[:, columns].astype(float) @ b[:, columns].astype(float).T
    return total


def add_product(a: Floats, factors: Floats, b: Floats) -> None:
    """Add factors @ b to `a` in place, computed in float64 piece by piece.

    Parameters
    ----------
    a : ndarray, shape (k, N)
        Changed in place.
    factors : ndarray, shape (k, m)
        First factor.
    b : ndarray, shape (m, N)
        Second factor.
    """
    for columns in _column_slices(len(a) + len(b), a.shape[1]):
        a[:, columns] += factors @ b[:, columns].astype(float)


def _column_slices(entries: int, size: int) -> Iterator[slice]:
    """Return slices over `size` columns of `entries` rows, with about `CHUNK` numbers in each."""
    width = max(1, CHUNK // max(entries, 1))
    return (slice(begin, begin + width) for begin in range(0, size, width))
