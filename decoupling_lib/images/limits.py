"""What an image file may be, how large it may be, and how one that is refused is named."""

from __future__ import annotations

from ..common import validation
from ..common.errors import InputError, input_error

FORMATS = "PNG, JPEG, TIFF, GIF, BMP, WebP, AVIF, JPEG 2000, PPM, PGM, PBM, PFM or TGA image"
"""The formats of image files that are read."""
MAX_JPEG_PIXELS = 256_000_000
"""Largest number of pixels of a JPEG image, which can be shrunk while it is decoded (256 megapixels)."""
_ACCEPTED = f"a {FORMATS} or .npy array of floats, at most {validation.MAX_PIXELS // 10**6} megapixels"
_STEP = "open it and save it again, or use another file"


def refusal(what: str, label: str, step: str = _STEP) -> InputError:
    """Return the error that refuses an image file.

    Parameters
    ----------
    what : str
        What is wrong with it, as the predicate of a sentence that begins with "image".
    label : str
        The file's name.
    step : str
        What the user can do next, in the imperative.

    Returns
    -------
    InputError
        The error to raise.
    """
    return input_error("image", what, label, _ACCEPTED, step)


def check_pixel_count(height: int, width: int, label: str, most: int = validation.MAX_PIXELS) -> None:
    """Refuse an image that is too large, or empty, before it is decoded.

    Parameters
    ----------
    height, width : int
        The sides that the file states, in pixels.
    label : str
        The file's name.
    most : int
        Largest number of pixels.

    Raises
    ------
    InputError
        The image has no pixels, or more than `most`.
    """
    if height < 1 or width < 1:
        raise refusal("has no pixels", label)
    if height * width > most:
        what = f"is too large: {width}x{height}, a number of pixels above {most // 10**6} megapixels"
        raise refusal(what, label, "shrink it first in an image program")
