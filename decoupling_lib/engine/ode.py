"""Integration of a velocity field: step rules, stopping, and a frozen result with its status.

A flow has three parts: an autonomous field x -> dx/ds, a rule that makes one step, and a callback that receives the
accepted points. The classical rules are those of any textbook (Hairer, Nørsett and Wanner, *Solving Ordinary
Differential Equations I*); error control is SciPy's DOP853 (same book, section II.5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.integrate import DOP853
from scipy.special import betainc

from ..common.arrays import Floats
from .leg_state import Guide
from .midpoint_step import solve_midpoint

Field = Callable[[Floats], Floats]
"""An autonomous velocity field: maps x to dx/ds, of x's shape."""
Status = Literal["reached", "damped_end", "max_steps", "stalled", "diverged", "interrupted"]

SMALLEST_STEP = 1e-6
MAX_HALVINGS = 6
"""How often a step of the symmetric rule may be halved if its equation has no solution."""
DIVERGED = 1e6


@dataclass(frozen=True)
class Rule:
    """A step rule.

    Parameters
    ----------
    order : int
        The global error is O(h^order).
    step : callable or None
        Maps (field, x, h, tolerance) to x at s + h. None for the rule with error control, which chooses its own h.
    stages : int
        Evaluations of the field per step; for an implicit rule, per iteration of its equation.
    symmetric : bool
        Whether a step of -h from the end of a step leads back to its start, at any h.
    """

    order: int
    step: Callable[[Field, Floats, float, float], Floats] | None
    stages: int
    symmetric: bool = False


@dataclass(frozen=True)
class FlowResult:
    """Where a flow ended, and how.

    Parameters
    ----------
    x : ndarray
        The last accepted point.
    progress : float
        The share of the way that is done, in [0, 1].
    steps : int
        Number of accepted steps.
    status : str
        `reached` or `damped_end` (all the way; the caller decides which), `max_steps`, `stalled` (error control asked
        for a step that is too small), `diverged` (not finite or out of all bounds) or `interrupted`.
    message : str
        One line for a reader.
    grid : ndarray, shape (steps + 1,), optional
        Where the accepted steps ended, from 0 on: the planned grid with the points at which steps were halved. The way
        back takes its mirror image. (If the flow ended early, the steps that were still planned may follow.)
    guide : Guide, optional
        What the flow offers to a similar one as a start, if it is a leg whose rule solves for multipliers.
    halvings : int
        How often a planned step, or a part of one, was halved.
    corrections : int
        Number of Newton steps that were made at the end.
    retraceable : bool
        Whether a flow at the opposite rate, on the mirror image of `grid`, leads back up to the tolerance of the steps.
    """

    x: Floats
    progress: float
    steps: int
    status: Status
    message: str
    grid: Floats | None = None
    guide: Guide | None = None
    halvings: int = 0
    corrections: int = 0
    retraceable: bool = False


def euler(field: Field, x: Floats, h: float, tolerance: float) -> Floats:
    """Return x + h F(x); order 1."""
    return x + h * field(x)


def midpoint(field: Field, x: Floats, h: float, tolerance: float) -> Floats:
    """Return x + h F(x + h/2 F(x)); order 2."""
    return x + h * field(x + 0.5 * h * field(x))


def rk4(field: Field, x: Floats, h: float, tolerance: float) -> Floats:
    """Make a step of the classical Runge–Kutta rule; order 4."""
    k1 = field(x)
    k2 = field(x + 0.5 * h * k1)
    k3 = field(x + 0.5 * h * k2)
    k4 = field(x + h * k3)
    return x + (h / 6) * (k1 + 2 * k2 + 2 * k3 + k4)


def implicit_midpoint(field: Field, x: Floats, h: float, tolerance: float) -> Floats:
    """Return the x' that solves x' = x + h F((x + x')/2); order 2 and symmetric.

    Because the rule is symmetric, the way back is exact up to `tolerance`.

    Parameters
    ----------
    field : callable
        Maps x to dx/ds.
    x : ndarray
        Where the step begins.
    h : float
        Step size; may be negative.
    tolerance : float
        Root mean square residual of the equation at which it counts as solved, in the unit of x.

    Returns
    -------
    ndarray, shape of x
        The end of the step; NaN if no solution was found, which a smaller step may have.
    """
    velocity = solve_midpoint(field, x, h, field(x), tolerance, depth=5)
    return np.full_like(x, np.nan) if velocity is None else x + h * velocity


RULES: dict[str, Rule] = {
    "euler": Rule(1, euler, 1),
    "midpoint": Rule(2, midpoint, 2),
    "rk4": Rule(4, rk4, 4),
    "symmetric": Rule(2, implicit_midpoint, 1, symmetric=True),
    "adaptive": Rule(8, None, 12),
}
"""The step rules by name."""


