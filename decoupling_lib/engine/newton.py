"""Quasi-Newton corrections of least norm, which bring features to their target values."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh

from ..common.arrays import Floats, Mask
from .distances import block_error
from .features import Counted, Linearization, block_slices
from .lift import Damping, gram_matrix

MAX_CORRECTIONS = 16
"""Maximum number of steps, unless the caller says otherwise."""
SLOW = 0.5
"""A step that leaves more of the error than this has the Gram matrix computed at its end. With damping that happens at
most once: there a matrix of its own does not make steps faster."""


def correct(
    features: Counted,
    x: Floats,
    aim: Floats,
    live: Mask,
    damping: Damping,
    goal: float,
    most: int = MAX_CORRECTIONS,
    gram: Floats | None = None,
) -> tuple[Floats, int]:
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
    features : Counted
        The blocks that are held and moved.
    x : ndarray
        Where to begin; any shape that the map accepts.
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

    Returns
    -------
    x : ndarray
        The corrected point.
    steps : int
        Number of steps that led to it.
    """
    slices = block_slices(features.blocks).values()
    weights = live / np.sqrt(damping.scales)

    def worst(at: Linearization) -> float:
        return max(block_error(at.values[block], aim[block], live[block]) for block in slices)

    def invert(matrix: Floats) -> Floats:
        eigenvalues, vectors = eigh(matrix)
        inverse: Floats = (vectors * damping.filter(eigenvalues)) @ vectors.T
        return inverse

    at, steps = features.linearize(x), 0
    error = worst(at)
    inverse = None if gram is None else invert(gram)
    own = False  # whether the Gram matrix was computed here
    while error > goal and steps < most:
        if inverse is None:
            inverse, own = invert(gram_matrix(at, weights)), True
        move = at.vjp(weights * (inverse @ (weights * (aim - at.values))))
        for fraction in (1.0, 0.5, 0.25, 0.125):
            trial = features.linearize(x + fraction * move)
            if worst(trial) < error:
                break
        else:
            if own:
                break
            inverse = None
            continue
        if worst(trial) > SLOW * error and (not own or damping.delta == 0):
            inverse = None
        x, at, error, steps = x + fraction * move, trial, worst(trial), steps + 1
    return x, steps
