"""TIFF files: pixels of any number of bits and any arrangement.

Pillow's libtiff decompresses strips and tiles, and everything else happens here: Pillow itself knows few arrangements,
and reads some of them wrong. Only fax, JPEG and YCbCr images are left to it as a whole.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import TiffImagePlugin

from .limits import check_pixel_count, refusal
from .orientation import find_orientation
from .raster import Raster, gray_or_rgb
from .samples import unpack_samples
from .tiff_tags import Directory, Tag, read_directories, read_sub_directories, write_tiff

_UNCOMPRESSED = 1
_COMPRESSIONS = {1: "none", 5: "LZW", 8: "deflate", 32946: "deflate", 32773: "PackBits", 34925: "LZMA", 50000: "zstd"}
_BY_PILLOW = {2: "fax", 3: "fax", 4: "fax", 6: "JPEG", 7: "JPEG", 50001: "WebP"}
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_COLORS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _CMYK: 4}
_SENSOR = (32803, 34892)  # photometric interpretations of raw data
_UNSIGNED, _FLOAT = 1, 3
_ALPHA = {1: "associated", 2: "straight", 999: "straight"}  # 999 is Corel Draw's
_MAX_BYTES = 2**30  # 64 megapixels of four float32
_GROUP_BYTES = 2**25
_SLACK = 2**16  # bytes by which compressed data may exceed twice the size of their pixels
_NOT_PIXELS = (
    *(Tag.SUBFILE_TYPE, Tag.OLD_SUBFILE_TYPE, Tag.ORIENTATION, Tag.SUB_DIRECTORIES, Tag.XMP, Tag.PROFILE),
    *(Tag.DNG_VERSION, Tag.DEPTH),
)


@dataclass(frozen=True)
class Page:
    """How the pixels of a page are stored.

    Parameters
    ----------
    tags : Directory
        The page's tags.
    """

    tags: Directory

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.tags.number(Tag.WIDTH, 0)

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.tags.number(Tag.HEIGHT, 0)

    @property
    def samples(self) -> int:
        """Number of samples of each pixel."""
        return self.tags.number(Tag.SAMPLES, 1)

    @property
    def bits(self) -> int:
        """Number of bits of each sample."""
        return self.tags.number(Tag.BITS, 1)

    @property
    def is_float(self) -> bool:
        """Whether samples are floating-point numbers."""
        return self.tags.number(Tag.FORMATS, _UNSIGNED) == _FLOAT

    @property
    def compression(self) -> int:
        """The number of the way of compression."""
        return self.tags.number(Tag.COMPRESSION, _UNCOMPRESSED)

    @property
    def predictor(self) -> int:
        """1 if samples are stored as they are, 2 or 3 if as differences."""
        return 1 if self.compression == _UNCOMPRESSED else self.tags.number(Tag.PREDICTOR, 1)

    @property
    def planes(self) -> int:
        """Number of planes that are stored one after another: 1, or one for each sample."""
        return self.samples if self.tags.number(Tag.PLANAR, 1) == 2 else 1

    @property
    def segment(self) -> tuple[int, int]:
        """(height, width) of a tile, or of a strip."""
        if Tag.TILE_WIDTH in self.tags:
            return self.tags.number(Tag.TILE_HEIGHT, 0), self.tags.number(Tag.TILE_WIDTH, 0)
        return min(self.tags.number(Tag.ROWS_PER_STRIP, self.height), self.height), self.width

    @property
    def row_bytes(self) -> int:
        """Number of bytes of a row of a segment."""
        return (self.segment[1] * (self.samples // self.planes) * self.bits + 7) // 8


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
    kind, bits = page.tags.number(Tag.FORMATS, _UNSIGNED), page.bits
    if kind not in (_UNSIGNED, _FLOAT, 4) or (kind != _FLOAT and bits > 16):  # 4: undefined, in practice unsigned
        raise refusal("has signed or 32-bit integers", label, "save it with 8 or 16 bits, or as floats in [0, 1]")
    if kind == _FLOAT and (bits not in (16, 32, 64) or photometric == _PALETTE):
        raise refusal(f"has floating-point numbers of {bits} bits", label, "save it with 32 bits")
    colors = _COLORS[photometric]
    if page.samples < colors:
        raise ValueError(f"it has {page.samples} channels instead of {colors}")
    extra = page.tags.numbers(Tag.EXTRA_SAMPLES, (2,) * (page.samples - colors))[: page.samples - colors]
    at = next((k for k, each in enumerate(extra) if each in _ALPHA), None)
    chosen = [*range(colors), *(() if at is None else (colors + at,))]
    values = _read_samples(page, chosen)
    alpha = "" if at is None else _ALPHA[extra[at]]
    maximum = 1.0 if kind == _FLOAT else float(2**bits - 1)
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


def _read_samples(page: Page, chosen: list[int]) -> np.ndarray:
    """Return the chosen samples of all pixels, shape (H, W, samples)."""
    height, width = page.segment
    down, across = -(-page.height // height), -(-page.width // width)
    claimed = down * height * across * page.row_bytes * page.planes
    # Tiles at the edges are larger than what is seen of them.
    seen = (page.height * page.width * page.samples * page.bits + 7) // 8
    if page.samples > 64 or claimed > _MAX_BYTES or claimed > 4 * seen + 2**20:
        raise ValueError("it claims more data than it shows")
    tags = page.tags
    offsets = tags.numbers(Tag.TILE_OFFSETS) or tags.numbers(Tag.STRIP_OFFSETS)
    sizes = tags.numbers(Tag.TILE_SIZES) or tags.numbers(Tag.STRIP_SIZES)
    count = down * across
    if len(offsets) < count * page.planes:
        raise ValueError("it has too few strips or tiles")
    if len(sizes) < len(offsets):  # some old programs leave them out
        most = height * page.row_bytes + _SLACK
        sizes = tuple(max(1, min(len(page.tags.data) - at, most)) for at in offsets)
    planes = chosen if page.planes > 1 else [0]
    per_plane = len(chosen) if page.planes == 1 else 1
    result: np.ndarray | None = None
    for target, plane in enumerate(planes):
        segments = list(zip(offsets, sizes, strict=False))[plane * count : (plane + 1) * count]
        number = 0
        for block in _decompress(page, segments):
            floating, predictor, order = page.is_float, page.predictor, page.tags.order
            pixels = unpack_samples(block, width, page.samples // page.planes, page.bits, floating, predictor, order)
            pixels = pixels[..., chosen] if page.planes == 1 else pixels
            if result is None:
                result = np.empty((page.height, page.width, len(chosen)), pixels.dtype)
            for first in range(0, len(pixels), height):
                y, x = divmod(number, across)
                part = pixels[first : first + height]
                room = result[y * height : (y + 1) * height, x * width : (x + 1) * width, target : target + per_plane]
                room[...] = part[: room.shape[0], : room.shape[1]]
                number += 1
    assert result is not None
    return result


def _decompress(page: Page, segments: list[tuple[int, int]]) -> Iterator[np.ndarray]:
    """Yield the decompressed rows of a few strips or tiles at a time, shape (rows, bytes)."""
    height, row_bytes = page.segment[0], page.row_bytes
    tiled = Tag.TILE_WIDTH in page.tags
    step = max(1, _GROUP_BYTES // (height * row_bytes))
    for first in range(0, len(segments), step):
        group = segments[first : first + step]
        rows = height * len(group)
        if not tiled and first + step >= len(segments):
            rows = page.height - first * height
        yield _decompress_group(page, group, rows)


def _decompress_group(page: Page, group: list[tuple[int, int]], rows: int) -> np.ndarray:
    """Return the rows of some strips or tiles: libtiff is told that they are strips of a gray image of bytes."""
    height, row_bytes = page.segment[0], page.row_bytes
    content, offsets, left = bytearray(8), [], rows * row_bytes
    for at, size in group:
        full = min(height * row_bytes, left)
        left -= full
        if page.compression == _UNCOMPRESSED:
            size = full
        elif size > 2 * full + _SLACK:
            raise ValueError("it has more compressed data than its pixels can be")
        piece = page.tags.data[at : at + size]
        if len(piece) < size:
            raise ValueError("it ends too early")
        offsets.append(len(content))
        content += piece
    sizes = np.diff([*offsets, len(content)]).tolist()
    tags = {
        Tag.WIDTH: [row_bytes], Tag.HEIGHT: [rows], Tag.BITS: [8], Tag.COMPRESSION: [page.compression],
        Tag.PHOTOMETRIC: [1], Tag.FILL_ORDER: [page.tags.number(Tag.FILL_ORDER, 1)], Tag.SAMPLES: [1],
        Tag.ROWS_PER_STRIP: [min(height, rows)], Tag.STRIP_OFFSETS: offsets, Tag.STRIP_SIZES: sizes,
    }  # fmt: skip
    whole = write_tiff(tags, "<", bytes(content))
    with TiffImagePlugin.TiffImageFile(io.BytesIO(whole)) as image:
        image.load()
        return np.asarray(image)
