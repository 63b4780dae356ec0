"""From the colors of a file to sRGB: by its ICC profile, or by what it states of its primaries and gamma."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

from ..common.arrays import Floats
from .shaper import D65, SRGB_PRIMARIES, Shaper, parse_icc, primaries_matrix, srgb_curve

Conversion = Callable[[np.ndarray, float], Floats]
"""From stored values (H, W, C) and the value of full intensity to sRGB in [0, 1], shape (H, W, 3)."""
MAX_PROFILE_BYTES = 2**24
"""Size of the largest ICC profile; those of printers have about 3 MiB."""
_LEVEL = 1 / 255
# By ITU-T H.273: BT.709, Display P3, BT.2020.
_PRIMARIES = {
    1: SRGB_PRIMARIES,
    12: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
    9: ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046)),
}
_SRGB_TRANSFER = 13
_NEAR_SRGB, _NEAR_SRGB_TRANSFERS = (1, 2, 5, 6), (1, 2, 6, 13, 14, 15)  # 2: not stated; others: television of 8 bits
_MODES = {"gray": "L", "rgb": "RGB", "cmyk": "CMYK"}
_SPACES = {"GRAY": "gray", "RGB": "rgb", "CMYK": "cmyk"}


def profile_conversion(profile: bytes, space: str) -> tuple[Conversion | None, str]:
    """Return how the colors of an image with an ICC profile become sRGB.

    A profile of curves and a matrix, as those of cameras and screens are, is applied in floating point: Pillow gives
    LittleCMS only 8 bits per channel, and dark parts of linear gray images would be wrong by up to ten levels. A
    profile with a table of colors, as those of inks are, is left to LittleCMS.

    Parameters
    ----------
    profile : bytes
        The profile; it need not be valid.
    space : {"gray", "rgb", "cmyk"}
        What the image's channels are.

    Returns
    -------
    conversion : callable or None
        None if the profile is that of sRGB, to within one of 256 levels, or cannot be used.
    note : str
        Why the profile cannot be used, or empty text.
    """
    unusable = "has a color profile that cannot be used ({}); its colors are read as {}"
    instead = "sRGB" if space != "cmyk" else "plain CMYK"
    if len(profile) > MAX_PROFILE_BYTES:
        return None, unusable.format("it is too large", instead)
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        own = _SPACES.get(opened.profile.xcolor_space.strip(), "other")
        if own != space and (own, space) != ("rgb", "gray"):
            return None, unusable.format(f"it is for {own} images", instead)
        transform = ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), _MODES[own], "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError):
        return None, unusable.format("it is damaged", instead)
    shaper = parse_icc(profile)
    if shaper is not None:
        return shaper_conversion(shaper), ""
    conversion = _by_littlecms(transform, own)
    return (None if own != "cmyk" and _is_identity(conversion, own) else conversion), ""


def code_point_conversion(primaries: int, transfer: int) -> tuple[Conversion | None, str]:
    """Return how colors that a file describes by code points become sRGB.

    Parameters
    ----------
    primaries, transfer : int
        Numbers of ITU-T H.273.

    Returns
    -------
    conversion : callable or None
        None if the colors are those of sRGB, or nearly so, or of a kind that is not read.
    note : str
        What is not read, or empty text.
    """
    if transfer == _SRGB_TRANSFER and primaries in _PRIMARIES:
        return shaper_conversion(Shaper([srgb_curve] * 3, primaries_matrix(_PRIMARIES[primaries], D65))), ""
    if primaries in _NEAR_SRGB and transfer in _NEAR_SRGB_TRANSFERS:
        return None, ""
    kind = f"primaries {primaries}, transfer {transfer} of H.273"
    return None, f"has colors of a kind that is not read ({kind}); they are read as sRGB"


def shaper_conversion(shaper: Shaper) -> Conversion | None:
    """Return how colors become sRGB by curves and a matrix.

    Parameters
    ----------
    shaper : Shaper
        Curves and matrix of the file.

    Returns
    -------
    callable or None
        None if they are those of sRGB, to within one of 256 levels.
    """
    own = "gray" if len(shaper.curves) == 1 else "rgb"

    def convert(values: np.ndarray, maximum: float) -> Floats:
        return shaper.to_srgb(_as_channels(values, own) / np.float64(maximum))

    return None if _is_identity(convert, own) else convert


def _by_littlecms(transform: ImageCms.ImageCmsTransform, own: str) -> Conversion:
    def convert(values: np.ndarray, maximum: float) -> Floats:
        values = _as_channels(values, own)
        not_finite = (values - values).sum(axis=-1, keepdims=True)  # NaN where a value is not finite, otherwise 0
        if values.dtype != np.uint8 or maximum != 255:
            values = np.rint(np.clip(np.nan_to_num(values / maximum), 0.0, 1.0) * 255.0).astype(np.uint8)
        picture = Image.fromarray(np.ascontiguousarray(values[..., 0] if own == "gray" else values))
        picture = picture if own != "cmyk" else Image.frombytes("CMYK", picture.size, picture.tobytes())
        return np.asarray(ImageCms.applyTransform(picture, transform)) / 255.0 + not_finite

    return convert


def _as_channels(values: np.ndarray, own: str) -> np.ndarray:
    """Return values in the channels of a profile: that of gray images is often one for RGB."""
    return np.repeat(values, 3, axis=-1) if own == "rgb" and values.shape[-1] == 1 else values


def _is_identity(conversion: Conversion, own: str) -> bool:
    """Return whether a conversion moves no color of a grid by more than one of 256 levels."""
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    if own == "gray":
        grid = steps[None, :, None]
    else:
        grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(1, -1, 3)
        ramp = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=-1)
        grid = np.concatenate([grid, ramp], axis=1)
    return bool(np.max(np.abs(conversion(grid, 255) - grid / 255)) <= 1.01 * _LEVEL)
