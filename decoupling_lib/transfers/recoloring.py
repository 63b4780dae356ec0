"""What is kept of the target's colors: its chrominance under the style's luminance, or its luminance under new colors.

Both replace a part of the image at the end of Step 3, so the style that the result has is measured again afterwards.

To keep the colors, the origin might be given the target's colors instead, before its style is measured (Gatys et al.
2016, «Preserving color in neural artistic style transfer», arXiv 1606.05897). That was tried with the mean and the
covariance of the colors, on six pairs at 64 px, and rejected: colored spots remain in the result (its chrominance is
0.02 to 0.06 off the target's, against at most 0.03 here), and much of the style's contrast is lost with its colors.
"""

from __future__ import annotations

from collections.abc import Callable

from ..common.arrays import Floats
from ..images.luminance import replace_luminance
from .options import Options


def choose_recoloring(options: Options, target: Floats) -> Callable[[Floats], Floats] | None:
    """Return what is done to the image at the end of Step 3.

    Parameters
    ----------
    options : Options
        With `keep_colors`, the result has the luminance of that image and the chrominance of the target; with
        `colors_only` it is the other way around.
    target : ndarray, shape (H, W, 3)
        The image that gives the content.

    Returns
    -------
    callable or None
        Maps an image of the target's shape to the result, which is not clipped. None if it stays as it is.
    """
    if options.keep_colors:
        return lambda x: replace_luminance(target, x)
    if options.colors_only:
        return lambda x: replace_luminance(x, target)
    return None


def describe_recoloring(options: Options) -> dict[str, str] | None:
    """Return a report's entry about the colors.

    Parameters
    ----------
    options : Options
        What the user chose.

    Returns
    -------
    dict of str to str or None
        Which image gave the result its "luminance" and its "chrominance", where "style" is the image at the end of
        Step 3. None if the result is that image.
    """
    if options.keep_colors:
        return {"luminance": "style", "chrominance": "target"}
    if options.colors_only:
        return {"luminance": "target", "chrominance": "style"}
    return None
