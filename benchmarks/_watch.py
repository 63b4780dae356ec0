"""What a descent costs until it is within each error: used by the comparison of methods."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import _common as common
import numpy as np

from decoupling_lib.engine.distances import relative_error
from decoupling_lib.engine.features import Block, Counted, Pullback, block_slices

if TYPE_CHECKING:
    from decoupling_lib.methods.gatys import Statistics
    from decoupling_lib.transfers.setup import Experiment

LEVELS = (1e-1, 1e-2, 1e-3)
"""The errors, largest first."""


class ArrivedError(Exception):
    """Raised when the smallest error is reached, to end a descent from within."""


@dataclass
class Watch:
    """A feature map that records the cost until the channel means of the worst layer were within each level.

    The passes of `features` are counted: channel means, or the features of another method. `means` judges the image.
    """

    means: Counted
    experiment: Experiment
    features: Counted | Statistics = field(init=False)
    reached: dict[float, dict[str, Any]] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.features = self.means

    @property
    def blocks(self) -> tuple[Block, ...]:
        return self.features.blocks

    def begin(self, x: np.ndarray) -> None:
        """Start the clock; x is where the leg begins."""
        self.first, self.seconds, self._resumed = self._errors(self.means.map.values(x)), 0.0, time.perf_counter()

    def values(self, x: np.ndarray) -> np.ndarray:
        return self.features.values(x)

    def linearize(self, x: np.ndarray) -> Pullback:
        at = self.features.linearize(x)
        self.judge(x, at.values if self.features is self.means else None)
        if self.reached.keys() >= set(LEVELS):
            raise ArrivedError
        return at

    def judge(self, x: np.ndarray, f: np.ndarray | None = None) -> None:
        """Record the errors at x, whose channel means are f; the time that this takes is not counted."""
        self.seconds += time.perf_counter() - self._resumed
        self.errors = self._errors(self.means.map.values(x) if f is None else f)
        for level in LEVELS:
            if max(self.errors.values()) <= level and level not in self.reached:
                self.reached[level] = {"passes": common.total(self.features.passes), "seconds": self.seconds}
        self._resumed = time.perf_counter()

    def _errors(self, f: np.ndarray) -> dict[str, float]:
        reference, slices = self.experiment.reference, block_slices(self.means.blocks)
        return {name: relative_error(f[at], reference.values[at], reference.live[at]) for name, at in slices.items()}
