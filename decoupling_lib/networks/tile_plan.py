"""Where the tiles of an image lie. No TensorFlow is loaded here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..common import validation
from .architectures import Operation

TILE_SIDE = 256
"""Longest side of a tile in pixels, unless the halo is large. Tiles of 512 px take 300 MiB more, and are not faster."""
MAX_TILE_SIDE = 8192
"""Largest side that may be asked for."""
HALOS = 8
"""Number of halos that a tile is long at least: with 4, the halo would be three quarters of it."""


class Span(NamedTuple):
    """A tile along one axis.

    Parameters
    ----------
    start, stop : int
        The pixels that the tile covers.
    first, last : int
        The pixels among them that are kept: the spans of an axis together keep every pixel once.
    """

    start: int
    stop: int
    first: int
    last: int


def reach(operations: Sequence[Operation]) -> tuple[int, int]:
    """Return how far the gradient at a pixel depends on other pixels, and the multiple at which tiles may begin.

    Parameters
    ----------
    operations : sequence of Operation
        A network's chain.

    Returns
    -------
    halo : int
        Number of pixels on each side, a multiple of `stride`.
    stride : int
        Side in pixels of the square that all poolings together reduce to one position.

    Examples
    --------
    Two convolutions without a pooling: two pixels forward, and two back again.

    >>> reach([Operation("convolution", "first"), Operation("convolution", "second")])
    (4, 1)
    """
    stride = 2 ** sum(kind == "pooling" for kind, _ in operations)
    low, high = 0, stride  # pixels that are kept, then the positions that they act on
    for kind, _ in operations:
        low, high = (low - 1, high + 1) if kind == "convolution" else (low // 2, -(-high // 2))
    for kind, _ in reversed(operations):  # and what these depend on, back to pixels
        low, high = (low - 1, high + 1) if kind == "convolution" else (2 * low, 2 * high)
    return -(-max(-low, high - stride) // stride) * stride, stride


def minimum_side(operations: Sequence[Operation]) -> int:
    """Return the shortest side of a tile in pixels of which something is left without its halo.

    Parameters
    ----------
    operations : sequence of Operation
        A network's chain.
    """
    halo, stride = reach(operations)
    return 2 * halo + 2 * stride


def validate_side(side: int, operations: Sequence[Operation]) -> int:
    """Return the longest side of a tile in pixels, or refuse it.

    Parameters
    ----------
    side : int
        What was asked for: at least `minimum_side`, at most `MAX_TILE_SIDE`.
    operations : sequence of Operation
        A network's chain.

    Raises
    ------
    InputError
        If it is not an integer, or out of range.
    """
    return validation.integer_in_range(side, "side of a tile", minimum_side(operations), MAX_TILE_SIDE)


def default_side(operations: Sequence[Operation]) -> int:
    """Return the longest side of a tile in pixels, where none is given.

    Parameters
    ----------
    operations : sequence of Operation
        A network's chain.
    """
    return max(TILE_SIDE, HALOS * reach(operations)[0])


def plan_axis(length: int, side: int, halo: int, stride: int) -> list[Span]:
    """Return the tiles along one axis: of one size, as few and as small as possible, so that TensorFlow traces once.

    Parameters
    ----------
    length : int
        Number of pixels.
    side : int
        Maximum size of a tile, at least 2 `halo` + 2 `stride`.
    halo, stride : int
        From `reach`.

    Returns
    -------
    list of Span
        Each begins at a multiple of `stride`; the last one ends where the image does.

    Examples
    --------
    >>> [tuple(span) for span in plan_axis(11, 8, 2, 2)]
    [(0, 7, 0, 4), (2, 9, 4, 6), (4, 11, 6, 11)]
    """
    if length <= side:
        return [Span(0, length, 0, length)]
    rest = length % stride  # the last tile ends with it, and all have the same size
    most = (side - rest) // stride * stride
    count = -(-(length - rest - 2 * halo) // (most - 2 * halo))
    least = -(-(length - rest + 2 * halo * (count - 1)) // (count * stride)) * stride
    way = (length - rest - least) // stride
    starts = [k * way // (count - 1) * stride for k in range(count)]
    edges = [0, *(start + halo for start in starts[1:]), length]
    spans = zip(starts, edges[:-1], edges[1:], strict=True)
    return [Span(start, start + least + rest, first, last) for start, first, last in spans]
