"""TIFF files: pixels of any number of bits and any arrangement.

Pillow's libtiff decompresses strips and tiles, and everything else happens here: Pillow itself knows few arrangements,
and reads some of them wrong. Only fax, JPEG and YCbCr images are left to it as a whole.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import TiffImagePlugin

from .limits import check_pixel_count, refusal
from .orientation import find_orientation
from .raster import Raster, gray_or_rgb
from .tiff_page import FLOAT, UNSIGNED, Page, read_samples
from .tiff_tags import Tag, read_directories, read_sub_directories, write_tiff

_COMPRESSIONS = (1, 5, 8, 32946, 32773, 34925, 50000)  # none, LZW, deflate (two numbers), PackBits, LZMA, zstd
_BY_PILLOW = (2, 3, 4, 6, 7, 50001)  # fax (three kinds), JPEG (two), WebP
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_COLORS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _CMYK: 4}
_SENSOR = (32803, 34892)  # photometric interpretations of raw data
_ALPHA = {1: "associated", 2: "straight", 999: "straight"}  # 999 is Corel Draw's
_NOT_PIXELS = (
    *(Tag.SUBFILE_TYPE, Tag.OLD_SUBFILE_TYPE, Tag.ORIENTATION, Tag.SUB_DIRECTORIES, Tag.XMP, Tag.PROFILE),
    *(Tag.DNG_VERSION, Tag.DEPTH),
)


def decode_tiff(data: bytes, label: str) -> Raster:
    """Return the pixels of a TIFF file: those of its first page that is neither a reduced image nor a mask.

    Parameters
    ----------
    data : bytes
        The whole file, classic TIFF or BigTIFF.
    label : str
        The file's name.

    Returns
    -------
    Raster
        Gray, RGB or CMYK of up to 16 bits, or of floating-point numbers.

    Raises
    ------
    Exception
        `InputError` for a kind of TIFF that is not read, or another exception for a file that is damaged.
    """
    pages = [Page(tags) for tags in read_directories(data)]
    if not pages:
        raise ValueError("it has no page")
    if any(_is_raw(page) for page in pages):
        raise refusal("is a camera's raw file", label, "develop it in a photo program and save it as TIFF or PNG")
    full = [page for page in pages if not _is_reduced(page)]
    page = (full or pages)[0]
    check_pixel_count(page.height, page.width, label)
    if page.tags.number(Tag.DEPTH, 1) != 1:
        raise refusal("is a volume of several slices", label, "save one slice of it as an image")
    photometric, compression = page.tags.number(Tag.PHOTOMETRIC, _BLACK_IS_ZERO), page.compression
    if compression in _COMPRESSIONS and photometric in _COLORS:
        raster = _decode_samples(page, photometric, label)
    elif compression in _BY_PILLOW or (photometric == _YCBCR and _is_plain_ycbcr(page)):
        raster = _decode_by_pillow(page, label)
    else:
        what = f"has pixels of a kind that is not read (photometric {photometric}, compression {compression})"
        raise refusal(what, label, "save it as RGB without compression, or as PNG")
    notes = (f"has {len(full)} pages; the first one is used",) if len(full) > 1 else ()
    orientation = page.tags.number(Tag.ORIENTATION, find_orientation(b"", page.tags.content(Tag.XMP)))
    return Raster(
        raster.values,
        raster.space,
        raster.maximum,
        raster.alpha,
        profile=page.tags.content(Tag.PROFILE),
        orientation=orientation if 1 <= orientation <= 8 else 1,
        notes=notes,
    )


def _is_raw(page: Page) -> bool:
    """Return whether a page, or a directory below it, is what a sensor measured."""
    directories = [page.tags, *read_sub_directories(page.tags)]
    sensor = any(tags.number(Tag.PHOTOMETRIC, 0) in _SENSOR for tags in directories)
    return sensor or Tag.DNG_VERSION in page.tags


def _is_reduced(page: Page) -> bool:
    return bool(page.tags.number(Tag.SUBFILE_TYPE, 0) & 0b101) or page.tags.number(Tag.OLD_SUBFILE_TYPE, 1) == 2


def _is_plain_ycbcr(page: Page) -> bool:
    """Return whether a YCbCr image is stored as full pixels of 8 bits, which Pillow reads."""
    subsampling = page.tags.numbers(Tag.YCBCR_SUBSAMPLING, (2, 2))
    plain = page.compression in _COMPRESSIONS and subsampling == (1, 1)
    return plain and page.planes == 1 and page.bits == 8 and page.samples == 3


def _decode_by_pillow(page: Page, label: str) -> Raster:
    if page.bits not in (1, 8):
        raise refusal(f"is compressed with {page.bits} bits per channel", label, "save it without compression")
    tags = {
        Tag(tag): page.tags.content(Tag(tag)) if tag == Tag.JPEG_TABLES else page.tags.numbers(Tag(tag))
        for tag in page.tags.entries
        if tag not in _NOT_PIXELS
    }
    with TiffImagePlugin.TiffImageFile(io.BytesIO(write_tiff(tags, page.tags.order, page.tags.data))) as image:
        check_pixel_count(image.height, image.width, label)
        image.load()
        if image.mode == "CMYK":
            return Raster(np.asarray(image), "cmyk", 255)
        plain = image.mode in ("L", "LA", "RGB", "RGBA")
        return gray_or_rgb(np.asarray(image if plain else image.convert("L" if image.mode == "1" else "RGB")), 255)


def _decode_samples(page: Page, photometric: int, label: str) -> Raster:
    if len({*page.tags.numbers(Tag.BITS, (1,))}) > 1 or len({*page.tags.numbers(Tag.FORMATS, (1,))}) > 1:
        raise refusal("has channels of different types", label, "save it with 8 or 16 bits per channel")
    kind, bits = page.tags.number(Tag.FORMATS, UNSIGNED), page.bits
    if kind not in (UNSIGNED, FLOAT, 4) or (kind != FLOAT and bits > 16):  # 4: undefined, in practice unsigned
        raise refusal("has signed or 32-bit integers", label, "save it with 8 or 16 bits, or as floats in [0, 1]")
    if kind == FLOAT and (bits not in (16, 32, 64) or photometric == _PALETTE):
        raise refusal(f"has floating-point numbers of {bits} bits", label, "save it with 32 bits")
    colors = _COLORS[photometric]
    if page.samples < colors:
        raise ValueError(f"it has {page.samples} channels instead of {colors}")
    extra = page.tags.numbers(Tag.EXTRA_SAMPLES, (2,) * (page.samples - colors))[: page.samples - colors]
    at = next((k for k, each in enumerate(extra) if each in _ALPHA), None)
    chosen = [*range(colors), *(() if at is None else (colors + at,))]
    values = read_samples(page, chosen)
    alpha = "" if at is None else _ALPHA[extra[at]]
    maximum = 1.0 if kind == FLOAT else float(2**bits - 1)
    if photometric == _PALETTE:
        return _apply_palette(page, values, alpha)
    if photometric == _WHITE_IS_ZERO:
        top = values.dtype.type(maximum)
        values = np.concatenate([top - values[..., :1], values[..., 1:]], axis=-1)
    space = {1: "gray", 3: "rgb", 4: "cmyk"}[colors]
    return Raster(values, space, maximum, alpha)


def _apply_palette(page: Page, values: np.ndarray, alpha: str) -> Raster:
    colors = np.array(page.tags.numbers(Tag.COLORS)).reshape(3, -1).T
    if colors.max() > 255:  # 16 bits, of which programs fill the low ones in different ways
        colors = colors >> 8
    if values[..., 0].max() >= len(colors):
        raise ValueError("a color is not in its palette")
    rgb = colors.astype(np.uint8)[values[..., 0]]
    if alpha:
        opacity = np.rint(values[..., 1:] * (255 / (2**page.bits - 1))).astype(np.uint8)
        rgb = np.concatenate([rgb, opacity], axis=-1)
    return Raster(rgb, "rgb", 255, alpha)
