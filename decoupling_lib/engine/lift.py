"""The horizontal lift: the velocity of least norm that moves features at a given rate.

Let A be the Jacobian of the held blocks and of the moving block. The exact velocity is A⁺r = Aᵀ(AAᵀ)⁻¹r. A weak
feature (one with a tiny gradient) makes it huge and the flow stiff; damping limits that. In scaled coordinates the
gradient Gram matrix is G = S^(-1/2) A Aᵀ S^(-1/2), where S holds squared gradient norms at the reference image
(`gradient_scales`), and the damped velocity is

    Aᵀ S^(-1/2) (G + δ)⁻¹ S^(-1/2) r = Aᵀ(AAᵀ + δS)⁻¹r

(Tikhonov regularization). In an eigendirection of G, the share δ/(g + δ) of the rate is left undone: little where
features are strong, nearly all of it where they are too weak to be moved. Held blocks are damped more than the moving
one. The field is autonomous, so reversing the rate retraces the curve. The thesis projects on the gradient of a loss,
which vanishes exactly on the reference manifold; the projection here is on the row space of the features' Jacobian.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import eigh

from ..common.arrays import Floats, Mask
from .features import Block, Linearization, block_slices

MAX_ITERATIONS = 200
BLOCK_SHARES = (0.53, 0.76, 5.0, 6.8, 0.9)
"""Each block's share of the damping, by its place; the last value holds for all later blocks.

Blocks differ in how many weak features they have: with equal shares the first ends its leg three times as far off as
the third and the fourth.
"""
SMALLEST_SCALE = 1e-9
"""The smallest scale of a feature of the first block, relative to the block's mean, since a gradient may vanish."""


@dataclass(frozen=True)
class Damping:
    """What keeps a lift from being stiff, fixed once in Step 0 for every image and direction.

    Parameters
    ----------
    delta : float
        δ, at least 0, dimensionless; 0 is the exact lift.
    scales : ndarray, shape (n,)
        S, above 0; see `gradient_scales`.
    held : tuple of float
        How many times as strongly a leg damps the features that it holds as those that it moves, by the place of the
        moving block; 1 for later blocks. Held features have nowhere to go: they drift little further with it, and on
        the way back most legs amplify errors less.
    """

    delta: float
    scales: Floats
    held: tuple[float, ...] = ()

    def filter(self, eigenvalues: Floats) -> Floats:
        """Return 1/(g + δ) for eigenvalues g of the scaled gradient Gram matrix.

        Parameters
        ----------
        eigenvalues : ndarray, shape (n,)
            g, at least 0 up to rounding.

        Returns
        -------
        ndarray, shape (n,)
            0 where g is 0 and nothing damps it.
        """
        g = np.maximum(eigenvalues, 0.0)
        if self.delta == 0:
            floor = np.finfo(float).eps * max(g.max(initial=0.0), 1.0)
            return np.where(g > floor, 1.0 / np.maximum(g, floor), 0.0)
        inverse: Floats = 1.0 / (g + self.delta)
        return inverse

    def prefix(self, size: int) -> Damping:
        """Return the damping of the first `size` features."""
        return replace(self, scales=self.scales[:size])

    def leg(self, place: int, moving: slice) -> Damping:
        """Return the damping of one leg.

        Parameters
        ----------
        place : int
            Place of the moving block, from 0 on.
        moving : slice
            Its features; the leg holds those before it.
        """
        scales = self.scales[: moving.stop].copy()
        if place < len(self.held):
            scales[: moving.start] *= self.held[place]
        return Damping(self.delta, scales)


def squared_gradient_norms(at: Linearization, live: Mask) -> Floats:
    """Return ‖∇f_i‖² of every feature.

    Parameters
    ----------
    at : Linearization
        The features at an image.
    live : ndarray of bool, shape (n,)
        Features that are False get 0, at no cost.

    Returns
    -------
    ndarray of float64, shape (n,)
        At least 0.
    """
    rows = at.jacobian(live)
    norms: Floats = np.einsum("ij,ij->i", rows, rows, dtype=float)  # without a float64 copy of the rows
    return norms


def gram_matrix(at: Linearization, weights: Floats) -> Floats:
    """Return the scaled gradient Gram matrix AAᵀ at a point, from explicit Jacobian rows.

    Parameters
    ----------
    at : Linearization
        The features at the point.
    weights : ndarray, shape (n,)
        By which the rows are scaled; rows of weight 0 are zero and cost nothing.

    Returns
    -------
    ndarray of float64, shape (n, n)
        Positive semidefinite.
    """
    rows = at.jacobian(weights > 0)
    rows *= weights.astype(rows.dtype)[:, None]
    return (rows @ rows.T).astype(float)


def gradient_scales(norms: Floats, blocks: tuple[Block, ...], live: Mask) -> Floats:
    """Return S: for each block its share of the mean squared gradient norm of its live features.

    In the first block each feature has its own squared norm: its leg is that of a single convolution, and damping each
    channel by its own gradient leaves a smaller gap for the same way back. Features of that block that are not live
    get the mean. The shares are `BLOCK_SHARES`.

    Parameters
    ----------
    norms : ndarray, shape (n,)
        `squared_gradient_norms` at the reference image, or their mean over several.
    blocks : tuple of Block
        Blocks in order.
    live : ndarray of bool, shape (n,)
        The live features.

    Returns
    -------
    ndarray, shape (n,)
        Above 0.
    """
    scales = np.ones(len(norms))
    for place, block in enumerate(block_slices(blocks).values()):
        alive = norms[block][live[block]]
        mean = alive.mean() if alive.size else 0.0
        if mean > 0:
            own = np.where(live[block], np.maximum(norms[block], SMALLEST_SCALE * mean), mean)
            scales[block] = BLOCK_SHARES[min(place, len(BLOCK_SHARES) - 1)] * (own if place == 0 else mean)
    return scales


