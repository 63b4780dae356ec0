"""The networks: VGG-16 and VGG-19 up to their deepest style layer, smooth or as in the thesis.

A network is a chain of 3x3 convolutions, each followed by its activation, with a 2x2 pooling between blocks.
The thesis's is ReLU with maximum pooling; the smooth one replaces

    max(y, 0)  by  T log(1 + exp(y/T)),      the maximum over a window  by  T log(mean(exp(y/T))),

with T in proportion to each layer's scale, so that features are differentiable (Definition 1 of the thesis). What
smoothing costs in fidelity differs by depth: the last convolution of a shallow chain bears much more of it than the
first, whose shift every layer behind it inherits, hence `growth`.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..common import validation
from ..common.errors import input_error
from ..images.pictures import bundled_pictures, load_picture, resize
from . import weights as vgg
from .architectures import ACTIVATIONS, ARCHITECTURES, IMAGE, POOLINGS
from .tensorflow import tf
from .weights import Weights

THESIS_LAYERS = ("block1_conv1", "block2_conv1")
"""The two layers of the thesis's results (chapter 4)."""
CALIBRATION_SIZE = (96, 96)
"""Height and width in pixels of the bundled pictures on which the temperatures are measured."""
_BGR_MEANS = np.array([103.939, 116.779, 123.68])


class Operation(NamedTuple):
    """One link of the chain: a "convolution" with its activation, or a "pooling" of its output."""

    kind: str
    name: str


