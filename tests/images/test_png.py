"""PNG: transparency of every kind, interlaced or not, and metadata that prevent nothing."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from png_files import chunk, with_chunks
from refusals import refusal

from decoupling_lib.images.pictures import load_picture

RNG = np.random.default_rng(13)
RGB = RNG.integers(0, 256, (24, 20, 3), dtype=np.uint8)
PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""Of Adam7: the first row and column, and the steps between them."""


def packed(values: np.ndarray, bits: int) -> bytes:
    """Return rows of samples without filters (PNG, section 7)."""
    rows = values.reshape(len(values), -1)
    if bits == 16:
        return b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows)
    digits = (rows[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return b"".join(b"\0" + np.packbits(row.ravel().astype(np.uint8)).tobytes() for row in digits)


def png(
    values: np.ndarray, bits: int, color_type: int, *chunks: tuple[bytes, bytes], interlaced: bool = False
) -> bytes:
    """Return a PNG file of these samples, shape (H, W, channels)."""
    height, width = values.shape[:2]
    parts = [values[y::down, x::across] for y, x, down, across in PASSES] if interlaced else [values]
    body = b"".join(packed(part, bits) for part in parts if part.size)
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, int(interlaced))
    pieces = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*piece) for piece in pieces)


def read(folder: Path, data: bytes) -> np.ndarray:
    (folder / "x.png").write_bytes(data)
    return load_picture(folder / "x.png").array


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("bits, color_type", [(1, 0), (2, 0), (4, 0), (8, 0), (16, 0), (8, 2), (16, 2)])
def test_a_transparent_color_is_matched_exactly(tmp_path: Path, bits: int, color_type: int, interlaced: bool):
    top, channels = 2**bits - 1, 3 if color_type == 2 else 1
    values = RNG.integers(0, top + 1, (24, 20, channels))
    values[0, 0] = top // 3  # not white, which would look transparent
    values[1, 1] = values[0, 0]
    values[2, 2] = values[0, 0] ^ 1  # nearly the same color
    key = (b"tRNS", struct.pack(f">{channels}H", *values[0, 0]))
    expected = np.where(np.all(values == values[0, 0], axis=-1, keepdims=True), 1.0, values / top * np.ones(3))
    assert np.allclose(read(tmp_path, png(values, bits, color_type, key, interlaced=interlaced)), expected, atol=1e-12)
    opaque = values / top * np.ones(3)
    assert np.allclose(read(tmp_path, png(values, bits, color_type, interlaced=interlaced)), opaque, atol=1e-12)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("bits, color_type, channels", [(8, 4, 2), (16, 4, 2), (8, 6, 4), (16, 6, 4)])
def test_alpha(tmp_path: Path, bits: int, color_type: int, channels: int, interlaced: bool):
    values = RNG.integers(0, 2**bits, (24, 20, channels))
    color, alpha = values[..., :-1] / (2**bits - 1), values[..., -1:] / (2**bits - 1)
    expected = np.broadcast_to(color * alpha + 1 - alpha, (24, 20, 3))
    assert np.allclose(read(tmp_path, png(values, bits, color_type, interlaced=interlaced)), expected, atol=1e-12)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("opacities", [0, 1, 2])
def test_palettes_with_alpha(tmp_path: Path, bits: int, opacities: int, interlaced: bool):
    palette = RNG.integers(0, 256, (2**bits, 3), dtype=np.uint8)
    alpha = RNG.integers(0, 256, (opacities, 1), dtype=np.uint8)  # of the first colors; others are opaque
    index = RNG.integers(0, 2**bits, (24, 20, 1))
    chunks = [(b"PLTE", palette.tobytes()), (b"tRNS", alpha.tobytes())][: 1 + (opacities > 0)]
    alpha = np.concatenate([alpha, np.full((2**bits - opacities, 1), 255)])[index[..., 0]] / 255
    expected = palette[index[..., 0]] / 255 * alpha + 1 - alpha
    assert np.allclose(read(tmp_path, png(index, bits, 3, *chunks, interlaced=interlaced)), expected, atol=1e-12)


