"""The derivative of a leg: how a change of the image before it becomes a change of the image after it.

A step of the symmetric rule maps x to x' = x + hV with V = A(m)ᵀλ, m = (x + x')/2, and f(x') - f(x) + hδλ = hr (see
`symmetric`). With K = Σ λ_i H_i(m), a change p before the step and a change ρ of the rate become p + hω after it, where

    ω - (h/2) K ω - A(m)ᵀ μ = K p,        A(x') ω + δ μ = ρ - (A(x') - A(x)) p / h

is solved for ω and μ, by the same quasi-Newton iteration as the step itself. The transposed equations pull a gradient
back. (The thesis takes the gradients of the features at the end of a leg for those at its start, which leaves out how
the leg stretches the image: the growth K.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import cho_solve, solve_triangular

from ..common.arrays import Floats, Mask
from .anderson import Anderson
from .features import FeatureMap, Linearization
from .leg_state import Guide
from .lift import Damping
from .symmetric_step import DEPTH, factor_gram

MAX_ITERATIONS = 60
PATIENCE = 10


@dataclass(frozen=True)
class SolvedLeg:
    """A leg of symmetric steps, with all that its derivative needs.

    Parameters
    ----------
    features : FeatureMap
        The blocks that were held and moved; they need second derivatives.
    points : tuple of ndarray
        Where the steps ended, from the start on.
    solution : Guide
        The places of the points, the multipliers of the steps, and Gram matrices as a guide for the equations.
    moving : slice
        The moving block.
    live : ndarray of bool, shape (n,)
        The live features.
    damping : Damping
        δ and S of the leg.
    aims_at_values : bool
        Whether the line leads from the moving block's values at the start to fixed values, as in Step 1: then the rate
        depends on the start. In Step 3 it does not.
    tolerance : float
        Relative error at which the equations of a step count as solved.
    """

    features: FeatureMap
    points: tuple[Floats, ...]
    solution: Guide
    moving: slice
    live: Mask
    damping: Damping
    aims_at_values: bool = True
    tolerance: float = 1e-6

    def push(self, dx: Floats) -> Floats:
        """Return the change after the leg of a change before it.

        Parameters
        ----------
        dx : ndarray, shape of x
            A direction in image space, at the start.

        Returns
        -------
        ndarray, shape of x
            To first order, at the end.
        """
        before, rate = self._linearize(0), np.zeros(len(self.live))
        if self.aims_at_values:
            rate[self.moving] = -(self._weights * before.jvp(dx))[self.moving]
        for step in range(len(self.solution.multipliers)):
            after = self._linearize(step + 1)
            dx = self._push_through(step, dx, rate, before, after)
            before = after
        return dx

    def pull(self, gradient: Floats) -> Floats:
        """Return the gradient before the leg of a function whose gradient after it is given: the transpose of `push`.

        Parameters
        ----------
        gradient : ndarray, shape of x
            At the end.

        Returns
        -------
        ndarray, shape of x
            At the start.
        """
        steps, rate = len(self.solution.multipliers), np.zeros(len(self.live))
        after = self._linearize(steps)
        for step in reversed(range(steps)):
            before = self._linearize(step)
            gradient, own = self._pull_through(step, gradient, before, after)
            rate += own
            after = before
        if self.aims_at_values:
            moving = np.zeros_like(rate)
            moving[self.moving] = rate[self.moving]
            gradient = gradient - after.vjp(self._weights * moving)
        return gradient

    def reversed(self) -> SolvedLeg:
        """Return the leg that retraces this one at the opposite, constant rate."""
        return replace(
            self,
            points=self.points[::-1],
            solution=self.solution.reversed(),
            aims_at_values=False,
        )

    @property
    def _weights(self) -> Floats:
        weights: Floats = self.live / np.sqrt(self.damping.scales)
        return weights

    @cached_property
    def _factor(self) -> Floats:
        return factor_gram(self.solution.grams[-1].astype(float), self.damping.delta)

    def _linearize(self, point: int) -> Linearization:
        return self.features.linearize(self.points[point])

    def _push_through(self, step: int, p: Floats, rate: Floats, before: Linearization, after: Linearization) -> Floats:
        h, middle, multipliers = self._middle(step)
        weights, delta = self._weights, self.damping.delta
        right = rate - weights * (after.jvp(p) - before.jvp(p)) / h

        def advance(omega: Floats, mu: Floats) -> tuple[Floats, Floats]:
            change = self._solve(right - delta * mu - weights * after.jvp(omega))
            return middle.hvp(multipliers, p + 0.5 * h * omega) + middle.vjp(weights * (mu + change)), change

        omega, _ = self._iterate(advance, np.zeros_like(p))
        return p + h * omega

    def _pull_through(self, step: int, q: Floats, before: Linearization, after: Linearization) -> tuple[Floats, Floats]:
        h, middle, multipliers = self._middle(step)
        weights, delta = self._weights, self.damping.delta

        def advance(alpha: Floats, beta: Floats) -> tuple[Floats, Floats]:
            change = self._solve(weights * middle.jvp(alpha) - delta * beta)
            pulled = after.vjp(weights * (beta + change))
            return h * q + 0.5 * h * middle.hvp(multipliers, alpha) - pulled, change

        alpha, beta = self._iterate(advance, h * q)
        growth = middle.hvp(multipliers, alpha)
        return q + growth - (after.vjp(weights * beta) - before.vjp(weights * beta)) / h, beta

    def _middle(self, step: int) -> tuple[float, Linearization, Floats]:
        """Return the size of a step, its midpoint, and the multipliers of the unscaled features."""
        middle, grid = self.features.linearize(0.5 * (self.points[step] + self.points[step + 1])), self.solution.grid
        return float(grid[step + 1] - grid[step]), middle, self._weights * self.solution.multipliers[step]

    def _solve(self, right: Floats) -> Floats:
        solved: Floats = cho_solve((self._factor, True), right)
        return solved

    def _iterate(
        self, advance: Callable[[Floats, Floats], tuple[Floats, Floats]], first: Floats
    ) -> tuple[Floats, Floats]:
        """Return the fixed point of a map of a vector and multipliers; see `symmetric_step.StepSolver.solve`."""
        vector, multipliers, mixing = first, np.zeros(len(self.live)), Anderson(DEPTH)
        best, stale, found = np.inf, 0, (vector, multipliers)
        for _ in range(MAX_ITERATIONS):
            new, change = advance(vector, multipliers)
            residual = np.concatenate([np.ravel(new - vector), self._factor.T @ change])
            size = float(np.linalg.norm(residual))
            best, stale, found = (size, 0, (new, multipliers + change)) if size < best else (best, stale + 1, found)
            if size <= self.tolerance * float(np.linalg.norm(new)) or stale >= PATIENCE or not np.isfinite(size):
                break
            mixed = mixing.next(np.concatenate([np.ravel(vector), self._factor.T @ multipliers]), residual)
            vector = mixed[: vector.size].reshape(vector.shape)
            multipliers = solve_triangular(self._factor.T, mixed[vector.size :], lower=False)
        return found