@dataclass(frozen=True)
class Network:
    """A network, and the style layers at which it is read.

    `layers` are names in order of depth; the first may be "image", the picture itself. `softness` is the tau
    (no unit) of T_l = tau x growth^k x mean activation of convolution l, k = 0 for the first; `temperatures` holds
    the T of every convolution of the chain, in units of its activation. They are 0 and empty when nothing is smoothed.
    """

    weights: Weights
    layers: tuple[str, ...]
    activation: str
    softness: float
    growth: float
    pooling: str
    temperatures: dict[str, float] = field(hash=False)

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The chain up to the deepest layer in use; a pooling bears the name of the convolution before it."""
        chain: list[Operation] = []
        for name in _chain(self.weights.architecture, self.layers):
            if chain and chain[-1].name[:6] != name[:6]:
                chain.append(Operation("pooling", chain[-1].name))
            chain.append(Operation("convolution", name))
        return tuple(chain)

    @property
    def minimum_side(self) -> int:
        """Shortest side in pixels of an image that leaves the deepest layer one position."""
        return 2 ** sum(kind == "pooling" for kind, _ in self.operations)

    def channels(self, layer: str) -> int:
        """Return the number of channels of a layer of this network."""
        widths = {name: outputs for name, _, outputs in ARCHITECTURES[self.weights.architecture]}
        return 3 if layer == IMAGE else widths[layer]

    def prefix(self, count: int) -> "Network":
        """Return the network read at its first `count` layers only, and no deeper than these."""
        layers = self.layers[: validation.integer_in_range(count, "count", 1, len(self.layers))]
        chain = _chain(self.weights.architecture, layers)
        kept = {name: t for name, t in self.temperatures.items() if name in chain}
        return replace(self, layers=layers, temperatures=kept)

    def as_thesis(self) -> "Network":
        """Return the same weights and layers with ReLU and maximum pooling."""
        return replace(self, activation="relu", softness=0.0, growth=1.0, pooling="max", temperatures={})

    def describe(self) -> dict[str, Any]:
        """Return what a report states of the network, in types that JSON knows."""
        return {
            "architecture": self.weights.architecture,
            "weights": self.weights.source,
            "sha256": self.weights.sha256,
            "layers": list(self.layers),
            "activation": self.activation,
            "softness": self.softness,
            "growth": self.growth,
            "pooling": self.pooling,
            "temperatures": dict(self.temperatures),
        }


def build_network(
    architecture: str | None = None,
    weights: str | os.PathLike[str] | Weights | None = None,
    layers: Sequence[str] = THESIS_LAYERS,
    activation: str = "softplus",
    softness: float = 0.2,
    pooling: str = "smooth",
    seed: int = 0,
    growth: float = 1.0,
) -> Network:
    """Build a network; what is not given is chosen by `weights.default_source`.

    Parameters
    ----------
    architecture : "vgg16" or "vgg19".
    weights : a source for `weights.read`, or weights already read.
    layers : names in order of depth; "image" may come first.
    activation : "softplus" or "relu".
    softness : tau, above 0 and at most 2; set aside when neither activation nor pooling is smooth.
    pooling : "smooth", "average" or "max".
    seed : of random weights; set aside for all others.
    growth : ratio of the softness of one convolution to that of the one before it, above 0 and at most 10.

    Raises
    ------
    InputError : an unknown or misplaced name, a value out of range, or weights that cannot be read.
    """
    validation.choice(activation, ACTIVATIONS, "activation")
    validation.choice(pooling, POOLINGS, "pooling")
    smooth = activation == "softplus" or pooling == "smooth"
    tau = validation.in_range(softness, "softness", 0.0, 2.0, low_open=smooth) if smooth else 0.0
    ratio = validation.in_range(growth, "growth", 0.0, 10.0, low_open=True) if smooth else 1.0
    if isinstance(weights, Weights):
        own = weights.architecture
        architecture = validation.choice(architecture or own, [own], "network of these weights")
    else:
        architecture, weights = vgg.default_source(architecture, weights)
        validation.choice(architecture, ARCHITECTURES, "network")
    _check_layers(architecture, layers)
    if not isinstance(weights, Weights):
        weights = vgg.read(architecture, weights, seed)
    chain = _chain(architecture, layers)
    means = mean_activations(weights, chain[-1]) if smooth and chain else {}
    temperatures = {name: tau * ratio**k * mean for k, (name, mean) in enumerate(means.items())}
    return Network(weights, tuple(layers), activation, tau, ratio, pooling, temperatures)


def mean_activations(weights: Weights, deepest: str) -> dict[str, float]:
    """Return the mean ReLU activation of each convolution up to `deepest`, in the thesis's network.

    The mean over channels, positions and all bundled pictures, each resized to `CALIBRATION_SIZE`. Raises
    `InputError` when a layer is silent on all of them, for then it sets no scale.
    """
    means = _mean_activations(weights, deepest)
    for name, mean in means:
        if not 0 < mean < math.inf:
            step = "use --activation relu --pooling max, or other weights"
            raise input_error(f"mean activation of {name}", "sets no scale", mean, "above 0", step)
    return dict(means)


def preprocess(x: tf.Tensor) -> tf.Tensor:
    """Return RGB values in [0, 1] as VGG expects them: times 255, as BGR, less the ImageNet means."""
    return 255 * x[..., ::-1] - tf.constant(_BGR_MEANS, x.dtype)


def activate(y: tf.Tensor, activation: str, temperature: float | None) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the activation of `y` and its derivative, both of y's shape.

    At the kink of ReLU the derivative is 0, as in TensorFlow.
    """
    if activation == "relu":
        return tf.nn.relu(y), tf.cast(y > 0, y.dtype)
    return temperature * tf.math.softplus(y / temperature), tf.math.sigmoid(y / temperature)


