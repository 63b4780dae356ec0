"""Descriptors of style and content that no method of the kit matches, to judge transfers from outside.

Pictures are judged as shown, clipped to [0, 1], by the thesis's own network (ReLU, maximum pooling).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import wasserstein_distance

from ..common import validation
from ..images.quality import ssim
from ..networks.gram import gram_matrices
from ..networks.vgg import Network, build_network

OTHER_LAYERS = ("block1_conv2", "block2_conv2", "block3_conv1", "block4_conv1")
"""Layers at which no transfer of two layers looks; both VGG have them."""
BINS = 8
"""A color's range is cut into so many in `color_histogram`."""


@dataclass(frozen=True)
class Evaluation:
    """How near a picture is to an origin in style, and to a target in content.

    Parameters
    ----------
    gram : by layer, ‖G - G_o‖/‖G_o‖ of the Gram matrices (equation 2.7 of the thesis).
    histogram : half the sum of the absolute differences of the joint color histograms, in [0, 1].
    color : the mean over red, green, blue of the Wasserstein distance of their values, in units of the pixels.
    luminance_ssim : structural similarity to the target's luminance, at most 1.
    edges : correlation with the target's edge strengths (Sobel's, of the luminance), at most 1.
    """

    gram: dict[str, float]
    histogram: float
    color: float
    luminance_ssim: float
    edges: float


def observer_network(network: Network, layers: Sequence[str] = OTHER_LAYERS) -> Network:
    """The network with ReLU and maximum pooling, read at other layers; raises `InputError` for an unknown one."""
    weights = network.weights
    return build_network(weights.architecture, weights, layers, activation="relu", pooling="max")


def evaluate(network: Network, x: np.ndarray, origin: np.ndarray, target: np.ndarray) -> Evaluation:
    """Judges the picture x by the style of the origin and the content of the target.

    Parameters
    ----------
    network : the one whose Gram matrices are compared, see `onlooker`.
    x, target : (H, W, 3) float, one shape. origin : (h, w, 3).

    Raises `InputError` for shapes that do not fit.
    """
    x, origin, target = (np.clip(validation.image(each, "picture"), 0, 1) for each in (x, origin, target))
    grams, wanted = gram_matrices(network, x), gram_matrices(network, origin)
    return Evaluation(
        {layer: float(np.linalg.norm(grams[layer] - g) / np.linalg.norm(g)) for layer, g in wanted.items()},
        float(np.abs(color_histogram(x) - color_histogram(origin)).sum() / 2),
        float(np.mean([wasserstein_distance(x[..., c].ravel(), origin[..., c].ravel()) for c in range(3)])),
        ssim(*(np.repeat(luminance(each)[..., None], 3, axis=-1) for each in (x, target))),
        float(np.corrcoef(edge_strength(x).ravel(), edge_strength(target).ravel())[0, 1]),
    )


def gram_ratio(judged: Mapping[str, float], untouched: Mapping[str, float]) -> float:
    """What is left of a distance to the origin: the geometric mean over layers of judged/untouched.

    Parameters
    ----------
    judged, untouched : `Judgement.gram` of the result, and of the target as it was.
    """
    return float(np.exp(np.mean([np.log(judged[layer] / untouched[layer]) for layer in judged])))


def color_histogram(x: np.ndarray) -> np.ndarray:
    """The share of pixels in each of 8 x 8 x 8 boxes of color, (512,), for x (H, W, 3) in [0, 1]."""
    places = np.minimum((x * BINS).astype(int), BINS - 1).reshape(-1, 3)
    return np.bincount(np.ravel_multi_index(places.T, (BINS,) * 3), minlength=BINS**3) / len(places)


def luminance(x: np.ndarray) -> np.ndarray:
    """The luminance, (H, W), of x (H, W, 3), by the weights of ITU-R BT.709."""
    from skimage.color import rgb2gray  # half a second to import: only when asked for

    return rgb2gray(x)


def edge_strength(x: np.ndarray) -> np.ndarray:
    """Sobel's edge strength of the luminance, (H, W), at least 0, for x (H, W, 3)."""
    from skimage.filters import sobel

    return sobel(luminance(x))
