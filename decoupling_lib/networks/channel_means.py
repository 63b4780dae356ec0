"""A network's channel means, the style features of the thesis (section 3.2), as a feature map with derivatives.

Linearizing runs one forward pass that keeps the derivative of each activation and pooling. JVP, VJP and Jacobian rows
are then linear chains of convolutions, which cost less than automatic differentiation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..common import validation
from ..common.arrays import Floats, Mask
from ..common.stop_requests import check_interruption
from ..engine.features import Block
from .architectures import IMAGE, PRECISIONS
from .compiled import JACOBIAN_MEMORY, CompiledNetwork, Weighted, compile_network, image_tensor, resolve_precision
from .regions import Region, position_weights
from .tensorflow import tf
from .vgg import Network

_MAX_ROWS = 64
"""Largest number of Jacobian rows computed at once."""


@dataclass(frozen=True)
class ChannelMeans:
    """The means over all positions of every channel of a network's style layers, one block per layer.

    The block "image" holds the three means of the image itself, in its own units. Images are arrays of shape
    (H, W, 3), RGB, nominally in [0, 1]. Compiled functions are shared by all instances of equal network and
    precision, and traced once per image size.

    Parameters
    ----------
    network : Network
        The network, read at its style layers; n is their number of channels.
    dtype : {"mixed", "float32", "float64"}
        Precision. "mixed" is float64 for a map no deeper than one convolution, and float32 beyond. A single
        convolution costs hardly more in float64, and needs it for its AAᵀ (gradient Gram matrix) of 64 channels over
        only 27 filter entries.
    region : Region, optional
        Where means are taken. Default: over all positions, with equal weights.

    Raises
    ------
    InputError
        An unknown precision; from the methods, an image that does not fit the network.
    """

    network: Network
    dtype: str = "mixed"
    region: Region | None = None

    def __post_init__(self) -> None:
        validation.choice(self.dtype, PRECISIONS, "precision")

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The style layers with their numbers of channels, shallowest first."""
        return tuple(Block(layer, self.network.channels(layer)) for layer in self.network.layers)

    @property
    def precision(self) -> str:
        """The type in which this map computes: "float32" or "float64"."""
        return resolve_precision(self.network, self.dtype)

    def values(self, x: Floats) -> Floats:
        """Return the channel means.

        Parameters
        ----------
        x : ndarray, shape (H, W, 3)
            The image.

        Returns
        -------
        ndarray of float64, shape (n,)
            In the order of the blocks.
        """
        program = compile_network(self.network, self.precision)
        tensor = image_tensor(self.network, x, self.precision)
        return _to_float64(program.values(tensor, position_weights(self.region, self.network, tensor.shape)))

    def linearize(self, x: Floats) -> NetworkLinearization:
        """Return the values and the Jacobian operator, from one forward pass.

        Parameters
        ----------
        x : ndarray, shape (H, W, 3)
            The image.
        """
        program = compile_network(self.network, self.precision)
        tensor = image_tensor(self.network, x, self.precision)
        weights = position_weights(self.region, self.network, tensor.shape)
        means, residuals = program.linearize(tensor, weights)
        return NetworkLinearization(program, tensor, residuals, _to_float64(means), weights)

    def prefix(self, count: int) -> ChannelMeans:
        """Return the map of the first blocks alone, which runs only that part of the network.

        Parameters
        ----------
        count : int
            Number of blocks, at least 1.
        """
        return replace(self, network=self.network.prefix(count))


