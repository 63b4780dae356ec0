"""What the bytes of a picture file hold, of whatever kind, depth and color."""

import io
import logging
import sys
import warnings
import zlib
from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..common import validation
from ..common.errors import InputError, describe_value, input_error
from ..common.safe_npz import parse_npy
from ..common.silence import silence_stderr

_FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP")
_ACCEPTED = "a PNG, JPEG, TIFF, GIF, BMP or WebP picture or .npy array of floats, at most 64 megapixels"
_DEFLATED = (8, 32946)  # the two numbers that TIFF has for it
_TOPS = {1: 255.0, 2: 65535.0}  # of unsigned integers, by their bytes
_MOST_SCANS = 200  # of a JPEG: each is a pass over all pixels, and progressive ones have about ten
_MOST_EXIF = 2**18  # bytes: Pillow may hold them many times over
_FLOAT_LIMIT = 10.0  # unclipped results stray a little from [0, 1]; 0..255 data strays far
for _library in ("PIL", "tifffile"):  # without a handler of its own, a library's log goes to stderr
    logging.getLogger(_library).addHandler(logging.NullHandler())


def decode(data: bytes, label: str) -> np.ndarray:
    """Return the values that a file's bytes hold; `label` is its name in errors.

    PNG, JPEG, TIFF, GIF, BMP, WebP and NumPy's .npy; EXIF rotation is applied, of an animation the first frame is
    taken. The array is (H, W) or (H, W, 1 to 4): floats, finite or not, or all of the range of uint8 or uint16, of
    which `over_white` makes a picture. Raises `InputError` for what is damaged, truncated, too large or of another
    kind.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if data.startswith(b"\x93NUMPY"):
                return _floats(parse_npy(data), label)
            try:
                # libtiff writes to stderr what its exception says anyway.
                with silence_stderr() if data[:2] in (b"II", b"MM") else nullcontext():
                    return _decode_pillow(data, label)
            except UnidentifiedImageError:
                if data.startswith((b"II*\0", b"MM\0*")):
                    return _decode_tiff(data, label)
                raise _refused("is not a picture of a known kind", label) from None
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - decoders meet damaged data with errors of every kind
        raise _refused(f"is damaged, cut short or too large ({str(error)[:80]})", label) from None


def over_white(values: np.ndarray) -> np.ndarray:
    """Return values as of `decode` as float64 (H, W, 3): integers scaled to [0, 1], alpha composited over white."""
    values = np.atleast_3d(values)
    if values.dtype == np.float64 and values.shape[-1] == 3:
        return values
    top = _TOPS[values.dtype.itemsize] if values.dtype.kind == "u" else None
    image, done = np.empty((*values.shape[:2], 3)), 0
    for band in _bands(values):
        with np.errstate(all="ignore"):  # signaling NaNs; they are refused later
            band = band.astype(np.float64) if top is None else band / top
            if values.shape[-1] in (2, 4):
                color, alpha = band[..., :-1], band[..., -1:]
                band = color * alpha + (1.0 - alpha)
        image[done : done + len(band)] = band
        done += len(band)
    return image


def _refused(what: str, label: str, step: str = "open and save it anew, or use another") -> InputError:
    return input_error("picture", what, label, _ACCEPTED, step)


def _within_limit(height: int, width: int, label: str) -> None:
    validation.in_range(height * width, f"number of pixels of {label}", 1, validation.MAX_PIXELS, integer=True)


def _open(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=_FORMATS)


def _decode_pillow(data: bytes, label: str) -> np.ndarray:
    with _open(data) as image:
        _within_limit(image.height, image.width, label)
        exif = image.info.get("exif") or image.info.get("Raw profile type exif") or b""
        if data.count(b"\xff\xda") > _MOST_SCANS and image.format in ("JPEG", "MPO") or len(exif) > _MOST_EXIF:
            raise _refused("has too many scans, or too much said about it", label, "save it anew without metadata")
        if image.format == "PNG":  # only verify() sees a lost end or a bad checksum
            _open(data).verify()
        tags = getattr(image, "tag_v2", {})
        args = image.tile[0].args if image.tile else None
        rawmode = str(args[0] if isinstance(args, tuple) else args)
        if rawmode == "R" and max(tags[258]) > 8:
            return _decode_tiff(data, label)  # Pillow misreads 16-bit planes stored one after another
        if image.mode == "I":
            raise _refused("holds signed or 32-bit integers", label, "save it with 8 or 16 bits")
        if rawmode.startswith(("RGB;16", "RGBA;16", "RGBX;16", "LA;16")):
            values = _decode_16_bits(data, rawmode)
        else:
            upright = ImageOps.exif_transpose(image)
            if image.mode == "F":
                return _floats(np.asarray(upright), label)
            if not image.mode.startswith("I;16"):
                return np.asarray(upright.convert("RGBA"))
            values = np.asarray(upright)[..., None]
        values = 65535 - values if tags.get(262) == 0 else values  # white is zero
        if (key := image.info.get("transparency")) is not None:
            opaque = np.any(values != np.asarray(key), axis=-1, keepdims=True)
            values = np.concatenate([values, np.uint16(65535) * opaque], axis=-1)
        return values


def _decode_16_bits(data: bytes, rawmode: str) -> np.ndarray:
    # Pillow keeps only the high byte of each color value. Reading again as if of the other byte order gives
    # the low byte; gray with alpha comes out whole when its four bytes are taken for RGBA.
    if rawmode == "LA;16B":
        whole = _bytes_as(data, "RGBA")
        return 256 * whole[..., ::2] + whole[..., 1::2]
    big = rawmode[-1] == "B" or (rawmode[-1] == "N" and sys.byteorder == "big")
    return 256 * _bytes_as(data, rawmode) + _bytes_as(data, rawmode[:-1] + ("L" if big else "B"))


def _bytes_as(data: bytes, rawmode: str) -> np.ndarray:
    with _open(data) as image:
        image.tile = [
            tile._replace(args=(rawmode, *tile.args[1:]) if isinstance(tile.args, tuple) else rawmode)
            for tile in image.tile
        ]
        return np.asarray(ImageOps.exif_transpose(image)).astype(np.uint16)


def _decode_tiff(data: bytes, label: str) -> np.ndarray:
    import tifffile  # only for the few TIFF kinds that Pillow does not read

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        _within_limit(page.imagelength, page.imagewidth, label)
        most = 4 * page.size + 2**20  # tiles at the edges are larger than what is seen of them
        segments = zip(page.dataoffsets, page.databytecounts, strict=True)
        if (
            page.nbytes > 2**30  # 64 megapixels of four float32
            or page.tilewidth * page.tilelength > most
            or page.compression not in (1, *_DEFLATED)
            or (
                page.compression in _DEFLATED
                and not _inflate_within((data[at : at + n] for at, n in segments), most * page.dtype.itemsize)
            )
        ):
            raise _refused("claims to hold more than it shows, or is compressed in an unknown way", label)
        values = np.moveaxis(page.asarray(), 0, -1) if page.axes == "SYX" else page.asarray()
        return values if values.dtype == np.uint16 and _is_picture(values) else _floats(values, label)


def _inflate_within(segments: Iterator[bytes], most: int) -> bool:
    """Return whether deflated bytes hold at most so many; the decoder itself would go on until the memory is full."""
    for segment in segments:
        inflate = zlib.decompressobj()
        while segment and most >= 0:
            most -= len(inflate.decompress(segment, 2**20))
            segment = inflate.unconsumed_tail
    return most >= 0


def _floats(values: np.ndarray, label: str) -> np.ndarray:
    fits = values.dtype.kind == "f" and _is_picture(values)
    if fits:
        _within_limit(*values.shape[:2], label)
    if not fits or any(np.any(np.abs(band) > _FLOAT_LIMIT, where=np.isfinite(band)) for band in _bands(values)):
        what = f"has no floats near [0, 1], or a wrong shape ({describe_value(values)})"
        raise _refused(what, label, "save floats in [0, 1] of shape (height, width, 3)")
    return values


def _is_picture(values: np.ndarray) -> bool:
    return values.ndim == 2 or (values.ndim == 3 and 1 <= values.shape[2] <= 4)


def _bands(values: np.ndarray) -> Iterator[np.ndarray]:
    """Rows a few at a time: intermediate results of 64 megapixels at once would take several GiB."""
    rows = max(1, 2**20 // max(1, values.shape[1]))
    return (values[first : first + rows] for first in range(0, values.shape[0], rows))
