"""A network's channel means, the style features of the thesis (section 3.2), as a feature map with derivatives.

Linearizing runs one forward pass that keeps each activation's derivative and each pooling's shares. JVP, VJP
and Jacobian rows are then linear chains of convolutions over these, cheaper than automatic differentiation.
"""

import math
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from . import checks
from .architectures import IMAGE, PRECISIONS
from .backend import tf
from .features import Block
from .networks import Network, Operation, activate, constants, pad_to, pool, preprocess, spread

JACOBIAN_MEMORY = 2**28
"""Bytes of intermediate results that one chunk of Jacobian rows may take, roughly."""
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
        checks.choice(self.dtype, PRECISIONS, "precision")

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
        means = _program(self.network, self.precision).values(self._tensor(x))
        return means.numpy().astype(np.float64)

    def linearize(self, x: np.ndarray) -> "NetworkLinearization":
        """Return the values and the Jacobian operator at `x`, from one forward pass."""
        program, tensor = _program(self.network, self.precision), self._tensor(x)
        means, residuals = program.linearize(tensor)
        return NetworkLinearization(program, residuals, tuple(tensor.shape), means.numpy().astype(np.float64))

    def prefix(self, count: int) -> "ChannelMeans":
        """Return the map of the first `count` blocks, which runs only that part of the network."""
        return ChannelMeans(self.network.prefix(count), self.dtype)

    def _tensor(self, x: np.ndarray) -> tf.Tensor:
        side, shape = self.network.minimum_side, np.shape(x)
        if len(shape) != 3 or shape[2] != 3 or min(shape[:2]) < side:
            accepted = f"shape (height, width, 3), sides at least {side} for {self.network.layers[-1]}"
            raise checks.problem("image", "does not fit the network", x, accepted, "resize it")
        return tf.constant(np.asarray(x, self.precision))


@dataclass(frozen=True, eq=False)
class NetworkLinearization:
    """The channel means at one image, float64 of shape (n,), and their Jacobian J as an operator."""

    program: "_Program"
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

    program: "_Program"
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
    program, tensor = _program(network, means.precision), means._tensor(x)
    maps, residuals = program.maps(tensor)
    named = {layer: h.numpy()[0] for layer, h in zip(network.layers, maps, strict=True)}
    return MapsLinearization(program, residuals, tuple(tensor.shape), named)


