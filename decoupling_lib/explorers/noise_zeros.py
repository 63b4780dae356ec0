"""The zero explorer of lesson 8: which channels of a layer noise leaves dead."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..images.noise import NOISE_KINDS, make_noise
from ..plotting.features import show_channel_means
from ..plotting.style import show_picture
from .controls import choice, whole
from .explorer import Drawn, Explorer, live

SIDE = 96


def explorer() -> Explorer:
    """Layer, kind and seed of the noise; shows the layer's channel means with the dead ones marked."""
    controls = {
        "layer": whole("layer", 5, 1, 5, "block of the network, its first convolution"),
        "kind": choice("kind of noise", NOISE_KINDS, "uniform"),
        "seed": whole("seed", 0, 0, 99, "which draw"),
    }
    return live("The channels that noise leaves dead", controls, draw)


def draw(values: Mapping[str, Any]) -> Drawn:
    """The noise, and the channel means of the layer for it, in the network with ReLU and maximum pooling."""
    from ..networks.channel_means import ChannelMeans, by_layer  # here and below: TensorFlow takes seconds to load
    from ..networks.dead_channels import dead_mask

    network = _network(values["layer"])
    layer = network.layers[0]
    x = make_noise(values["kind"], (SIDE, SIDE), values["seed"])
    means = by_layer(ChannelMeans(network), x)[layer]
    silent = dead_mask(means)
    figure = Figure(figsize=(9, 3.4), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(1, 2.6))
    show_picture(left, x, f"{values['kind']} noise, seed {values['seed']}")
    show_channel_means(right, means, silent, layer)
    weights = network.weights
    what = f"{layer}, {values['kind']} noise, seed {values['seed']}"
    said = (
        f"{what}: {silent.sum()} of {silent.size} channels are dead ({weights.architecture}, weights {weights.source})"
    )
    return Drawn(figure, f"noise beside its channel means; {said}", said)


@lru_cache(maxsize=5)
def _network(depth: int) -> Any:
    from ..networks import architectures, weights
    from ..networks.vgg import build_network

    architecture, source = weights.default_source()
    layers = architectures.style_layers(architecture, "thesis", depth)
    return build_network(architecture, source, layers[-1:], activation="relu", pooling="max")
