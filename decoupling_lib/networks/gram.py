"""Gram matrices of activation maps, `F^T F` (equation 2.7 of the thesis)."""

from __future__ import annotations

import numpy as np

from .channel_means import activations
from .vgg import Network


def gram_matrix(found: np.ndarray) -> np.ndarray:
    """Return G_ij = mean over positions k of F_ik F_jk of a map, shape (h, w, n): float64, shape (n, n).

    Equation (2.7) of the thesis divided by the number of positions, so that it does not grow with the picture.
    """
    flat = found.reshape(-1, found.shape[-1]).astype(np.float64)
    return flat.T @ flat / len(flat)


def gram_matrices(network: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the `gram_matrix` of each style layer, by layer. Raises `InputError` as `ChannelMeans` does."""
    return {layer: gram_matrix(found) for layer, found in activations(network, x).items()}
