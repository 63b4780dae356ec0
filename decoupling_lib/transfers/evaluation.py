"""Descriptors of style and content that no method of the kit matches, to judge transfers from outside.

Images are judged as shown, clipped to [0, 1], by the network of the thesis (ReLU, maximum pooling).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import wasserstein_distance

from ..common import validation
from ..common.arrays import Floats
from ..images.luminance import luminance
from ..images.quality import ssim
from ..networks.gram import gram_matrices
from ..networks.vgg import Network, build_network

OTHER_LAYERS = ("block1_conv2", "block2_conv2", "block3_conv1", "block4_conv1")
"""Layers of which no transfer with two layers uses the channel means; both VGG networks have them."""
BINS = 8
"""Number of intervals per color in `color_histogram`."""


@dataclass(frozen=True)
class Evaluation:
    """How close an image is to an origin in style, and to a target in content.

    Parameters
    ----------
    gram : dict of str to float
        By layer, ‖G - G_o‖/‖G_o‖ of the Gram matrices of features (equation 2.7 of the thesis).
    histogram : float
        Half the sum of the absolute differences of the joint color histograms, in [0, 1].
    color : float
        Mean over red, green and blue of the Wasserstein distance between their values, in the unit of pixels.
    luminance_ssim : float
        Structural similarity to the target's luminance, at most 1.
    edges : float
        Correlation with the target's edge strengths (Sobel filter on the luminance), at most 1.
    """

    gram: dict[str, float]
    histogram: float
    color: float
    luminance_ssim: float
    edges: float


def observer_network(network: Network, layers: Sequence[str] = OTHER_LAYERS) -> Network:
    """Return the network with ReLU and maximum pooling, and with other style layers.

    Parameters
    ----------
    network : Network
        Gives architecture and weights.
    layers : sequence of str
        The style layers.

    Returns
    -------
    Network
        With the same weights.

    Raises
    ------
    InputError
        If the architecture lacks a layer.
    """
    weights = network.weights
    return build_network(weights.architecture, weights, layers, activation="relu", pooling="max")


def evaluate(network: Network, x: Floats, origin: Floats, target: Floats) -> Evaluation:
    """Judge an image by the style of the origin and the content of the target.

    Parameters
    ----------
    network : Network
        Its Gram matrices are compared; see `observer_network`.
    x : ndarray, shape (H, W, 3)
        The image, nominally in [0, 1].
    origin : ndarray, shape (h, w, 3)
        The image that gives the style.
    target : ndarray, shape (H, W, 3)
        The image that gives the content.

    Returns
    -------
    Evaluation
        Of the images clipped to [0, 1].

    Raises
    ------
    InputError
        If an argument is not an image, or the shapes of `x` and `target` differ.
    """
    x, origin, target = (np.clip(validation.image(each, "image"), 0, 1) for each in (x, origin, target))
    grams, wanted = gram_matrices(network, x), gram_matrices(network, origin)
    return Evaluation(
        {layer: float(np.linalg.norm(grams[layer] - g) / np.linalg.norm(g)) for layer, g in wanted.items()},
        float(np.abs(color_histogram(x) - color_histogram(origin)).sum() / 2),
        float(np.mean([wasserstein_distance(x[..., c].ravel(), origin[..., c].ravel()) for c in range(3)])),
        ssim(*(np.repeat(luminance(each)[..., None], 3, axis=-1) for each in (x, target))),
        float(np.corrcoef(edge_strength(x).ravel(), edge_strength(target).ravel())[0, 1]),
    )


def gram_ratio(gram: Mapping[str, float], untouched: Mapping[str, float]) -> float:
    """Return how much is left of a distance to the origin: the geometric mean of the ratios over layers.

    Parameters
    ----------
    gram, untouched : mapping of str to float
        `Evaluation.gram` of the result, and of the target before the transfer.

    Returns
    -------
    float
        0 if the Gram matrices of the result are those of the origin, 1 if it is as far from them as the target.

    Examples
    --------
    >>> print(round(gram_ratio({"a": 1.0, "b": 9.0}, {"a": 4.0, "b": 9.0}), 6))
    0.5
    """
    return float(np.exp(np.mean([np.log(gram[layer] / untouched[layer]) for layer in gram])))


def color_histogram(x: Floats) -> Floats:
    """Return the share of pixels in each of 8 x 8 x 8 boxes of color.

    Parameters
    ----------
    x : ndarray, shape (H, W, 3)
        An image in [0, 1].

    Returns
    -------
    ndarray, shape (512,)
        Shares, which add up to 1.
    """
    places = np.minimum((x * BINS).astype(int), BINS - 1).reshape(-1, 3)
    return np.bincount(np.ravel_multi_index(tuple(places.T), (BINS,) * 3), minlength=BINS**3) / len(places)


def edge_strength(x: Floats) -> Floats:
    """Return the edge strength of the luminance by Sobel's filter.

    Parameters
    ----------
    x : ndarray, shape (H, W, 3)
        An image.

    Returns
    -------
    ndarray, shape (H, W)
        At least 0.
    """
    from skimage.filters import sobel

    return sobel(luminance(x))
