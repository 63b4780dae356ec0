"""Shared by the experiments: judges of style and of content, all from outside what the methods match."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2lab
from skimage.metrics import structural_similarity

from decoupling_lib.common.arrays import Floats
from decoupling_lib.networks.vgg import Network
from decoupling_lib.transfers import evaluation

STYLE = ("gram", "bands", "colors")
"""What is left of the distance to the origin: 0 the origin's statistics, 1 as far from them as the target was.

gram: Gram matrices of four layers whose means nobody matched. bands: statistics of differences of Gaussians, without a
network. colors: Wasserstein distance of the values of each color."""
CONTENT = ("ssim", "edges")
"""What is left of the target, at most 1. ssim: structural similarity of the three colors. edges: correlation of edge
strengths."""
SCALES = (0.0, 0.7, 1.4, 2.8, 5.6)
"""Standard deviations of the Gaussians in pixels; neighbors are subtracted."""


def judge(network: Network, x: Floats, origin: Floats, target: Floats) -> dict[str, float]:
    """Return all of `STYLE` and `CONTENT` for an image, clipped to [0, 1].

    Parameters
    ----------
    network : Network
        See `transfers.evaluation.observer_network`.
    x, origin, target : ndarray, shape (H, W, 3)
        The image to be judged, the image that gives the style, and the one that gives the content.
    """
    x = np.clip(x, 0, 1)
    found, untouched = (asdict(evaluation.evaluate(network, each, origin, target)) for each in (x, target))
    bands, wanted, before = (band_statistics(each) for each in (x, origin, target))
    return {
        "gram": evaluation.gram_ratio(found["gram"], untouched["gram"]),
        "bands": float(np.linalg.norm(bands - wanted) / np.linalg.norm(before - wanted)),
        "colors": found["color"] / untouched["color"],
        "ssim": float(structural_similarity(x, target, channel_axis=2, data_range=1.0)),
        "edges": found["edges"],
    }


def band_statistics(x: Floats) -> Floats:
    """Return statistics of an image's texture by differences of Gaussians in L*a*b*.

    By band and channel the logarithm of the standard deviation and of the ratio of standard to mean absolute deviation
    (how sparse the band is), and by band the correlations of the channels' magnitudes.
    """
    lab = rgb2lab(np.clip(x, 0, 1)) / 100
    blurred = [lab if not s else gaussian_filter(lab, (s, s, 0), mode="reflect") for s in SCALES]
    numbers: list[float] = []
    for fine, coarse in zip(blurred[:-1], blurred[1:], strict=True):
        band = (fine - coarse).reshape(-1, 3)
        deviation = band.std(axis=0) + 1e-4  # a gray picture has no color bands
        numbers += [*np.log(deviation), *np.log(deviation / (np.abs(band).mean(axis=0) + 1e-4))]
        size = np.abs(band) + 1e-6 * np.random.default_rng(0).random(
            band.shape
        )  # so that a flat band has a correlation
        numbers += [*np.corrcoef(size.T)[np.triu_indices(3, 1)]]
    return np.array(numbers)
