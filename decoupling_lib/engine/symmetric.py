"""Legs that can be retraced: a time-symmetric step, solved for the image and its multipliers together.

A step of size h leads from x to x' = x + hV. With the midpoint m = (x + x')/2, the scaled Jacobian A and the
multipliers Λ,

    V = A(m)ᵀ Λ,        f(x') - f(x) + h δ Λ = h r.

If x and x' are exchanged and the signs of r and Λ are reversed, the two equations stay the same. The same steps taken
in the opposite direction therefore lead back, at any step size, up to the tolerance of the solution. Features follow
their straight line exactly where nothing is damped (as constraints do in SHAKE: Hairer, Lubich and Wanner, *Geometric
Numerical Integration*, VII.1), so a few large steps suffice. The equations are solved by quasi-Newton steps for Λ with
the gradient Gram matrix AAᵀ of an earlier point, followed by V, with Anderson mixing of both. An iteration takes two
forward passes and one VJP, and no linear system is solved to the end on the way. A step without a solution is made in
halves, which become part of the leg's grid: the way back is exact only on the mirror image of the grid really used. The
thesis has no way back at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from ..common.arrays import Floats, Mask
from .anderson import Anderson
from .features import FeatureMap
from .leg_state import Guide, LegState, Node
from .lift import Damping, gram_matrix
from .ode import FlowResult, Status

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
"""How often a planned step may be halved. The halves belong to the leg's grid, which the way back has to mirror."""
PARTS = (0.25, 0.5, 0.75, 1.0)
"""The parts of a step that is approached from smaller ones."""
NODES = 3
"""Number of earlier midpoints from which the first guess of a step is extrapolated."""
HOPELESS = 1e6
"""A residual of the velocity, in units of the image, beyond which nothing converges any more."""
RIDGE = 1e-9  # of the mean eigenvalue: an undamped Gram matrix may be singular


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
    guide: Guide | None = None,
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
        Where the steps are to end, from 0 to 1. The way back needs the mirror image, 1 - g[::-1], of the `grid` g of
        the result, which has the points at which steps were halved as well.
    tolerance : float
        Root mean square change of the image at which the solution of a step is accepted, in the unit of x.
    refreshes : int
        How often the gradient Gram matrix may be computed from Jacobian rows during the leg: at its start, unless a
        guide has one, and then when a step was slow and 1/`refreshes` of the steps have been made with the last one.
        (A step that fails gets one more.)
    on_step : callable, optional
        Receives (progress, state) at each accepted point.
    guide : Guide, optional
        A similar leg, of the same `live` and `damping`, whose multipliers and Gram matrix are the start.

    Returns
    -------
    FlowResult
        With status `reached` (all the way; the caller judges the end), `stalled` (no solution was found for a step,
        not even after `MAX_HALVINGS` halvings) or `interrupted`: a KeyboardInterrupt from anywhere ends the leg at the
        last accepted point. `grid`, `multipliers` and `gram` are those of the steps taken.
    """
    every = max(1, -(-(len(grid) - 1) // refreshes))
    solver = _Solver(features, live / np.sqrt(damping.scales), rate, damping.delta, tolerance, guide)
    state = start if start.grid.size else replace(start, grid=grid, multipliers=np.empty((0, len(rate))))
    try:
        gram = guide.gram if state.gram is None and guide is not None else state.gram
        if gram is not None:
            state = _use(solver, state, gram, state.gram_step)
        while state.steps < len(state.grid) - 1:
            if state.gram is None or (state.slow and state.steps - state.gram_step >= every):
                state = _use(solver, state, solver.gram_matrix(state.x), state.steps)
            solved = _step(solver, state, grid)
            if solved is None:
                message = f"no solution for the step from {state.grid[state.steps]:.0%} of the way"
                return _result(state, grid, "stalled", message)
            state = solved
            if on_step is not None:
                on_step(float(state.grid[state.steps]), state)
    except KeyboardInterrupt:
        return _result(state, grid, "interrupted", f"interrupted after {state.grid[state.steps]:.0%} of the way")
    return _result(state, grid, "reached", f"{state.steps} steps")


def _result(state: LegState, planned: Floats, status: Status, message: str) -> FlowResult:
    return FlowResult(
        x=state.x,
        progress=float(state.grid[state.steps]),
        steps=state.steps,
        status=status,
        message=message,
        grid=state.grid,
        multipliers=state.multipliers,
        gram=state.gram,
        halvings=len(state.grid) - len(planned),
        retraceable=status == "reached",
    )


def _use(solver: _Solver, state: LegState, gram: Floats, step: int) -> LegState:
    """Return the state with another Gram matrix, which was computed before the step of this number."""
    solver.use(gram)
    return replace(state, gram=gram, gram_step=step)


def _step(solver: _Solver, state: LegState, planned: Floats) -> LegState | None:
    """Return the state after the next step; None if no solution was found.

    A step that fails is tried once more with a Gram matrix of its own and other guesses, and then halved.
    """
    while True:
        begin, end = (float(s) for s in state.grid[state.steps : state.steps + 2])
        h, middle = end - begin, 0.5 * (begin + end)
        solved = solver.find(state.x, h, middle, state.nodes, thorough=state.gram_step == state.steps)
        if solved is not None:
            node = Node(middle, *solved)
            return replace(
                state,
                x=state.x + h * node.velocity,
                multipliers=np.concatenate([state.multipliers, node.multipliers[None]]),
                slow=solver.iterations > SLOW,
                nodes=(*state.nodes, node)[-NODES:],
            )
        if state.gram_step < state.steps:
            state = _use(solver, state, solver.gram_matrix(state.x), state.steps)
            continue
        planned_h = np.diff(planned)[np.searchsorted(planned, middle) - 1]
        if h < 1.5 * planned_h / 2**MAX_HALVINGS:
            return None
        state = replace(state, grid=np.insert(state.grid, state.steps + 1, middle), nodes=())


def factor_gram(gram: Floats, delta: float) -> Floats:
    """Return the lower Cholesky factor of a scaled gradient Gram matrix (n, n) plus δ, kept regular by `RIDGE`."""
    ridge = delta + RIDGE * np.trace(gram) / len(gram) + np.finfo(float).tiny
    factor: Floats = cholesky(gram + ridge * np.eye(len(gram)), lower=True)
    return factor


class _Solver:
    """Solves single steps; holds the factored Gram matrix and counts iterations."""

    def __init__(
        self, features: FeatureMap, weights: Floats, rate: Floats, delta: float, tolerance: float, guide: Guide | None
    ):
        self._features, self._weights, self._rate = features, weights, weights * rate
        self._delta, self._tolerance, self._guide = delta, tolerance, guide
        self.iterations = 0

    def gram_matrix(self, x: Floats) -> Floats:
        """Return the scaled AAᵀ at x."""
        return gram_matrix(self._features.linearize(x), self._weights)

    def use(self, gram: Floats) -> None:
        """Use a Gram matrix from now on."""
        self._factor = factor_gram(gram, self._delta)

    def find(
        self, x: Floats, h: float, middle: float, nodes: tuple[Node, ...], thorough: bool
    ) -> tuple[Floats, Floats] | None:
        """Return V and Λ of a step, or None if no solution was found that the way back would find as well."""
        attempts: list[Callable[[], tuple[Floats, Floats] | None]]
        attempts = [lambda: self.solve(x, h, *self.guess(x, middle, nodes))]
        if thorough:
            if nodes:
                attempts.append(lambda: self.solve(x, h, *self.guess(x, middle, ())))
            attempts.append(lambda: self.approach(x, h, middle))
        for attempt in attempts:
            self.iterations = 0
            solved = attempt()
            easy = self._delta > 0 or self.iterations <= SLOW
            if solved is not None and (easy or self.returns(x, h, solved[0], middle)):
                return solved
        return None

    def guess(self, x: Floats, s: float, nodes: tuple[Node, ...]) -> tuple[Floats, Floats]:
        """Return V and Λ at s: extrapolated through the nodes, or those of the explicit step if there are none."""
        if not nodes:
            multipliers = cho_solve((self._factor, True), self._rate) if self._guide is None else self._guide.at(s)
            return self._features.linearize(x).vjp(self._weights * multipliers), multipliers
        places = [node.s for node in nodes]
        shares = [np.prod([(s - other) / (place - other) for other in places if other != place]) for place in places]
        velocity, multipliers = np.zeros_like(nodes[0].velocity), np.zeros_like(nodes[0].multipliers)
        for share, node in zip(shares, nodes, strict=True):
            velocity, multipliers = velocity + share * node.velocity, multipliers + share * node.multipliers
        if self._guide is not None:  # it knows what lies ahead, and the nodes by how much it is off
            multipliers += self._guide.at(s)
            for share, node in zip(shares, nodes, strict=True):
                multipliers -= share * self._guide.at(node.s)
        return velocity, multipliers

    def approach(self, x: Floats, h: float, middle: float) -> tuple[Floats, Floats] | None:
        """Return V and Λ of a step, solved for growing parts of it, each of which guesses the next; None if one fails.

        The solution of a large step may be out of reach from the guess of the explicit step. The way back in particular
        meets steps that were easy on the way there.
        """
        known: list[tuple[float, Floats, Floats]] = []
        for part in PARTS:
            if len(known) < 2:
                velocity, multipliers = known[-1][1:] if known else self.guess(x, middle, ())
            else:
                (first, *one), (second, *two) = known[-2:]
                share = (part - first) / (second - first)
                velocity, multipliers = ((1.0 - share) * a + share * b for a, b in zip(one, two, strict=True))
            solved = self.solve(x, part * h, velocity, multipliers)
            if solved is None:
                return None
            known.append((part, *solved))
        return solved

    def returns(self, x: Floats, h: float, velocity: Floats, middle: float) -> bool:
        """Return whether the step in the opposite direction, guessed from its own start, leads back to x.

        A large undamped step may have several solutions, and then the way back could take another one. The Gram matrix
        is that which the way back would use. (Damping leaves a single one wherever this was tried, and there the test
        would only cost passes.)
        """
        end, factor = x + h * velocity, self._factor
        self.use(self.gram_matrix(end))
        solved = self.solve(end, -h, *self.guess(end, middle, ())) or self.approach(end, -h, middle)
        self._factor = factor
        if solved is None:
            return False
        difference = float(np.linalg.norm(solved[0] - velocity)) * abs(h) / math.sqrt(x.size)
        return difference <= 1e3 * self._tolerance

    def solve(self, x: Floats, h: float, velocity: Floats, multipliers: Floats) -> tuple[Floats, Floats] | None:
        """Return V and Λ of the step of size h from x, or None if no solution was found from the guess."""
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
