"""Legs that can be retraced: symmetric steps along a grid, each solved by `symmetric_step`.

Features follow their straight line exactly where nothing is damped (as constraints do in SHAKE: Hairer, Lubich and
Wanner, *Geometric Numerical Integration*, VII.1), so a few large steps suffice. The gradient Gram matrix that solves
their equations is computed from Jacobian rows once a leg, or comes from a similar leg; after that it learns from the
steps. A step without a solution is made in halves, which become part of the leg's grid: the way back is exact only on
the mirror image of the grid really used. The thesis has no way back at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..common.arrays import Floats, Mask
from .features import FeatureMap
from .leg_state import Guide, LegState, Node
from .lift import Damping
from .ode import FlowResult, Status
from .symmetric_step import StepSolver

MAX_HALVINGS = 4
"""How often a planned step may be halved. The halves belong to the leg's grid, which the way back has to mirror."""
NODES = 3
"""Number of earlier midpoints from which the first guess of a step is extrapolated."""


def follow_symmetric(
    features: FeatureMap,
    start: LegState,
    rate: Floats,
    live: Mask,
    damping: Damping,
    grid: Floats,
    tolerance: float = 2e-7,
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
    on_step : callable, optional
        Receives (progress, state) at each accepted point.
    guide : Guide, optional
        A similar leg, of the same `live` and `damping`, whose multipliers and Gram matrices are the start.

    Returns
    -------
    FlowResult
        With status `reached` (all the way; the caller judges the end), `stalled` (no solution was found for a step,
        not even after `MAX_HALVINGS` halvings) or `interrupted`: a KeyboardInterrupt from anywhere ends the leg at the
        last accepted point. `grid` and `guide` are those of the steps taken.
    """
    solver = StepSolver(features, live / np.sqrt(damping.scales), rate, damping.delta, tolerance, guide)
    state = start if start.grid.size else replace(start, grid=grid, multipliers=np.empty((0, len(rate))))
    try:
        if state.gram is not None:
            solver.use(state.gram)
        elif guide is not None:
            state = _use(solver, state, guide.grams[0].astype(float), -1)
        else:
            state = _use(solver, state, solver.gram_matrix(state.x), state.steps)
        while state.steps < len(state.grid) - 1:
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
        guide=_create_guide(state),
        halvings=len(state.grid) - len(planned),
        retraceable=status == "reached",
    )


def _create_guide(state: LegState) -> Guide | None:
    """Return what a leg offers to a similar one; the matrices need no more than single precision for that."""
    if state.first_gram is None or state.gram is None:
        return None
    return Guide(state.grid, state.multipliers, np.stack([state.first_gram, state.gram]).astype(np.float32))


def _use(solver: StepSolver, state: LegState, gram: Floats, step: int) -> LegState:
    """Return the state with another Gram matrix, which was computed before the step of this number."""
    solver.use(gram)
    return replace(state, gram=gram, gram_step=step)


def _step(solver: StepSolver, state: LegState, planned: Floats) -> LegState | None:
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
                gram=solver.gram,
                first_gram=solver.gram if state.first_gram is None else state.first_gram,
                nodes=(*state.nodes, node)[-NODES:],
            )
        if state.gram_step < state.steps:
            state = _use(solver, state, solver.gram_matrix(state.x), state.steps)
            continue
        planned_h = np.diff(planned)[np.searchsorted(planned, middle) - 1]
        if h < 1.5 * planned_h / 2**MAX_HALVINGS:
            return None
        state = replace(state, grid=np.insert(state.grid, state.steps + 1, middle), nodes=())
