"""The pages of TIFF files: how their pixels are stored, in strips or tiles, together or in planes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import TiffImagePlugin

from .samples import unpack_samples
from .tiff_tags import Directory, Tag, write_tiff

UNSIGNED, FLOAT = 1, 3
"""Formats of samples: unsigned integers and floating-point numbers."""
_UNCOMPRESSED = 1
_MAX_BYTES = 2**30  # 64 megapixels of four float32
_GROUP_BYTES = 2**25
_SLACK = 2**16  # bytes by which compressed data may exceed twice the size of their pixels


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
        return self.tags.number(Tag.FORMATS, UNSIGNED) == FLOAT

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


def read_samples(page: Page, chosen: list[int]) -> np.ndarray:
    """Return some samples of all pixels.

    Parameters
    ----------
    page : Page
        How the pixels are stored.
    chosen : list of int
        The numbers of the samples, from 0.

    Returns
    -------
    ndarray, shape (H, W, samples)
        Values as `samples.unpack_samples` returns them.

    Raises
    ------
    Exception
        The pixels are damaged or cut short; most often `ValueError` or `OSError`.
    """
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
    """Return the rows of some strips or tiles, which libtiff receives as the strips of a gray image of bytes."""
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
