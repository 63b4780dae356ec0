"""Channel means of large images and the gradients of their weighted sums, computed tile by tile.

A gradient is local: a pixel acts on the positions of the deepest layer within a few pixels, and these depend on pixels
within as many again. So an image is cut into tiles that overlap by that reach, the halo, and of every tile only the
inner part is kept. Nothing is approximated. Zero padding acts at the borders of the whole image alone, because tiles
have padding of their own only where the halo is discarded, and every tile begins where the windows of all poolings do.
Memory is that of one tile's activations, whatever the size of the image.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..common import validation
from ..common.arrays import Floats
from ..common.errors import input_error
from ..common.stop_requests import check_interruption
from ..engine.features import Block
from .architectures import IMAGE, PRECISIONS
from .compiled import CompiledNetwork, compile_function, compile_network, resolve_precision
from .tensorflow import tf
from .tile_plan import Span, default_side, plan_axis, reach, validate_side
from .vgg import Network


@dataclass(frozen=True)
class TiledMeans:
    """The channel means of `channel_means.ChannelMeans` for images of any size, in bounded memory.

    Parameters
    ----------
    network : Network
        The network, read at its style layers; n is their number of channels.
    dtype : {"mixed", "float32", "float64"}
        Precision; see `channel_means.ChannelMeans`.
    side : int, optional
        Longest side of a tile in pixels, at least `tile_plan.minimum_side`. An image that is no larger is one tile.
        Default: `tile_plan.default_side`.

    Raises
    ------
    InputError
        An unknown precision, or a side that is out of range; from the methods, an image that does not fit the network.
    """

    network: Network
    dtype: str = "mixed"
    side: int | None = None

    def __post_init__(self) -> None:
        validation.choice(self.dtype, PRECISIONS, "precision")
        if self.side is not None:
            validate_side(self.side, self.network.operations)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The style layers with their numbers of channels, shallowest first."""
        return tuple(Block(layer, self.network.channels(layer)) for layer in self.network.layers)

    @property
    def precision(self) -> str:
        """The type in which the network is computed: "float32" or "float64"."""
        return resolve_precision(self.network, self.dtype)

    def prefix(self, count: int) -> TiledMeans:
        """Return the map of the first blocks alone, which runs only that part of the network.

        Parameters
        ----------
        count : int
            Number of blocks, at least 1.
        """
        return TiledMeans(self.network.prefix(count), self.dtype, self.side)

    def values(self, x: Floats) -> Floats:
        """Return the channel means.

        Parameters
        ----------
        x : ndarray of float32 or float64, shape (H, W, 3)
            The image.

        Returns
        -------
        ndarray of float64, shape (n,)
            In the order of the blocks; sums are accumulated in float64.
        """
        program, total = _compile(self.network, self.precision), np.zeros(sum(block.size for block in self.blocks))
        for rows, columns, tile in self._tiles(x):
            kept = [rows.first - rows.start, rows.last - rows.start]
            kept += [columns.first - columns.start, columns.last - columns.start]
            total += program.sums(tile, tf.constant(kept, tf.int32)).numpy()
        means: Floats = total / np.repeat(self._positions(x), [block.size for block in self.blocks])
        return means

    def pullback(self, x: Floats, w: Floats) -> Floats:
        """Return Jᵀ w, the gradient of the weighted sum of the means: one forward pass and one VJP.

        Parameters
        ----------
        x : ndarray of float32 or float64, shape (H, W, 3)
            The image.
        w : ndarray, shape (n,)
            One weight per mean.

        Returns
        -------
        ndarray, shape (H, W, 3)
            In the type of x.
        """
        program, sizes = _compile(self.network, self.precision), [block.size for block in self.blocks]
        shares = np.split(np.asarray(w, float) / np.repeat(self._positions(x), sizes), np.cumsum(sizes)[:-1])
        cotangents = [tf.constant(share.astype(self.precision)) for share in shares]
        gradient = np.empty_like(x)
        for rows, columns, tile in self._tiles(x):
            of_tile = program.gradient(tile, cotangents).numpy()
            gradient[rows.first : rows.last, columns.first : columns.last] = of_tile[
                rows.first - rows.start : rows.last - rows.start,
                columns.first - columns.start : columns.last - columns.start,
            ]
        return gradient

    def linearize(self, x: Floats) -> TiledPullback:
        """Return the values and the VJP at x, which costs a pass of its own: a large image's residuals are not kept.

        Parameters
        ----------
        x : ndarray, shape (H, W, 3)
            The image.
        """
        return TiledPullback(self, x, self.values(x))

    def _tiles(self, x: Floats) -> Iterator[tuple[Span, Span, tf.Tensor]]:
        """Yield each tile's rows, columns and pixels, unless the calculation is to end here."""
        least, (halo, stride) = self.network.minimum_side, reach(self.network.operations)
        side = default_side(self.network.operations) if self.side is None else self.side
        if np.ndim(x) != 3 or np.shape(x)[2] != 3 or min(np.shape(x)[:2]) < least:
            accepted = f"shape (height, width, 3), sides at least {least} for {self.network.layers[-1]}"
            raise input_error("image", "does not fit the network", x, accepted, "resize it")
        vertical, horizontal = (plan_axis(length, side, halo, stride) for length in x.shape[:2])
        for rows in vertical:
            for columns in horizontal:
                check_interruption()
                pixels = x[rows.start : rows.stop, columns.start : columns.stop]
                yield rows, columns, tf.constant(pixels.astype(self.precision))

    def _positions(self, x: Floats) -> NDArray[np.int64]:
        """Return the number of positions of each style layer for the whole image."""
        height, width = x.shape[:2]
        scales = _poolings_before(self.network)
        return np.array([(height >> scales[layer]) * (width >> scales[layer]) for layer in self.network.layers])


