"""The formats whose decoding is Pillow's alone: WebP, GIF, BMP, TGA, JPEG 2000 and AVIF."""

import struct
from pathlib import Path

import numpy as np
import pytest
from icc_profiles import expected_srgb, rgb_profile
from PIL import Image
from refusals import refusal

from decoupling_lib.images.pictures import load_picture

RGB = np.random.default_rng(23).integers(0, 256, (20, 24, 3), dtype=np.uint8)
ALPHA = np.random.default_rng(24).integers(0, 256, (20, 24, 1), dtype=np.uint8)
LOSSLESS = {
    "tga": {}, "TGA": {"compression": "tga_rle"}, "bmp": {}, "jp2": {}, "j2k": {}, "webp": {"lossless": True},
    "avif": {"quality": 100, "subsampling": "4:4:4"},
}  # fmt: skip


KINDS = [(suffix, mode) for suffix in LOSSLESS for mode in ("RGB", "RGBA", "L") if (suffix, mode) != ("bmp", "RGBA")]


@pytest.mark.parametrize("suffix, mode", KINDS)  # Pillow writes no alpha into BMP
def test_pixels(tmp_path: Path, suffix: str, mode: str):
    image = Image.fromarray(np.concatenate([RGB, ALPHA], -1)).convert(mode)
    image.save(tmp_path / f"x.{suffix}", **LOSSLESS[suffix])
    values = np.asarray(image.convert("RGBA")) / 255
    expected = values[..., :3] * values[..., 3:] + 1 - values[..., 3:]
    assert np.allclose(load_picture(tmp_path / f"x.{suffix}").array, expected, atol=0.03 if suffix == "avif" else 1e-12)


def test_deep_gray_of_jpeg_2000(tmp_path: Path):
    deep = np.random.default_rng(25).integers(0, 65536, (20, 24)).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "x.jp2")
    assert np.allclose(load_picture(tmp_path / "x.jp2").array[..., 0], deep / 65535, atol=1e-12)


@pytest.mark.parametrize("orientation, turn", [(3, 2), (6, -1), (8, 1)])
@pytest.mark.parametrize("suffix", ["webp", "avif"])
def test_orientation(tmp_path: Path, suffix: str, orientation: int, turn: int):
    smooth = (np.mgrid[:20, :24].transpose(1, 2, 0) @ [[6, 0, 3], [0, 5, 3]]).astype(np.uint8)
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(smooth).save(tmp_path / f"x.{suffix}", exif=exif, **LOSSLESS[suffix])
    assert np.abs(load_picture(tmp_path / f"x.{suffix}").array - np.rot90(smooth, turn) / 255).max() < 0.03


def test_profile_of_avif(tmp_path: Path):
    Image.new("RGB", (24, 20), (93, 159, 94)).save(
        tmp_path / "x.avif", icc_profile=rgb_profile("adobe"), **LOSSLESS["avif"]
    )
    right = expected_srgb(np.array([93, 159, 94]) / 255, "adobe")
    assert load_picture(tmp_path / "x.avif").array[5, 5] == pytest.approx(right, abs=0.02)


def with_color_box(data: bytes, content: bytes, replaced: int) -> bytes:
    """Return an image file whose box "colr" has another content; boxes around it that Pillow reads are resized."""
    at = data.index(b"colr")
    size = int.from_bytes(data[at - 4 : at], "big")
    assert size == replaced
    data = data[: at - 4] + (len(content) + 8).to_bytes(4, "big") + b"colr" + content + data[at - 4 + size :]
    if (outer := data.find(b"jp2h") - 4) >= 0:
        grown = int.from_bytes(data[outer : outer + 4], "big") + len(content) + 8 - size
        data = data[:outer] + grown.to_bytes(4, "big") + data[outer + 4 :]
    return data


@pytest.mark.parametrize("space, stored", [("adobe", (93, 159, 94)), ("p3", (200, 90, 40)), ("srgb", (9, 99, 199))])
def test_profile_of_jpeg_2000(tmp_path: Path, space: str, stored: tuple[int, int, int]):
    Image.new("RGB", (24, 20), stored).save(tmp_path / "x.jp2")
    plain = (tmp_path / "x.jp2").read_bytes()
    (tmp_path / "x.jp2").write_bytes(with_color_box(plain, b"\2\0\0" + rgb_profile(space), 15))
    right = expected_srgb(np.array(stored) / 255, space)
    assert load_picture(tmp_path / "x.jp2").array[5, 5] == pytest.approx(right, abs=1 / 255)


def test_code_points_of_avif(tmp_path: Path):
    file, stored = tmp_path / "x.avif", (180, 120, 90)
    Image.new("RGB", (24, 20), stored).save(file, **LOSSLESS["avif"])
    plain = file.read_bytes()
    at = plain.index(b"colrnclx") + 8
    assert np.abs(load_picture(file).array[5, 5] * 255 - stored).max() < 3 and load_picture(file).notes == ()
    file.write_bytes(plain[:at] + struct.pack(">2H", 12, 13) + plain[at + 4 :])  # Display P3
    right = expected_srgb(np.array(stored) / 255, "p3")
    assert load_picture(file).array[5, 5] == pytest.approx(right, abs=0.012)
    file.write_bytes(plain[:at] + struct.pack(">2H", 9, 16) + plain[at + 4 :])  # high dynamic range
    assert "sRGB" in load_picture(file).notes[0]


def test_targa_is_known_by_its_name_or_its_footer(tmp_path: Path):
    Image.fromarray(RGB).save(tmp_path / "x.tga")
    data = (tmp_path / "x.tga").read_bytes()
    assert data.endswith(b"TRUEVISION-XFILE.\0")
    (tmp_path / "x").write_bytes(data)
    assert np.array_equal(load_picture(tmp_path / "x").array, RGB / 255)
    (tmp_path / "old.tga").write_bytes(data[:-26])  # the footer is of version 2
    assert np.array_equal(load_picture(tmp_path / "old.tga").array, RGB / 255)
    flipped = bytearray(data)
    flipped[17] ^= 0x20
    (tmp_path / "x.tga").write_bytes(flipped)
    assert np.array_equal(load_picture(tmp_path / "x.tga").array, RGB[::-1] / 255)
    (tmp_path / "short.tga").write_bytes(data[:500])
    assert "short.tga" in refusal(load_picture, tmp_path / "short.tga")


@pytest.mark.parametrize("suffix", ["webp", "gif", "bmp", "jp2", "avif"])
def test_what_follows_the_image_is_ignored(tmp_path: Path, suffix: str):
    file = tmp_path / f"x.{suffix}"
    Image.fromarray(RGB).save(file, **LOSSLESS.get(suffix, {}))
    before = load_picture(file).array
    file.write_bytes(file.read_bytes() + np.random.default_rng(1).bytes(2**20))
    assert np.array_equal(load_picture(file).array, before)


@pytest.mark.parametrize("suffix", ["webp", "avif"])
def test_damaged_metadata_do_not_prevent_reading(tmp_path: Path, suffix: str):
    file = tmp_path / f"x.{suffix}"
    Image.fromarray(RGB).save(file, **LOSSLESS[suffix])
    before = load_picture(file).array
    for exif in (b"Exif\0\0" + bytes(range(256)), b"II*\0\xff\xff\xff\xff", b"x") if suffix == "webp" else (b"",):
        Image.fromarray(RGB).save(file, exif=exif, xmp=b"<x:xmpmeta cut", **LOSSLESS[suffix])
        assert np.array_equal(load_picture(file).array, before)
