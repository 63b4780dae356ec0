"""Full-reference measures of image quality."""

from __future__ import annotations

import math

import numpy as np

from ..common.errors import input_error
from ..common.validation import same_shape

_WINDOW = 11  # pixels: the Gaussian of 1.5 pixels cut at 3.5 standard deviations, as in Wang et al. 2004
_SIGMA = 1.5


def psnr(x: np.ndarray, reference: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, 10 log10(1 / mean((x - reference)^2)), on unclipped values.

    Parameters
    ----------
    x, reference : float arrays of one shape, nominally in [0, 1]: the peak is 1 whatever they hold.

    Returns
    -------
    dB; infinite when the two are equal, NaN when a value is.

    Raises
    ------
    InputError : the shapes differ or there is no value.
    """
    x, reference = same_shape(x, reference)
    mse = float(np.mean((x - reference) ** 2))
    return math.inf if mse == 0 else -10 * math.log10(mse)


def ssim(x: np.ndarray, reference: np.ndarray) -> float:
    """Structural similarity, mean over pixels and color channels, for a data range of 1; 1 for equal images.

    The window is the Gaussian of 1.5 pixels over 11x11 pixels. When a side is shorter than 11 pixels, the
    window becomes the largest odd one that fits and the Gaussian shrinks in proportion.

    Parameters
    ----------
    x, reference : float images of shape (H, W, 3), nominally in [0, 1], sides at least 3 pixels; not clipped.

    Raises
    ------
    InputError : the shapes differ, are not those of color images, or a side is shorter than 3 pixels.

    References
    ----------
    Wang, Bovik, Sheikh & Simoncelli, IEEE Transactions on Image Processing 13(4), 2004.
    """
    from skimage.metrics import structural_similarity  # half a second to import: only when asked for

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


def max_error(x: np.ndarray, reference: np.ndarray) -> float:
    """Largest absolute difference of two arrays of one shape; `InputError` when the shapes differ."""
    x, reference = same_shape(x, reference)
    return float(np.abs(x - reference).max())
