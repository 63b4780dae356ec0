"""The convolutions of VGG-16 and VGG-19, the layers whose channel means are a style, and the choices of activation.

No TensorFlow is loaded here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from ..common import validation


class Convolution(NamedTuple):
    """One 3x3 convolution.

    Parameters
    ----------
    name : str
        Keras's name of the layer, such as "block2_conv1".
    block : int
        Number of its block, 1 to 5; a pooling separates two blocks.
    inputs, outputs : int
        Number of channels that enter and leave it.
    """

    name: str
    block: int
    inputs: int
    outputs: int


class Operation(NamedTuple):
    """One link of a network's chain.

    Parameters
    ----------
    kind : {"convolution", "pooling"}
        A convolution includes its activation; a pooling halves height and width.
    name : str
        Name of the convolution; for a pooling, of the convolution before it.
    """

    kind: Literal["convolution", "pooling"]
    name: str


def _convolutions(counts: Sequence[int]) -> tuple[Convolution, ...]:
    widths = (64, 128, 256, 512, 512)
    chain: list[Convolution] = []
    inputs = 3
    for block, (count, width) in enumerate(zip(counts, widths, strict=True), start=1):
        for number in range(1, count + 1):
            chain.append(Convolution(f"block{block}_conv{number}", block, inputs, width))
            inputs = width
    return tuple(chain)


ARCHITECTURES: dict[str, tuple[Convolution, ...]] = {
    "vgg16": _convolutions((2, 2, 3, 3, 3)),
    "vgg19": _convolutions((2, 2, 4, 4, 4)),
}
"""Convolutions from the image on (Simonyan & Zisserman 2015); a 2x2 pooling separates blocks."""
IMAGE = "image"
"""Name of the layer whose channel means are those of the image itself."""
LAYER_SETS = ("thesis", "dists")
"""The two sets of style layers; see `style_layers`."""
ACTIVATIONS = ("softplus", "gaussian", "relu")
"""See `primitives.activate`."""
POOLINGS = ("smooth", "average", "max")
PRECISIONS = ("mixed", "float32", "float64")
"""See `channel_means.ChannelMeans`."""

_STYLE_LAYERS = {
    "thesis": tuple(f"block{b}_conv1" for b in range(1, 6)),
    "dists": ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3"),
}


def style_layers(architecture: str, layer_set: str, count: int) -> tuple[str, ...]:
    """Return the names of the style layers, shallowest first.

    Parameters
    ----------
    architecture : {"vgg16", "vgg19"}
        The network.
    layer_set : {"thesis", "dists"}
        "thesis" is block1_conv1 to block5_conv1 (section 3.2 of the thesis); "dists" is the image itself, then
        block1_conv2, block2_conv2, block3_conv3, block4_conv3 and block5_conv3 (section 2.3.3; DISTS).
    count : int
        Number of convolutions, 1 to 5.

    Returns
    -------
    tuple of str
        `count` names, after "image" in the set "dists".

    Raises
    ------
    InputError
        An unknown name, or a count out of range.

    References
    ----------
    Ding, Ma, Wang & Simoncelli, *Image quality assessment: unifying structure and texture similarity*, 2020.
    """
    validation.choice(architecture, ARCHITECTURES, "network")
    names = _STYLE_LAYERS[validation.choice(layer_set, LAYER_SETS, "layer set")][: validation.layer_count(count)]
    return (IMAGE, *names) if layer_set == "dists" else names


def convolutions_up_to(architecture: str, layers: Sequence[str]) -> tuple[Convolution, ...]:
    """Return the convolutions from the image to the deepest of some layers.

    Parameters
    ----------
    architecture : {"vgg16", "vgg19"}
        The network.
    layers : sequence of str, at least one
        Names of convolutions, or "image", which needs no convolution.

    Returns
    -------
    tuple of Convolution
        In order of depth; empty if the only layer is "image".
    """
    chain = ARCHITECTURES[architecture]
    names = [convolution.name for convolution in chain]
    return chain[: max(names.index(layer) + 1 if layer != IMAGE else 0 for layer in layers)]


def operations_up_to(architecture: str, layers: Sequence[str]) -> tuple[Operation, ...]:
    """Return the convolutions of `convolutions_up_to`, with a pooling wherever a new block begins.

    Parameters
    ----------
    architecture : {"vgg16", "vgg19"}
        The network.
    layers : sequence of str, at least one
        Names of convolutions, or "image".

    Returns
    -------
    tuple of Operation
        From the image to the deepest layer.
    """
    operations: list[Operation] = []
    previous: Convolution | None = None
    for convolution in convolutions_up_to(architecture, layers):
        if previous is not None and convolution.block != previous.block:
            operations.append(Operation("pooling", previous.name))
        operations.append(Operation("convolution", convolution.name))
        previous = convolution
    return tuple(operations)