def dense_velocity(jacobian: Floats, rate: Floats, live: Mask, damping: Damping) -> Floats:
    """Return the damped lift computed from an explicit Jacobian.

    This is the definition, for toys and as a check of `Lift`.

    Parameters
    ----------
    jacobian : ndarray, shape (n, N)
        A: one feature gradient per row.
    rate : ndarray, shape (n,)
        Wanted df/ds: 0 for held features.
    live : ndarray of bool, shape (n,)
        Features that are False take no part.
    damping : Damping
        δ and S.

    Returns
    -------
    ndarray, shape (N,)
        The velocity dx/ds.
    """
    weights = live / np.sqrt(damping.scales)
    rows = jacobian * weights[:, None]
    eigenvalues, vectors = eigh(rows @ rows.T)
    velocity: Floats = (vectors @ (damping.filter(eigenvalues) * (vectors.T @ (weights * rate)))) @ rows
    return velocity


class Lift:
    """Solver for the lift along a path, which does not form A at each point.

    It uses conjugate gradients: each product with AAᵀ takes one JVP and one VJP. They are preconditioned by the
    eigenvectors of an explicitly computed gradient Gram matrix, which is computed again when it has become too old to
    help, and they begin with the multipliers of the previous point.

    Parameters
    ----------
    rate : ndarray, shape (n,)
        Wanted df/ds: 0 for held features.
    live : ndarray of bool, shape (n,)
        Features that are False take no part.
    damping : Damping
        δ and S.
    tolerance : float
        Relative residual at which a solve stops, in the norm of the preconditioner.
    patience : int
        Number of products with AAᵀ after which the gradient Gram matrix is computed again.

    Attributes
    ----------
    worst_residual : float
        Largest relative residual at which a solve has stopped so far.
    """

    def __init__(self, rate: Floats, live: Mask, damping: Damping, tolerance: float = 1e-6, patience: int = 24):
        self._weights = live / np.sqrt(damping.scales)
        self._rate = self._weights * rate
        self._damping, self._tolerance, self._patience = damping, tolerance, patience
        self._vectors: Floats | None = None
        self._inverse: Floats | None = None
        self._multipliers: Floats | None = None
        self.worst_residual = 0.0

    def velocity(self, at: Linearization) -> Floats:
        """Return dx/ds at a linearized point, of x's shape."""
        fresh = self._vectors is None
        if fresh:
            self._refresh(at)
        budget = MAX_ITERATIONS if fresh else self._patience
        multipliers, residual = self._solve(at, budget)
        self._multipliers = multipliers
        if residual > self._tolerance and not fresh:
            self._refresh(at)
            self._multipliers, residual = self._solve(at, MAX_ITERATIONS)
        self.worst_residual = max(self.worst_residual, residual)
        return at.vjp(self._weights * self._multipliers)

    def _refresh(self, at: Linearization) -> None:
        rows = at.jacobian(self._weights > 0)
        rows *= self._weights.astype(rows.dtype)[:, None]
        eigenvalues, self._vectors = eigh((rows @ rows.T).astype(float))
        g = np.maximum(eigenvalues, 0.0)
        if self._damping.delta > 0:
            self._inverse = 1.0 / (g + self._damping.delta)
        else:
            # Undamped: an eigenvalue below the rounding of the Gram matrix is noise and must not be amplified.
            self._inverse = 1.0 / np.maximum(
                g, max(np.finfo(rows.dtype).eps * g.max(initial=0.0), np.finfo(float).tiny)
            )

    def _apply(self, at: Linearization, multipliers: Floats) -> Floats:
        product = self._weights * at.jvp(at.vjp(self._weights * multipliers))
        applied: Floats = product + self._damping.delta * multipliers
        return applied

    def _precondition(self, residual: Floats) -> Floats:
        assert self._vectors is not None and self._inverse is not None
        conditioned: Floats = self._vectors @ (self._inverse * (self._vectors.T @ residual))
        return conditioned

    def _solve(self, at: Linearization, products: int) -> tuple[Floats, float]:
        """Solve (G + δ)λ = r by preconditioned conjugate gradients; return λ and the relative residual."""
        target = self._rate
        goal = np.sqrt(np.maximum(target @ self._precondition(target), 0.0))
        if goal == 0:
            return np.zeros_like(target), 0.0
        solution = self._precondition(target) if self._multipliers is None else self._multipliers
        residual = target - self._apply(at, solution)
        conditioned = self._precondition(residual)
        direction, energy = conditioned, residual @ conditioned
        best, best_solution, stale = energy, solution, 0
        for _ in range(products):
            if np.sqrt(np.maximum(energy, 0.0)) <= self._tolerance * goal or stale > 10:
                break
            product = self._apply(at, direction)
            length = energy / (direction @ product)
            solution = solution + length * direction
            residual = residual - length * product
            conditioned = self._precondition(residual)
            energy, previous = residual @ conditioned, energy
            direction = conditioned + (energy / previous) * direction
            best, best_solution, stale = (energy, solution, 0) if energy < best else (best, best_solution, stale + 1)
        return best_solution, float(np.sqrt(np.maximum(best, 0.0)) / goal)
