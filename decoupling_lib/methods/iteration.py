"""What all iterations toward target values of features share: the goal, the judge of the iterates, and the loop.

They are `baselines.descend`, `baselines.descend_lbfgs`, `projected.descend_projected` and
`projected.descend_loss_projected`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from ..common import validation
from ..common.arrays import Floats, Mask
from ..common.errors import input_error
from ..engine.distances import relative_error
from ..engine.features import Block, DifferentiableFeatures, FeatureMap, Linearization, block_slices
from ..engine.ode import FlowResult, Status

DIVERGED = 1e3  # growth of the relative error, counted from 0.1 % at least

OnIteration = Callable[[int, float, Floats], None]
"""Receives (iteration, relative error, x)."""


@dataclass(frozen=True)
class Goal:
    """The targets of a run and when it ends.

    Parameters
    ----------
    blocks : tuple of Block
        Blocks of the feature map.
    targets : ndarray, shape (n,)
        t.
    live : ndarray of bool, shape (n,)
        The channels that count.
    iterations : int
        Maximum number of iterations, at least 0.
    threshold : float or None
        Error at which the run ends; None for no such end.
    on_step : callable or None
        Receives every iterate; see `OnIteration`.
    absolute : bool
        Whether the threshold is one on the mean squared error of the last block.
    every_block : bool
        Whether every block is watched, and not the last one alone.
    """

    blocks: tuple[Block, ...]
    targets: Floats
    live: Mask
    iterations: int
    threshold: float | None
    on_step: OnIteration | None
    absolute: bool = False
    every_block: bool = False

    @property
    def slices(self) -> list[slice]:
        """The place of each block in the feature vector."""
        return list(block_slices(self.blocks).values())

    @property
    def watched(self) -> list[slice]:
        """The places of the watched blocks."""
        return self.slices if self.every_block else self.slices[-1:]

    @property
    def weights(self) -> Floats:
        """1/‖t_l‖² for the live features of block l, 1 where t_l is 0."""
        return np.concatenate([self.live[s] / (self.targets[s] ** 2 @ self.live[s] or 1) for s in self.slices])


def set_goal(
    feature_map: DifferentiableFeatures,
    targets: Floats,
    live: Mask | None,
    iterations: int,
    threshold: float | None,
    on_step: OnIteration | None,
    *,
    absolute: bool = False,
    every_block: bool = False,
) -> Goal:
    """Return a goal whose parts have been validated.

    Parameters
    ----------
    feature_map : DifferentiableFeatures
        The features.
    targets : ndarray, shape (n,)
        t.
    live : ndarray of bool, shape (n,), or None
        The channels that count; None means all.
    iterations, threshold, on_step, absolute, every_block : int, float, callable, bool, bool
        See `Goal`.

    Returns
    -------
    Goal
        With arrays of float64 and bool.

    Raises
    ------
    InputError
        If a number is out of range, the targets do not fit the features, or those of a watched block are all 0.
    """
    validation.integer_in_range(iterations, "iterations", 0, np.inf)
    validation.in_range(0 if threshold is None else threshold, "threshold", 0, np.inf)
    targets = np.asarray(targets, dtype=np.float64)
    live = np.ones(targets.shape, bool) if live is None else np.asarray(live, bool)
    goal = Goal(feature_map.blocks, targets, live, iterations, threshold, on_step, absolute, every_block)
    size = (goal.slices[-1].stop,)
    misfit = not targets.shape == live.shape == size
    if misfit or any(live[s].any() > (live * targets)[s].any() for s in goal.watched):
        accepted = f"targets and mask of shape {size}, with a target other than 0 in every block that moves"
        raise input_error("targets", "do not fit the features", targets, accepted, "give one target per feature")
    return goal


@dataclass
class Watch:
    """The judge of the iterates of one run.

    Parameters
    ----------
    goal : Goal
        What the run is for.
    first, error : float
        The relative error at the start and at the latest iterate.
    """

    goal: Goal
    first: float = field(default=np.nan, init=False)
    error: float = field(default=np.nan, init=False)

    def judge(self, iteration: int, x: Floats, f: Floats) -> Status | None:
        """Report the error at an iterate, and decide whether the run ends there.

        Parameters
        ----------
        iteration : int
            Number of the iterate, 0 for the start.
        x : ndarray
            The iterate.
        f : ndarray, shape (n,)
            Its features.

        Returns
        -------
        str or None
            `diverged`, `reached` or `max_steps`; None to continue.
        """
        goal = self.goal
        with np.errstate(over="ignore", invalid="ignore"):
            errors = [relative_error(f[s], goal.targets[s], goal.live[s]) for s in goal.watched]
            mse = np.mean(np.square(goal.live * (f - goal.targets))[goal.slices[-1]])
        self.error = float(np.max(errors))
        if iteration == 0:
            self.first = self.error
        if goal.on_step is not None:
            goal.on_step(iteration, self.error, x)
        if not np.isfinite(self.error) or self.error > DIVERGED * max(self.first, 1e-3):
            return "diverged"
        if goal.threshold is not None and (mse if goal.absolute else self.error) <= goal.threshold:
            return "reached"
        return "max_steps" if iteration >= goal.iterations else None

    def end(self, x: Floats, iterations: int, status: Status) -> FlowResult:
        """Return the result of a run that ends at x.

        Parameters
        ----------
        x : ndarray
            Where it ends.
        iterations : int
            Number of iterations.
        status : str
            `reached`, `max_steps`, `stalled` (there is no way down) or `diverged`.

        Returns
        -------
        FlowResult
            Its `progress` is the share of the first error that is gone, 1 if the threshold was reached.
        """
        gone = 1 - self.error / self.first if np.isfinite(self.error) and self.first > 0 else 0.0
        progress = 1.0 if status == "reached" else max(gone, 0.0)
        message = f"{iterations} iterations, relative error {self.error:.3g}"
        return FlowResult(x, progress, iterations, status, message)


Move = Callable[[int, Floats, Linearization], Floats | None]
"""Maps (iteration, x, linearization at x) to the next x; None if there is no way down."""


def iterate(feature_map: FeatureMap, x: Floats, goal: Goal, move: Move) -> FlowResult:
    """Repeat x ← move(iteration, x, linearization) until the goal says how the run ends.

    Parameters
    ----------
    feature_map : FeatureMap
        The features.
    x : ndarray
        Where to begin.
    goal : Goal
        What the run is for.
    move : callable
        Makes one iteration; see `Move`.

    Returns
    -------
    FlowResult
        Where the run ended. With status `diverged`, x is the iterate before the one that was out of bounds.
    """
    watch = Watch(goal)
    x = np.array(x, dtype=np.float64)
    before = x
    for step in count():
        if not np.isfinite(x).all():
            break
        at = feature_map.linearize(x)
        if (status := watch.judge(step, x, at.values)) == "diverged":
            break
        after = None if status else move(step, x, at)
        if after is None:
            return watch.end(x, step, status or "stalled")
        before, x = x, after
    return watch.end(before, max(step - 1, 0), "diverged")
