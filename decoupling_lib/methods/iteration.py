"""What iterations toward targets have in common: `baselines.descend`, `baselines.direct`, and those of `projected`.

- `feature_map` : any `FeatureMap`; `x` : the start, of any shape that the map takes; it moves in float64.
- `targets` : t, shape (n,), not all 0 over the watched block; `live` : bool, shape (n,): the channels that
  count (default: all). The watched block is the last one (`direct`: each).
- `iterations` : at most so many; `threshold` : the watched block's ‖f - t‖/‖t‖ at which to stop. `on_step`
  hears (iteration, that error) at every iterate, the start included; what it raises passes on.
- The result's `progress` is the share of the first error that is gone, 1 when reached; its status `reached`,
  `max_steps`, `stalled` (no way down) or `diverged` (x is then the point before).
- `InputError` is raised for an unknown name, a number out of range, or targets that do not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import numpy as np

from ..common import validation
from ..common.errors import input_error
from ..engine.distances import relative_error
from ..engine.features import FeatureMap, block_slices
from ..engine.ode import FlowResult, Status

DIVERGED = 1e3  # growth of the relative error, counted from 0.1 % at least

OnIteration = Callable[[int, float], None]


@dataclass
class Goal:
    """The targets of a run and the judgement on each of its iterates."""

    feature_map: FeatureMap
    targets: np.ndarray
    live: np.ndarray | None
    iterations: int
    threshold: float | None
    on_step: OnIteration | None
    absolute: bool = False
    every_block: bool = False

    def __post_init__(self) -> None:
        self.slices = list(block_slices(self.feature_map.blocks).values())
        self.watched = self.slices if self.every_block else self.slices[-1:]
        self.targets = np.asarray(self.targets, dtype=np.float64)
        self.live = np.ones(self.targets.shape, bool) if self.live is None else np.asarray(self.live, bool)
        validation.integer_in_range(self.iterations, "iterations", 0, np.inf)
        validation.in_range(0 if self.threshold is None else self.threshold, "threshold", 0, np.inf)
        size = (self.slices[-1].stop,)
        odd = not self.targets.shape == self.live.shape == size
        if odd or any(self.live[s].any() > (self.live * self.targets)[s].any() for s in self.watched):
            accepted = f"shape {size}, as the mask; not all 0 in a block that moves"
            raise input_error("targets", "do not fit the features", self.targets, accepted, "change them")

    @property
    def weights(self) -> np.ndarray:
        """1/‖t_l‖² on the live features of block l, 1 where t_l is 0."""
        return np.concatenate([self.live[s] / (self.targets[s] ** 2 @ self.live[s] or 1) for s in self.slices])

    def judge(self, step: int, f: np.ndarray) -> Status | None:
        """Tell the error at an iterate; return how the run ends there, or None to go on."""
        with np.errstate(over="ignore", invalid="ignore"):
            errors = [relative_error(f[s], self.targets[s], self.live[s]) for s in self.watched]
            mse = np.mean(np.square(self.live * (f - self.targets))[self.slices[-1]])
        self.error = float(np.max(errors))
        self.first = self.first if step else self.error
        if self.on_step is not None:
            self.on_step(step, self.error)
        if not np.isfinite(self.error) or self.error > DIVERGED * max(self.first, 1e-3):
            return "diverged"
        if self.threshold is not None and (mse if self.absolute else self.error) <= self.threshold:
            return "reached"
        return "max_steps" if step >= self.iterations else None

    def end(self, x: np.ndarray, steps: int, status: Status) -> FlowResult:
        gone = 1 - self.error / self.first if np.isfinite(self.error) and self.first > 0 else 0.0
        progress = 1.0 if status == "reached" else max(gone, 0.0)
        return FlowResult(x, progress, steps, status, f"{steps} iterations, relative error {self.error:.3g}")


def iterate(feature_map: FeatureMap, x: np.ndarray, goal: Goal, move: Callable) -> FlowResult:
    """Repeats x <- move(step, x, linearization) until the goal says how it ends; None is a stall."""
    x = before = np.array(x, dtype=np.float64)
    for step in count():
        if not np.isfinite(x).all():
            break
        at = feature_map.linearize(x)
        if (status := goal.judge(step, at.values)) == "diverged":
            break
        after = None if status else move(step, x, at)
        if after is None:
            return goal.end(x, step, status or "stalled")
        before, x = x, after
    return goal.end(before, max(step - 1, 0), "diverged")
