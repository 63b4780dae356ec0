"""How far an iteration toward a threshold has come, and which of its iterates are recorded."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..common.arrays import Floats
from ..engine.context import Record

CURVE_POINTS = 500
"""About how many points of a leg's iterations are recorded."""
LOOKS = 50
"""How often during a leg, at most, an image is handed on to be shown; a look at it costs a network pass."""


@dataclass
class Course:
    """A callback of an iteration, which records its iterates; see `iteration.OnIteration`.

    The progress is the share of the iterations that are done or, if that is more, the share of the way to the
    threshold on a logarithmic scale: most legs end long before their maximum number of iterations. It never decreases.

    Parameters
    ----------
    record : Record
        Receives progress, error, and now and then the image.
    iterations : int
        Maximum number of iterations, at least 1.
    threshold : float or None
        Relative error at which the iteration ends; None for no such end.
    """

    record: Record
    iterations: int
    threshold: float | None
    progress: float = field(default=0.0, init=False)
    _first: float = field(default=np.nan, init=False)
    _shown: float = field(default=0.0, init=False)

    def __call__(self, iteration: int, error: float, x: Floats) -> None:
        """Take an iterate.

        Parameters
        ----------
        iteration : int
            Its number, 0 for the start.
        error : float
            Its relative error.
        x : ndarray
            The iterate.
        """
        if iteration == 0:
            self._first = error
        self.progress = max(self.progress, iteration / self.iterations, self._share_of_error(error))
        if iteration % max(1, self.iterations // CURVE_POINTS):
            return
        look = self.progress >= self._shown + 1 / LOOKS
        self._shown = self.progress if look else self._shown
        self.record(self.progress, error, x if look else None)

    def _share_of_error(self, error: float) -> float:
        """Return the share of the way from the first error to the threshold, in [0, 1]."""
        if not self.threshold or not self.threshold < self._first < np.inf or not 0 < error < np.inf:
            return 0.0
        return float(np.clip(np.log(self._first / error) / np.log(self._first / self.threshold), 0, 1))
