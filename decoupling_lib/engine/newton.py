"""Quasi-Newton corrections of least norm, which bring features to their target values."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from ..common.arrays import Floats, Mask
from .distances import block_error
from .features import DifferentiableFeatures, Linearization, Pullback, block_slices
from .lift import Damping, gram_matrix

MAX_CORRECTIONS = 16
"""Maximum number of steps, unless the caller says otherwise."""
SLOW = 0.5
"""A step that leaves more of the error than this has the Gram matrix computed at its end. With damping that happens at
most once: there a matrix of its own does not make steps faster."""


class Corrected(NamedTuple):
    """Where corrections ended.

    Parameters
    ----------
    x : ndarray
        The corrected point.
    steps : int
        Number of steps that led to it, each of which took one VJP.
    forward : int
        Number of forward passes, those of rejected steps included.
    """

    x: Floats
    steps: int
    forward: int


def correct(
    features: DifferentiableFeatures,
    x: Floats,
    aim: Floats,
    live: Mask,
    damping: Damping,
    goal: float,
    most: int = MAX_CORRECTIONS,
    gram: NDArray[np.floating] | None = None,
    recompute: bool = True,
) -> Corrected:
    """Bring the features to `aim` by quasi-Newton steps of least norm, halved where they overshoot.

    A step is Aᵀ(G + δ)⁻¹ times the gap, in scaled features, with a gradient Gram matrix G = AAᵀ that may be that of
    another point nearby. It takes one VJP and one forward pass. (Newton steps with a G of their own need hundreds of
    Jacobian rows each, and end no closer.)

    There are two uses. An undamped leg drifts off its straight line; the correction ends it on the reference, at the
    expense of the way back, since it is not part of the reversible field. A damped leg that imposes a style ends near
    it; the correction closes the gap of the moving block and leaves the held blocks where they are. In a self-transfer
    that gap is zero, so the way back loses nothing.

    Parameters
    ----------
    features : DifferentiableFeatures
        The blocks that are held and moved. Unless `gram` is given and not recomputed, they need Jacobian rows.
    x : ndarray of float64 or float32
        Where to begin; any shape that the map accepts. Not changed.
    aim : ndarray, shape (n,)
        Target values of all features.
    live : ndarray of bool, shape (n,)
        Features that are False take no part.
    damping : Damping
        Damping of the steps.
    goal : float
        Relative error of the worst block at which the correction is done.
    most : int
        Maximum number of steps, at least 0.
    gram : ndarray, shape (n, n), optional
        G at a point nearby, scaled by `damping`. Default: it is computed at x.
    recompute : bool
        Whether G is computed again where the given one is not good enough. For a large image that would take hundreds
        of Jacobian rows of its size; without it, the corrections end there.

    Returns
    -------
    Corrected
        The point whose worst block is closest to its aim, and what it cost.
    """
    slices = block_slices(features.blocks).values()
    weights = live / np.sqrt(damping.scales)

    def worst(at: Pullback) -> float:
        return max(block_error(at.values[block], aim[block], live[block]) for block in slices)

    def invert(matrix: NDArray[np.floating]) -> Floats:
        eigenvalues, vectors = eigh(matrix.astype(float))
        inverse: Floats = (vectors * damping.filter(eigenvalues)) @ vectors.T
        return inverse

    at, steps, forward = features.linearize(x), 0, 1
    error = worst(at)
    inverse = None if gram is None else invert(gram)
    last = not recompute and inverse is not None  # whether no other Gram matrix would help
    while error > goal and steps < most:
        if inverse is None:
            inverse, last = invert(gram_matrix(cast(Linearization, at), weights)), True
        move = at.vjp(weights * (inverse @ (weights * (aim - at.values))))
        for fraction in (1.0, 0.5, 0.25, 0.125):
            there = x + x.dtype.type(fraction) * move
            trial, forward = features.linearize(there), forward + 1
            if worst(trial) < error:
                break
        else:
            if last:
                break
            inverse = None
            continue
        if worst(trial) > SLOW * error and (not last or (recompute and damping.delta == 0)):
            inverse = None
        x, at, error, steps = there, trial, worst(trial), steps + 1
    return Corrected(x, steps, forward)