def pool(h: tf.Tensor, pooling: str, temperature: float | None) -> tuple[tf.Tensor, tf.Tensor]:
    """Pool 2x2 windows of `h`, shape (1, H, W, C), and return also the derivative by each entry of `h`.

    Returns shapes (1, H // 2, W // 2, C) and (1, H, W, C). An odd last row or column is dropped, as in Keras,
    and has derivative 0. The derivatives in a window sum to 1; those of a maximum are shared among ties. The
    smooth maximum subtracts each window's maximum before it takes exponentials, hence never overflows.
    """
    _, height, width, _ = h.shape
    even = h[:, : height // 2 * 2, : width // 2 * 2]
    if pooling == "average":
        pooled, share = _average(even), tf.fill(even.shape, tf.constant(0.25, h.dtype))
    else:
        top = tf.nn.max_pool2d(even, 2, 2, "VALID")
        upper = spread(top)
        if pooling == "max":
            pooled, parts = top, tf.cast(even == upper, h.dtype)
            mean = _average(parts)
        else:
            parts = tf.exp((even - upper) / temperature)
            mean = _average(parts)
            pooled = top + temperature * tf.math.log(mean)
        share = parts / spread(4 * mean)
    return pooled, pad_to(share, height, width)


def spread(pooled: tf.Tensor) -> tf.Tensor:
    """Repeat each entry over its 2x2 window: (B, H, W, C) becomes (B, 2H, 2W, C)."""
    return tf.image.resize(pooled, [2 * pooled.shape[1], 2 * pooled.shape[2]], "nearest")


@lru_cache(maxsize=64)
def constants(weights: Weights, name: str, dtype: str) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return a convolution's kernel, its kernel for the way back, and its bias, each made only once.

    The way back (a transposed convolution) is a convolution with the kernel flipped, its channels swapped.
    """
    kernel = weights.kernels[name]
    back = np.ascontiguousarray(kernel[::-1, ::-1].transpose(0, 1, 3, 2))
    with tf.init_scope():  # made while a function is traced, they would belong to that function
        return tuple(tf.constant(array, dtype) for array in (kernel, back, weights.biases[name]))


def pad_to(h: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Add zero rows below and zero columns on the right up to the given size."""
    rows, columns = height - h.shape[1], width - h.shape[2]
    return tf.pad(h, [[0, 0], [0, rows], [0, columns], [0, 0]]) if rows or columns else h


def _average(h: tf.Tensor) -> tf.Tensor:
    return tf.nn.avg_pool2d(h, 2, 2, "VALID")


def _chain(architecture: str, layers: Sequence[str]) -> tuple[str, ...]:
    names = [layer.name for layer in ARCHITECTURES[architecture]]
    depth = max(names.index(layer) + 1 if layer != IMAGE else 0 for layer in layers)
    return tuple(names[:depth])


def _check_layers(architecture: str, layers: Sequence[str]) -> None:
    known = [IMAGE, *(layer.name for layer in ARCHITECTURES[architecture])]
    accepted = "different layers in order of depth"
    if isinstance(layers, str) or not isinstance(layers, Sequence) or not layers:
        raise input_error("layers", "are not a list of names", layers, accepted, f"give {known[1]}, ...")
    depths = [known.index(validation.choice(layer, known, f"layer of {architecture}")) for layer in layers]
    if depths != sorted(set(depths)):
        raise input_error("layers", "are out of order", ", ".join(layers), accepted, "sort them")


@lru_cache(maxsize=8)
def _mean_activations(weights: Weights, deepest: str) -> tuple[tuple[str, float], ...]:
    network = Network(weights, (deepest,), "relu", 0.0, 1.0, "max", {})
    totals: dict[str, float] = {}
    pictures = _calibration_pictures()
    for picture in pictures:
        h = preprocess(tf.constant(picture[None]))
        for kind, name in network.operations:
            if kind == "pooling":
                h = tf.nn.max_pool2d(h, 2, 2, "VALID")
                continue
            h = tf.nn.relu(tf.nn.conv2d(h, weights.kernels[name], 1, "SAME") + weights.biases[name])
            totals[name] = totals.get(name, 0.0) + float(h.numpy().mean(dtype=np.float64))
    return tuple((name, total / len(pictures)) for name, total in totals.items())


@lru_cache(maxsize=1)
def _calibration_pictures() -> np.ndarray:
    pictures = [resize(load_picture(name).array, CALIBRATION_SIZE) for name in bundled_pictures()]
    return np.stack(pictures).astype(np.float32)
