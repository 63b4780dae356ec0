"""The pixels in the bytes of an image file, of any supported kind, bit depth and color type."""

from __future__ import annotations

import io
import logging
import struct
import warnings
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, JpegImagePlugin, UnidentifiedImageError

from ..common.errors import InputError, describe_value
from ..common.safe_npz import parse_npy
from ..common.silence import silence_stderr
from .color import Conversion, code_point_conversion
from .jpeg import check_scans, shrink_factor, split_jpeg
from .kinds import is_avif, is_raw, is_tga, unknown_kind
from .limits import MAX_JPEG_PIXELS, check_pixel_count, refusal
from .netpbm import decode_netpbm, is_netpbm
from .orientation import find_orientation
from .png import SIGNATURE, PngParts, split_png
from .raster import Raster, bands, gray_or_rgb
from .tiff import decode_tiff
from .tiff_tags import SIGNATURES

Wanted = tuple[int, int] | int | None
"""The size to which an image is resized afterwards: (height, width), or the longest side; None if it is not."""
_FORMATS = ("GIF", "BMP", "WEBP", "JPEG2000")
_MAX_HEADER = 2**20  # bytes in which a description of colors is looked for
_FLOAT_LIMIT = 10.0  # unclipped results leave [0, 1] by a little, data in 0..255 by far
_COLOR_16_BITS = ("RGB;16B", "RGBA;16B", "LA;16B")  # raw modes of Pillow
logging.getLogger("PIL").addHandler(logging.NullHandler())  # without a handler its log goes to stderr


