"""Gram matrices of features, FFᵀ (equation 2.7 of the thesis): the style of Gatys et al.

F is a layer's activation map with one row per channel and one column per position. The *gradient Gram matrix* AAᵀ of
the engine is another thing: there the rows are gradients of channel means.
"""

from __future__ import annotations

import numpy as np

from ..common.arrays import Floats
from .activation_maps import activations
from .vgg import Network


def gram_matrix(activation_map: Floats) -> Floats:
    """Return FFᵀ/M for an activation map: G_ij = mean over positions k of F_ik F_jk.

    This is equation (2.7) of the thesis divided by the number M of positions, so that it does not grow with the image.

    Parameters
    ----------
    activation_map : ndarray, shape (h, w, channels)
        Activations of one layer; M = h w.

    Returns
    -------
    ndarray of float64, shape (channels, channels)
        Symmetric and positive semidefinite.
    """
    flat = activation_map.reshape(-1, activation_map.shape[-1]).astype(np.float64)
    return flat.T @ flat / len(flat)


def gram_matrices(network: Network, x: Floats) -> dict[str, Floats]:
    """Return the Gram matrix of features of each style layer.

    Parameters
    ----------
    network : Network
        The network, read at its style layers.
    x : ndarray, shape (H, W, 3)
        RGB, nominally in [0, 1].

    Returns
    -------
    dict of str to ndarray of float64, shape (channels, channels)
        `gram_matrix` by style layer.

    Raises
    ------
    InputError
        An image that does not fit the network.
    """
    return {layer: gram_matrix(found) for layer, found in activations(network, x).items()}