def activations(network: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the activation maps of the style layers, float32 of shape (h, w, channels), by layer.

    The layer "image" is the picture itself. Raises `InputError` as `ChannelMeans` does.
    """
    return {layer: found.astype(np.float32) for layer, found in linearize_maps(network, x).maps.items()}


def gram_matrix(found: np.ndarray) -> np.ndarray:
    """Return G_ij = mean over positions k of F_ik F_jk of a map, shape (h, w, n): float64, shape (n, n).

    Equation (2.7) of the thesis divided by the number of positions, so that it does not grow with the picture.
    """
    flat = found.reshape(-1, found.shape[-1]).astype(np.float64)
    return flat.T @ flat / len(flat)


def gram_matrices(network: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the `gram_matrix` of each style layer, by layer. Raises `InputError` as `ChannelMeans` does."""
    return {layer: gram_matrix(found) for layer, found in activations(network, x).items()}


def by_layer(means: ChannelMeans, x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the channel means at `x` by layer, shape (channels,). Raises `InputError` as `ChannelMeans` does."""
    ends = np.cumsum([block.size for block in means.blocks])[:-1]
    return dict(zip(means.network.layers, np.split(means.values(x), ends), strict=True))


class _Program:
    """The compiled functions of one network in one dtype. Residuals hold one tensor an operation."""

    def __init__(self, network: Network, dtype: str) -> None:
        self.network, self.dtype, self.operations = network, dtype, network.operations
        self.sizes = {layer: network.channels(layer) for layer in network.layers}
        # TensorFlow warns of tracing in a loop when functions of one code are traced in turn, as those of five depths
        # are; a partial it takes for a function of its own.
        self.values, self.maps, self.linearize, self.jvp, self.vjp, self.vjp_maps = (
            tf.function(partial(function), autograph=False)
            for function in (
                lambda x: self._linearize(x)[0],
                self._forward,
                self._linearize,
                self._jvp,
                self._vjp,
                self._vjp_maps,
            )
        )
        self.rows = {layer: tf.function(partial(self._rows, layer), autograph=False) for layer in self.sizes}

    def position(self, layer: str) -> int:
        """Return the index of a layer's convolution in the chain."""
        return self.operations.index(Operation("convolution", layer))

    def _constants(self, name: str) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        return constants(self.network.weights, name, self.dtype)

    def _forward(self, x: tf.Tensor) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Return the style layers' maps, each (1, h, w, c), and the residuals."""
        h, maps, residuals = preprocess(x[None]), {IMAGE: x[None]}, []
        for kind, name in self.operations:
            temperature = self.network.temperatures.get(name)
            if kind == "convolution":
                kernel, _, bias = self._constants(name)
                y = tf.nn.conv2d(h, kernel, 1, "SAME") + bias
                h, residual = activate(y, self.network.activation, temperature)
                maps[name] = h
            else:
                h, residual = pool(h, self.network.pooling, temperature)
            residuals.append(residual)
        return [maps[layer] for layer in self.sizes], residuals

    def _linearize(self, x: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        maps, residuals = self._forward(x)
        return tf.concat([tf.reduce_mean(tf.cast(h, tf.float64), [0, 1, 2]) for h in maps], 0), residuals

    def _jvp(self, residuals: list[tf.Tensor], dx: tf.Tensor) -> tf.Tensor:
        tangent, out = 255 * dx[None, ..., ::-1], {IMAGE: tf.reduce_mean(dx, [0, 1])}
        for (kind, name), residual in zip(self.operations, residuals, strict=True):
            if kind == "convolution":
                tangent = tf.nn.conv2d(tangent, self._constants(name)[0], 1, "SAME") * residual
                out[name] = tf.reduce_mean(tangent, [0, 1, 2])
            else:
                tangent = 4 * tf.nn.avg_pool2d(tangent * residual, 2, 2, "VALID")
        return tf.concat([out[layer] for layer in self.sizes], 0)

    def _vjp(self, residuals: list[tf.Tensor], w: tf.Tensor, shape: tuple[int, int, int]) -> tf.Tensor:
        parts = []
        for layer, part in zip(self.sizes, tf.split(w, list(self.sizes.values())), strict=True):
            height, width = shape[:2] if layer == IMAGE else residuals[self.position(layer)].shape[1:3]
            parts.append(part / (height * width))
        return self._vjp_maps(residuals, parts, shape)

    def _vjp_maps(
        self, residuals: list[tf.Tensor], cotangents: list[tf.Tensor], shape: tuple[int, int, int]
    ) -> tf.Tensor:
        """Return the picture's cotangents for those of the style layers' maps, each (h, w, c) or alike at all (c,)."""
        parts = dict(zip(self.sizes, cotangents, strict=True))
        own, g = parts.get(IMAGE, tf.zeros(3, self.dtype)), tf.zeros((), self.dtype)
        for operation, residual in zip(self.operations[::-1], residuals[::-1], strict=True):
            if operation.kind == "convolution" and operation.name in parts:
                g += parts[operation.name]
            g = self._pull_back(g, operation, residual)
        return tf.broadcast_to(own + 255 * g[0, ..., ::-1] if self.operations else own, shape)

    def _pull_back(self, g: tf.Tensor, operation: Operation, residual: tf.Tensor) -> tf.Tensor:
        """Return the cotangents at an operation's input for `g`, shape (B, h, w, c), at its output."""
        if operation.kind == "convolution":
            return tf.nn.conv2d(g * residual, self._constants(operation.name)[1], 1, "SAME")
        return pad_to(spread(g), residual.shape[1], residual.shape[2]) * residual

    def _rows(self, layer: str, residuals: list[tf.Tensor], channels: tf.Tensor) -> tf.Tensor:
        """Return the gradients of the means of some channels of `layer`: (count, H, W, 3)."""
        position, count = self.position(layer), channels.shape[0]
        kernel, (_, height, width, _) = self._constants(layer)[0], residuals[position].shape
        inputs = kernel.shape[2]
        residual = tf.gather(residuals[position][0], channels, axis=2)
        # Each row starts in one channel: its first step back is an outer product over the 9 offsets.
        padded = tf.pad(tf.transpose(residual, [2, 0, 1]), [[0, 0], [1, 1], [1, 1]]) / (height * width)
        offsets = [(a, b) for a in (2, 1, 0) for b in (2, 1, 0)]
        windows = tf.stack([padded[:, a : a + height, b : b + width] for a, b in offsets], -1)
        kernel = tf.transpose(tf.gather(kernel, channels, axis=3), [3, 0, 1, 2])
        g = tf.reshape(windows, [count, -1, 9]) @ tf.reshape(kernel, [count, 9, inputs])
        g = tf.reshape(g, [count, height, width, inputs])
        for before in reversed(range(position)):
            g = self._pull_back(g, self.operations[before], residuals[before])
        return 255 * g[..., ::-1]


@lru_cache(maxsize=16)
def _program(network: Network, dtype: str) -> _Program:
    return _Program(network, dtype)
