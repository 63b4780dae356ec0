"""The implicit midpoint step: the equation that makes a flow symmetric, solved for the velocity."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..common.arrays import Floats
from .anderson import Anderson

MAX_ITERATIONS = 100
PATIENCE = 15
"""Iterations without progress after which a solution is as good as the arithmetic allows, or there is none."""
ROUNDING = 30.0
"""Factor by which such a solution may exceed the tolerance."""
HOPELESS = 1e6
"""Root mean square of a residual, in units of the image, beyond which nothing converges any more."""


def solve_midpoint(
    field: Callable[[Floats], Floats],
    x: Floats,
    h: float | np.floating,
    velocity: Floats,
    tolerance: float,
    depth: int,
) -> Floats | None:
    """Return the V that solves V = F(x + hV/2), by a fixed-point iteration with Anderson mixing.

    Parameters
    ----------
    field : callable
        F. Its results are not kept elsewhere.
    x : ndarray of float64 or float32
        Where the step begins; all images have its type.
    h : float
        Size of the step; may be negative.
    velocity : ndarray, shape of x
        The first guess.
    tolerance : float
        Root mean square change of x, in its unit, at which the equation counts as solved.
    depth : int
        Number of earlier iterations that are mixed, at least 1. Each takes two images of memory.

    Returns
    -------
    ndarray, shape of x, or None
        None if no solution was found, which a smaller step may have.

    Examples
    --------
    >>> solve_midpoint(lambda x: -x, np.array([1.0]), 1.0, np.zeros(1), 1e-12, 2).round(9)
    array([-0.66666667])
    """
    mixing, best, stale, half = Anderson(depth), math.inf, 0, x.dtype.type(0.5 * h)
    velocity = velocity.copy()  # the mixing overwrites it
    for _ in range(MAX_ITERATIONS):
        # In place as far as possible: each array is an image.
        point = half * velocity
        point += x
        residual = field(point)
        del point
        residual -= velocity
        size = float(np.linalg.norm(residual)) / math.sqrt(x.size)
        if not size < HOPELESS:
            return None
        best, stale = (size, 0) if size < best else (best, stale + 1)
        if abs(float(h)) * size <= tolerance * (1.0 if stale < PATIENCE else ROUNDING):
            residual += velocity
            return residual
        if stale >= PATIENCE:
            return None
        velocity = mixing.next(velocity.ravel(), residual.ravel()).reshape(x.shape)
    return None
