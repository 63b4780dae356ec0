"""The pixel values in the bytes of an image file, of any supported kind, bit depth and color type."""

from __future__ import annotations

import io
import logging
import sys
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from ..common import validation
from ..common.arrays import Floats
from ..common.errors import InputError, describe_value, input_error
from ..common.safe_npz import parse_npy
from ..common.silence import silence_stderr

if TYPE_CHECKING:
    import tifffile

_FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP")
_ACCEPTED = "a PNG, JPEG, TIFF, GIF, BMP or WebP image or .npy array of floats, at most 64 megapixels"
_UNCOMPRESSED, _DEFLATE = 1, (8, 32946)  # of a TIFF, which has two numbers for deflate
_MAX_VALUES = {1: 255.0, 2: 65535.0}  # of unsigned integers, by their size in bytes
_MAX_SCANS = 200  # of a JPEG: each is a pass over all pixels, and progressive files have about ten
_MAX_EXIF = 2**18  # bytes: Pillow may keep many copies of them in memory
_FLOAT_LIMIT = 10.0  # unclipped results leave [0, 1] by a little, data in 0..255 by far
_COLOR_16_BITS = ("RGB;16", "RGBA;16", "RGBX;16", "LA;16")  # raw modes of Pillow
for _library in ("PIL", "tifffile"):  # the log of a library without a handler of its own goes to stderr
    logging.getLogger(_library).addHandler(logging.NullHandler())


def decode(data: bytes, label: str) -> np.ndarray:
    """Return the values in the bytes of an image file.

    The file may be PNG, JPEG, TIFF, GIF, BMP, WebP or NumPy's .npy. EXIF rotation is applied, and of an animation the
    first frame is taken. Use `to_rgb` to turn the values into an image.

    Parameters
    ----------
    data : bytes
        The whole file.
    label : str
        The file's name for messages.

    Returns
    -------
    ndarray, shape (H, W) or (H, W, 1 to 4)
        Gray or color values, with alpha last: floating-point numbers, finite or not, or uint8 or uint16 over the whole
        range of the type.

    Raises
    ------
    InputError
        The file is damaged, incomplete, too large or of another kind.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decode_by_signature(data, label)
    except InputError:
        raise
    except Exception as error:  # decoders raise exceptions of every kind on damaged data
        raise _refusal(f"is damaged, incomplete or too large ({str(error)[:80]})", label) from None


def to_rgb(values: np.ndarray) -> Floats:
    """Return decoded values as an RGB image.

    Integers are scaled to [0, 1], gray is repeated in all channels, and alpha is composited over white.

    Parameters
    ----------
    values : ndarray, shape (H, W) or (H, W, 1 to 4)
        Values as `decode` returns them.

    Returns
    -------
    ndarray of float64, shape (H, W, 3)
        The image; the input itself if it already has this type and shape.
    """
    values = np.atleast_3d(values)
    if values.dtype == np.float64 and values.shape[-1] == 3:
        return values
    maximum = _MAX_VALUES[values.dtype.itemsize] if values.dtype.kind == "u" else None
    image, row = np.empty((*values.shape[:2], 3)), 0
    for band in _bands(values):
        with np.errstate(all="ignore"):  # signaling NaNs, which are refused later
            band = band.astype(np.float64) if maximum is None else band / maximum
            if values.shape[-1] in (2, 4):
                color, alpha = band[..., :-1], band[..., -1:]
                band = color * alpha + (1.0 - alpha)
        image[row : row + len(band)] = band
        row += len(band)
    return image


def _decode_by_signature(data: bytes, label: str) -> np.ndarray:
    if data.startswith(b"\x93NUMPY"):
        return _check_floats(parse_npy(data), label)
    try:
        # libtiff writes to stderr what its exception says anyway.
        with silence_stderr if data[:2] in (b"II", b"MM") else nullcontext():
            return _decode_pillow(data, label)
    except UnidentifiedImageError:
        if data.startswith((b"II*\0", b"MM\0*")):
            return _decode_tiff(data, label)
        raise _refusal("is not an image of a known kind", label) from None


def _decode_pillow(data: bytes, label: str) -> np.ndarray:
    with _open(data) as image:
        _check_header(image, data, label)
        tags = getattr(image, "tag_v2", {})
        args = image.tile[0].args if image.tile else None
        rawmode = str(args[0] if isinstance(args, tuple) else args)
        if rawmode == "R" and max(tags[258]) > 8:
            return _decode_tiff(data, label)  # Pillow misreads 16-bit planes stored one after another
        if image.mode == "I":
            raise _refusal("has signed or 32-bit integers", label, "save it with 8 or 16 bits")
        if rawmode.startswith(_COLOR_16_BITS):
            values = _decode_16_bits(data, rawmode)
        else:
            upright = ImageOps.exif_transpose(image)
            if image.mode == "F":
                return _check_floats(np.asarray(upright), label)
            if not image.mode.startswith("I;16"):
                return np.asarray(upright.convert("RGBA"))
            values = np.asarray(upright)[..., None]
        values = 65535 - values if tags.get(262) == 0 else values  # white is zero
        if (key := image.info.get("transparency")) is not None:
            opaque = np.any(values != np.asarray(key), axis=-1, keepdims=True)
            values = np.concatenate([values, np.uint16(65535) * opaque], axis=-1)
        return values


def _check_header(image: ImageFile.ImageFile, data: bytes, label: str) -> None:
    """Refuse what would take too much time or memory to decode, or is visibly damaged."""
    _check_pixel_count(image.height, image.width, label)
    exif = image.info.get("exif") or image.info.get("Raw profile type exif") or b""
    many_scans = image.format in ("JPEG", "MPO") and data.count(b"\xff\xda") > _MAX_SCANS
    if many_scans or len(exif) > _MAX_EXIF:
        raise _refusal("has too many scans or too much metadata", label, "save it again without metadata")
    if image.format == "PNG":  # only verify() notices a missing end or a wrong checksum
        _open(data).verify()


def _decode_16_bits(data: bytes, rawmode: str) -> np.ndarray:
    # Pillow keeps only the high byte of each color value. Decoding again with the other byte order gives the low byte.
    # Gray with alpha is decoded completely if its four bytes are taken for RGBA.
    if rawmode == "LA;16B":
        octets = _decode_as(data, "RGBA")
        return 256 * octets[..., ::2] + octets[..., 1::2]
    big = rawmode[-1] == "B" or (rawmode[-1] == "N" and sys.byteorder == "big")
    return 256 * _decode_as(data, rawmode) + _decode_as(data, rawmode[:-1] + ("L" if big else "B"))


def _decode_as(data: bytes, rawmode: str) -> NDArray[np.uint16]:
    """Decode the file as if its values were stored in another of Pillow's raw modes."""
    with _open(data) as image:
        image.tile = [
            tile._replace(args=(rawmode, *tile.args[1:]) if isinstance(tile.args, tuple) else rawmode)
            for tile in image.tile
        ]
        return np.asarray(ImageOps.exif_transpose(image)).astype(np.uint16)


