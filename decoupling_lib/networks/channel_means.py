"""A network's channel means, the style features of the thesis (section 3.2), as a feature map with derivatives.

Linearizing runs one forward pass that keeps each activation's derivative and each pooling's shares. JVP, VJP
and Jacobian rows are then linear chains of convolutions over these, cheaper than automatic differentiation.
"""

import math
from dataclasses import dataclass

import numpy as np

from ..common import validation
from ..common.errors import input_error
from ..engine.features import Block
from .architectures import IMAGE, PRECISIONS
from .compiled import JACOBIAN_MEMORY, CompiledNetwork, compile_network
from .tensorflow import tf
from .vgg import Network

_MOST_ROWS = 64


@dataclass(frozen=True)
class ChannelMeans:
    """The means over all positions of every channel of the network's style layers, one block a layer.

    The block "image" holds the picture's own three means, in its own units. Computing is done in `dtype`:
    "float32", "float64", or "mixed", which is float64 for a map no deeper than one convolution (nearly free there,
    and its Gram matrix of 64 channels over 27 filter entries needs it) and float32 beyond. Compiled functions are
    shared by all instances of equal network and precision, and traced once an image size.

    Images are float (H, W, 3) RGB, nominally [0, 1]; `InputError` for another shape, or sides that the poolings
    would reduce to nothing.
    """

    network: Network
    dtype: str = "mixed"

    def __post_init__(self) -> None:
        validation.choice(self.dtype, PRECISIONS, "precision")

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The layers and their numbers of channels, shallowest first."""
        return tuple(Block(layer, self.network.channels(layer)) for layer in self.network.layers)

    @property
    def precision(self) -> str:
        """The type in which this map computes."""
        shallow = len(self.network.operations) <= 1
        return self.dtype if self.dtype != "mixed" else "float64" if shallow else "float32"

    def values(self, x: np.ndarray) -> np.ndarray:
        """Return the channel means at `x`: float64, shape (n,)."""
        means = compile_network(self.network, self.precision).values(self._tensor(x))
        return means.numpy().astype(np.float64)

    def linearize(self, x: np.ndarray) -> "NetworkLinearization":
        """Return the values and the Jacobian operator at `x`, from one forward pass."""
        program, tensor = compile_network(self.network, self.precision), self._tensor(x)
        means, residuals = program.linearize(tensor)
        return NetworkLinearization(program, residuals, tuple(tensor.shape), means.numpy().astype(np.float64))

    def prefix(self, count: int) -> "ChannelMeans":
        """Return the map of the first `count` blocks, which runs only that part of the network."""
        return ChannelMeans(self.network.prefix(count), self.dtype)

    def _tensor(self, x: np.ndarray) -> tf.Tensor:
        side, shape = self.network.minimum_side, np.shape(x)
        if len(shape) != 3 or shape[2] != 3 or min(shape[:2]) < side:
            accepted = f"shape (height, width, 3), sides at least {side} for {self.network.layers[-1]}"
            raise input_error("image", "does not fit the network", x, accepted, "resize it")
        return tf.constant(np.asarray(x, self.precision))


@dataclass(frozen=True, eq=False)
class NetworkLinearization:
    """The channel means at one image, float64 of shape (n,), and their Jacobian J as an operator."""

    program: "CompiledNetwork"
    residuals: list[tf.Tensor]
    shape: tuple[int, int, int]
    values: np.ndarray

    def jvp(self, dx: np.ndarray) -> np.ndarray:
        """Return J dx, float64 of shape (n,), for a direction of shape (H, W, 3)."""
        out = self.program.jvp(self.residuals, self._argument(dx, self.shape))
        return out.numpy().astype(np.float64)

    def vjp(self, w: np.ndarray) -> np.ndarray:
        """Return the transpose of J times w, float64 of shape (H, W, 3), for weights of shape (n,)."""
        out = self.program.vjp(self.residuals, self._argument(w, self.values.shape), self.shape)
        return out.numpy().astype(np.float64)

    def jacobian(self, wanted: np.ndarray | None = None, memory: int = JACOBIAN_MEMORY) -> np.ndarray:
        """Return J in the network's dtype, shape (n, H * W * 3), columns in the order of `x.ravel()`.

        Rows where `wanted`, (n,) bool, is False are zero and are not computed. The others are in chunks whose
        intermediate results take about `memory` bytes.
        """
        rows = np.zeros((self.values.size, *self.shape), self.program.dtype)
        wanted = np.ones(len(rows), bool) if wanted is None else wanted
        first = 0
        for layer, channels in self.program.sizes.items():
            chosen = np.flatnonzero(wanted[first : first + channels])
            if layer == IMAGE:
                rows[chosen] = np.eye(channels)[chosen, None, None] / math.prod(self.shape[:2])
            else:
                at_once = self.rows_at_once(layer, memory)
                for start in range(0, len(chosen), at_once):
                    chunk = chosen[start : start + at_once]
                    rows[first + chunk] = self.rows(layer, chunk, memory)
            first += channels
        return rows.reshape(len(rows), -1)

    def rows(self, layer: str, channels: np.ndarray, memory: int = JACOBIAN_MEMORY) -> np.ndarray:
        """Return the rows of J of a few channels of `layer`, at most `rows_at_once`: (count, H, W, 3)."""
        # Filled up with the first one: the compiled function is traced for one number of rows.
        filled = np.resize(channels, self.rows_at_once(layer, memory))
        filled[len(channels) :] = channels[0]
        return self.program.rows[layer](self.residuals, tf.constant(filled, tf.int32)).numpy()[: len(channels)]

    def rows_at_once(self, layer: str, memory: int = JACOBIAN_MEMORY) -> int:
        """Return how many rows of a layer are computed in one chunk."""
        passed = self.residuals[: self.program.position(layer) + 1]
        entries = max(math.prod(tensor.shape) for tensor in passed)
        # About four tensors of the largest size live at once.
        row = 4 * entries * np.dtype(self.program.dtype).itemsize
        # A power of two divides every layer's number of channels (64 to 512).
        return 2 ** int(math.log2(min(max(memory / row, 1), _MOST_ROWS)))

    def _argument(self, value: np.ndarray, shape: tuple[int, ...]) -> tf.Tensor:
        if np.shape(value) != shape:
            raise ValueError(f"expected an array of shape {shape}, received {np.shape(value)}")
        with np.errstate(over="ignore"):  # infinity is what the flow then reports as diverged
            return tf.constant(np.asarray(value, self.program.dtype))


@dataclass(frozen=True, eq=False)
class MapsLinearization:
    """The style layers' activation maps at one image, shape (h, w, channels), by layer, and their VJP.

    The layer "image" is the picture itself. Maps are in the network's dtype.
    """

    program: "CompiledNetwork"
    residuals: list[tf.Tensor]
    shape: tuple[int, int, int]
    maps: dict[str, np.ndarray]

    def vjp(self, cotangents: dict[str, np.ndarray]) -> np.ndarray:
        """Return the gradient of Σ_l <cotangents_l, maps_l>, float64 of shape (H, W, 3); one a layer, of its shape."""
        given = [tf.constant(np.asarray(cotangents[layer], self.program.dtype)) for layer in self.maps]
        return self.program.vjp_maps(self.residuals, given, self.shape).numpy().astype(np.float64)


def linearize_maps(network: Network, x: np.ndarray, dtype: str = "mixed") -> MapsLinearization:
    """Return the activation maps at `x` and their VJP, from one forward pass.

    `dtype` is that of `ChannelMeans`, and `InputError` is raised as there.
    """
    means = ChannelMeans(network, dtype)
    program, tensor = compile_network(network, means.precision), means._tensor(x)
    maps, residuals = program.maps(tensor)
    named = {layer: h.numpy()[0] for layer, h in zip(network.layers, maps, strict=True)}
    return MapsLinearization(program, residuals, tuple(tensor.shape), named)


def activations(network: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the activation maps of the style layers, float32 of shape (h, w, channels), by layer.

    The layer "image" is the picture itself. Raises `InputError` as `ChannelMeans` does.
    """
    return {layer: found.astype(np.float32) for layer, found in linearize_maps(network, x).maps.items()}


def by_layer(means: ChannelMeans, x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the channel means at `x` by layer, shape (channels,). Raises `InputError` as `ChannelMeans` does."""
    ends = np.cumsum([block.size for block in means.blocks])[:-1]
    return dict(zip(means.network.layers, np.split(means.values(x), ends), strict=True))
