"""Decoding: every kind of image file becomes the right float64 RGB array, and every bad one is refused."""

import io
import struct
import zlib
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import tifffile
from PIL import Image
from png_files import chunk
from refusals import refusal

from decoupling_lib.images.pictures import load_picture

RNG = np.random.default_rng(7)
RGB = RNG.integers(0, 256, (19, 33, 3), dtype=np.uint8)
ALPHA = RNG.integers(0, 256, (19, 33, 1), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (19, 33, 4)).astype(np.uint16)


def over_white(values: np.ndarray, top: float) -> np.ndarray:
    color, alpha = values[..., :-1] / top, values[..., -1:] / top
    return np.broadcast_to(color * alpha + 1 - alpha, (*values.shape[:2], 3))


def png16(values: np.ndarray, color_type: int, key: bytes = b"") -> bytes:
    """Encode (H, W, channels) uint16 as PNG, each row stored as its difference from the pixel before it."""
    height, width, channels = values.shape
    rows = np.frombuffer(values.astype(">u2").tobytes(), np.uint8).reshape(height, width, 2 * channels)
    before = np.concatenate([np.zeros_like(rows[:, :1]), rows[:, :-1]], axis=1)
    body = b"".join(b"\x01" + row.tobytes() for row in rows - before)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0))
    parts = header, chunk(b"tRNS", key) if key else b"", chunk(b"IDAT", zlib.compress(body))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", ["png", "gif", "tif", "webp"])
@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA"])
def test_every_mode_and_format_agrees_with_pillow_over_white(tmp_path: Path, mode: str, suffix: str):
    source = Image.fromarray(np.concatenate([RGB, ALPHA], axis=2)).convert("RGBA" if "A" in mode else "RGB")
    source.convert(mode).save(file := tmp_path / f"x.{suffix}", lossless=True)
    with Image.open(file) as stored:
        expected = over_white(np.asarray(stored.convert("RGBA")).astype(float), 255)
    assert np.allclose(load_picture(file).array, expected, atol=1e-12)