def integrate(
    field: Field,
    x: Floats,
    rule: str = "symmetric",
    steps: int = 48,
    tolerance: float = 1e-7,
    on_step: Callable[[float, Floats], None] | None = None,
    grid: Floats | None = None,
) -> FlowResult:
    """Follow dx/ds = F(x) over s in [0, 1].

    Parameters
    ----------
    field : callable
        Maps x to dx/ds. It is autonomous; the end point is that of unit time.
    x : ndarray of float
        Where to begin; any shape.
    rule : str
        A name in `RULES`.
    steps : int
        Number of steps; with error control, the maximum number of accepted steps.
    tolerance : float
        Root mean square error allowed per step (error control), or of the implicit equation (symmetric rule), in the
        unit of x. Other rules do not use it.
    on_step : callable, optional
        Receives (progress, x) at each accepted point.
    grid : ndarray, shape (steps + 1,), optional
        Where the steps end, increasing from 0 to 1. Default: equal steps. Error control chooses its own. The symmetric
        rule halves a step whose equation has no solution, at most `MAX_HALVINGS` times.

    Returns
    -------
    FlowResult
        `grid` has the steps really made. A KeyboardInterrupt from anywhere ends the flow with status `interrupted` at
        the last accepted point.

    Examples
    --------
    >>> result = integrate(lambda x: -x, np.array([1.0]), "rk4", steps=8)
    >>> print(result.status, result.x.round(5))
    reached [0.36788]
    """
    grid = np.linspace(0.0, 1.0, steps + 1) if grid is None else grid
    adaptive = RULES[rule].step is None
    advance = _adaptive if adaptive else _on_grid
    limit = DIVERGED * max(1.0, float(np.max(np.abs(x))))
    places = [0.0]

    def result(status: Status, message: str) -> FlowResult:
        halvings = 0 if adaptive else int(np.count_nonzero(~np.isin(places, grid)))
        retraceable = RULES[rule].symmetric and status == "reached"
        return FlowResult(
            x, places[-1], len(places) - 1, status, message, np.array(places), None, halvings, 0, retraceable
        )

    try:
        for progress, point in advance(field, x, rule, grid, tolerance):
            if not np.all(np.isfinite(point)) or np.max(np.abs(point)) > limit:
                return result("diverged", f"the flow diverged after {places[-1]:.0%} of the way")
            x = point
            places.append(progress)
            if on_step is not None:
                on_step(progress, x)
            if adaptive and len(places) > steps and progress < 1:
                return result("max_steps", f"{steps} steps ended at {progress:.0%} of the way")
    except _StepTooSmallError:
        return result("stalled", f"steps became too small after {places[-1]:.0%} of the way")
    except KeyboardInterrupt:
        return result("interrupted", f"interrupted after {places[-1]:.0%} of the way")
    return result("reached", f"{len(places) - 1} steps")


def graded_grid(steps: int, toward_end: float, toward_start: float = 1.0) -> Floats:
    """Return a grid over [0, 1] whose steps shrink toward its ends.

    The grid is the regularized incomplete beta function of equal steps. A leg is stiff near the reference, where weak
    channels fade. The way back takes the same steps in the opposite order.

    Parameters
    ----------
    steps : int
        Number of steps, at least 1.
    toward_end, toward_start : float
        How strongly the steps shrink toward each end, at least 1. With 1 and 1 all steps are equal; with g and 1 the
        grid is 1 - (1 - k/steps)^g.

    Returns
    -------
    ndarray, shape (steps + 1,)
        Increasing from 0 to 1.

    Examples
    --------
    >>> graded_grid(2, 2.0)
    array([0.  , 0.75, 1.  ])
    """
    grid: Floats = betainc(toward_start, toward_end, np.linspace(0.0, 1.0, steps + 1))
    return grid


class _StepTooSmallError(Exception):
    pass


def _on_grid(field: Field, x: Floats, rule: str, grid: Floats, tolerance: float) -> Iterator[tuple[float, Floats]]:
    step, halvings = RULES[rule].step, MAX_HALVINGS if RULES[rule].symmetric else 0
    assert step is not None
    for start, end in zip(grid[:-1], grid[1:], strict=True):
        ends = [float(end)]  # of the step or of its parts, the next one last
        smallest = (end - start) / 2**halvings
        while ends:
            point = step(field, x, ends[-1] - start, tolerance)
            if ends[-1] - start > 1.5 * smallest and not np.all(np.isfinite(point)):
                ends.append(0.5 * (start + ends[-1]))
                continue
            start, x = ends.pop(), point
            yield start, x


def _adaptive(field: Field, x: Floats, rule: str, grid: Floats, tolerance: float) -> Iterator[tuple[float, Floats]]:
    shape = x.shape

    def flat(_: float, y: Floats) -> Floats:
        velocity = field(y.reshape(shape)).ravel()
        if not np.all(np.isfinite(velocity)):
            raise _StepTooSmallError
        return velocity

    # The relative tolerance only has to be below the absolute one, since pixel values are of order 1.
    solver = DOP853(flat, 0.0, np.ravel(x), 1.0, rtol=max(1e-3 * tolerance, 3e-14), atol=tolerance)
    while solver.status == "running":
        message = solver.step()
        if solver.status == "failed" or (solver.step_size < SMALLEST_STEP and solver.t < 1):
            raise _StepTooSmallError(message)
        yield solver.t, solver.y.reshape(shape)
