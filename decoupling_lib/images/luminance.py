"""Luminance and chrominance of an image, and an image with the luminance of another one.

The luminance Y is the sum of red, green and blue with the weights of ITU-R BT.709, of the values that sRGB stores. The
chrominance is what differs from gray: (R - Y, G - Y, B - Y). Both are linear: they exist for values outside [0, 1] too,
their sum is the image, and exchanging one does not change the other. YCbCr, YUV and YIQ describe chrominance along
other axes, which makes no difference here. CIELAB is closer to the eye, but is not defined where a value is negative.
"""

from __future__ import annotations

from ..common import validation
from ..common.arrays import Floats


def luminance(x: Floats) -> Floats:
    """Return the luminance of an image by the weights of ITU-R BT.709.

    Parameters
    ----------
    x : ndarray, shape (H, W, 3)
        An image.

    Returns
    -------
    ndarray, shape (H, W)
        In the unit of `x`.
    """
    from skimage.color import rgb2gray  # not at the top: the import takes half a second

    return rgb2gray(x)


def replace_luminance(x: Floats, source: Floats) -> Floats:
    """Return an image with its own chrominance and the luminance of another one.

    Parameters
    ----------
    x : ndarray, shape (H, W, 3)
        The image that gives the chrominance.
    source : ndarray, shape (H, W, 3)
        The image that gives the luminance.

    Returns
    -------
    ndarray of float64, shape (H, W, 3)
        Its values may leave [0, 1], also where those of both images do not.

    Raises
    ------
    InputError
        If an argument is not an image, or their shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> red, gray = np.zeros((16, 16, 3)), np.full((16, 16, 3), 0.5)
    >>> red[..., 0] = 1.0
    >>> print(replace_luminance(red, gray)[0, 0].round(2))
    [1.29 0.29 0.29]
    """
    x, source = validation.same_shape(x, source)
    recolored: Floats = x + (luminance(source) - luminance(x))[..., None]
    return recolored
