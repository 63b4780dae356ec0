"""A network's compiled TensorFlow functions: forward pass, JVP, VJP and Jacobian rows."""

from __future__ import annotations

from functools import lru_cache, partial

from .architectures import IMAGE
from .tensorflow import tf
from .vgg import Network, Operation, activate, constants, pad_to, pool, preprocess, spread

JACOBIAN_MEMORY = 2**28
"""Bytes of intermediate results that one chunk of Jacobian rows may take, roughly."""


class CompiledNetwork:
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
def compile_network(network: Network, dtype: str) -> CompiledNetwork:
    return CompiledNetwork(network, dtype)
