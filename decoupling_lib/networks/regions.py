"""A region of an image, where a style is measured and imposed: one weight per pixel, for each layer at its own size.

In a region, the mean of a channel φ is Σ_p m_p φ(p) / Σ_p m_p over its positions p. Where m is 0 the gradient is 0 too,
except within the receptive field of positions where it is not. A flow of such means leaves the rest of the image alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.ndimage import binary_dilation

from ..common.arrays import Floats, Mask
from ..common.errors import input_error
from ..images.pictures import resize
from .architectures import IMAGE
from .tensorflow import tf
from .vgg import Network


@dataclass(frozen=True, eq=False)
class Region:
    """Where in an image channel means are taken.

    Parameters
    ----------
    weights : ndarray, shape (H, W)
        From 0 to 1, not 0 everywhere. For an image of another size they are resized as images are.
    """

    weights: Floats

    @property
    def share(self) -> float:
        """The mean weight: the share of the image that the region covers, above 0 and at most 1."""
        return float(self.weights.mean())

    def resize(self, shape: tuple[int, int]) -> Floats:
        """Return the weights for an image of a size.

        Parameters
        ----------
        shape : tuple of int
            (H, W) of the image.

        Returns
        -------
        ndarray, shape (H, W)
            From 0 to 1.
        """
        if self.weights.shape == shape:
            return self.weights
        resized: Floats = resize(np.repeat(self.weights[..., None], 3, axis=-1), shape)[..., 0]
        return resized


@lru_cache(maxsize=32)
def position_weights(region: Region | None, network: Network, shape: tuple[int, ...]) -> list[tf.Tensor] | None:
    """Return what the positions of each style layer weigh in its channel means.

    Where the network pools, weights are averaged over the same windows; an odd last row or column has no window.

    Parameters
    ----------
    region : Region or None
        The region; None if all positions weigh the same.
    network : Network
        The network, read at its style layers.
    shape : tuple of int
        Shape of the image, which begins with (H, W).

    Returns
    -------
    list of Tensor of float64, shape (1, h, w, 1) each
        By style layer; at least 0, and their sum is 1. None if there is no region.

    Raises
    ------
    InputError
        If nothing of the region is left at a layer.
    """
    if region is None:
        return None
    weights = region.resize((shape[0], shape[1]))
    found = {IMAGE: weights}
    for kind, name in network.operations:
        if kind == "convolution":
            found[name] = weights
        else:
            height, width = (side // 2 for side in weights.shape)
            weights = weights[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean(axis=(1, 3))
    tensors = []
    for layer in network.layers:
        total = found[layer].sum()
        if not total > 0:
            accepted, step = "some white that is not in the last rows or columns alone", "enlarge the white part"
            raise input_error("mask", f"has nothing left at {layer}", found[layer], accepted, step)
        tensors.append(tf.constant((found[layer] / total)[None, ..., None]))
    return tensors


def seen_pixels(region: Region, network: Network) -> Mask:
    """Return which pixels the style layers see at the positions of a region.

    Parameters
    ----------
    region : Region
        The region, at the size of the image.
    network : Network
        The network, read at its style layers.

    Returns
    -------
    ndarray of bool, shape (H, W)
        False where all channel means over the region have a gradient of 0.
    """
    weights, shapes = position_weights(region, network, region.weights.shape) or [], [region.weights.shape]
    layers = {layer: each.numpy()[0, ..., 0] > 0 for layer, each in zip(network.layers, weights, strict=True)}
    for kind, _ in network.operations:
        height, width = shapes[-1]
        shapes.append((height // 2, width // 2) if kind == "pooling" else (height, width))
    seen: Mask = np.zeros(shapes[-1], bool)
    for (kind, name), shape in reversed(list(zip(network.operations, shapes[:-1], strict=True))):
        if kind == "pooling":
            pooled, seen = seen, np.zeros(shape, bool)
            seen[: 2 * pooled.shape[0], : 2 * pooled.shape[1]] = pooled.repeat(2, axis=0).repeat(2, axis=1)
        else:
            seen = binary_dilation(seen | layers.get(name, False), np.ones((3, 3), bool))
    return seen | layers.get(IMAGE, False)