TEXT = b"Comment\0"
METADATA = {
    "a wrong checksum": [chunk(b"tEXt", b"Author\0me")[:-1] + b"?"],
    "a huge text": [chunk(b"zTXt", TEXT + b"\0" + zlib.compress(bytes(3 * 2**26)))],
    "many texts": [chunk(b"zTXt", TEXT + b"\0" + zlib.compress(bytes(2**20)))] * 80,
    "a text that is not compressed": [chunk(b"zTXt", TEXT + b"\0junk")],
    "a text without a name": [chunk(b"tEXt", bytes(30)), chunk(b"iTXt", b"\xff" * 30), chunk(b"iTXt", b"")],
    "huge XMP": [chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"<x>" * 10**6)],
    "damaged Exif": [chunk(b"eXIf", b"MM\0*" + b"\xff" * 50), chunk(b"eXIf", b"")],
    "damaged Exif as text": [chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n 9\nzz"))],
    "times and sizes": [chunk(b"tIME", b"\xff" * 7), chunk(b"pHYs", b"x"), chunk(b"sBIT", b""), chunk(b"bKGD", b"")],
    "unknown kinds": [chunk(b"prVt", bytes(10**6)), chunk(b"vpAg", b"1"), chunk(b"caBX", b"2")],
    "an animation without frames": [chunk(b"acTL", struct.pack(">II", 0, 0))],
    "an animation of many frames": [chunk(b"acTL", struct.pack(">II", 2**31, 0)), chunk(b"fcTL", b"\xff" * 26)],
}


@pytest.mark.parametrize("what", METADATA)
@pytest.mark.parametrize("bits", [8, 16])
def test_metadata_do_not_prevent_reading(tmp_path: Path, what: str, bits: int):
    values = RGB.astype(int) * (257 if bits == 16 else 1)
    plain = png(values, bits, 2)
    assert np.array_equal(read(tmp_path, plain[:33] + b"".join(METADATA[what]) + plain[33:]), RGB / 255)
    assert np.array_equal(read(tmp_path, plain[:-12] + b"".join(METADATA[what]) + plain[-12:]), RGB / 255)


def test_what_follows_the_end_is_ignored(tmp_path: Path):
    plain = png(RGB.astype(int), 8, 2)
    for tail in (b"\0", bytes(2**20), RNG.bytes(2**20), plain):
        assert np.array_equal(read(tmp_path, plain + tail), RGB / 255)


def test_damage_to_pixels_is_refused(tmp_path: Path):
    plain = png(RGB.astype(int), 8, 2)
    at = plain.index(b"IDAT")
    for data in (
        plain[:-12],
        plain[: at + 30],
        plain[: at + 10] + b"?" + plain[at + 11 :],  # a wrong checksum
        plain[:24] + b"\3" + plain[25:],
        plain[: at - 4] + plain[-12:],
        png(RGB[:10].astype(int), 8, 2).replace(struct.pack(">II", 20, 10), struct.pack(">II", 20, 11)),
    ):
        assert "damaged" in refusal(read, tmp_path, data)


def test_the_first_image_of_an_animation_is_read(tmp_path: Path):
    frames = [Image.fromarray(np.roll(RGB, k, axis=0)) for k in range(3)]
    frames[0].save(tmp_path / "x.png", save_all=True, append_images=frames[1:])
    assert np.array_equal(load_picture(tmp_path / "x.png").array, RGB / 255)


@pytest.mark.parametrize("where", ["eXIf", "ImageMagick", "XMP"])
@pytest.mark.parametrize("bits", [8, 16])
def test_png_files_are_turned(tmp_path: Path, where: str, bits: int):
    tags = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 274, 3, 1, 8, 0, 0)
    as_text = b"\nexif\n%8d\n" % (len(tags) + 6) + (b"Exif\0\0" + tags).hex().encode() + b"\n"
    piece = {
        "eXIf": (b"eXIf", tags),
        "ImageMagick": (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(as_text)),
        "XMP": (b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="8">'),
    }[where]
    data = with_chunks(png(RGB.astype(int) * (257 if bits == 16 else 1), bits, 2), piece)
    assert np.array_equal(read(tmp_path, data), np.rot90(RGB) / 255)


def test_every_file_of_pillow_agrees_with_it(tmp_path: Path):
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        image = Image.fromarray(RGB).convert("RGBA")
        image = image.convert("L").convert(mode) if mode == "I;16" else image.convert(mode)
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        expected = np.asarray(image)[..., None] / 65535 if mode == "I;16" else np.asarray(image.convert("RGB")) / 255
        assert np.allclose(read(tmp_path, buffer.getvalue()), expected, atol=1e-12)
