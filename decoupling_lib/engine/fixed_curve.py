"""Legs with known multipliers: any image can be carried through the curve that was solved for another one.

The velocity of a leg, V = Jᵀλ, sees an image through its Jacobian J alone. With λ known, nothing is left to solve but
the implicit midpoint step of size h,

    x' = x + hV,        V = J((x + x')/2)ᵀ λ,

an equation for V that is iterated (`midpoint_step`), at the cost of one forward pass and one VJP each. If x and x'
are exchanged and the sign of λ is reversed, the step stays the same. So the way back takes the mirror image of the
grid, and returns as closely as the equations were solved, times the growth of errors. That growth is the price of
fixed multipliers: what a leg contracts on the way there, its way back expands, and nothing holds it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..common.arrays import Floats
from .midpoint_step import solve_midpoint

DEPTH = 2
"""Number of earlier iterations that are mixed. More hardly saves passes, and each takes two images of memory."""

Pullback = Callable[[Floats, Floats], Floats]
"""Maps an image x and weights w to J(x)ᵀ w, of x's shape and type."""


class CurveError(ArithmeticError):
    """A step along a curve has no solution within reach; the message says which, in one line."""


@dataclass(frozen=True)
class Curve:
    """The multipliers of a leg and the steps on which they hold.

    Parameters
    ----------
    grid : ndarray, shape (steps + 1,)
        Where the steps end, from 0 to 1.
    multipliers : ndarray, shape (steps, n)
        λ of each step, for unscaled features: V = Σ λ_i ∇f_i.

    Examples
    --------
    >>> there = Curve(np.array([0.0, 0.25, 1.0]), np.array([[1.0], [2.0]]))
    >>> back = there.reverse()
    >>> print(back.grid, back.multipliers.ravel())
    [0.   0.75 1.  ] [-2. -1.]
    """

    grid: Floats
    multipliers: Floats

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.multipliers)

    def reverse(self) -> Curve:
        """Return the curve of the way back."""
        return Curve(1.0 - self.grid[::-1], -self.multipliers[::-1])

    def subdivide(self, parts: int) -> Curve:
        """Return the curve with every step in equal parts, which have the multipliers of the whole.

        Parameters
        ----------
        parts : int
            Number of parts, at least 1.
        """
        if parts == 1:
            return self
        pieces = [np.linspace(a, b, parts, endpoint=False) for a, b in zip(self.grid[:-1], self.grid[1:], strict=True)]
        return Curve(np.append(np.concatenate(pieces), self.grid[-1]), np.repeat(self.multipliers, parts, axis=0))

    def on_grid(self, grid: Floats) -> Curve:
        """Return the curve on a finer grid, which has all its points.

        Parameters
        ----------
        grid : ndarray, shape (steps + 1,)
            From 0 to 1.
        """
        inside = np.searchsorted(self.grid, 0.5 * (grid[1:] + grid[:-1])) - 1
        return Curve(grid, self.multipliers[inside])

    def scale(self, factor: float) -> Curve:
        """Return the curve with all multipliers times a factor."""
        return Curve(self.grid, factor * self.multipliers)

    def mix(self, other: Curve, share: float) -> Curve:
        """Return the curve between this one and another one on the same grid.

        Parameters
        ----------
        other : Curve
            On the same grid.
        share : float
            0 is this curve, and 1 the other one.
        """
        return Curve(self.grid, (1.0 - share) * self.multipliers + share * other.multipliers)


class Carried(NamedTuple):
    """An image that was carried along a curve.

    Parameters
    ----------
    x : ndarray
        The image at the end.
    pullbacks : int
        Number of pullbacks, each one forward pass and one VJP.
    halvings : int
        How often a step was halved, because there was no solution within reach.
    """

    x: Floats
    pullbacks: int
    halvings: int


