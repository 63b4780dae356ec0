"""PNG files without what is not pixels: damaged or huge metadata must not prevent a picture from being read."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .color import MAX_PROFILE_BYTES, Conversion, code_point_conversion, shaper_conversion
from .shaper import D65, SRGB_PRIMARIES, Shaper, gamma_curve, primaries_matrix

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_MAX_TEXT = 2**20  # bytes of a text that may contain Exif
_SRGB_GAMMA = 45455


@dataclass
class PngParts:
    """What a PNG file consists of.

    Parameters
    ----------
    pixels : bytes
        A PNG file with nothing but the image's header, palette, palette's alpha and pixels.
    bits : int
        Bits per channel.
    key : tuple of int
        The stored gray or RGB value that is transparent; empty if there is none.
    profile, exif, xmp : bytes
        Metadata; empty if there are none.
    conversion : Conversion or None
        How the colors become sRGB, if the file says so without a profile.
    notes : tuple of str
        What the user should know.
    """

    pixels: bytes
    bits: int
    key: tuple[int, ...] = ()
    profile: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    conversion: Conversion | None = None
    notes: tuple[str, ...] = ()


def split_png(data: bytes) -> PngParts:
    """Take a PNG file apart.

    Parameters
    ----------
    data : bytes
        The whole file. What follows its end is ignored.

    Returns
    -------
    PngParts
        The parts. The pixels are not decoded.

    Raises
    ------
    ValueError
        The file is cut short, or a chunk of pixels is damaged.
    """
    pieces, texts = [SIGNATURE], []
    colors: dict[bytes, bytes] = {}
    for kind, start, stop in _chunks(data):
        body = memoryview(data)[start:stop]
        if kind in _PIXELS:
            if zlib.crc32(body, zlib.crc32(kind)) != struct.unpack_from(">I", data, stop)[0]:
                raise ValueError(f"wrong checksum of a chunk {kind.decode()}")
            if kind != b"tRNS":
                pieces.append(data[start - 8 : stop + 4])
                continue
        if kind in (b"tRNS", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"eXIf"):
            colors.setdefault(kind, bytes(body))
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            texts.append((kind, bytes(body[: _MAX_TEXT + 100])))
    bits, color_type = data[24], data[25]
    parts = PngParts(b"", bits)
    if b"tRNS" in colors and color_type == 3:
        at = next(k for k, piece in enumerate(pieces) if piece[4:8] == b"IDAT")
        alpha = b"tRNS" + colors[b"tRNS"][:256]
        pieces.insert(at, struct.pack(">I", len(alpha) - 4) + alpha + struct.pack(">I", zlib.crc32(alpha)))
    elif b"tRNS" in colors and color_type in (0, 2):
        parts.key = struct.unpack(">H" if color_type == 0 else ">3H", colors[b"tRNS"])
        parts.key = tuple(value & (2**bits - 1) for value in parts.key)
    parts.pixels = b"".join(pieces)
    parts.exif = colors.get(b"eXIf", b"")
    for kind, text in texts:
        _read_text(parts, kind, text)
    _read_colors(parts, colors)
    return parts


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each chunk up to the end, and where its body begins and ends."""
    at, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        if at + 12 > len(data):
            raise ValueError("it ends too early")
        size, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + size > len(data):
            raise ValueError("it ends too early")
        if at == len(SIGNATURE) and (kind, size) != (b"IHDR", 13):
            raise ValueError("it has no header")
        yield kind, at + 8, at + 8 + size
        at += 12 + size


def _read_text(parts: PngParts, kind: bytes, text: bytes) -> None:
    """Take Exif or XMP from a text: ImageMagick and Adobe write them so."""
    name, _, rest = text.partition(b"\0")
    if name == b"XML:com.adobe.xmp":
        parts.xmp = rest
    elif name in (b"Raw profile type exif", b"Raw profile type APP1") and not parts.exif:
        rest = _inflate(rest[1:], _MAX_TEXT) if kind == b"zTXt" else rest
        try:
            parts.exif = bytes.fromhex(b"".join(rest.split()[2:]).decode("ascii"))  # after a name and a length
        except ValueError:
            return


def _read_colors(parts: PngParts, colors: dict[bytes, bytes]) -> None:
    """Find out how colors become sRGB; the order of precedence is that of the PNG specification (4.3)."""
    if b"cICP" in colors:
        primaries, transfer, *_ = [*colors[b"cICP"], 0, 0]
        parts.conversion, note = code_point_conversion(primaries, transfer)
        parts.notes = (note,) if note and b"iCCP" not in colors else ()
    if b"iCCP" in colors and parts.conversion is None:
        parts.profile = _inflate(colors[b"iCCP"].partition(b"\0")[2][1:], MAX_PROFILE_BYTES + 1) or b"damaged"
    elif b"sRGB" not in colors and b"cICP" not in colors and len(colors.get(b"gAMA", b"")) == 4:
        parts.conversion = _gamma_conversion(colors[b"gAMA"], colors.get(b"cHRM", b""))


def _gamma_conversion(gamma_body: bytes, chromaticities: bytes) -> Conversion | None:
    """Return the conversion of gamma and primaries; None if they are those of sRGB or make no sense."""
    gamma = struct.unpack(">I", gamma_body)[0]
    primaries, white = SRGB_PRIMARIES, D65
    if len(chromaticities) == 32:
        numbers = [number / 100000 for number in struct.unpack(">8I", chromaticities)]
        white, *rest = zip(numbers[::2], numbers[1::2], strict=True)
        if np.abs(np.subtract([white, *rest], [D65, *SRGB_PRIMARIES])).max() > 0.002:
            primaries = tuple(rest)  # type: ignore[assignment]
        else:
            white = D65
    # With these primaries, programs that mean sRGB write a gamma that is near.
    means_srgb = primaries is SRGB_PRIMARIES and abs(gamma / _SRGB_GAMMA - 1) < 0.05
    if means_srgb or not 1000 <= gamma <= 1_000_000:
        return None
    curve = gamma_curve(100000 / gamma)
    try:
        return shaper_conversion(Shaper([curve] * 3, primaries_matrix(primaries, white)))
    except (ValueError, np.linalg.LinAlgError):
        return None


def _inflate(data: bytes, most: int) -> bytes:
    """Return what deflated bytes contain, up to a number of bytes; nothing if they are damaged."""
    try:
        return zlib.decompressobj().decompress(data, most)
    except zlib.error:
        return b""
