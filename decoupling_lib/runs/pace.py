"""How far a run has come and how long it will still take: the estimate, corrected by what its parts have taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..engine.context import Step

if TYPE_CHECKING:
    from ..transfers.estimate import Estimate

TRUST = 0.03
"""Share of a run for which the estimate counts as much as what was measured: the first passes are slow."""


class Pace:
    """Follows a run through the parts of its estimate, from Step 1 on.

    Parameters
    ----------
    estimate : Estimate
        What the run is expected to take.
    clock : callable
        Returns the time in seconds; it never goes back.

    Attributes
    ----------
    total : float
        Expected seconds of the whole run.
    done : float
        Expected seconds of what is done.
    """

    def __init__(self, estimate: Estimate, clock: Callable[[], float] = time.perf_counter):
        self._parts = [part for part in estimate.parts if part.step > Step.REFERENCE]
        self._ends = np.cumsum([part.seconds.middle for part in self._parts])
        self._clock = clock
        self._place, self._progress = -1, 0.0
        self.total, self.done = float(self._ends[-1]), 0.0
        self._began = self._moved = 0.0
        self._given = 0.0

    def move(self, step: int, layer: str, progress: float) -> None:
        """Take the latest place of the run.

        Parameters
        ----------
        step : int
            A value of `engine.context.Step`.
        layer : str
            Name of the moving block.
        progress : float
            Share of the leg that is done, in [0, 1].
        """
        current = self._parts[self._place] if self._place >= 0 else None
        new = current is None or (step, layer) != (current.step, current.layer) or progress < self._progress
        if current is None:
            self._began = self._clock()
        if new:
            later = range(self._place + 1, len(self._parts))
            self._place = next(i for i in later if (self._parts[i].step, self._parts[i].layer) == (step, layer))
        self._progress, self._moved = progress, self._clock()
        part, end = self._parts[self._place], float(self._ends[self._place])
        before, self.done = self.done, end - part.seconds.middle * (1 - part.share(progress))
        if new and progress > 0:  # an earlier run has done that
            self._given += self.done - before

    @property
    def remaining(self) -> float:
        """Seconds that the run will probably still take.

        What is left of the estimate is scaled by the ratio of measured to expected seconds of what is done. Parts that
        ended early are done, and what an earlier run did counts for nothing. The step that is being made counts as on
        schedule until it takes longer than expected; then the rest will too.
        """
        if self._place < 0:
            return self.total
        now, trust, part = self._clock(), TRUST * self.total, self._parts[self._place]
        step = min(now - self._moved, part.seconds.middle / (len(part.grid) - 1), self.total - self.done)
        expected = max(self.done - self._given, 0.0) + step + trust
        return (self.total - self.done - step) * (now - self._began + trust) / expected
