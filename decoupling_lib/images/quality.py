"""Full-reference measures of image quality."""

from __future__ import annotations

import math

import numpy as np

from ..common.arrays import Floats
from ..common.errors import input_error
from ..common.validation import same_shape

_WINDOW = 11  # pixels: the Gaussian of 1.5 pixels is cut at 3.5 standard deviations, as in Wang et al. 2004
_SIGMA = 1.5  # pixels


def psnr(x: Floats, reference: Floats) -> float:
    """Return the peak signal-to-noise ratio in dB.

    PSNR = 10 log10(1 / mean((x - reference)²)). Values are not clipped, and the peak is 1 whatever the values are.

    Parameters
    ----------
    x : array_like of float, any shape
        Values, nominally in [0, 1].
    reference : array_like of float, shape of `x`
        What they are compared with.

    Returns
    -------
    float
        Decibels; infinite if the two are equal, NaN if one of the values is NaN.

    Raises
    ------
    InputError
        The shapes differ, or the arrays are empty.
    """
    x, reference = same_shape(x, reference)
    mse = float(np.mean((x - reference) ** 2))
    return math.inf if mse == 0 else -10 * math.log10(mse)


def ssim(x: Floats, reference: Floats) -> float:
    """Return the structural similarity, averaged over pixels and color channels, for a data range of 1.

    The window is a Gaussian of 1.5 pixels on 11x11 pixels. If a side is shorter than 11 pixels, the window is the
    largest odd one that fits, and the Gaussian shrinks in proportion. Values are not clipped.

    Parameters
    ----------
    x : array_like of float, shape (H, W, 3)
        An image, nominally in [0, 1], with sides of at least 3 pixels.
    reference : array_like of float, shape of `x`
        The image that it is compared with.

    Returns
    -------
    float
        At most 1; 1 for equal images.

    Raises
    ------
    InputError
        The shapes differ, are not those of color images, or have a side shorter than 3 pixels.

    References
    ----------
    Wang, Bovik, Sheikh & Simoncelli, IEEE Transactions on Image Processing 13(4), 2004.
    """
    from skimage.metrics import structural_similarity  # takes half a second, so import it only on use

    x, reference = same_shape(x, reference)
    if x.ndim != 3 or x.shape[2] != 3 or min(x.shape[:2]) < 3:
        accepted = "shape (height, width, 3), sides at least 3"
        raise input_error("image", "has the wrong shape for SSIM", x, accepted, "give a color image")
    side = min(_WINDOW, *x.shape[:2])
    window = side if side % 2 else side - 1
    similarity = structural_similarity(
        x,
        reference,
        win_size=window,
        data_range=1.0,
        channel_axis=2,
        gaussian_weights=True,
        sigma=_SIGMA * window / _WINDOW,
        use_sample_covariance=False,
    )
    return float(similarity)


def max_error(x: Floats, reference: Floats) -> float:
    """Return the largest absolute difference between two arrays.

    Parameters
    ----------
    x : array_like of float, any shape
        Values.
    reference : array_like of float, shape of `x`
        What they are compared with.

    Returns
    -------
    float
        The largest of the absolute differences; NaN if one of the values is NaN.

    Raises
    ------
    InputError
        The shapes differ, or the arrays are empty.
    """
    x, reference = same_shape(x, reference)
    return float(np.abs(x - reference).max())
