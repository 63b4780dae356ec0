"""Following a velocity field: step rules, stop rules, and a frozen result with its trace and status.

A flow is parts: an autonomous field x -> dx/ds, a rule that makes one step, and something that listens to the
accepted points. Classical rules are those of any textbook (Hairer, Nørsett & Wanner, *Solving Ordinary
Differential Equations I*); error control is SciPy's DOP853 (same book, section II.5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.integrate import DOP853
from scipy.special import betainc

from .anderson import Anderson

Field = Callable[[np.ndarray], np.ndarray]
Status = Literal["reached", "damped_end", "max_steps", "stalled", "diverged", "interrupted"]

SMALLEST_STEP = 1e-6
DIVERGED = 1e6


@dataclass(frozen=True)
class Rule:
    """A step rule.

    Parameters
    ----------
    order : the global error is O(h^order).
    step : (field, x, h, tolerance) -> x at s + h; None for the rule with error control, which chooses its own h.
    symmetric : a step of -h from its end leads back to its start, at any h.
    """

    order: int
    step: Callable[[Field, np.ndarray, float, float], np.ndarray] | None
    symmetric: bool = False


@dataclass(frozen=True)
class FlowResult:
    """Where a flow ended and how.

    Parameters
    ----------
    x : the last accepted point.
    progress : the share of the way done, in [0, 1].
    steps : accepted steps.
    status : `reached` and `damped_end` (all the way; the judgement is the caller's), `max_steps`, `stalled` (error
        control asked for a step that is too small), `diverged` (not finite, or out of all bounds), `interrupted`.
    message : one line for a reader.
    """

    x: np.ndarray
    progress: float
    steps: int
    status: Status
    message: str


def euler(field: Field, x: np.ndarray, h: float, tolerance: float) -> np.ndarray:
    """x + h F(x); order 1."""
    return x + h * field(x)


def midpoint(field: Field, x: np.ndarray, h: float, tolerance: float) -> np.ndarray:
    """x + h F(x + h/2 F(x)); order 2."""
    return x + h * field(x + 0.5 * h * field(x))


def rk4(field: Field, x: np.ndarray, h: float, tolerance: float) -> np.ndarray:
    """The classical Runge–Kutta rule; order 4."""
    k1 = field(x)
    k2 = field(x + 0.5 * h * k1)
    k3 = field(x + 0.5 * h * k2)
    k4 = field(x + h * k3)
    return x + (h / 6) * (k1 + 2 * k2 + 2 * k3 + k4)


def implicit_midpoint(field: Field, x: np.ndarray, h: float, tolerance: float, halvings: int = 6) -> np.ndarray:
    """x' = x + h F((x + x')/2); order 2 and symmetric, so the way back is exact up to `tolerance`.

    Solved for the velocity by fixed-point iteration with Anderson mixing, five differences deep.
    A step whose equation it cannot solve is made as two halves, and those again, at most `halvings` times; then the
    result is NaN.
    """
    velocity = field(x)
    mixing = Anderson(5)
    first = np.inf
    for _ in range(40):
        residual = field(x + 0.5 * h * velocity) - velocity
        size = abs(h) * np.sqrt(np.mean(np.square(residual)))
        if size <= tolerance:
            return x + h * (velocity + residual)
        first = min(first, size)
        if not size <= 10 * first:
            break
        velocity = mixing.next(np.ravel(velocity), np.ravel(residual)).reshape(x.shape)
    if halvings == 0:
        return np.full_like(x, np.nan)
    half = implicit_midpoint(field, x, 0.5 * h, tolerance, halvings - 1)
    if not np.all(np.isfinite(half)):
        return half
    return implicit_midpoint(field, half, 0.5 * h, tolerance, halvings - 1)


RULES: dict[str, Rule] = {
    "euler": Rule(1, euler),
    "midpoint": Rule(2, midpoint),
    "rk4": Rule(4, rk4),
    "symmetric": Rule(2, implicit_midpoint, symmetric=True),
    "adaptive": Rule(8, None),
}


def integrate(
    field: Field,
    x: np.ndarray,
    rule: str = "symmetric",
    steps: int = 48,
    tolerance: float = 1e-7,
    on_step: Callable[[float, np.ndarray], None] | None = None,
    grid: np.ndarray | None = None,
) -> FlowResult:
    """Follows dx/ds = F(x) over s in [0, 1].

    Parameters
    ----------
    field : autonomous; the end point is that of unit time.
    x : the start, any shape, float.
    rule : a name of `RULES`.
    steps : how many steps; with error control, the most that are accepted.
    tolerance : the root mean square error allowed a step (error control), or of the implicit equation (symmetric),
        in x's unit; other rules do not use it.
    on_step : called with (progress, x) at each accepted point. A KeyboardInterrupt from anywhere ends the flow with
        status `interrupted` and the last accepted point.
    grid : (steps + 1,), increasing from 0 to 1, where the steps end; equal steps if None. Error control has its own.
    """
    grid = np.linspace(0.0, 1.0, steps + 1) if grid is None else grid
    advance = _adaptive if RULES[rule].step is None else _on_grid
    limit = DIVERGED * max(1.0, float(np.max(np.abs(x))))
    done, count = 0.0, 0
    try:
        for progress, point in advance(field, x, rule, grid, tolerance):
            if not np.all(np.isfinite(point)) or np.max(np.abs(point)) > limit:
                return FlowResult(x, done, count, "diverged", f"the flow diverged after {done:.0%} of the way")
            x, done, count = point, progress, count + 1
            if on_step is not None:
                on_step(done, x)
            if count >= steps and done < 1:
                return FlowResult(x, done, count, "max_steps", f"{count} steps ended at {done:.0%} of the way")
    except _StepTooSmallError:
        return FlowResult(x, done, count, "stalled", f"steps became too small after {done:.0%} of the way")
    except KeyboardInterrupt:
        return FlowResult(x, done, count, "interrupted", f"interrupted after {done:.0%} of the way")
    return FlowResult(x, 1.0, count, "reached", f"{count} steps")


class _StepTooSmallError(Exception):
    pass


def graded_grid(steps: int, toward_end: float, toward_start: float = 1.0) -> np.ndarray:
    """A grid over [0, 1] whose steps shrink toward its ends: the incomplete beta function of equal steps.

    `toward_end` and `toward_start` are at least 1; 1 and 1 are equal steps, g and 1 is 1 - (1 - k/steps)^g. A leg is
    stiff near the reference, where weak channels fade. The way back takes the same steps in the opposite order.
    """
    return betainc(toward_start, toward_end, np.linspace(0.0, 1.0, steps + 1))


def _on_grid(
    field: Field, x: np.ndarray, rule: str, grid: np.ndarray, tolerance: float
) -> Iterator[tuple[float, np.ndarray]]:
    step = RULES[rule].step
    assert step is not None
    for start, end in zip(grid[:-1], grid[1:], strict=True):
        x = step(field, x, end - start, tolerance)
        yield float(end), x


def _adaptive(
    field: Field, x: np.ndarray, rule: str, grid: np.ndarray, tolerance: float
) -> Iterator[tuple[float, np.ndarray]]:
    shape = x.shape

    def flat(_: float, y: np.ndarray) -> np.ndarray:
        velocity = field(y.reshape(shape)).ravel()
        if not np.all(np.isfinite(velocity)):
            raise _StepTooSmallError
        return velocity

    # The relative tolerance only has to be below the absolute one: pixels are of order 1.
    solver = DOP853(flat, 0.0, np.ravel(x), 1.0, rtol=max(1e-3 * tolerance, 3e-14), atol=tolerance)
    while solver.status == "running":
        message = solver.step()
        if solver.status == "failed" or (solver.step_size < SMALLEST_STEP and solver.t < 1):
            raise _StepTooSmallError(message)
        yield solver.t, solver.y.reshape(shape)
