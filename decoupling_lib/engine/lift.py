"""The horizontal lift: the velocity of least norm that moves features at a given rate.

With A the Jacobian of the held blocks and of the moving one, the exact velocity is A⁺r = Aᵀ(AAᵀ)⁻¹r. A weak
feature (a tiny gradient) makes it huge, and the flow stiff; damping limits that. In scaled coordinates
G = S^(-1/2) A Aᵀ S^(-1/2), where S holds squared gradient norms at the reference image (see `gradient_scales`),

    velocity = Aᵀ S^(-1/2) (G + δ)⁻¹ S^(-1/2) r = Aᵀ(AAᵀ + δS)⁻¹r

(Tikhonov). In an eigendirection of G the share δ/(g + δ) of the rate is left undone: little where features are
strong, nearly all where they are too weak to be moved. Held blocks are damped more than the moving one. The field is
autonomous: reversing the rate retraces the curve. The thesis projects on the gradient of a loss, which vanishes
exactly on the reference manifold; here the projection is on the row space of the features' Jacobian.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import eigh

from .features import Block, Linearization, block_slices

MAX_ITERATIONS = 200
SHARES = (0.53, 0.76, 5.0, 6.8, 0.9)
"""Each block's share of the damping, by its place; the last for all behind it. Blocks differ in how many weak features
they have: with equal shares the first ends its leg three times as far off as the third and fourth."""
WEAKEST = 1e-9
"""The least scale of a feature of the first block, relative to the block's mean: a gradient may vanish."""


def to_tangent(jacobian: np.ndarray, dx: np.ndarray) -> np.ndarray:
    """P dx with P = I - Jᵀ(JJᵀ)⁺J: the part of a direction that moves none of the features to first order.

    Parameters
    ----------
    jacobian : (n, N), rows are feature gradients (Definition 2 of the thesis: decoupled means orthogonal rows).
    dx : any shape of N entries.
    """
    coefficients = np.linalg.lstsq(jacobian @ jacobian.T, jacobian @ np.ravel(dx), rcond=1e-13)[0]
    return dx - (coefficients @ jacobian).reshape(np.shape(dx))


def is_tangent(jacobian: np.ndarray, dx: np.ndarray, tolerance: float = 1e-8) -> bool:
    """Whether a direction moves no feature, relative to the gradients' and its own length."""
    scale = np.linalg.norm(jacobian, axis=1) * np.linalg.norm(dx)
    return bool(np.all(np.abs(jacobian @ np.ravel(dx)) <= tolerance * np.maximum(scale, np.finfo(float).tiny)))


@dataclass(frozen=True)
class Damping:
    """What keeps a lift from being stiff, fixed once in Step 0 for every image and direction.

    Parameters
    ----------
    delta : δ >= 0, dimensionless; 0 is the exact lift.
    scales : (n,), > 0: S, see `gradient_scales`.
    held : how many times more a leg damps the features that it holds than those that it moves, by the place of the
        moving block; 1 for those behind. Held features have nowhere to go: they drift little further so, and on the
        way back most legs amplify errors less.
    """

    delta: float
    scales: np.ndarray
    held: tuple[float, ...] = ()

    def filter(self, eigenvalues: np.ndarray) -> np.ndarray:
        """1/(g + δ) for eigenvalues g >= 0 of the scaled Gram matrix; 0 where g is 0 and nothing damps it."""
        g = np.maximum(eigenvalues, 0.0)
        if self.delta == 0:
            floor = np.finfo(float).eps * max(g.max(initial=0.0), 1.0)
            return np.where(g > floor, 1.0 / np.maximum(g, floor), 0.0)
        return 1.0 / (g + self.delta)

    def prefix(self, size: int) -> Damping:
        return replace(self, scales=self.scales[:size])

    def leg(self, place: int, moving: slice) -> Damping:
        """The damping of the leg that moves the block of that place, from 0 on, and holds those before it."""
        scales = self.scales[: moving.stop].copy()
        if place < len(self.held):
            scales[: moving.start] *= self.held[place]
        return Damping(self.delta, scales)


