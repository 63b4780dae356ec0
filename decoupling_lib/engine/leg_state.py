"""Where a leg of symmetric steps stands, and what an earlier leg can tell about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..common.arrays import Floats
from .journal import Arrays


def _nothing() -> Floats:
    return np.empty(0)


class Node(NamedTuple):
    """The solution at the midpoint of an accepted step.

    Parameters
    ----------
    s : float
        Place of the midpoint on the leg, in [0, 1].
    velocity : ndarray, shape of x
        V.
    multipliers : ndarray, shape (n,)
        λ.
    """

    s: float
    velocity: Floats
    multipliers: Floats


class Guide(NamedTuple):
    """What an earlier leg of the same features, from a similar image, offers as a start.

    It saves passes and changes no result by more than the tolerance of the steps.

    Parameters
    ----------
    grid : ndarray, shape (steps + 1,)
        Where its steps ended, from 0 to 1.
    multipliers : ndarray, shape (steps, n)
        λ at the midpoints of its steps. With shape (0, n) there is no first guess of them.
    grams : ndarray of float32, shape (2, n, n)
        The scaled gradient Gram matrices with which its first and its last step were solved.
    """

    grid: Floats
    multipliers: Floats
    grams: NDArray[np.float32]

    def reversed(self) -> Guide:
        """Return the guide of the leg that leads back on the same way."""
        return Guide(1.0 - self.grid[::-1], -self.multipliers[::-1], self.grams[::-1])

    def at(self, s: float) -> Floats:
        """Return λ at a place s in [0, 1], interpolated linearly between the midpoints."""
        middles = 0.5 * (self.grid[1:] + self.grid[:-1])
        after = int(np.clip(np.searchsorted(middles, s), 1, max(len(middles) - 1, 1)))
        if len(middles) == 1:
            first: Floats = self.multipliers[0]
            return first
        share: float = np.clip((s - middles[after - 1]) / (middles[after] - middles[after - 1]), 0.0, 1.0)
        between: Floats = (1.0 - share) * self.multipliers[after - 1] + share * self.multipliers[after]
        return between


@dataclass(frozen=True)
class LegState:
    """Where a leg stands after an accepted step: all that the next step needs, and what the leg's record needs.

    Parameters
    ----------
    x : ndarray
        The point.
    grid : ndarray, shape (k + 1,)
        Where the steps end: the planned grid with the points at which steps were halved. Empty before the first step.
    multipliers : ndarray, shape (steps, n)
        λ of the accepted steps.
    gram : ndarray, shape (n, n), optional
        The scaled gradient Gram matrix in use; None before the first step.
    first_gram : ndarray, shape (n, n), optional
        What it was after the first step.
    gram_step : int
        Number of the step before which it was last computed; -1 if it comes from a guide.
    nodes : tuple of Node
        Up to `symmetric.NODES` earlier midpoints.
    """

    x: Floats
    grid: Floats = field(default_factory=_nothing)
    multipliers: Floats = field(default_factory=_nothing)
    gram: Floats | None = None
    first_gram: Floats | None = None
    gram_step: int = -1
    nodes: tuple[Node, ...] = ()

    @property
    def steps(self) -> int:
        """Number of accepted steps that led to x."""
        return len(self.multipliers)

    def arrays(self) -> dict[str, Floats]:
        """Return the state as named arrays, for a file."""
        arrays = {"x": self.x, "grid": self.grid, "multipliers": self.multipliers}
        if self.gram is not None and self.first_gram is not None:
            arrays |= {"gram": self.gram, "first_gram": self.first_gram, "gram_step": np.array(self.gram_step)}
        for place, node in enumerate(self.nodes):
            arrays |= {
                f"s{place}": np.array(node.s),
                f"velocity{place}": node.velocity,
                f"node{place}": node.multipliers,
            }
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> LegState:
        """Return the state that `arrays` made into named arrays; other names are ignored."""
        count = sum(name.startswith("velocity") for name in arrays)
        nodes = tuple(Node(float(arrays[f"s{i}"]), arrays[f"velocity{i}"], arrays[f"node{i}"]) for i in range(count))
        state = cls(arrays["x"], arrays["grid"], arrays["multipliers"], nodes=nodes)
        if "gram" not in arrays:
            return state
        return replace(state, gram=arrays["gram"], first_gram=arrays["first_gram"], gram_step=int(arrays["gram_step"]))
