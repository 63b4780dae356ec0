"""The channels that noise leaves silent (section 4.4 of the thesis)."""

import numpy as np

from . import checks
from .channel_means import ChannelMeans, by_layer
from .networks import Network

DEAD_FRACTION = 1e-6
"""A channel is dead when its mean is at most this fraction of its layer's."""


def dead_channels(network: Network, noise_images: np.ndarray) -> dict[str, np.ndarray]:
    """Return the mask (True: dead) of the channels that noise leaves silent, shape (channels,), by layer.

    Dead: the mean over the images, shape (k, H, W, 3), is at most `DEAD_FRACTION` of the layer's, in the
    network with ReLU and maximum pooling, whatever `network` uses (section 4.4 of the thesis). Raises
    `InputError` for another shape, and as `ChannelMeans` does.
    """
    if np.ndim(noise_images) != 4 or not len(noise_images):
        accepted = "at least one image, shape (k, height, width, 3)"
        raise checks.problem("noise images", "have the wrong shape", noise_images, accepted, "stack them")
    means = ChannelMeans(network.as_thesis())
    found = [by_layer(means, x) for x in noise_images]
    mean = {layer: np.mean([each[layer] for each in found], axis=0) for layer in network.layers}
    return {layer: dead(each) for layer, each in mean.items()}


def dead(means: np.ndarray) -> np.ndarray:
    """Which of a layer's channel means, (channels,), count as dead, in the network with ReLU and maximum pooling."""
    return means <= DEAD_FRACTION * means.mean()