def gradient_scales(at: Linearization, blocks: tuple[Block, ...], live: np.ndarray) -> np.ndarray:
    """S, (n,): each block's share of its live features' mean squared gradient norm; in the first, of each one's own.

    The first block's leg is that of a single convolution: damping each channel by its own gradient leaves a smaller
    gap for the same way back. Its features that are not live get the mean. The shares are `SHARES`.
    """
    rows = at.jacobian(live)
    norms = np.einsum("ij,ij->i", rows, rows, dtype=float)  # without a float64 copy of the rows
    scales = np.ones(len(norms))
    for place, block in enumerate(block_slices(blocks).values()):
        alive = norms[block][live[block]]
        mean = alive.mean() if alive.size else 0.0
        if mean > 0:
            own = np.where(live[block], np.maximum(norms[block], WEAKEST * mean), mean)
            scales[block] = SHARES[min(place, len(SHARES) - 1)] * (own if place == 0 else mean)
    return scales


def dense_velocity(jacobian: np.ndarray, rate: np.ndarray, live: np.ndarray, damping: Damping) -> np.ndarray:
    """The damped lift from an explicit Jacobian, shape (N,): the definition, for toys and as a check of `Lift`."""
    weights = live / np.sqrt(damping.scales)
    rows = jacobian * weights[:, None]
    eigenvalues, vectors = eigh(rows @ rows.T)
    return (vectors @ (damping.filter(eigenvalues) * (vectors.T @ (weights * rate)))) @ rows


class Lift:
    """Solves for the lift along a path without forming A at each point.

    Conjugate gradients, each product with AAᵀ one JVP and one VJP, preconditioned by the eigenvectors of an
    explicitly computed Gram matrix that is made anew when it has become too old to help, and started from the
    previous point's multipliers.

    Parameters
    ----------
    rate : (n,), the wanted df/ds: zero on held blocks.
    live : (n,) bool; rows that are False take no part.
    damping : see `Damping`.
    tolerance : relative residual at which a solve stops, in the preconditioner's norm.
    patience : products with AAᵀ after which the Gram matrix is made anew.
    """

    def __init__(
        self,
        rate: np.ndarray,
        live: np.ndarray,
        damping: Damping,
        tolerance: float = 1e-6,
        patience: int = 24,
    ):
        self._weights = live / np.sqrt(damping.scales)
        self._rate = self._weights * rate
        self._damping, self._tolerance, self._patience = damping, tolerance, patience
        self._vectors: np.ndarray | None = None
        self._multipliers: np.ndarray | None = None
        self.worst_residual = 0.0

    def velocity(self, at: Linearization) -> np.ndarray:
        """dx/ds at a linearized point, of x's shape."""
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
            # Undamped: below the rounding of the Gram matrix an eigenvalue is noise; it must not be amplified.
            self._inverse = 1.0 / np.maximum(
                g, max(np.finfo(rows.dtype).eps * g.max(initial=0.0), np.finfo(float).tiny)
            )

    def _apply(self, at: Linearization, multipliers: np.ndarray) -> np.ndarray:
        product = self._weights * at.jvp(at.vjp(self._weights * multipliers))
        return product + self._damping.delta * multipliers

    def _precondition(self, residual: np.ndarray) -> np.ndarray:
        return self._vectors @ (self._inverse * (self._vectors.T @ residual))

    def _solve(self, at: Linearization, products: int) -> tuple[np.ndarray, float]:
        """Preconditioned conjugate gradients for (G + δ)λ = r; returns λ and the residual."""
        target = self._rate
        goal = np.sqrt(max(target @ self._precondition(target), 0.0))
        if goal == 0:
            return np.zeros_like(target), 0.0
        solution = self._precondition(target) if self._multipliers is None else self._multipliers
        residual = target - self._apply(at, solution)
        conditioned = self._precondition(residual)
        direction, energy = conditioned, residual @ conditioned
        best, best_solution, stale = energy, solution, 0
        for _ in range(products):
            if np.sqrt(max(energy, 0.0)) <= self._tolerance * goal or stale > 10:
                break
            product = self._apply(at, direction)
            length = energy / (direction @ product)
            solution = solution + length * direction
            residual = residual - length * product
            conditioned = self._precondition(residual)
            energy, previous = residual @ conditioned, energy
            direction = conditioned + (energy / previous) * direction
            best, best_solution, stale = (energy, solution, 0) if energy < best else (best, best_solution, stale + 1)
        return best_solution, float(np.sqrt(max(best, 0.0)) / goal)
