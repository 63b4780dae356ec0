"""Legs that can be retraced: a time-symmetric step, solved for the image and its multipliers together.

A step of size h leads from x to x' = x + hV. With the midpoint m = (x + x')/2, the scaled Jacobian A and the
multipliers Λ,

    V = A(m)ᵀ Λ,        f(x') - f(x) + h δ Λ = h r.

If x and x' are exchanged and the signs of r and Λ are reversed, the two equations stay the same. The same steps taken
in the opposite direction therefore lead back, at any step size, up to the tolerance of the solution. Features follow
their straight line exactly where nothing is damped (as constraints do in SHAKE: Hairer, Lubich and Wanner, *Geometric
Numerical Integration*, VII.1), so a few large steps suffice. The equations are solved by quasi-Newton steps for Λ with
the gradient Gram matrix AAᵀ of an earlier point, followed by V, with Anderson mixing of both. An iteration takes two
forward passes and one VJP, and no linear system is solved to the end on the way. The thesis has no way back at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from ..common.arrays import Floats, Mask
from .anderson import Anderson
from .features import FeatureMap
from .journal import Arrays
from .lift import Damping
from .ode import FlowResult

DEPTH = 20
"""Number of earlier iterations that Anderson mixing uses: all of them in most steps."""
MAX_ITERATIONS = 40
PATIENCE = 10
"""Iterations without progress after which a solution is as good as the arithmetic allows, or there is none."""
ROUNDING = 30.0
"""Factor by which such a solution may exceed the tolerance: single precision has a floor."""
SLOW = 10
"""A step of more iterations asks for a new Gram matrix: the present one is too old to be a good guide."""
MAX_HALVINGS = 4
NODES = 3
"""Number of earlier midpoints from which the first guess of a step is extrapolated."""
HOPELESS = 1e6
"""A residual of the velocity, in units of the image, beyond which nothing converges any more."""
RIDGE = 1e-9  # of the mean eigenvalue: an undamped Gram matrix may be singular


class Node(NamedTuple):
    """The solution at the midpoint of an accepted step.

    Parameters
    ----------
    s : float
        Place of the midpoint on the leg, in [0, 1].
    velocity : ndarray, shape of x
        V.
    multipliers : ndarray, shape (n,)
        Λ.
    """

    s: float
    velocity: Floats
    multipliers: Floats


@dataclass(frozen=True)
class LegState:
    """Where a leg stands after an accepted step: all that the next step needs, and nothing else.

    Parameters
    ----------
    x : ndarray
        The point.
    steps : int
        Number of grid steps that led to it.
    gram : ndarray, shape (n, n), optional
        The scaled gradient Gram matrix in use; None before the first step.
    gram_step : int
        Number of the step before which that matrix was computed.
    slow : bool
        Whether the last step took more than `SLOW` iterations.
    nodes : tuple of Node
        Up to `NODES` earlier midpoints.
    """

    x: Floats
    steps: int = 0
    gram: Floats | None = None
    gram_step: int = 0
    slow: bool = False
    nodes: tuple[Node, ...] = ()

    def arrays(self) -> dict[str, Floats]:
        """Return the state as named arrays, for a file."""
        arrays = {"x": self.x, "steps": np.array(self.steps)}
        if self.gram is not None:
            arrays |= {"gram": self.gram, "gram_step": np.array(self.gram_step), "slow": np.array(self.slow)}
        for place, (s, velocity, multipliers) in enumerate(self.nodes):
            arrays |= {f"s{place}": np.array(s), f"velocity{place}": velocity, f"multipliers{place}": multipliers}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> LegState:
        """Return the state that `arrays` made into named arrays; other names are ignored."""
        count = sum(name.startswith("velocity") for name in arrays)
        nodes = tuple(
            Node(float(arrays[f"s{i}"]), arrays[f"velocity{i}"], arrays[f"multipliers{i}"]) for i in range(count)
        )
        if "gram" not in arrays:
            return cls(arrays["x"], int(arrays["steps"]), nodes=nodes)
        gram_step, slow = int(arrays["gram_step"]), bool(arrays["slow"])
        return cls(arrays["x"], int(arrays["steps"]), arrays["gram"], gram_step, slow, nodes)


def follow_symmetric(
    features: FeatureMap,
    start: LegState,
    rate: Floats,
    live: Mask,
    damping: Damping,
    grid: Floats,
    tolerance: float = 2e-7,
    refreshes: int = 2,
    on_step: Callable[[float, LegState], None] | None = None,
) -> FlowResult:
    """Follow the damped lift of a straight line in feature space along `grid`, by symmetric steps.

    Parameters
    ----------
    features : FeatureMap
        The blocks that are held and moved.
    start : LegState
        Where to begin. From a state that `on_step` received, the leg continues to the same bits as if it had never
        been interrupted.
    rate : ndarray, shape (n,)
        Wanted df/ds: 0 for held features.
    live : ndarray of bool, shape (n,)
        Features that are False take no part.
    damping : Damping
        δ and S of this leg.
    grid : ndarray, shape (steps + 1,)
        Where the steps end, from 0 to 1. The way back needs its mirror image, 1 - grid[::-1].
    tolerance : float
        Root mean square change of the image at which the solution of a step is accepted, in the unit of x.
    refreshes : int
        How often the gradient Gram matrix may be computed from Jacobian rows during the leg: at its start, and then
        when a step was slow and 1/`refreshes` of the steps have been made with the last one. (A step that fails gets
        one more.)
    on_step : callable, optional
        Receives (progress, state) at each accepted point.

    Returns
    -------
    FlowResult
        With status `reached` (all the way; the caller judges the end), `stalled` (no solution was found for a step,
        not even after `MAX_HALVINGS` halvings) or `interrupted`: a KeyboardInterrupt from anywhere ends the leg at the
        last accepted point.
    """
    steps, state = len(grid) - 1, start
    every = max(1, -(-steps // refreshes))
    solver = _Solver(features, live / np.sqrt(damping.scales), rate, damping.delta, tolerance)
    try:
        if state.gram is not None:
            solver.use(state.gram, state.gram_step)
        while state.steps < steps:
            if state.gram is None or (state.slow and state.steps - state.gram_step >= every):
                solver.use(solver.gram_matrix(state.x), state.steps)
            begin, end = float(grid[state.steps]), float(grid[state.steps + 1])
            solver.iterations = 0
            found = solver.advance(state.x, begin, end, state.nodes, state.steps)
            if found is None:
                message = f"no solution for the step from {begin:.0%} of the way"
                return FlowResult(state.x, begin, state.steps, "stalled", message)
            slow = solver.iterations > SLOW
            state = LegState(found[0], state.steps + 1, solver.matrix, solver.gram_step, slow, found[1])
            if on_step is not None:
                on_step(end, state)
    except KeyboardInterrupt:
        done = float(grid[state.steps])
        return FlowResult(state.x, done, state.steps, "interrupted", f"interrupted after {done:.0%} of the way")
    return FlowResult(state.x, 1.0, steps, "reached", f"{steps} steps")


class _Solver:
    """Solves single steps; holds the factored Gram matrix and counts iterations."""

    def __init__(self, features: FeatureMap, weights: Floats, rate: Floats, delta: float, tolerance: float):
        self._features, self._weights, self._rate = features, weights, weights * rate
        self._delta, self._tolerance = delta, tolerance
        self.iterations = 0
        self.gram_step = 0

    def gram_matrix(self, x: Floats) -> Floats:
        """Return the scaled AAᵀ at x, float64, from explicit rows."""
        rows = self._features.linearize(x).jacobian(self._weights > 0)
        rows *= self._weights.astype(rows.dtype)[:, None]
        return (rows @ rows.T).astype(float)

    def use(self, gram: Floats, step: int) -> None:
        """Use a Gram matrix that was computed before the step of this number."""
        self.matrix, self.gram_step = gram, step
        ridge = self._delta + RIDGE * np.trace(gram) / len(gram) + np.finfo(float).tiny
        self._factor = cholesky(gram + ridge * np.eye(len(gram)), lower=True)

    def advance(
        self, x: Floats, begin: float, end: float, nodes: tuple[Node, ...], step: int, halvings: int = MAX_HALVINGS
    ) -> tuple[Floats, tuple[Node, ...]] | None:
        """Return the end of the step, and the nodes with its own added; None if no solution was found.

        A step that fails is tried once more with a Gram matrix of its own, and then as two halves.
        """
        middle = 0.5 * (begin + end)
        solved = self._solve(x, end - begin, *self._guess(x, middle, nodes))
        if solved is not None:
            velocity, multipliers = solved
            latest = (*nodes, Node(middle, velocity, multipliers))[-NODES:]
            return x + (end - begin) * velocity, latest
        if self.gram_step < step:
            self.use(self.gram_matrix(x), step)
            self.iterations = 0
            return self.advance(x, begin, end, nodes, step, halvings)
        if halvings == 0:
            return None
        half = self.advance(x, begin, middle, (), step, halvings - 1)
        return None if half is None else self.advance(half[0], middle, end, half[1], step, halvings - 1)

    def _guess(self, x: Floats, s: float, nodes: tuple[Node, ...]) -> tuple[Floats, Floats]:
        """Return V and Λ at s: extrapolated through the nodes, or those of the explicit step if there are none."""
        if not nodes:
            multipliers = cho_solve((self._factor, True), self._rate)
            return self._features.linearize(x).vjp(self._weights * multipliers), multipliers
        places = [node.s for node in nodes]
        shares = [np.prod([(s - other) / (place - other) for other in places if other != place]) for place in places]
        velocity, multipliers = np.zeros_like(nodes[0].velocity), np.zeros_like(nodes[0].multipliers)
        for share, node in zip(shares, nodes, strict=True):
            velocity, multipliers = velocity + share * node.velocity, multipliers + share * node.multipliers
        return velocity, multipliers

    def _solve(self, x: Floats, h: float, velocity: Floats, multipliers: Floats) -> tuple[Floats, Floats] | None:
        before = self._features.values(x)
        mixing = Anderson(DEPTH)
        best, stale, found = np.inf, 0, None
        for _ in range(MAX_ITERATIONS):
            self.iterations += 1
            at = self._features.linearize(x + 0.5 * h * velocity)
            moved = self._weights * (self._features.values(x + h * velocity) - before) / h
            change = cho_solve((self._factor, True), self._rate - self._delta * multipliers - moved)
            new = multipliers + change, at.vjp(self._weights * (multipliers + change))
            # In these coordinates the multipliers have the same weight as the velocity that they produce.
            residual = np.concatenate([np.ravel(new[1] - velocity), self._factor.T @ change])
            size = abs(h) * float(np.linalg.norm(residual)) / np.sqrt(x.size)
            if not size < HOPELESS * abs(h):
                return None
            if size < best:
                best, stale, found = size, 0, (new[1], new[0])
            else:
                stale += 1
            if best <= self._tolerance or stale >= PATIENCE:
                break
            point = np.concatenate([np.ravel(velocity), self._factor.T @ multipliers])
            mixed = mixing.next(point, residual)
            velocity = mixed[: x.size].reshape(x.shape)
            multipliers = solve_triangular(self._factor.T, mixed[x.size :], lower=False)
        return found if best <= ROUNDING * self._tolerance else None
