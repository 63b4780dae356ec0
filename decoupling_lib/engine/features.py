"""What a feature map is: named blocks of features with values and derivatives at a point.

The engine (`lift`, `flow`, `legs`, `normalization`) sees images only as arrays and features only through this
protocol, so a toy with a closed form and the channel means of VGG run through the same lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Block:
    """A named group of features that moves in one leg (for a network: one layer's channel means)."""

    name: str
    size: int


class Linearization(Protocol):
    """A feature map at one point x: the values f(x) and the Jacobian J(x) as an operator."""

    values: np.ndarray

    def jvp(self, dx: np.ndarray) -> np.ndarray:
        """J dx, shape (n,), for a direction of x's shape."""

    def vjp(self, w: np.ndarray) -> np.ndarray:
        """Jᵀ w, of x's shape, for weights of shape (n,)."""

    def jacobian(self, wanted: np.ndarray | None = None) -> np.ndarray:
        """J as an explicit matrix, shape (n, x.size): the caller's own, who may change it in place.

        Rows where `wanted`, (n,) bool, is False are zero and cost nothing.
        """


class FeatureMap(Protocol):
    """Features in named blocks, in the order in which legs move them."""

    blocks: tuple[Block, ...]

    def values(self, x: np.ndarray) -> np.ndarray:
        """f(x), shape (n,), float64."""

    def linearize(self, x: np.ndarray) -> Linearization:
        """The values and the Jacobian operator at x, from one forward pass."""

    def prefix(self, count: int) -> FeatureMap:
        """The map of the first `count` blocks alone; for a network only that part is run."""


@dataclass
class Passes:
    """How many network passes a computation cost; an explicit Jacobian row costs one VJP and counts as one pass."""

    forward: int = 0
    jvp: int = 0
    vjp: int = 0
    jacobian_rows: int = 0

    @property
    def total(self) -> int:
        return self.forward + self.jvp + self.vjp + self.jacobian_rows

    def copy(self) -> Passes:
        return Passes(**vars(self))

    def add(self, other: Passes) -> None:
        """Counts another counter's passes too."""
        for name, count in vars(other).items():
            setattr(self, name, getattr(self, name) + count)

    def since(self, earlier: Passes) -> Passes:
        """The passes made after `earlier` was copied from this counter."""
        return Passes(**{name: count - getattr(earlier, name) for name, count in vars(self).items()})


@dataclass(frozen=True)
class Counted:
    """A feature map that counts its own passes; `prefix` shares the counter."""

    map: FeatureMap
    passes: Passes = field(default_factory=Passes)

    @property
    def blocks(self) -> tuple[Block, ...]:
        return self.map.blocks

    def values(self, x: np.ndarray) -> np.ndarray:
        self.passes.forward += 1
        return self.map.values(x)

    def linearize(self, x: np.ndarray) -> Linearization:
        self.passes.forward += 1
        return _CountedLinearization(self.map.linearize(x), self.passes)

    def prefix(self, count: int) -> Counted:
        return Counted(self.map.prefix(count), self.passes)


class _CountedLinearization:
    def __init__(self, at: Linearization, passes: Passes):
        self._at, self._passes, self.values = at, passes, at.values

    def jvp(self, dx: np.ndarray) -> np.ndarray:
        self._passes.jvp += 1
        return self._at.jvp(dx)

    def vjp(self, w: np.ndarray) -> np.ndarray:
        self._passes.vjp += 1
        return self._at.vjp(w)

    def jacobian(self, wanted: np.ndarray | None = None) -> np.ndarray:
        rows = self._at.jacobian(wanted)
        self._passes.jacobian_rows += len(rows) if wanted is None else int(np.count_nonzero(wanted))
        return rows


@dataclass(frozen=True)
class ClosedForm:
    """Features given by formulas: the toys whose answers are known exactly.

    Parameters
    ----------
    blocks : the blocks in order; their sizes add up to n.
    function : x -> f(x), shape (n,).
    gradient : x -> J(x), shape (n, x.size).
    """

    blocks: tuple[Block, ...]
    function: Callable[[np.ndarray], np.ndarray]
    gradient: Callable[[np.ndarray], np.ndarray]

    def values(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.function(x), dtype=float)

    def linearize(self, x: np.ndarray) -> Linearization:
        return _Dense(self.values(x), np.asarray(self.gradient(x), dtype=float), x.shape)

    def prefix(self, count: int) -> ClosedForm:
        n = sum(block.size for block in self.blocks[:count])
        return ClosedForm(
            self.blocks[:count], lambda x: self.function(x)[:n], lambda x: np.asarray(self.gradient(x))[:n]
        )


@dataclass(frozen=True)
class _Dense:
    values: np.ndarray
    rows: np.ndarray
    shape: tuple[int, ...]

    def jvp(self, dx: np.ndarray) -> np.ndarray:
        return self.rows @ np.ravel(dx)

    def vjp(self, w: np.ndarray) -> np.ndarray:
        return (w @ self.rows).reshape(self.shape)

    def jacobian(self, wanted: np.ndarray | None = None) -> np.ndarray:
        # A copy: a linear map's gradient is one and the same array at every point.
        return self.rows.copy() if wanted is None else np.where(wanted[:, None], self.rows, 0.0)


def block_slices(blocks: tuple[Block, ...]) -> dict[str, slice]:
    """Where each block's features stand in the value vector."""
    ends = np.cumsum([block.size for block in blocks])
    return {block.name: slice(end - block.size, end) for block, end in zip(blocks, ends, strict=True)}
