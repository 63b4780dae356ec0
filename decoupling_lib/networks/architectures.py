"""The convolutions of VGG-16 and VGG-19, the layers whose channel means are a style, and how both may be computed."""

from collections.abc import Sequence
from typing import NamedTuple

from ..common import validation


class Convolution(NamedTuple):
    """One 3x3 convolution: its Keras name and its numbers of input and output channels."""

    name: str
    inputs: int
    outputs: int


def _convolutions(counts: Sequence[int]) -> tuple[Convolution, ...]:
    widths = (64, 128, 256, 512, 512)
    names = [f"block{b}_conv{c + 1}" for b, count in enumerate(counts, 1) for c in range(count)]
    outputs = [width for width, count in zip(widths, counts, strict=True) for _ in range(count)]
    return tuple(map(Convolution, names, [3, *outputs], outputs))


ARCHITECTURES: dict[str, tuple[Convolution, ...]] = {
    "vgg16": _convolutions((2, 2, 3, 3, 3)),
    "vgg19": _convolutions((2, 2, 4, 4, 4)),
}
"""Convolutions from the image on (Simonyan & Zisserman 2015); a 2x2 pooling lies between blocks."""
IMAGE = "image"
"""Name of the layer whose channel means are those of the picture itself."""
LAYER_SETS = ("thesis", "dists")
ACTIVATIONS = ("softplus", "relu")
POOLINGS = ("smooth", "average", "max")
PRECISIONS = ("mixed", "float32", "float64")
"""See `channel_means.ChannelMeans`."""

_STYLE_LAYERS = {
    "thesis": tuple(f"block{b}_conv1" for b in range(1, 6)),
    "dists": ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3"),
}


def style_layers(architecture: str, layer_set: str, count: int) -> tuple[str, ...]:
    """Return the names of the style layers, shallowest first.

    "thesis" is block1_conv1 to block`count`_conv1 (section 3.2); "dists" is the picture itself and the first
    `count` of conv1_2, conv2_2, conv3_3, conv4_3, conv5_3 (section 2.3.3; Ding et al. 2020, DISTS). Raises
    `InputError` for an unknown name, or a count that is not 1 to 5.
    """
    validation.choice(architecture, ARCHITECTURES, "network")
    names = _STYLE_LAYERS[validation.choice(layer_set, LAYER_SETS, "layer set")][: validation.layer_count(count)]
    return (IMAGE, *names) if layer_set == "dists" else names
