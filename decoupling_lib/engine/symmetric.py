"""Legs that can be retraced: a time-symmetric step, solved for the picture and its multipliers at once.

A step of h leads from x to x' = x + hV. With the midpoint m = (x + x')/2, the scaled Jacobian A and the multipliers Λ,

    V = A(m)ᵀ Λ,        f(x') - f(x) + h δ Λ = h r.

Exchanging x and x' and turning the signs of r and Λ gives the same two equations, so the same steps taken the other
way lead back at any step size, up to the tolerance of the solution. Features follow their straight line exactly
where nothing damps (as constraints do in SHAKE: Hairer, Lubich & Wanner, *Geometric Numerical Integration*, VII.1),
so that few large steps suffice. The equations are solved by quasi-Newton steps for Λ with the Gram matrix AAᵀ of an
earlier point, V following, with Anderson mixing of both: two forward passes and one VJP an iteration, and no
system is solved to the end on the way. The thesis has no way back at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from .anderson import Anderson
from .features import FeatureMap
from .lift import Damping
from .ode import FlowResult

DEPTH = 20
"""How many earlier iterations Anderson mixing uses: all of them in most steps."""
ITERATIONS = 40
PATIENCE = 10
"""Iterations without progress after which a solution is as good as the arithmetic allows, or none."""
ROUNDING = 30.0
"""How far above the tolerance such a solution may stay: single precision has a floor."""
SLOW = 10
"""A step of more iterations asks for a new Gram matrix: the one in use has become too old to lead the way."""
HALVINGS = 4
NODES = 3
"""How many earlier midpoints the first guess of a step is extrapolated from."""
HOPELESS = 1e6
"""A velocity residual, in units of the picture, beyond which nothing converges any more."""
RIDGE = 1e-9  # of the mean eigenvalue: an undamped Gram matrix may be singular


@dataclass
class LegState:
    """Where a leg stands after an accepted step: all that the next step needs, and nothing else.

    Parameters
    ----------
    x : the point; steps : how many grid steps led to it.
    gram : (n, n), the scaled AAᵀ in use, made before step `made`; None before the first step.
    slow : whether the last step took more than `SLOW` iterations.
    nodes : up to `NODES` earlier midpoints (s, V, Λ).
    """

    x: np.ndarray
    steps: int = 0
    gram: np.ndarray | None = None
    made: int = 0
    slow: bool = False
    nodes: list[tuple[float, np.ndarray, np.ndarray]] = field(default_factory=list)

    def arrays(self) -> dict[str, np.ndarray]:
        """The same as named arrays, for a file."""
        arrays = {"x": self.x, "steps": np.array(self.steps)}
        if self.gram is not None:
            arrays |= {"gram": self.gram, "made": np.array(self.made), "slow": np.array(self.slow)}
        for place, (s, velocity, multipliers) in enumerate(self.nodes):
            arrays |= {f"s{place}": np.array(s), f"velocity{place}": velocity, f"multipliers{place}": multipliers}
        return arrays

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray]) -> LegState:
        """The inverse of `arrays`."""
        places = sum(name.startswith("velocity") for name in arrays)
        nodes = [(float(arrays[f"s{i}"]), arrays[f"velocity{i}"], arrays[f"multipliers{i}"]) for i in range(places)]
        if "gram" not in arrays:
            return cls(arrays["x"], int(arrays["steps"]), nodes=nodes)
        made, slow = int(arrays["made"]), bool(arrays["slow"])
        return cls(arrays["x"], int(arrays["steps"]), arrays["gram"], made, slow, nodes)


def follow_symmetric(
    features: FeatureMap,
    start: LegState,
    rate: np.ndarray,
    live: np.ndarray,
    damping: Damping,
    grid: np.ndarray,
    tolerance: float = 2e-7,
    refreshes: int = 2,
    on_step: Callable[[float, LegState], None] | None = None,
) -> FlowResult:
    """Follows the damped lift of a straight line in feature space along `grid`, by symmetric steps.

    Parameters
    ----------
    features : the blocks held and moved.
    start : where to begin; one that `on_step` was given goes on to the bit as if it had never stopped.
    rate : (n,), wanted df/ds: zero on held blocks.
    live : (n,) bool; rows that are False take no part.
    grid : (steps + 1,), from 0 to 1. The way back needs its mirror image, 1 - grid[::-1].
    tolerance : root mean square change of the picture at which a step's solution is accepted, in x's unit.
    refreshes : how often the Gram matrix may be made from Jacobian rows over the leg: at its start, and then when a
        step was slow and 1/`refreshes` of the steps have been made with the last one. (A step that fails has one more.)
    on_step : called with (progress, state) at each accepted point. A KeyboardInterrupt from anywhere ends the leg at
        the last accepted point.

    Returns
    -------
    Status `reached` (all the way; the judgement is the caller's), `stalled` (a step has no solution that was found,
    not even in `HALVINGS` halvings), `interrupted`.
    """
    steps, state = len(grid) - 1, start
    every = max(1, -(-steps // refreshes))
    solver = _Solver(features, live / np.sqrt(damping.scales), rate, damping.delta, tolerance)
    try:
        if state.gram is not None:
            solver.use(state.gram, state.made)
        while state.steps < steps:
            if state.gram is None or (state.slow and state.steps - state.made >= every):
                solver.use(solver.gram(state.x), state.steps)
            begin, end = float(grid[state.steps]), float(grid[state.steps + 1])
            solver.iterations = 0
            found = solver.advance(state.x, begin, end, state.nodes, state.steps)
            if found is None:
                message = f"no solution for the step from {begin:.0%} of the way"
                return FlowResult(state.x, begin, state.steps, "stalled", message)
            slow = solver.iterations > SLOW
            state = LegState(found[0], state.steps + 1, solver.matrix, solver.made, slow, found[1])
            if on_step is not None:
                on_step(end, state)
    except KeyboardInterrupt:
        done = float(grid[state.steps])
        return FlowResult(state.x, done, state.steps, "interrupted", f"interrupted after {done:.0%} of the way")
    return FlowResult(state.x, 1.0, steps, "reached", f"{steps} steps")


class _Solver:
    """Solves single steps; holds the factored Gram matrix and counts iterations."""

    def __init__(self, features: FeatureMap, weights: np.ndarray, rate: np.ndarray, delta: float, tolerance: float):
        self._features, self._weights, self._rate = features, weights, weights * rate
        self._delta, self._tolerance = delta, tolerance
        self.iterations = 0

    def gram(self, x: np.ndarray) -> np.ndarray:
        """The scaled AAᵀ at x from explicit rows, float64."""
        rows = self._features.linearize(x).jacobian(self._weights > 0)
        rows *= self._weights.astype(rows.dtype)[:, None]
        return (rows @ rows.T).astype(float)

    def use(self, gram: np.ndarray, made: int) -> None:
        """Takes a Gram matrix, made before step `made`."""
        self.matrix, self.made = gram, made
        ridge = self._delta + RIDGE * np.trace(gram) / len(gram) + np.finfo(float).tiny
        self._factor = cholesky(gram + ridge * np.eye(len(gram)), lower=True)

    def advance(
        self, x: np.ndarray, begin: float, end: float, nodes: list, step: int, halvings: int = HALVINGS
    ) -> tuple[np.ndarray, list] | None:
        """The end of the step and the nodes with its own; None if it has no solution that can be found.

        A step that fails is tried once more with a Gram matrix of its own, then as two halves.
        """
        middle = 0.5 * (begin + end)
        solved = self._solve(x, end - begin, *self._guess(x, middle, nodes))
        if solved is not None:
            velocity, multipliers = solved
            kept = [*nodes, (middle, velocity, multipliers)][-NODES:]
            return x + (end - begin) * velocity, kept
        if self.made < step:
            self.use(self.gram(x), step)
            self.iterations = 0
            return self.advance(x, begin, end, nodes, step, halvings)
        if halvings == 0:
            return None
        half = self.advance(x, begin, middle, [], step, halvings - 1)
        return None if half is None else self.advance(half[0], middle, end, half[1], step, halvings - 1)

    def _guess(self, x: np.ndarray, s: float, nodes: list) -> tuple[np.ndarray, np.ndarray]:
        """V and Λ at s: extrapolated through the nodes, or those of the explicit step where there are none."""
        if not nodes:
            multipliers = cho_solve((self._factor, True), self._rate)
            return self._features.linearize(x).vjp(self._weights * multipliers), multipliers
        places = [place for place, _, _ in nodes]
        shares = [np.prod([(s - other) / (place - other) for other in places if other != place]) for place in places]
        return tuple(sum(share * node[i] for share, node in zip(shares, nodes, strict=True)) for i in (1, 2))

    def _solve(
        self, x: np.ndarray, h: float, velocity: np.ndarray, multipliers: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray] | None:
        before = self._features.values(x)
        mixing = Anderson(DEPTH)
        best, stale, found = np.inf, 0, None
        for _ in range(ITERATIONS):
            self.iterations += 1
            at = self._features.linearize(x + 0.5 * h * velocity)
            moved = self._weights * (self._features.values(x + h * velocity) - before) / h
            change = cho_solve((self._factor, True), self._rate - self._delta * multipliers - moved)
            new = multipliers + change, at.vjp(self._weights * (multipliers + change))
            # The multipliers in coordinates in which they weigh as much as the velocity that they make.
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
