"""The formats of Netpbm: PBM, PGM, PPM and PFM. Pillow rounds those of 16 bits to 8, and reads no color PFM."""

from __future__ import annotations

import re

import numpy as np

from .limits import check_pixel_count, refusal
from .raster import Raster, gray_or_rgb

_TOKEN = re.compile(rb"(?:\s|#[^\r\n]*[\r\n])*([^\s#]+)")
_PLAIN, _BITS, _FLOATS = (b"P1", b"P2", b"P3"), (b"P1", b"P4"), (b"Pf", b"PF")
_COLOR = (b"P3", b"P6", b"PF")
_COMMENT = re.compile(rb"#[^\r\n]*")


def is_netpbm(data: bytes) -> bool:
    """Return whether a file begins as one of these formats does.

    Parameters
    ----------
    data : bytes
        The whole file, or its beginning.

    Returns
    -------
    bool
        True for P1 to P6, Pf and PF, followed by white space.
    """
    return re.match(rb"P[1-6fF]\s", data) is not None


def decode_netpbm(data: bytes, label: str) -> Raster:
    """Return the pixels of a PBM, PGM, PPM or PFM file; of several images in it, those of the first.

    Parameters
    ----------
    data : bytes
        The whole file.
    label : str
        The file's name.

    Returns
    -------
    Raster
        Gray or RGB: uint8 or uint16, or for PFM float32.

    Raises
    ------
    Exception
        The file is damaged or cut short; most often `ValueError`.
    """
    kind, at = data[:2], 2
    header = []
    for _ in range(2 if kind in _BITS else 3):
        match = _TOKEN.match(data, at, at + 2**16)
        if match is None:
            raise ValueError("it has no complete header")
        header.append(match[1][:40])
        at = match.end()
    width, height = (int(number) for number in header[:2])
    check_pixel_count(height, width, label)
    channels = 3 if kind in _COLOR else 1
    shape = (height, width, channels)
    if kind in _FLOATS:
        scale = float(header[2])
        values = np.frombuffer(data, "<f4" if scale < 0 else ">f4", height * width * channels, at + 1).reshape(shape)
        return gray_or_rgb(values[::-1], 1.0)  # the last row comes first
    maximum = 1 if kind in _BITS else int(header[2])
    if not 1 <= maximum <= 65535:
        raise ValueError("its maximum is not a number from 1 to 65535")
    if kind == b"P4":
        row_bytes = -(-width // 8)
        packed = np.frombuffer(data, np.uint8, height * row_bytes, at + 1).reshape(height, row_bytes)
        values = np.unpackbits(packed, axis=1, count=width).reshape(shape)
    elif kind in _PLAIN:
        values = _plain_values(data, at, kind, height * width * channels, label).reshape(shape)
    else:
        values = np.frombuffer(data, ">u2" if maximum > 255 else "u1", height * width * channels, at + 1).reshape(shape)
        values = values.astype(np.uint16) if maximum > 255 else values
    if values.max() > maximum:
        raise ValueError("a value is larger than its maximum")
    if kind in _BITS:
        values = 1 - values  # 1 is black
    return gray_or_rgb(values, float(maximum))


def _plain_values(data: bytes, at: int, kind: bytes, count: int, label: str) -> np.ndarray:
    """Return numbers that are written as text."""
    if len(data) > 2**28:
        raise refusal("is too large for numbers that are written as text", label, "save it in binary form")
    text = _COMMENT.sub(b"", data[at:])
    if kind == b"P1":  # digits may stand without blanks between them
        digits = np.frombuffer(re.sub(rb"\s", b"", text), np.uint8)[:count] - np.uint8(48)
    else:
        digits = np.array(text.split(maxsplit=count)[:count], dtype=np.bytes_).astype(np.int64)
    if len(digits) < count or digits.min() < 0 or digits.max() > 65535:
        raise ValueError("it has too few numbers, or one that is out of range")
    return digits.astype(np.uint8 if digits.max() < 256 else np.uint16)