def _open(data: bytes) -> ImageFile.ImageFile:
    return Image.open(io.BytesIO(data), formats=_FORMATS)


def _decode_tiff(data: bytes, label: str) -> np.ndarray:
    import tifffile  # only the few kinds of TIFF that Pillow does not read need it

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        _check_pixel_count(page.imagelength, page.imagewidth, label)
        if not _is_bounded(page, data):
            raise _refusal("claims more data than it shows, or is compressed in an unknown way", label)
        values = np.moveaxis(page.asarray(), 0, -1) if page.axes == "SYX" else page.asarray()
        return values if values.dtype == np.uint16 and _has_image_shape(values) else _check_floats(values, label)


def _is_bounded(page: tifffile.TiffPage, data: bytes) -> bool:
    """Return whether decoding a TIFF page takes no more memory than its size in pixels justifies."""
    max_values = 4 * page.size + 2**20  # tiles at the edges are larger than their visible part
    if page.nbytes > 2**30 or page.tilewidth * page.tilelength > max_values:  # 2**30: 64 megapixels of four float32
        return False
    if page.compression == _UNCOMPRESSED:
        return True
    if page.compression not in _DEFLATE or page.dtype is None:
        return False
    segments = zip(page.dataoffsets, page.databytecounts, strict=True)
    return _inflates_within((data[at : at + n] for at, n in segments), max_values * page.dtype.itemsize)


def _inflates_within(segments: Iterable[bytes], limit: int) -> bool:
    """Return whether deflated bytes inflate to at most `limit` bytes; the decoder itself would fill all memory."""
    for segment in segments:
        inflater = zlib.decompressobj()
        while segment and limit >= 0:
            limit -= len(inflater.decompress(segment, 2**20))
            segment = inflater.unconsumed_tail
    return limit >= 0


def _check_floats(values: np.ndarray, label: str) -> np.ndarray:
    fits = values.dtype.kind == "f" and _has_image_shape(values)
    if fits:
        _check_pixel_count(values.shape[0], values.shape[1], label)
    if not fits or any(np.any(np.abs(band) > _FLOAT_LIMIT, where=np.isfinite(band)) for band in _bands(values)):
        what = f"has no floats near [0, 1], or has the wrong shape ({describe_value(values)})"
        raise _refusal(what, label, "save floats in [0, 1] of shape (height, width, 3)")
    return values


def _has_image_shape(values: np.ndarray) -> bool:
    return values.ndim == 2 or (values.ndim == 3 and 1 <= values.shape[2] <= 4)


def _bands(values: np.ndarray) -> Iterator[np.ndarray]:
    """Return the rows a few at a time: intermediate results of 64 megapixels would take several GiB."""
    rows = max(1, 2**20 // max(1, values.shape[1]))
    return (values[first : first + rows] for first in range(0, values.shape[0], rows))


def _check_pixel_count(height: int, width: int, label: str) -> None:
    validation.integer_in_range(height * width, f"number of pixels of {label}", 1, validation.MAX_PIXELS)


def _refusal(what: str, label: str, step: str = "open it and save it again, or use another file") -> InputError:
    return input_error("image", what, label, _ACCEPTED, step)