def decode(data: bytes, label: str, wanted: Wanted = None) -> Raster:
    """Return the pixels in the bytes of an image file.

    The file may be PNG, JPEG, TIFF, GIF, BMP, WebP, AVIF, JPEG 2000, PBM, PGM, PPM, PFM, TGA or NumPy's .npy. Of an
    animation or a file of several pages the first image is taken. A file is refused only for its pixels: metadata that
    are damaged or huge do not matter, nor does what follows the image.

    Parameters
    ----------
    data : bytes
        The whole file.
    label : str
        The file's name, for messages and for TGA files, which have no signature.
    wanted : tuple of int, int or None
        The size to which the upright image will be resized; a JPEG of more than 64 megapixels is shrunk towards it
        while it is decoded.

    Returns
    -------
    Raster
        The stored pixels; `raster.to_rgb` makes an image of them.

    Raises
    ------
    InputError
        The file is damaged, incomplete, too large or of another kind.
    """
    try:
        # libtiff and OpenJPEG write to stderr what their exceptions say anyway.
        noisy = data.startswith((*SIGNATURES, b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"))
        with warnings.catch_warnings(), silence_stderr if noisy else nullcontext():
            warnings.simplefilter("ignore")
            raster = _decode_by_signature(data, label, wanted)
        if raster.values.dtype.kind == "f":
            _check_floats(raster.values, label)
        return raster
    except InputError:
        raise
    except UnidentifiedImageError:
        raise unknown_kind(data, label) from None
    except Exception as error:  # decoders raise exceptions of every kind on damaged data
        raise refusal(f"is damaged, incomplete or too large ({str(error)[:80]})", label) from None


def _decode_by_signature(data: bytes, label: str, wanted: Wanted) -> Raster:
    if data.startswith(b"\x93NUMPY"):
        return _decode_npy(data, label)
    if data.startswith(SIGNATURE):
        width, height = struct.unpack_from(">II", data, 16)
        check_pixel_count(height, width, label)
        return _decode_png(split_png(data), label)
    if data.startswith(b"\xff\xd8\xff"):
        return _decode_jpeg(data, label, wanted)
    if data.startswith(SIGNATURES) and not is_raw(label):
        return decode_tiff(data, label)
    if is_netpbm(data):
        return decode_netpbm(data, label)
    if is_avif(data):
        return _decode_pillow(data, label, ("AVIF",))
    return _decode_pillow(data, label, (*_FORMATS, "TGA") if is_tga(data, label) else _FORMATS)


def _decode_npy(data: bytes, label: str) -> Raster:
    values = parse_npy(data)
    if values.dtype.kind != "f" or not (values.ndim == 2 or (values.ndim == 3 and 1 <= values.shape[2] <= 4)):
        what = f"has no floats near [0, 1], or has the wrong shape ({describe_value(values)})"
        raise refusal(what, label, "save floats in [0, 1] of shape (height, width, 3)")
    check_pixel_count(values.shape[0], values.shape[1], label)
    return gray_or_rgb(values, 1.0)


def _decode_png(parts: PngParts, label: str) -> Raster:
    with Image.open(io.BytesIO(parts.pixels), formats=("PNG",)) as image:
        args = image.tile[0].args
        rawmode = str(args[0] if isinstance(args, tuple) else args)
        if rawmode in _COLOR_16_BITS:
            raster = gray_or_rgb(_decode_16_bits(parts.pixels, rawmode), 65535)
        else:
            raster = _from_pillow(image)
    if parts.key:
        # A gray value of less than 8 bits is scaled while it is decoded.
        key = np.multiply(parts.key, 1 if parts.bits >= 8 else 255 // (2**parts.bits - 1))
        opaque = np.any(raster.values != key, axis=-1, keepdims=True)
        alpha = raster.values.dtype.type(raster.maximum) * opaque
        raster = replace(raster, values=np.concatenate([raster.values, alpha], axis=-1), alpha="straight")
    return replace(
        raster,
        profile=parts.profile,
        conversion=parts.conversion,
        orientation=find_orientation(parts.exif, parts.xmp),
        notes=parts.notes,
    )


def _decode_16_bits(data: bytes, rawmode: str) -> NDArray[np.uint16]:
    # Pillow keeps only the high byte of each color value. Decoding again with the other byte order gives the low byte.
    # Gray with alpha is decoded completely if its four bytes are taken for RGBA.
    if rawmode == "LA;16B":
        octets = _decode_as(data, "RGBA")
        return 256 * octets[..., ::2] + octets[..., 1::2]
    return 256 * _decode_as(data, rawmode) + _decode_as(data, rawmode[:-1] + "L")


def _decode_as(data: bytes, rawmode: str) -> NDArray[np.uint16]:
    """Decode the file as if its values were stored in another of Pillow's raw modes."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        image.tile = [
            tile._replace(args=(rawmode, *tile.args[1:]) if isinstance(tile.args, tuple) else rawmode)
            for tile in image.tile
        ]
        return np.asarray(image).astype(np.uint16)


def _decode_jpeg(data: bytes, label: str, wanted: Wanted) -> Raster:
    parts = split_jpeg(data)
    orientation = find_orientation(parts.exif, parts.xmp)
    # Not Image.open, whose limit of 179 megapixels is for images that are decoded in full.
    with JpegImagePlugin.JpegImageFile(io.BytesIO(parts.pixels)) as image:
        width, height = image.size
        check_pixel_count(height, width, label, MAX_JPEG_PIXELS)
        check_scans(parts.scans, height * width, label)
        factor = shrink_factor(height, width, _stored_size(height, width, orientation, wanted))
        notes: tuple[str, ...] = ()
        full_shape = None
        if factor > 1:
            image.draft(None, (width // factor, height // factor))  # the sides are rounded up
            full_shape = (height, width)
            notes = (f"has {width}x{height} pixels; it is read at {image.width}x{image.height}",)
        raster = _from_pillow(image)
    return replace(
        raster, profile=parts.profile, orientation=orientation, full_shape=full_shape, shrunk_by=factor, notes=notes
    )


def _stored_size(height: int, width: int, orientation: int, wanted: Wanted) -> tuple[int, int] | None:
    """Return the wanted (height, width) of the stored image, before it is turned upright."""
    if isinstance(wanted, int):
        scale = wanted / max(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))
    return wanted if wanted is None or orientation < 5 else wanted[::-1]


def _decode_pillow(data: bytes, label: str, formats: tuple[str, ...]) -> Raster:
    with Image.open(io.BytesIO(data), formats=formats) as image:
        check_pixel_count(image.height, image.width, label)
        frames = getattr(image, "n_frames", 1)
        raster = _from_pillow(image)
        xmp = image.info.get("xmp") or b""
        profile, conversion, note = image.info.get("icc_profile") or b"", None, ""
        if image.format in ("AVIF", "JPEG2000") and not profile:
            profile, conversion, note = _read_color_box(data)
        animation = f"is an animation of {frames} frames; the first one is used" if frames > 1 else ""
        return replace(
            raster,
            profile=profile,
            conversion=conversion,
            orientation=find_orientation(image.info.get("exif") or b"", xmp if isinstance(xmp, bytes) else b""),
            notes=tuple(filter(None, (animation, note))),
        )


def _read_color_box(data: bytes) -> tuple[bytes, Conversion | None, str]:
    """Return the profile, conversion and note of a box "colr", which Pillow does not pass on."""
    at = data.find(b"colr", 0, _MAX_HEADER)
    size, kind = int.from_bytes(data[max(at - 4, 0) : max(at, 0)], "big"), data[at + 4 : at + 8]
    if at >= 0 and kind == b"nclx":
        return b"", *code_point_conversion(*struct.unpack_from(">2H", data, at + 8))
    if at >= 0 and kind[:1] == b"\2":  # a profile in JPEG 2000, after three numbers of one byte
        return data[at + 7 : at - 4 + size], None, ""
    return b"", None, ""


def _from_pillow(image: ImageFile.ImageFile) -> Raster:
    image.load()
    if image.mode == "CMYK":
        return Raster(np.asarray(image), "cmyk", 255)
    if image.mode.startswith("I;16"):
        values = np.asarray(image)
        return gray_or_rgb(values.astype(np.uint16, copy=False), 65535)
    if image.mode in ("L", "LA", "RGB", "RGBA") and "transparency" not in image.info:
        return gray_or_rgb(np.asarray(image), 255)
    if image.mode == "1":
        return gray_or_rgb(np.asarray(image.convert("L")), 255)
    transparent = "transparency" in image.info or image.mode in ("PA", "RGBa", "La") or image.mode == "P"
    return gray_or_rgb(np.asarray(image.convert("RGBA" if transparent else "RGB")), 255)


def _check_floats(values: np.ndarray, label: str) -> None:
    if any(np.any(np.abs(band) > _FLOAT_LIMIT, where=np.isfinite(band)) for band in bands(values)):
        what = "has floating-point numbers that are not near [0, 1]"
        raise refusal(what, label, "divide them by their largest possible value, and save it again")
