"""Fidelity: how close the channel means of a smoothed network are to those of ReLU and maximum pooling."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..common.arrays import Floats
from ..common.errors import input_error
from .channel_means import ChannelMeans, channel_means_by_layer
from .vgg import Network


def fidelity(network: Network, x: Floats) -> dict[str, dict[str, float]]:
    """Compare the channel means f of a network with those of its ReLU and maximum pooling form, g.

    Parameters
    ----------
    network : Network
        The network, read at its style layers.
    x : ndarray, shape (H, W, 3)
        RGB, nominally in [0, 1].

    Returns
    -------
    dict of str to dict
        By style layer: "relative_difference", ‖f - g‖/‖g‖, at least 0; and "correlation", Pearson's over the channels,
        which is 1 if f equals g and 0 if only one of them is constant.

    Raises
    ------
    InputError
        An image that does not fit the network.
    """
    smooth, thesis = (channel_means_by_layer(ChannelMeans(each), x) for each in (network, network.as_thesis()))
    return {layer: _agreement(smooth[layer], thesis[layer]) for layer in network.layers}


def fidelity_worst(network: Network, images: Iterable[Floats]) -> dict[str, dict[str, float]]:
    """Return the worst fidelity over several images.

    Parameters
    ----------
    network : Network
        The network, read at its style layers.
    images : iterable of ndarray, shape (H, W, 3)
        At least one image.

    Returns
    -------
    dict of str to dict
        By style layer: the largest "relative_difference" and the smallest "correlation".

    Raises
    ------
    InputError
        No image, or one that does not fit the network.
    """
    found = [fidelity(network, x) for x in images]
    if not found:
        raise input_error("images", "are missing", [], "at least one image", "give one")
    return {
        layer: {
            "relative_difference": max(each[layer]["relative_difference"] for each in found),
            "correlation": min(each[layer]["correlation"] for each in found),
        }
        for layer in network.layers
    }


def _agreement(f: Floats, g: Floats) -> dict[str, float]:
    if np.array_equal(f, g):
        return {"relative_difference": 0.0, "correlation": 1.0}
    scale, deviations = float(np.linalg.norm(g)), (f - f.mean(), g - g.mean())
    norms = float(np.linalg.norm(deviations[0]) * np.linalg.norm(deviations[1]))
    return {
        "relative_difference": float(np.linalg.norm(f - g)) / scale if scale else math.inf,
        "correlation": float(deviations[0] @ deviations[1]) / norms if norms else 0.0,
    }
