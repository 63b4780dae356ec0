"""What a feature map is: named blocks of features with values and derivatives at a point.

The engine sees images only as arrays and features only through the protocols below. A toy with a closed form and the
channel means of VGG therefore run through the same lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..common.arrays import Floats, Mask


@dataclass(frozen=True)
class Block:
    """A named group of features that moves in one leg; for a network, the channel means of one layer.

    Parameters
    ----------
    name : str
        Name of the block.
    size : int
        Number of features in it, at least 1.
    """

    name: str
    size: int


class Pullback(Protocol):
    """Features at one point x, as far as a descent needs them: the values f(x), and the gradients of weighted sums."""

    @property
    def values(self) -> Floats:
        """Features f(x), float64 of shape (n,)."""
        ...

    def vjp(self, w: Floats) -> Floats:
        """Return the vector-Jacobian product Jᵀ w.

        Parameters
        ----------
        w : ndarray, shape (n,)
            One weight per feature.

        Returns
        -------
        ndarray, shape of x
            The gradient of the weighted sum of the features.
        """
        ...


class Linearization(Pullback, Protocol):
    """A feature map at one point x: the values f(x), and the Jacobian J(x) as an operator."""

    def jvp(self, dx: Floats) -> Floats:
        """Return the Jacobian-vector product J dx.

        Parameters
        ----------
        dx : ndarray, shape of x
            A direction in image space.

        Returns
        -------
        ndarray, shape (n,)
            The rate at which each feature changes along `dx`.
        """
        ...

    def hvp(self, w: Floats, dx: Floats) -> Floats:
        """Return Σ w_i H_i dx, where H_i is the second derivative of f_i.

        Parameters
        ----------
        w : ndarray, shape (n,)
            One weight per feature.
        dx : ndarray, shape of x
            A direction in image space.

        Returns
        -------
        ndarray, shape of x
            The change of the gradient of the weighted sum, per unit of `dx`.
        """
        ...

    def jacobian(self, wanted: Mask | None = None) -> Floats:
        """Return J as an explicit matrix, which the caller may change in place.

        Parameters
        ----------
        wanted : ndarray of bool, shape (n,), optional
            Rows where it is False are zero and cost nothing. Default: all rows.

        Returns
        -------
        ndarray, shape (n, x.size)
            One gradient per row.
        """
        ...


class DifferentiableFeatures(Protocol):
    """Features in named blocks, as far as a descent needs them."""

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Blocks in order; their sizes add up to n."""
        ...

    def values(self, x: Floats) -> Floats:
        """Return f(x), float64 of shape (n,)."""
        ...

    def linearize(self, x: Floats) -> Pullback:
        """Return the values and the VJP at x, from one forward pass."""
        ...


class FeatureMap(DifferentiableFeatures, Protocol):
    """Features in named blocks, in the order in which legs move them."""

    def linearize(self, x: Floats) -> Linearization:
        """Return the values and the Jacobian operator at x, from one forward pass."""
        ...

    def prefix(self, count: int) -> FeatureMap:
        """Return the map of the first `count` blocks alone; of a network, only that part is run."""
        ...


@dataclass
class Passes:
    """The number of network passes that a computation costs.

    An explicit row of the Jacobian takes one VJP and counts as one pass. A product with a second derivative counts as
    what it consists of: a forward pass, a JVP, and the VJPs of both.

    Parameters
    ----------
    forward, jvp, vjp, jacobian_rows : int
        Passes of each kind, at least 0.
    """

    forward: int = 0
    jvp: int = 0
    vjp: int = 0
    jacobian_rows: int = 0

    @property
    def total(self) -> int:
        """Number of passes of all kinds."""
        return self.forward + self.jvp + self.vjp + self.jacobian_rows

    def copy(self) -> Passes:
        """Return a copy, which does not change with this counter."""
        return Passes(**vars(self))

    def add(self, other: Passes) -> None:
        """Add another counter's passes to this one.

        Parameters
        ----------
        other : Passes
            Not changed.
        """
        for name, count in vars(other).items():
            setattr(self, name, getattr(self, name) + count)

    def since(self, earlier: Passes) -> Passes:
        """Return the passes made since `earlier` was copied from this counter.

        Parameters
        ----------
        earlier : Passes
            An earlier `copy` of this counter.
        """
        return Passes(**{name: count - getattr(earlier, name) for name, count in vars(self).items()})


@dataclass(frozen=True)
class Counted:
    """A feature map that counts its own passes; its prefixes share the counter.

    Parameters
    ----------
    map : FeatureMap
        The map. Calling it directly, as `counted.map.values(x)`, is not counted.
    passes : Passes
        The counter.
    """

    map: FeatureMap
    passes: Passes = field(default_factory=Passes)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Blocks of the map."""
        return self.map.blocks

    def values(self, x: Floats) -> Floats:
        """Return f(x), shape (n,), and count one forward pass."""
        self.passes.forward += 1
        return self.map.values(x)

    def linearize(self, x: Floats) -> Linearization:
        """Return the linearization at x, whose products are counted too, and count one forward pass."""
        self.passes.forward += 1
        return _CountedLinearization(self.map.linearize(x), self.passes)

    def prefix(self, count: int) -> Counted:
        """Return the first `count` blocks with the same counter."""
        return Counted(self.map.prefix(count), self.passes)


class _CountedLinearization:
    def __init__(self, at: Linearization, passes: Passes):
        self._at, self._passes = at, passes
        self.values = at.values

    def jvp(self, dx: Floats) -> Floats:
        self._passes.jvp += 1
        return self._at.jvp(dx)

    def vjp(self, w: Floats) -> Floats:
        self._passes.vjp += 1
        return self._at.vjp(w)

    def hvp(self, w: Floats, dx: Floats) -> Floats:
        self._passes.add(Passes(forward=1, jvp=1, vjp=2))
        return self._at.hvp(w, dx)

    def jacobian(self, wanted: Mask | None = None) -> Floats:
        rows = self._at.jacobian(wanted)
        self._passes.jacobian_rows += len(rows) if wanted is None else int(np.count_nonzero(wanted))
        return rows


def block_slices(blocks: tuple[Block, ...]) -> dict[str, slice]:
    """Return the place of each block's features in the vector of values.

    Parameters
    ----------
    blocks : tuple of Block
        Blocks in order.

    Returns
    -------
    dict of str to slice
        By the name of the block, in order.

    Examples
    --------
    >>> block_slices((Block("a", 2), Block("b", 3)))
    {'a': slice(0, 2, None), 'b': slice(2, 5, None)}
    """
    ends = [int(end) for end in np.cumsum([block.size for block in blocks])]
    return {block.name: slice(end - block.size, end) for block, end in zip(blocks, ends, strict=True)}