@dataclass(frozen=True, eq=False)
class NetworkLinearization:
    """The channel means at one image, and their Jacobian J as an operator.

    Parameters
    ----------
    program : CompiledNetwork
        The network's compiled functions.
    x : Tensor, shape (H, W, 3)
        The image.
    residuals : list of Tensor
        What they kept of the forward pass.
    values : ndarray of float64, shape (n,)
        The channel means.
    weights : list of Tensor, optional
        Weights of the positions, from `regions.position_weights`.
    """

    program: CompiledNetwork
    x: tf.Tensor
    residuals: list[tf.Tensor]
    values: Floats
    weights: Weighted = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (H, W, 3) of the image."""
        height, width, colors = self.x.shape
        return height, width, colors

    def jvp(self, dx: Floats) -> Floats:
        """Return J dx.

        Parameters
        ----------
        dx : ndarray, shape (H, W, 3)
            A direction.

        Returns
        -------
        ndarray of float64, shape (n,)
            The derivative of each mean in that direction.
        """
        return _to_float64(self.program.jvp(self.residuals, self._argument(dx, self.shape), self.weights))

    def vjp(self, w: Floats) -> Floats:
        """Return Jᵀ w.

        Parameters
        ----------
        w : ndarray, shape (n,)
            One weight per mean.

        Returns
        -------
        ndarray of float64, shape (H, W, 3)
            The gradient of the weighted sum of the means.
        """
        w = self._argument(w, self.values.shape)
        return _to_float64(self.program.vjp(self.residuals, w, self.shape, self.weights))

    def hvp(self, w: Floats, dx: Floats) -> Floats:
        """Return Σ w_i H_i dx, where H_i is the second derivative of a mean.

        Parameters
        ----------
        w : ndarray, shape (n,)
            One weight per mean.
        dx : ndarray, shape (H, W, 3)
            A direction.

        Returns
        -------
        ndarray of float64, shape (H, W, 3)
            The change of the gradient of the weighted sum, per unit of `dx`. Kinks contribute nothing.
        """
        w, dx = self._argument(w, self.values.shape), self._argument(dx, self.shape)
        return _to_float64(self.program.hvp(self.x, w, dx, self.weights))

    def jacobian(self, wanted: Mask | None = None, memory: int = JACOBIAN_MEMORY) -> Floats:
        """Return J as an explicit matrix.

        Parameters
        ----------
        wanted : ndarray of bool, shape (n,), optional
            Rows where it is False are zero and are not computed. Default: all rows.
        memory : int
            Rows are computed in chunks whose intermediate results take about this number of bytes.

        Returns
        -------
        ndarray, shape (n, H * W * 3)
            In the network's type; columns in the order of `x.ravel()`.
        """
        rows = np.zeros((self.values.size, *self.shape), self.program.dtype)
        wanted = np.ones(len(rows), bool) if wanted is None else wanted
        first = 0
        for layer, channels in self.program.sizes.items():
            chosen = np.flatnonzero(wanted[first : first + channels])
            if layer == IMAGE:
                own = 1 / math.prod(self.shape[:2]) if self.weights is None else self.weights[0].numpy()[0]
                rows[chosen] = np.eye(channels)[chosen, None, None] * own
            else:
                at_once = self.rows_at_once(layer, memory)
                for start in range(0, len(chosen), at_once):
                    chunk = chosen[start : start + at_once]
                    rows[first + chunk] = self.rows(layer, chunk, memory)
            first += channels
        return rows.reshape(len(rows), -1)

    def rows(self, layer: str, channels: np.ndarray, memory: int = JACOBIAN_MEMORY) -> Floats:
        """Return the rows of J of a few channels.

        Parameters
        ----------
        layer : str
            A style layer other than "image".
        channels : ndarray of int, shape (count,)
            Indices of the channels; `count` from 1 to `rows_at_once(layer, memory)`.
        memory : int
            As in `jacobian`.

        Returns
        -------
        ndarray, shape (count, H, W, 3)
            In the network's type.
        """
        check_interruption()
        # Filled up with the first channel, because the compiled function is traced for one number of rows.
        filled = np.append(channels, np.repeat(channels[:1], self.rows_at_once(layer, memory) - len(channels)))
        rows: Floats = self.program.rows[layer](self.residuals, tf.constant(filled, tf.int32), self.weights).numpy()
        return rows[: len(channels)]

    def rows_at_once(self, layer: str, memory: int = JACOBIAN_MEMORY) -> int:
        """Return the number of rows of a layer that are computed in one chunk.

        Parameters
        ----------
        layer : str
            A style layer other than "image".
        memory : int
            As in `jacobian`.

        Returns
        -------
        int
            A power of two, 1 to 64; it divides every layer's number of channels (64 to 512).
        """
        passed = self.residuals[: self.program.position(layer) + 1]
        entries = max(math.prod(tensor.shape) for tensor in passed)
        # About four tensors of the largest size live at the same time.
        row = 4 * entries * np.dtype(self.program.dtype).itemsize
        return int(2 ** int(math.log2(min(max(memory / row, 1), _MAX_ROWS))))

    def _argument(self, value: Floats, shape: tuple[int, ...]) -> tf.Tensor:
        check_interruption()
        if np.shape(value) != shape:
            raise ValueError(f"expected an array of shape {shape}, received {np.shape(value)}")
        with np.errstate(over="ignore"):  # the flow reports the resulting infinity as diverged
            return tf.constant(np.asarray(value, self.program.dtype))


def channel_means_by_layer(means: ChannelMeans, x: Floats) -> dict[str, Floats]:
    """Return the channel means by layer.

    Parameters
    ----------
    means : ChannelMeans
        The feature map.
    x : ndarray, shape (H, W, 3)
        The image.

    Returns
    -------
    dict of str to ndarray of float64, shape (channels,)
        By style layer, shallowest first.

    Raises
    ------
    InputError
        An image that does not fit the network.
    """
    ends = np.cumsum([block.size for block in means.blocks])[:-1]
    return dict(zip(means.network.layers, np.split(means.values(x), ends), strict=True))


def _to_float64(tensor: tf.Tensor) -> Floats:
    values: Floats = tensor.numpy().astype(np.float64)
    return values
