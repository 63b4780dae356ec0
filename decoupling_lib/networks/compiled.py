"""A network's compiled TensorFlow functions: forward pass, JVP, VJP and Jacobian rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np

from ..common import validation
from ..common.arrays import Floats
from ..common.errors import input_error
from ..common.stop_requests import check_interruption
from .architectures import IMAGE, PRECISIONS, Operation
from .primitives import activate, constants, pad_to, pool, preprocess, spread
from .tensorflow import tf
from .vgg import Network

JACOBIAN_MEMORY = 2**28
"""Approximate number of bytes that the intermediate results of one chunk of Jacobian rows may take."""


Weighted = list[tf.Tensor] | None
"""The weights of the positions of each style layer, shape (1, h, w, 1), or None where they are equal."""


class CompiledNetwork:
    """The compiled functions of one network in one type.

    A residual is what a function keeps of the forward pass for one operation: the derivative of the activation, or
    the derivatives of the pooling; shape (1, h, w, c).

    Functions of channel means take the weights of the positions as an optional last argument, from
    `regions.position_weights`. Without it, the weights are equal.

    Parameters
    ----------
    network : Network
        The network.
    dtype : {"float32", "float64"}
        Type of all tensors, unless noted.

    Attributes
    ----------
    operations : tuple of Operation
        The network's chain.
    sizes : dict of str to int
        Number of channels by style layer, shallowest first; n is their sum.
    values : callable
        Maps an image, shape (H, W, 3), to its channel means, float64 of shape (n,).
    linearize : callable
        Maps an image to its channel means and the list of residuals.
    maps : callable
        Maps an image to the list of the style layers' activation maps, shape (1, h, w, c), and the residuals.
    jvp : callable
        Maps residuals and a direction, shape (H, W, 3), to the derivative of the channel means, shape (n,).
    vjp : callable
        Maps residuals, weights of shape (n,) and the shape (H, W, 3) to the gradient of the weighted channel means.
    hvp : callable
        Maps an image, weights of shape (n,) and a direction, shape (H, W, 3), to the change per unit of the direction
        of the gradient of the weighted channel means, shape (H, W, 3).
    vjp_maps : callable
        Maps residuals, cotangents of the maps, shape (h, w, c), and the shape (H, W, 3) to a gradient.
    rows : dict of str to callable
        By style layer: maps residuals and channel indices, shape (count,), to Jacobian rows, shape (count, H, W, 3).
    """

    def __init__(self, network: Network, dtype: str) -> None:
        self.network, self.dtype, self.operations = network, dtype, network.operations
        self.sizes = {layer: network.channels(layer) for layer in network.layers}
        self.values = compile_function(self._values)
        self.maps = compile_function(self._forward)
        self.linearize = compile_function(self._linearize)
        self.jvp = compile_function(self._jvp)
        self.vjp = compile_function(self._vjp)
        self.hvp = compile_function(self._hvp)
        self.vjp_maps = compile_function(self._vjp_maps)
        self.rows = {layer: compile_function(partial(self._rows, layer)) for layer in self.sizes}

    def position(self, layer: str) -> int:
        """Return the index of a layer's convolution in the chain.

        Parameters
        ----------
        layer : str
            Name of a convolution of the chain.
        """
        return self.operations.index(Operation("convolution", layer))

    def _constants(self, name: str) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        return constants(self.network.weights, name, self.dtype)

    def _forward(self, x: tf.Tensor) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        return self.run_batch(x[None])

    def run_batch(self, images: tf.Tensor) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Return the style layers' activation maps of several images, and the residuals; not compiled.

        Parameters
        ----------
        images : Tensor, shape (B, H, W, 3)
            The images.

        Returns
        -------
        tuple of two lists of Tensor
            Maps and residuals, shape (B, h, w, c) each.
        """
        h, maps, residuals = preprocess(images), {IMAGE: images}, []
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

    def _linearize(self, x: tf.Tensor, weights: Weighted = None) -> tuple[tf.Tensor, list[tf.Tensor]]:
        maps, residuals = self._forward(x)
        return self._average([tf.cast(h, tf.float64) for h in maps], weights), residuals

    def _average(self, maps: list[tf.Tensor], weights: Weighted) -> tf.Tensor:
        """Return the means of the style layers' maps over their positions."""
        if weights is None:
            means = [tf.reduce_mean(h, [0, 1, 2]) for h in maps]
        else:
            means = [tf.reduce_sum(h * tf.cast(m, h.dtype), [0, 1, 2]) for h, m in zip(maps, weights, strict=True)]
        return tf.concat(means, 0)

    def _values(self, x: tf.Tensor, weights: Weighted = None) -> tf.Tensor:
        return self._linearize(x, weights)[0]

    def _jvp(self, residuals: list[tf.Tensor], dx: tf.Tensor, weights: Weighted = None) -> tf.Tensor:
        tangent, out = 255 * dx[None, ..., ::-1], {IMAGE: dx[None]}
        for (kind, name), residual in zip(self.operations, residuals, strict=True):
            if kind == "convolution":
                tangent = tf.nn.conv2d(tangent, self._constants(name)[0], 1, "SAME") * residual
                out[name] = tangent
            else:
                tangent = 4 * tf.nn.avg_pool2d(tangent * residual, 2, 2, "VALID")
        return self._average([out[layer] for layer in self.sizes], weights)

    def _vjp(
        self, residuals: list[tf.Tensor], w: tf.Tensor, shape: tuple[int, int, int], weights: Weighted = None
    ) -> tf.Tensor:
        parts = []
        for place, (layer, part) in enumerate(zip(self.sizes, tf.split(w, list(self.sizes.values())), strict=True)):
            if weights is None:
                height, width = shape[:2] if layer == IMAGE else residuals[self.position(layer)].shape[1:3]
                parts.append(part / (height * width))
            else:
                parts.append(part * tf.cast(weights[place][0], self.dtype))
        return self._vjp_maps(residuals, parts, shape)

    def _hvp(self, x: tf.Tensor, w: tf.Tensor, dx: tf.Tensor, weights: Weighted = None) -> tf.Tensor:
        # The gradient of w·J(x)dx. TensorFlow differentiates the residuals, whose dependence on x is the curvature.
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            rate = tf.reduce_sum(w * self._jvp(self._forward(x)[1], dx, weights))
        return tape.gradient(rate, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    def _vjp_maps(
        self, residuals: list[tf.Tensor], cotangents: list[tf.Tensor], shape: tuple[int, int, int]
    ) -> tf.Tensor:
        """Pull back cotangents of shape (h, w, c), or (c,) where all positions have the same."""
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

    def _rows(self, layer: str, residuals: list[tf.Tensor], channels: tf.Tensor, weights: Weighted = None) -> tf.Tensor:
        position, count = self.position(layer), channels.shape[0]
        kernel, (_, height, width, _) = self._constants(layer)[0], residuals[position].shape
        inputs = kernel.shape[2]
        residual = tf.gather(residuals[position][0], channels, axis=2)
        # Each row starts in a single channel, so its first step back is an outer product over the 9 offsets.
        residual = tf.transpose(residual, [2, 0, 1])
        if weights is None:
            padded = tf.pad(residual, [[0, 0], [1, 1], [1, 1]]) / (height * width)
        else:
            own = tf.cast(weights[list(self.sizes).index(layer)][..., 0], self.dtype)
            padded = tf.pad(residual * own, [[0, 0], [1, 1], [1, 1]])
        offsets = [(a, b) for a in (2, 1, 0) for b in (2, 1, 0)]
        windows = tf.stack([padded[:, a : a + height, b : b + width] for a, b in offsets], -1)
        kernel = tf.transpose(tf.gather(kernel, channels, axis=3), [3, 0, 1, 2])
        g = tf.reshape(windows, [count, -1, 9]) @ tf.reshape(kernel, [count, 9, inputs])
        g = tf.reshape(g, [count, height, width, inputs])
        for before in reversed(range(position)):
            g = self._pull_back(g, self.operations[before], residuals[before])
        return 255 * g[..., ::-1]


def compile_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function with TensorFlow.

    TensorFlow warns about tracing in a loop when several functions share their code and are traced in turn, as those
    of five depths are. It takes each `partial` for a function of its own.

    Parameters
    ----------
    function : callable
        Maps tensors to tensors; it is traced once per shape of its arguments.

    Returns
    -------
    callable
        The `tf.function`.
    """
    compiled: Callable[..., Any] = tf.function(partial(function), autograph=False)
    return compiled


@lru_cache(maxsize=16)
def compile_network(network: Network, dtype: str) -> CompiledNetwork:
    """Return the compiled functions of a network, shared by all that ask for an equal network and type.

    Parameters
    ----------
    network : Network
        The network.
    dtype : {"float32", "float64"}
        Type of the tensors.
    """
    return CompiledNetwork(network, dtype)


def resolve_precision(network: Network, dtype: str) -> str:
    """Return the type in which a network is computed.

    Parameters
    ----------
    network : Network
        The network.
    dtype : {"mixed", "float32", "float64"}
        "mixed" is float64 for at most one convolution and float32 beyond; see `channel_means.ChannelMeans`.

    Returns
    -------
    str
        "float32" or "float64".

    Raises
    ------
    InputError
        An unknown precision.
    """
    validation.choice(dtype, PRECISIONS, "precision")
    shallow = len(network.operations) <= 1
    return dtype if dtype != "mixed" else "float64" if shallow else "float32"


def image_tensor(network: Network, x: Floats, dtype: str) -> tf.Tensor:
    """Return an image as a tensor, unless the calculation is to end here; see `common.stop_requests`.

    Parameters
    ----------
    network : Network
        The network that receives the image.
    x : ndarray, shape (H, W, 3)
        RGB, nominally in [0, 1]; H and W at least `network.minimum_side`.
    dtype : {"float32", "float64"}
        Type of the tensor.

    Returns
    -------
    Tensor, shape (H, W, 3)
        The same values.

    Raises
    ------
    InputError
        Another shape, or sides that the poolings would reduce to nothing.
    """
    check_interruption()
    side, shape = network.minimum_side, np.shape(x)
    if len(shape) != 3 or shape[2] != 3 or min(shape[:2]) < side:
        accepted = f"shape (height, width, 3), sides at least {side} for {network.layers[-1]}"
        raise input_error("image", "does not fit the network", x, accepted, "resize it")
    return tf.constant(np.asarray(x, dtype))
