"""Reading, resizing and writing images under one convention: float64 RGB, shape (H, W, 3), nominally in [0, 1]."""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..common import validation
from ..common.arrays import Floats
from ..common.atomic_files import atomic_write
from ..common.errors import escape_unprintable, input_error, os_input_error, output_error
from .bundled import bundled_picture_path, bundled_pictures
from .color import Conversion, profile_conversion
from .decode import decode
from .raster import Raster, to_rgb


@dataclass(frozen=True, eq=False)
class Picture:
    """An image that was read from a file.

    Parameters
    ----------
    name : str
        The bundled picture's name, or the file's name without its folder.
    array : ndarray of float64, shape (H, W, 3)
        The image, resized if a size was asked for.
    sha256 : str
        The hexadecimal digest of the file.
    notes : tuple of str
        What the user should know about how the file was read, a sentence each: that a color profile could not be used,
        that only the first of several images is taken, or that a large JPEG was shrunk while it was decoded.
    """

    name: str
    array: Floats
    sha256: str
    notes: tuple[str, ...] = ()


def load_picture(
    path_or_name: str | os.PathLike[str], size: tuple[int, int] | None = None, max_side: int | None = None
) -> Picture:
    """Read an image file, or a bundled picture by its name if no file has this name.

    Colors become sRGB, by the file's ICC profile or by what a PNG file states of its gamma and primaries; alpha is
    composited over white; gray, palette and CMYK images become RGB; rotation is applied; of an animation or a file of
    several pages the first full-size image is taken. Images of up to 16 bits keep their precision. Float TIFF, PFM and
    .npy files contain values in [0, 1], which they may leave by a little. Metadata that are damaged or huge do not
    matter.

    A JPEG of more than 64 megapixels is shrunk while it is decoded, and other formats of that size are refused.
    Bundled pictures are read by their stored values, without their profiles: the kit's results depend on their bits.

    Parameters
    ----------
    path_or_name : str or os.PathLike
        A file, or a name from `bundled_pictures`.
    size : tuple of int, optional
        (height, width) in pixels, as in `fit`.
    max_side : int, optional
        Longest side in pixels, as in `fit`.

    Returns
    -------
    Picture
        The image, its name and the digest of its file.

    Raises
    ------
    InputError
        The file is missing, unreadable, damaged, incomplete, too small, too large or has a value that is not finite,
        or the size is not accepted.
    """
    label, data, digest, bundled = _read(path_or_name)
    validation.one_size(size, max_side)
    wanted = validation.shape(size) if size is not None else max_side
    raster = decode(data, label, wanted)
    del data  # a large file: at 64 megapixels every copy counts
    conversion, note = (None, "") if bundled else _find_conversion(raster)
    image = validation.image(to_rgb(raster, conversion), f"image {label}")
    notes = tuple(escape_unprintable(f"image {label} {text}") for text in (*raster.notes, note) if text)
    if raster.full_shape is not None and (size is not None or max_side is not None):
        # The sides in the file decide on those of the result: they were rounded while it was decoded.
        shape = validation.shape(size) if size is not None else _shrunk_shape(raster.upright_shape, max_side)
        enlarged = size is None and shape[0] > image.shape[0]
        return Picture(label, image if enlarged else _resample(image, shape, raster.box), digest, notes)
    return Picture(label, fit(image, size, max_side), digest, notes)


def _find_conversion(raster: Raster) -> tuple[Conversion | None, str]:
    """Return how the colors of a raster become sRGB, and what to say about it."""
    if raster.conversion is not None or not raster.profile:
        return raster.conversion, ""
    return profile_conversion(raster.profile, raster.space)


def _read(path_or_name: str | os.PathLike[str]) -> tuple[str, bytes, str, bool]:
    """Return the name, content and digest of a file, and whether it is bundled."""
    pictures = bundled_pictures()
    file = validation.path(path_or_name, "image")
    entry = pictures.get(str(file)) if os.path.isdir(file) or not os.path.lexists(file) else None
    given = bundled_picture_path(entry.name) if entry else path_or_name
    try:
        data = validation.regular_file(given, "image", list(pictures)).read_bytes()
    except OSError as error:
        raise os_input_error(error, "image", file, "a file that you may read") from None
    digest = hashlib.sha256(data).hexdigest()
    if entry and digest != entry.sha256:
        what, step = "has changed inside its package", f"install the locked version of {entry.distribution}"
        raise input_error(f"bundled picture {entry.name}", what, digest, f"sha256 {entry.sha256}", step)
    return (entry.name if entry else file.name), data, digest, entry is not None


