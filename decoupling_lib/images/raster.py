"""The pixels of an image file as they are stored, and how they become an RGB image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..common.arrays import Floats
from .color import Conversion
from .orientation import TURNS, turn_upright

_CHANNELS = {"gray": 1, "rgb": 3, "cmyk": 4}


@dataclass(frozen=True, eq=False)
class Raster:
    """The pixels of an image file as they are stored, with what is needed to understand them.

    Parameters
    ----------
    values : ndarray, shape (H, W, C)
        uint8, uint16 or floating-point numbers: gray, RGB or CMYK, then alpha if there is any.
    space : {"gray", "rgb", "cmyk"}
        What the channels are.
    maximum : float
        The value of full intensity; 1 for floating-point numbers.
    alpha : {"", "straight", "associated"}
        Whether the last channel is alpha, and whether the colors are already multiplied by it.
    profile : bytes
        The ICC profile; empty if there is none.
    orientation : int
        The orientation of the stored image, 1 to 8.
    full_shape : tuple of int, optional
        (height, width) of the stored image before it was shrunk during decoding.
    shrunk_by : int
        The factor by which it was shrunk; then its sides were rounded up.
    notes : tuple of str
        What the user should know, each as the predicate of a sentence that begins with the image.
    conversion : Conversion, optional
        How the colors become sRGB, if the file says so in another way than by a profile.
    """

    values: np.ndarray
    space: str
    maximum: float
    alpha: str = ""
    profile: bytes = b""
    orientation: int = 1
    full_shape: tuple[int, int] | None = None
    shrunk_by: int = 1
    notes: tuple[str, ...] = ()
    conversion: Conversion | None = None

    @property
    def upright_shape(self) -> tuple[int, int]:
        """(height, width) of the upright image in the file, in pixels."""
        height, width = self.full_shape or self.values.shape[:2]
        return (width, height) if TURNS[self.orientation][0] else (height, width)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the image in the upright array, whose last pixels may lie partly outside."""
        _, rows, columns = TURNS[self.orientation]
        height, width = (side / self.shrunk_by for side in self.upright_shape)
        right, bottom = (-(-side // self.shrunk_by) for side in self.upright_shape[::-1])
        left, top = (right - width if columns < 0 else 0.0), (bottom - height if rows < 0 else 0.0)
        return left, top, left + width, top + height


def gray_or_rgb(values: np.ndarray, maximum: float, **details: object) -> Raster:
    """Return a raster of one to four channels: gray or RGB, with straight alpha if their number is even.

    Parameters
    ----------
    values : ndarray, shape (H, W) or (H, W, 1 to 4)
        The stored values.
    maximum : float
        The value of full intensity.
    **details
        Further fields of `Raster`.

    Returns
    -------
    Raster
        The raster.
    """
    values = np.atleast_3d(values)
    channels = values.shape[2]
    kind = ("gray" if channels < 3 else "rgb", maximum, "" if channels % 2 else "straight")
    return Raster(values, *kind, **details)  # type: ignore[arg-type]


def to_rgb(raster: Raster, conversion: Conversion | None) -> Floats:
    """Return the upright RGB image of a raster.

    Parameters
    ----------
    raster : Raster
        The pixels.
    conversion : Conversion or None
        How its colors become sRGB; None takes them for sRGB.

    Returns
    -------
    ndarray of float64, shape (H, W, 3)
        The image, composited over white.
    """
    values = turn_upright(raster.values, raster.orientation)
    if conversion is None and raster.space == "rgb" and not raster.alpha and values.dtype == np.float64:
        return np.ascontiguousarray(values)
    image, row = np.empty((*values.shape[:2], 3)), 0
    for band in bands(values):
        with np.errstate(all="ignore"):  # signaling NaNs, which are refused later
            image[row : row + len(band)] = _band_to_rgb(band, raster, conversion)
        row += len(band)
    return image


def _band_to_rgb(band: np.ndarray, raster: Raster, conversion: Conversion | None) -> Floats:
    channels = _CHANNELS[raster.space]
    color: np.ndarray = band[..., :channels]
    alpha = band[..., channels : channels + 1] / np.float64(raster.maximum) if raster.alpha else None
    if raster.alpha == "associated" and conversion is not None:  # only undivided colors can be converted
        assert alpha is not None
        color = np.where(alpha > 0, color / np.where(alpha > 0, alpha, 1.0), 0.0)
    if conversion is not None:
        rgb = conversion(color, raster.maximum)
    elif raster.space == "cmyk":
        rgb = _cmyk_to_rgb(color, raster.maximum)
    else:
        rgb = color / np.float64(raster.maximum)
    if alpha is None:
        return rgb
    if raster.alpha == "associated" and conversion is None:
        return rgb + (1.0 - alpha)
    return rgb * alpha + (1.0 - alpha)


def _cmyk_to_rgb(values: np.ndarray, maximum: float) -> Floats:
    """Return RGB for ink without a profile: each ink and black take away their share."""
    if values.dtype == np.uint8:
        ink = Image.frombytes("CMYK", values.shape[1::-1], np.ascontiguousarray(values).tobytes())
        return np.asarray(ink.convert("RGB")) / 255.0
    paper = 1.0 - values / np.float64(maximum)
    return paper[..., :3] * paper[..., 3:]


def bands(values: np.ndarray) -> Iterator[np.ndarray]:
    """Return the rows of an image a few at a time: intermediate results of 64 megapixels would take several GiB.

    Parameters
    ----------
    values : ndarray, shape (H, W, ...)
        The image.

    Yields
    ------
    ndarray, shape (rows, W, ...)
        Views of consecutive rows.
    """
    rows = max(1, 2**20 // max(1, values.shape[1]))
    return (values[first : first + rows] for first in range(0, values.shape[0], rows))