def join_grids(first: Floats, second: Floats) -> Floats:
    """Return a grid that has the points of two, without those that differ by rounding only.

    Parameters
    ----------
    first, second : ndarray, shapes (k + 1,) and (m + 1,)
        From 0 to 1.

    Examples
    --------
    >>> join_grids(np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.25, 0.5, 1.0]))
    array([0.  , 0.25, 0.5 , 1.  ])
    """
    points = np.sort(np.concatenate([first, second]))
    joined: Floats = points[np.append(True, np.diff(points) > 1e-9)]
    return joined


def carry(
    pullback: Pullback,
    x: Floats,
    curve: Curve,
    tolerance: float,
    on_step: Callable[[int], None] | None = None,
    max_halvings: int = 0,
) -> Carried:
    """Carry an image along a curve by implicit midpoint steps.

    Parameters
    ----------
    pullback : callable
        Maps (x, w) to J(x)ᵀ w.
    x : ndarray of float64 or float32
        Where to begin; not changed. All images have its type.
    curve : Curve
        The steps and their multipliers.
    tolerance : float
        Root mean square change of the image, in its unit, at which the solution of a step is accepted.
    on_step : callable, optional
        Receives the number of steps of the curve that are done, after each.
    max_halvings : int
        How often a step may be halved if it has no solution within reach. Both halves have its multipliers. A way back
        has to take the same halves, so it is exact only if there are none.

    Returns
    -------
    Carried
        The end, and what it cost.

    Raises
    ------
    CurveError
        If a step has no solution within reach, nor have its halves: its size times the curvature of the features is too
        large.

    Examples
    --------
    The mean square of two numbers pulls both toward 0, each step by the same factor (1 + a)/(1 - a) with a = hλ/2:

    >>> curve = Curve(np.array([0.0, 0.5, 1.0]), np.full((2, 1), -1.0))
    >>> there = carry(lambda x, w: w[0] * x, np.array([1.0, 2.0]), curve, 1e-12)
    >>> print(there.x.round(6))
    [0.36 0.72]
    >>> carry(lambda x, w: w[0] * x, there.x, curve.reverse(), 1e-12).x.round(9)
    array([1., 2.])
    """
    pullbacks = halvings = 0
    known: list[tuple[float, Floats]] = []  # the latest midpoints and their velocities, at most two
    for k, multipliers in enumerate(curve.multipliers):

        def field(point: Floats, multipliers: Floats = multipliers) -> Floats:
            nonlocal pullbacks
            pullbacks += 1
            return pullback(point, multipliers)

        # The parts of this step that are still to be taken, the next one last. No part keeps an image of its own.
        parts = [(float(curve.grid[k]), float(curve.grid[k + 1]), max_halvings)]
        while parts:
            begin, end, left = parts.pop()
            h, middle = x.dtype.type(end - begin), 0.5 * (begin + end)
            velocity = solve_midpoint(field, x, h, _extrapolate(known, middle, x), tolerance, DEPTH)
            if velocity is not None:
                known.append((middle, velocity))
                x = x + h * velocity
            elif left > 0:
                halvings += 1
                parts += [(middle, end, left - 1), (begin, middle, left - 1)]
            else:
                what = "has no solution within reach; the image is too unlike the one for which the curve was solved"
                raise CurveError(f"step {k + 1} of {curve.steps} {what}")
        if on_step is not None:
            on_step(k + 1)
    return Carried(x, pullbacks, halvings)


def _extrapolate(known: list[tuple[float, Floats]], middle: float, x: Floats) -> Floats:
    """Return a guess of the velocity: on the straight line through the latest two, or the latest, or none.

    The earlier one of two is taken from the list, and its memory is that of the guess: each is an image.
    """
    if not known:
        return np.zeros_like(x)
    second, latest = known[-1]
    if len(known) == 1:
        return latest
    first, guess = known.pop(0)
    np.subtract(latest, guess, out=guess)
    guess *= x.dtype.type((middle - second) / (second - first))
    guess += latest
    return guess
