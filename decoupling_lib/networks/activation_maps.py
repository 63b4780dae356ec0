"""Activation maps of a network's style layers, and the gradients of functions of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..common.arrays import Floats
from .compiled import CompiledNetwork, compile_network, image_tensor, resolve_precision
from .tensorflow import tf
from .vgg import Network


@dataclass(frozen=True, eq=False)
class MapsLinearization:
    """The style layers' activation maps at one image, and their VJP.

    Parameters
    ----------
    program : CompiledNetwork
        The network's compiled functions.
    residuals : list of Tensor
        What they kept of the forward pass.
    shape : tuple of int
        Shape (H, W, 3) of the image.
    maps : dict of str to ndarray
        By style layer, shape (h, w, channels) in the network's type; the map of the layer "image" is the image.
    """

    program: CompiledNetwork
    residuals: list[tf.Tensor]
    shape: tuple[int, int, int]
    maps: dict[str, Floats]

    def vjp(self, cotangents: Mapping[str, Floats]) -> Floats:
        """Return the gradient of Σ_l <cotangents_l, maps_l> with respect to the image.

        Parameters
        ----------
        cotangents : mapping of str to ndarray
            For each style layer, an array of the shape of its map.

        Returns
        -------
        ndarray of float64, shape (H, W, 3)
            The gradient.
        """
        tensors = [tf.constant(np.asarray(cotangents[layer], self.program.dtype)) for layer in self.maps]
        gradient: Floats = self.program.vjp_maps(self.residuals, tensors, self.shape).numpy().astype(np.float64)
        return gradient


def linearize_maps(network: Network, x: Floats, dtype: str = "mixed") -> MapsLinearization:
    """Return the activation maps at an image and their VJP, from one forward pass.

    Parameters
    ----------
    network : Network
        The network, read at its style layers.
    x : ndarray, shape (H, W, 3)
        RGB, nominally in [0, 1].
    dtype : {"mixed", "float32", "float64"}
        Precision, as in `channel_means.ChannelMeans`.

    Returns
    -------
    MapsLinearization
        Maps and VJP.

    Raises
    ------
    InputError
        An image that does not fit the network.
    """
    precision = resolve_precision(network, dtype)
    program, tensor = compile_network(network, precision), image_tensor(network, x, precision)
    maps, residuals = program.maps(tensor)
    by_layer = {layer: h.numpy()[0] for layer, h in zip(network.layers, maps, strict=True)}
    return MapsLinearization(program, residuals, tuple(tensor.shape), by_layer)


def activations(network: Network, x: Floats) -> dict[str, Floats]:
    """Return the activation maps of the style layers.

    Parameters
    ----------
    network : Network
        The network, read at its style layers.
    x : ndarray, shape (H, W, 3)
        RGB, nominally in [0, 1].

    Returns
    -------
    dict of str to ndarray of float32, shape (h, w, channels)
        By style layer; the map of the layer "image" is the image.

    Raises
    ------
    InputError
        An image that does not fit the network.
    """
    return {layer: found.astype(np.float32) for layer, found in linearize_maps(network, x).maps.items()}
