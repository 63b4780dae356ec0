"""Features given by formulas: the toys whose answers are known exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..common.arrays import Floats, Mask
from .features import Block, Linearization


@dataclass(frozen=True)
class ClosedForm:
    """Features given by formulas: the toys whose answers are known exactly.

    Parameters
    ----------
    blocks : tuple of Block
        Blocks in order; their sizes add up to n.
    function : callable
        Maps x to f(x), shape (n,).
    gradient : callable
        Maps x to J(x), shape (n, x.size).
    curvature : callable, optional
        Maps (x, w) to Σ w_i H_i(x), shape (x.size, x.size). Without it there are no second derivatives.

    Examples
    --------
    >>> bowl = ClosedForm((Block("f", 1),), lambda x: np.array([x @ x / 2]), lambda x: x[None])
    >>> bowl.values(np.array([3.0, 4.0]))
    array([12.5])
    >>> bowl.linearize(np.array([3.0, 4.0])).vjp(np.array([2.0]))
    array([6., 8.])
    """

    blocks: tuple[Block, ...]
    function: Callable[[Floats], Floats]
    gradient: Callable[[Floats], Floats]
    curvature: Callable[[Floats, Floats], Floats] | None = None

    def values(self, x: Floats) -> Floats:
        """Return f(x), float64 of shape (n,)."""
        return np.asarray(self.function(x), dtype=float)

    def linearize(self, x: Floats) -> Linearization:
        """Return the values and the Jacobian at x."""
        return _Dense(self, x, self.values(x), np.asarray(self.gradient(x), dtype=float))

    def prefix(self, count: int) -> ClosedForm:
        """Return the first `count` blocks alone."""
        blocks = self.blocks[:count]
        n, curvature = sum(block.size for block in blocks), self.curvature
        rest = np.zeros(sum(block.size for block in self.blocks) - n)
        return ClosedForm(
            blocks,
            lambda x: self.function(x)[:n],
            lambda x: np.asarray(self.gradient(x))[:n],
            None if curvature is None else lambda x, w: curvature(x, np.concatenate([w, rest])),
        )


@dataclass(frozen=True)
class _Dense:
    features: ClosedForm
    x: Floats
    values: Floats
    rows: Floats

    def jvp(self, dx: Floats) -> Floats:
        return self.rows @ np.ravel(dx)

    def vjp(self, w: Floats) -> Floats:
        return (w @ self.rows).reshape(self.x.shape)

    def hvp(self, w: Floats, dx: Floats) -> Floats:
        if self.features.curvature is None:
            raise NotImplementedError("these features were given without `curvature`, which second derivatives need")
        return (self.features.curvature(self.x, w) @ np.ravel(dx)).reshape(self.x.shape)

    def jacobian(self, wanted: Mask | None = None) -> Floats:
        # A copy: the gradient of a linear map is one and the same array at every point.
        return self.rows.copy() if wanted is None else np.where(wanted[:, None], self.rows, 0.0)
