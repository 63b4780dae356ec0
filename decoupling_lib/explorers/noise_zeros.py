"""The noise explorer of lesson 4: the channels of a layer that noise leaves dead."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ..images.noise import NOISE_KINDS, make_noise
from ..plotting.features import show_channel_means
from ..plotting.settings import kit_settings
from ..plotting.style import enlarge_text, new_figure, show_picture
from .controls import dropdown, integer_slider
from .exhibit import DPI, POINTS, WIDTH
from .explorer import Explorer, Texts, View, live_explorer

SIDE = 96
"""Side of the noise in pixels."""
TEXTS = Texts(
    "The channels that noise leaves dead",
    "Each bar is the mean of one channel over an image of noise. A mark below the axis is a dead channel, which is "
    "zero at every place of this image.",
    "Are the same channels dead for every draw of the noise, and for every kind?",
)
PRESETS: dict[str, dict[str, Any]] = {
    "a shallow layer": {"layer": 2},
    "the deepest layer": {},
    "another draw": {"seed": 1},
    "gray noise": {"kind": "gray"},
    "natural noise": {"kind": "natural"},
}
"""What each preset changes."""


def noise_explorer() -> Explorer:
    """Build the explorer of the layer, and of the kind and seed of the noise.

    Returns
    -------
    Explorer
        Shows the layer's channel means, with the dead ones marked.
    """
    controls = {
        "layer": integer_slider("layer", 5, 1, 5, "The first convolution of this block of the network."),
        "kind": dropdown("kind of noise", NOISE_KINDS, "uniform", "What the random numbers of the pixels are like."),
        "seed": integer_slider(
            "seed", 0, 0, 99, "The number from which the random numbers are made; another one is another draw."
        ),
    }
    return live_explorer(TEXTS, controls, draw, PRESETS)


@kit_settings
def draw(values: Mapping[str, Any]) -> View:
    """Draw the noise and its channel means at the layer, in the network with ReLU and maximum pooling.

    Parameters
    ----------
    values : mapping of str to Any
        Values of the explorer's controls, by name.

    Returns
    -------
    View
        The status counts the dead channels.
    """
    # Here and below: importing these loads TensorFlow, which takes seconds.
    from ..networks.channel_means import ChannelMeans, channel_means_by_layer
    from ..networks.dead_channels import dead_mask

    network = _network(values["layer"])
    layer = network.layers[0]
    x = make_noise(values["kind"], (SIDE, SIDE), values["seed"])
    means = channel_means_by_layer(ChannelMeans(network), x)[layer]
    dead = dead_mask(means)
    figure = new_figure(WIDTH, 4.2, DPI)
    left, right = figure.subplots(2, 1, height_ratios=(1, 1.2))
    show_picture(left, x, f"{values['kind']} noise, seed {values['seed']}")
    show_channel_means(right, means, dead, layer)
    weights = network.weights
    noise = f"{values['kind']} noise, seed {values['seed']}"
    network_name = f"{weights.architecture}, weights {weights.source}"
    status = f"{layer}, {noise}: {dead.sum()} of {dead.size} channels are dead ({network_name})"
    return View(enlarge_text(figure, POINTS), f"noise above its channel means; {status}", status)


@lru_cache(maxsize=5)
def _network(depth: int) -> Any:
    from ..networks import architectures, weights
    from ..networks.vgg import build_network

    architecture, source = weights.default_source()
    layers = architectures.style_layers(architecture, "thesis", depth)
    return build_network(architecture, source, layers[-1:], activation="relu", pooling="max")
