"""The directories of TIFF files: only the tags that say how pixels are stored are read, and no other can do harm."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How TIFF files begin; the last two are BigTIFF."""
MAX_PAGES = 1000
"""How many pages are looked at."""
MAX_NUMBERS = 2**22
"""Largest number of numbers of one tag."""
_TYPES = {1: "B", 2: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}


class Tag(IntEnum):
    """The tags that are read, by their numbers in TIFF 6.0 and its supplements."""

    SUBFILE_TYPE = 254
    OLD_SUBFILE_TYPE = 255
    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    STRIP_OFFSETS = 273
    ORIENTATION = 274
    SAMPLES = 277
    ROWS_PER_STRIP = 278
    STRIP_SIZES = 279
    PLANAR = 284
    T4_OPTIONS = 292
    T6_OPTIONS = 293
    PREDICTOR = 317
    COLORS = 320
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILE_OFFSETS = 324
    TILE_SIZES = 325
    SUB_DIRECTORIES = 330
    EXTRA_SAMPLES = 338
    FORMATS = 339
    JPEG_TABLES = 347
    JPEG_PROCESS = 512
    JPEG_OFFSET = 513
    JPEG_SIZE = 514
    JPEG_RESTART = 515
    JPEG_Q_TABLES = 519
    JPEG_DC_TABLES = 520
    JPEG_AC_TABLES = 521
    YCBCR_SUBSAMPLING = 530
    YCBCR_POSITIONING = 531
    XMP = 700
    DEPTH = 32997
    PROFILE = 34675
    DNG_VERSION = 50706


_KNOWN = frozenset(Tag)
_METADATA = (Tag.ORIENTATION, Tag.SUB_DIRECTORIES, Tag.XMP, Tag.PROFILE, Tag.DNG_VERSION)


@dataclass(frozen=True)
class Directory:
    """The tags of a page, whose values are read only when they are asked for.

    Parameters
    ----------
    data : bytes
        The whole file.
    order : {"<", ">"}
        The byte order.
    entries : mapping
        By the number of each tag: the format of its numbers, how many there are, and where they begin.
    """

    data: bytes
    order: str
    entries: Mapping[int, tuple[str, int, int]]

    def __contains__(self, tag: Tag) -> bool:
        return tag in self.entries

    def numbers(self, tag: Tag, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return the numbers of a tag.

        Parameters
        ----------
        tag : Tag
            The tag.
        default : tuple of int
            What it has if it is missing.
        """
        if tag not in self.entries:
            return default
        form, length, where = self.entries[tag]
        return struct.unpack_from(f"{self.order}{min(length, MAX_NUMBERS)}{form}", self.data, where)

    def number(self, tag: Tag, default: int) -> int:
        """Return the first number of a tag.

        Parameters
        ----------
        tag : Tag
            The tag.
        default : int
            What it is if it is missing.
        """
        if tag not in self.entries:
            return default
        form, _, where = self.entries[tag]
        return int(struct.unpack_from(self.order + form, self.data, where)[0])

    def content(self, tag: Tag) -> bytes:
        """Return the bytes of a tag; empty if it is missing.

        Parameters
        ----------
        tag : Tag
            The tag.
        """
        form, length, where = self.entries.get(tag, ("B", 0, 0))
        return self.data[where : where + length * struct.calcsize("<" + form)]


def read_directories(data: bytes) -> list[Directory]:
    """Read the directories of the pages of a TIFF file.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    list of Directory
        The pages, at most `MAX_PAGES`.

    Raises
    ------
    struct.error, ValueError
        The file is cut short in its header, or the directory of its first page is damaged.
    """
    order, big = _form(data)
    (at,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    found: dict[int, Directory] = {}
    while at and at not in found and len(found) < MAX_PAGES:
        try:
            found[at], at = _read_directory(data, at, order, big)
        except (struct.error, ValueError, OverflowError):
            if not found:
                raise
            break  # a damaged page after the first one
    return list(found.values())


def read_sub_directories(page: Directory) -> list[Directory]:
    """Read the directories below a page; cameras keep their raw data there.

    Parameters
    ----------
    page : Directory
        The page.

    Returns
    -------
    list of Directory
        Those that can be read, at most 16.
    """
    order, big = _form(page.data)
    found = []
    for at in page.numbers(Tag.SUB_DIRECTORIES)[:16]:
        with suppress(struct.error, ValueError, OverflowError):
            found.append(_read_directory(page.data, at, order, big)[0])
    return found


def write_tiff(tags: Mapping[Tag, Sequence[int]], order: str, data: bytes) -> bytes:
    """Return a TIFF file of one page.

    Parameters
    ----------
    tags : mapping
        The values of its tags; offsets count from the beginning of `data`.
    order : {"<", ">"}
        The byte order.
    data : bytes
        What becomes the file's content. Its first eight bytes are replaced by the header.

    Returns
    -------
    bytes
        The content followed by the directory.
    """
    padding = bytes(len(data) % 2)
    end = len(data) + len(padding)
    entries, values = b"", b""
    place = end + 2 + 12 * len(tags) + 4
    for tag, content in sorted(tags.items()):
        form, kind = ("B", 7) if isinstance(content, bytes) else ("H", 3) if max(content) < 65536 else ("I", 4)
        packed = struct.pack(f"{order}{len(content)}{form}", *content)
        if len(packed) > 4:
            entries += struct.pack(f"{order}HHII", tag, kind, len(content), place + len(values))
            values += packed + bytes(len(packed) % 2)
        else:
            entries += struct.pack(f"{order}HHI", tag, kind, len(content)) + packed.ljust(4, b"\0")
    header = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", end)
    count = struct.pack(order + "H", len(tags))
    return b"".join((header, memoryview(data)[8:], padding, count, entries, bytes(4), values))


def _form(data: bytes) -> tuple[str, bool]:
    """Return the byte order, and whether the file is BigTIFF."""
    return "<" if data[:2] == b"II" else ">", data[2:4] in (b"+\0", b"\0+")


def _read_directory(data: bytes, at: int, order: str, big: bool) -> tuple[Directory, int]:
    """Return the directory that begins at `at`, and where the next one begins."""
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    at += 8 if big else 2
    size, room = (20, 8) if big else (12, 4)
    entries: dict[int, tuple[str, int, int]] = {}
    for entry in range(at, at + size * min(count, 65535), size):
        tag, kind, length = struct.unpack_from(order + ("HHQ" if big else "HHI"), data, entry)
        if tag not in _KNOWN or tag in entries:
            continue
        where, form = entry + size - room, _TYPES.get(kind, "")
        if length * struct.calcsize("<" + form) > room:
            (where,) = struct.unpack_from(order + ("Q" if big else "I"), data, where)
        if length and form and where + length * struct.calcsize("<" + form) <= len(data):
            entries[tag] = (form, length, where)
        elif tag not in _METADATA:
            raise ValueError(f"its tag {Tag(tag).name} is damaged, or the file is cut short")
    following = at + size * count
    if following + room > len(data):
        return Directory(data, order, entries), 0
    return Directory(data, order, entries), struct.unpack_from(order + ("Q" if big else "I"), data, following)[0]