@dataclass(frozen=True, eq=False)
class TiledPullback:
    """The channel means at one image, and the gradients of their weighted sums.

    Parameters
    ----------
    means : TiledMeans
        The feature map.
    x : ndarray, shape (H, W, 3)
        The image.
    values : ndarray of float64, shape (n,)
        The channel means.
    """

    means: TiledMeans
    x: Floats
    values: Floats

    def vjp(self, w: Floats) -> Floats:
        """Return Jᵀ w, of the shape of x; see `TiledMeans.pullback`.

        Parameters
        ----------
        w : ndarray, shape (n,)
            One weight per mean.
        """
        return self.means.pullback(self.x, w)


class _TileProgram:
    """The compiled functions of a tile; activations are freed as soon as they are no longer needed."""

    def __init__(self, network: CompiledNetwork, scales: dict[str, int]):
        self._network, self._scales = network, scales
        self.sums = compile_function(self._sums)
        self.gradient = compile_function(self._gradient)

    def _sums(self, tile: tf.Tensor, kept: tf.Tensor) -> tf.Tensor:
        """Return the sums over the positions that are kept: (top, bottom, left, right) in pixels of the tile."""
        totals = []
        for layer, h in zip(self._network.sizes, self._network.maps(tile)[0], strict=True):
            top, bottom, left, right = tf.unstack(kept // 2 ** self._scales[layer])
            totals.append(tf.reduce_sum(tf.cast(h[0, top:bottom, left:right], tf.float64), [0, 1]))
        return tf.concat(totals, 0)

    def _gradient(self, tile: tf.Tensor, cotangents: list[tf.Tensor]) -> tf.Tensor:
        residuals = self._network.maps(tile)[1]
        return self._network.vjp_maps(residuals, cotangents, tuple(tile.shape))


@lru_cache(maxsize=16)
def _compile(network: Network, dtype: str) -> _TileProgram:
    return _TileProgram(compile_network(network, dtype), _poolings_before(network))


def _poolings_before(network: Network) -> dict[str, int]:
    """Return the number of poolings between the image and each layer."""
    scales, count = {IMAGE: 0}, 0
    for kind, name in network.operations:
        count += kind == "pooling"
        if kind == "convolution":
            scales[name] = count
    return scales