def fit(image: Floats, size: tuple[int, int] | None = None, max_side: int | None = None) -> Floats:
    """Resize an image to a size, or shrink it to a longest side and keep its aspect ratio.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        The image.
    size : tuple of int, optional
        (height, width) in pixels, as in `resize`.
    max_side : int, optional
        Longest side in pixels; an image is never enlarged to it.

    Returns
    -------
    ndarray of float64, shape (height, width, 3)
        The resized image; without `size` and `max_side`, the image itself.

    Raises
    ------
    InputError
        Both `size` and `max_side` are given, or a side would be shorter than `validation.MIN_SIDE`.
    """
    validation.one_size(size, max_side)
    if size is not None:
        return resize(image, size)
    image = validation.image(image, "image")
    if max_side is None:
        return image
    shape = _shrunk_shape(image.shape[:2], max_side)
    return image if shape == image.shape[:2] else resize(image, shape)


def _shrunk_shape(shape: tuple[int, ...], max_side: int | None) -> tuple[int, int]:
    """Return (height, width) shrunk to a longest side, or as they are if they are not longer."""
    height, width = shape
    longest = validation.integer_in_range(max_side, "max_side", validation.MIN_SIDE, math.inf)
    if longest >= max(height, width):
        return height, width
    needed = math.ceil(validation.MIN_SIDE * max(height, width) / min(height, width))
    validation.integer_in_range(longest, f"max_side of an image of {width}x{height} pixels", needed, math.inf)
    return round(height * longest / max(height, width)), round(width * longest / max(height, width))


def resize(image: Floats, size: tuple[int, int]) -> Floats:
    """Resize an image by anti-aliased bilinear interpolation.

    Pillow widens its triangular filter when it shrinks an image, which prevents aliasing. Each channel is resized as
    float32 and is never rounded to 8 bits.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        The image.
    size : tuple of int
        (height, width) in pixels, accepted by `validation.shape`.

    Returns
    -------
    ndarray of float64, shape (height, width, 3)
        A new image, with values in the range of `image`.

    Raises
    ------
    InputError
        The image or the size is not accepted.
    """
    image = validation.image(image, "image")
    height, width = validation.shape(size)
    if image.shape[:2] == (height, width):
        return image.copy()
    return _resample(image, (height, width))


def _resample(image: Floats, shape: tuple[int, int], box: tuple[float, float, float, float] | None = None) -> Floats:
    """Resize the part of an image in a box, (left, top, right, bottom), to (height, width)."""
    planes = (Image.fromarray(image[..., k].astype(np.float32)) for k in range(3))
    resized = [np.asarray(plane.resize(shape[::-1], Image.Resampling.BILINEAR, box)) for plane in planes]
    return np.stack(resized, axis=-1).astype(np.float64)


def out_of_range_fraction(image: Floats) -> float:
    """Return the fraction of an image's values that lie outside [0, 1].

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        The image.

    Returns
    -------
    float
        From 0 to 1; values are counted, not pixels.

    Raises
    ------
    InputError
        The array is not an image.
    """
    image = validation.image(image, "image")
    return float(np.mean((image < 0.0) | (image > 1.0)))


def save_png(path: str | os.PathLike[str], image: Floats) -> Path:
    """Write an image as an 8-bit PNG, whole or not at all.

    Parameters
    ----------
    path : str or os.PathLike
        A name that ends in .png, in an existing folder.
    image : ndarray of float, shape (H, W, 3)
        The image; `to_uint8` clips and rounds it.

    Returns
    -------
    Path
        The path of the file.

    Raises
    ------
    InputError
        The array is not an image, or the name does not end in .png.
    OutputError
        The file cannot be written.
    """
    accepted = "the name of a .png file in an existing folder"
    target = validation.path(path, "output image")
    if target.suffix.lower() != ".png":
        raise input_error("output image", "is not named .png", target, accepted, "end its name with .png")
    pixels = to_uint8(image)
    try:
        with atomic_write(target) as sibling:
            Image.fromarray(pixels).save(sibling, format="PNG")
    except OSError as error:
        raise output_error(error, "output image", target, accepted) from None
    return target


def to_uint8(image: Floats) -> NDArray[np.uint8]:
    """Return an image with 8-bit values.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        The image.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        The image, clipped to [0, 1] and rounded to the nearest of 256 levels.

    Raises
    ------
    InputError
        The array is not an image.
    """
    levels: Floats = np.rint(np.clip(validation.image(image, "image"), 0.0, 1.0) * 255.0)
    return levels.astype(np.uint8)
