"""How near the channel means of a smoothed network are to those of the thesis's own: ReLU and maximum pooling."""

import math
from collections.abc import Iterable

import numpy as np

from ..common.errors import input_error
from .channel_means import ChannelMeans, by_layer
from .vgg import Network


def fidelity(network: Network, x: np.ndarray) -> dict[str, dict[str, float]]:
    """Return how near the channel means f of `network` are to those of its ReLU/max network, g, by layer.

    "relative_difference" is ||f - g|| / ||g||, "correlation" Pearson's over the channels (1 if f equals g, 0
    if one of them is constant). Raises `InputError` as `ChannelMeans` does.
    """
    smooth, thesis = (by_layer(ChannelMeans(net), x) for net in (network, network.as_thesis()))
    return {layer: _agreement(smooth[layer], thesis[layer]) for layer in network.layers}


def fidelity_worst(network: Network, images: Iterable[np.ndarray]) -> dict[str, dict[str, float]]:
    """Return, by layer, the largest relative difference and the least correlation over the images.

    Raises `InputError` when there are none, and as `ChannelMeans` does.
    """
    found = [fidelity(network, x) for x in images]
    if not found:
        raise input_error("images", "are none", [], "at least one image", "give one")
    return {
        layer: {
            "relative_difference": max(each[layer]["relative_difference"] for each in found),
            "correlation": min(each[layer]["correlation"] for each in found),
        }
        for layer in network.layers
    }


def _agreement(f: np.ndarray, g: np.ndarray) -> dict[str, float]:
    if np.array_equal(f, g):
        return {"relative_difference": 0.0, "correlation": 1.0}
    scale, deviations = float(np.linalg.norm(g)), (f - f.mean(), g - g.mean())
    norms = float(np.linalg.norm(deviations[0]) * np.linalg.norm(deviations[1]))
    return {
        "relative_difference": float(np.linalg.norm(f - g)) / scale if scale else math.inf,
        "correlation": float(deviations[0] @ deviations[1]) / norms if norms else 0.0,
    }