def test_unusual_files_have_the_right_colors(tmp_path: Path):
    palette = Image.fromarray((np.arange(400).reshape(20, 20) % 3).astype(np.uint8))
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    palette.save(tmp_path / "x.png", transparency=1)
    assert load_picture(tmp_path / "x.png").array[0, :3].tolist() == [[1, 0, 0], [1, 1, 1], [0, 0, 1]]
    for name in ("x.jpg", "x.tif"):
        Image.new("CMYK", (20, 20), (255, 0, 0, 0)).save(tmp_path / name)
        assert np.allclose(load_picture(tmp_path / name).array, [0, 1, 1], atol=0.02)
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "lime", "blue")]
    for name in ("x.gif", "x.png", "x.tif", "x.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        assert np.allclose(load_picture(tmp_path / name).array, [1, 0, 0], atol=0.02)
    Image.fromarray(RGB).save(tmp_path / "x.bmp")
    assert np.array_equal(load_picture(tmp_path / "x.bmp").array, RGB / 255)
    tifffile.imwrite(tmp_path / "white.tif", DEEP[..., 0], photometric="miniswhite")
    assert np.allclose(load_picture(tmp_path / "white.tif").array[..., 1], 1 - DEEP[..., 0] / 65535)
    tifffile.imwrite(tmp_path / "float.tif", (RGB[..., 0] / 255).astype(np.float32))
    assert np.allclose(load_picture(tmp_path / "float.tif").array, RGB[..., :1] / 255, atol=1e-6)


@pytest.mark.parametrize("color_type, channels", [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_16_bit_png_keeps_every_bit(tmp_path: Path, color_type: int, channels: int):
    values = DEEP[..., :channels]
    (tmp_path / "x.png").write_bytes(png16(values, color_type))
    expected = over_white(values, 65535) if channels in (2, 4) else values / 65535 * np.ones(3)
    assert np.allclose(load_picture(tmp_path / "x.png").array, expected, atol=1e-12)


@pytest.mark.parametrize("color_type, channels", [(0, 1), (2, 3)])
def test_16_bit_transparent_color_is_matched_exactly(tmp_path: Path, color_type: int, channels: int):
    values = np.full((20, 20, channels), 1000, np.uint16)
    values[0, 0, 0] = 1001  # the same high byte: another color, and so not transparent
    (tmp_path / "x.png").write_bytes(png16(values, color_type, struct.pack(">H", 1000) * channels))
    array = load_picture(tmp_path / "x.png").array
    assert np.all(array[1:] == 1) and np.allclose(array[0, 0], values[0, 0] / 65535)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("how", [{}, {"byteorder": ">"}, {"compression": 8}, {"planarconfig": "separate"}])
@pytest.mark.parametrize("kind, top", [(np.uint16, 65535), (np.float32, 1)])
def test_16_bit_and_float_tiff(tmp_path: Path, channels: int, how: dict, kind: type, top: int):
    values = (DEEP[..., :channels] / (65535 / top)).astype(kind)
    stored = np.moveaxis(values, -1, 0) if "planarconfig" in how else values
    tifffile.imwrite(tmp_path / "x.tif", stored, photometric="rgb", extrasamples=[2] * (channels - 3), **how)
    expected = over_white(values, top) if channels == 4 else values / top
    assert np.allclose(load_picture(tmp_path / "x.tif").array, expected, atol=1e-6)


@pytest.mark.parametrize("suffix", ["png", "tif", "16.png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_moves_the_first_pixel_to_its_place(tmp_path: Path, orientation: int, suffix: str):
    dot = np.zeros((20, 30, 3), np.uint8)
    dot[0, 0] = 255
    corner = [(0, 0), (0, -1), (-1, -1), (-1, 0), (0, 0), (0, -1), (-1, -1), (-1, 0)][orientation - 1]
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = tmp_path / f"x.{suffix}"
    if suffix == "16.png":
        plain = png16(dot.astype(np.uint16) * 257, 2)
        rotation = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
        file.write_bytes(plain[:33] + rotation + plain[33:])
    else:
        Image.fromarray(dot).save(file, exif=exif)
    array = load_picture(file).array
    assert array.shape == ((20, 30, 3) if orientation < 5 else (30, 20, 3))
    assert array[corner].tolist() == [1, 1, 1] and array.sum() == 3


def test_npy_arrays_are_read_as_they_are(tmp_path: Path):
    for kind in (np.float16, np.float32, np.float64):
        values = (RGB / 255).astype(kind)
        np.save(tmp_path / "x.npy", values)
        assert np.array_equal(load_picture(tmp_path / "x.npy").array, values)
    np.save(tmp_path / "x.npy", np.asfortranarray(values[..., 0]))
    assert np.array_equal(load_picture(tmp_path / "x.npy").array[..., 2], values[..., 0])


@pytest.mark.parametrize(
    "bad, fact",
    [
        (RGB, "uint8"),
        (RGB.astype(float), "near [0, 1]"),
        (RGB[..., :2, None] / 255, "(19, 33, 2, 1)"),
        (np.full((20, 20, 3), np.nan), "1200 values"),
        (RGB[0] / 255, "(33, 3, 3)"),
        (np.full((20, 20, 3), 1j), "complex"),
        (np.full((20, 20), None), "damaged"),
        (np.float64(1), "shape"),
    ],
)
def test_npy_arrays_that_are_no_images_are_refused(tmp_path: Path, bad: np.ndarray, fact: str):
    np.save(tmp_path / "x.npy", bad, allow_pickle=True)
    assert fact in refusal(load_picture, tmp_path / "x.npy")
    claim = {"descr": "<f8", "fortran_order": False, "shape": (10**7, 10**7)}
    with (tmp_path / "huge.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, claim)
    assert "too large" in refusal(load_picture, tmp_path / "huge.npy")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "NPY"])
def test_truncated_files_are_refused_without_other_output(tmp_path: Path, kind: str, capfd: pytest.CaptureFixture):
    buffer = io.BytesIO()
    if kind == "NPY":
        np.save(buffer, RGB / 255)
    else:
        Image.fromarray(RGB).save(buffer, format=kind, compression="tiff_lzw" if kind == "TIFF" else None)
    whole, file = buffer.getvalue(), tmp_path / f"x.{kind.lower()}"
    for cut in [1, 2, 4, 8, 20, *np.linspace(30, len(whole) - 8, 12).astype(int)]:
        file.write_bytes(whole[:cut])
        assert file.name in refusal(load_picture, file)
    file.write_bytes(whole)
    assert load_picture(file).array.shape == RGB.shape
    assert capfd.readouterr() == ("", "")


def test_damaged_and_enormous_png_files_are_refused(tmp_path: Path):
    data = bytearray(png16(DEEP[..., :3], 2))
    data[200] ^= 1
    (tmp_path / "x.png").write_bytes(data)
    assert "damaged" in refusal(load_picture, tmp_path / "x.png")
    for side in (8001, 10_000, 60_000):
        data[8:33] = chunk(b"IHDR", struct.pack(">II", side, side) + data[24:29])
        (tmp_path / "x.png").write_bytes(data)
        assert "number of pixels" in refusal(load_picture, tmp_path / "x.png")


def test_files_that_are_no_images_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "text.png").write_text("not an image\n" * 100)
    Image.new("RGB", (1, 1)).save(tmp_path / "one.png")
    Image.new("I", (20, 20)).save(tmp_path / "integers.tif")
    for name, fact in {"text.png": "kind", "one.png": "(1, 1, 3)", "integers.tif": "32-bit"}.items():
        assert fact in refusal(load_picture, tmp_path / name)
    monkeypatch.setattr(Path, "read_bytes", Mock(side_effect=PermissionError(13, "Permission denied")))
    assert "permission" in refusal(load_picture, tmp_path / "text.png")
