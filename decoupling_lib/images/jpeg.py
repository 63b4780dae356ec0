"""JPEG files without what is not pixels, and how much one may be shrunk while it is decoded."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..common.validation import MAX_PIXELS
from .limits import refusal

MAX_SCANS = 200
"""Largest number of scans: each is a pass over all pixels, and progressive files have about ten."""
_NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # in compressed data 0xFF is followed by 0 or a restart
_STANDALONE = (0x01, *range(0xD0, 0xD8))
_END, _SCAN, _COMMENT, _ADOBE, _JFIF = 0xD9, 0xDA, 0xFE, 0xEE, 0xE0
_FACTORS = (8, 4, 2)
_OVERSAMPLING = 4


@dataclass(frozen=True)
class JpegParts:
    """What a JPEG file consists of.

    Parameters
    ----------
    pixels : bytes
        A JPEG file with nothing but the first image's pixels.
    scans : int
        The number of passes over the image.
    profile, exif, xmp : bytes
        Metadata; empty if there are none.
    """

    pixels: bytes
    scans: int
    profile: bytes
    exif: bytes
    xmp: bytes


def split_jpeg(data: bytes) -> JpegParts:
    """Take a JPEG file apart.

    Parameters
    ----------
    data : bytes
        The whole file. What follows the end of its first image is ignored: the video of a motion photo, or the other
        images of an MPO file.

    Returns
    -------
    JpegParts
        The parts. The pixels are not decoded.
    """
    pieces, at, kept_from, scans = [data[:2]], 2, 2, 0
    exif = xmp = b""
    profiles: list[tuple[int, bytes]] = []
    while at < len(data) and (found := _NEXT_MARKER.search(data, at)):
        at, marker = found.start(), data[found.start() + 1]
        if marker == _END:
            at += 2
            break
        if marker in _STANDALONE or marker == 0xD8:
            at += 2
            continue
        stop = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : stop]
        scans += marker == _SCAN
        if (0xE0 <= marker <= 0xEF or marker == _COMMENT) and not scans:
            if body.startswith(b"Exif\0") and not exif:
                exif = body
            elif body.startswith(b"http://ns.adobe.com/xap/1.0/\0") and not xmp:
                xmp = body
            elif body.startswith(b"ICC_PROFILE\0") and len(body) > 14:
                profiles.append((body[12], body[14:]))
            # The color transform depends on these two.
            if not (marker == _ADOBE and body.startswith(b"Adobe")) and not (
                marker == _JFIF and body.startswith(b"JFIF\0") and len(body) >= 14
            ):
                pieces.append(data[kept_from:at])
                kept_from = stop
        at = stop
    pieces.append(data[kept_from:at])
    return JpegParts(b"".join(pieces), scans, b"".join(part for _, part in sorted(profiles)), exif, xmp)


def check_scans(scans: int, pixels: int, label: str) -> None:
    """Refuse a file that takes many passes over its image.

    Parameters
    ----------
    scans : int
        The number of passes.
    pixels : int
        The number of pixels of the image.
    label : str
        The file's name.

    Raises
    ------
    InputError
        Decoding would take too long.
    """
    if scans > MAX_SCANS or scans * pixels > MAX_SCANS * MAX_PIXELS:
        raise refusal("has too many scans", label, "open it in an image program and save it again")


def shrink_factor(height: int, width: int, wanted: tuple[int, int] | None) -> int:
    """Return by which factor an image is shrunk while it is decoded.

    Images of up to 64 megapixels are not. Larger ones are shrunk by 2, 4 or 8: as little as the limit asks for if no
    size is wanted, otherwise as much as leaves four times the wanted size, from which it is then resized.

    Parameters
    ----------
    height, width : int
        The sides of the stored image in pixels.
    wanted : tuple of int or None
        (height, width) that the stored image is resized to afterwards.

    Returns
    -------
    int
        1, 2, 4 or 8.
    """
    if height * width <= MAX_PIXELS:
        return 1
    fitting = [factor for factor in _FACTORS if height * width <= MAX_PIXELS * factor**2]
    if wanted is not None:
        for factor in fitting:
            if min(height / factor / wanted[0], width / factor / wanted[1]) >= _OVERSAMPLING:
                return factor
    return fitting[-1]
