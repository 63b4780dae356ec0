"""Pictures: every kind of file becomes the right float64 RGB array, and every bad one an InputError."""

import hashlib
import io
import os
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from paths import ROOT
from PIL import Image
from png_files import chunk

from decoupling_lib.common import validation
from decoupling_lib.common.errors import InputError
from decoupling_lib.common.silence import silence_stderr
from decoupling_lib.images import pictures as pictures_module
from decoupling_lib.images.noise import noise_draws, uniform_noise
from decoupling_lib.images.pictures import (
    bundled_picture_path,
    bundled_pictures,
    fit,
    load_picture,
    out_of_range_fraction,
    resize,
    save_png,
    to_uint8,
)

RNG = np.random.default_rng(7)
RGB = RNG.integers(0, 256, (19, 33, 3), dtype=np.uint8)
ALPHA = RNG.integers(0, 256, (19, 33, 1), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (19, 33, 4)).astype(np.uint16)
SIDES = st.integers(16, 40)
FLOATS = hnp.arrays(float, st.tuples(SIDES, SIDES, st.just(3)), elements=st.floats(-2, 3))


def refusal(function, *arguments, **options) -> str:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 900
    return str(caught.value)


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


def test_load_gives_name_values_and_digest(tmp_path: Path):
    Image.fromarray(RGB).save(file := tmp_path / "a b.png")
    picture = load_picture(str(file))
    assert picture.name == "a b.png" and picture.array.dtype == float and np.all(picture.array == RGB / 255)
    assert picture.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("suffix", ["png", "gif", "tif", "webp"])
@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA"])
def test_every_mode_and_format_agrees_with_pillow_over_white(tmp_path: Path, mode: str, suffix: str):
    source = Image.fromarray(np.concatenate([RGB, ALPHA], axis=2)).convert("RGBA" if "A" in mode else "RGB")
    source.convert(mode).save(file := tmp_path / f"x.{suffix}", lossless=True)
    with Image.open(file) as stored:
        expected = over_white(np.asarray(stored.convert("RGBA")).astype(float), 255)
    assert np.allclose(load_picture(file).array, expected, atol=1e-12)


def test_odd_kinds_show_the_right_color(tmp_path: Path):
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
    values[0, 0, 0] = 1001  # the same high byte: another color, hence not transparent
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
def test_exif_rotation_turns_the_first_pixel_to_its_place(tmp_path: Path, orientation: int, suffix: str):
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


def test_npy_arrays(tmp_path: Path):
    for kind in (np.float16, np.float32, np.float64):
        values = (RGB / 255).astype(kind)
        np.save(tmp_path / "x.npy", values)
        assert np.array_equal(load_picture(tmp_path / "x.npy").array, values)
    np.save(tmp_path / "x.npy", np.asfortranarray(values[..., 0]))
    assert np.array_equal(load_picture(tmp_path / "x.npy").array[..., 2], values[..., 0])


@pytest.mark.parametrize(
    "bad, said",
    [
        (RGB, "type uint8"),
        (RGB.astype(float), "near [0, 1]"),
        (RGB[..., :2, None] / 255, "shape"),
        (np.full((20, 20, 3), np.nan), "1200 values that are not finite"),
        (RGB[0] / 255, "too small"),
        (np.full((20, 20, 3), 1j), "complex"),
        (np.full((20, 20), None), "damaged"),
        (np.float64(1), "shape"),
    ],
)
def test_npy_arrays_refused(tmp_path: Path, bad: np.ndarray, said: str):
    np.save(tmp_path / "x.npy", bad, allow_pickle=True)
    assert said in refusal(load_picture, tmp_path / "x.npy")
    claim = {"descr": "<f8", "fortran_order": False, "shape": (10**7, 10**7)}
    with (tmp_path / "huge.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, claim)
    assert "too large" in refusal(load_picture, tmp_path / "huge.npy")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "NPY"])
def test_no_half_pictures(tmp_path: Path, kind: str, capfd: pytest.CaptureFixture):
    buffer = io.BytesIO()
    if kind == "NPY":
        np.save(buffer, RGB / 255)
    else:
        Image.fromarray(RGB).save(buffer, format=kind, compression="tiff_lzw" if kind == "TIFF" else None)
    whole, file = buffer.getvalue(), tmp_path / f"x.{kind.lower()}"
    for cut in [1, 2, 4, 8, 20, *np.linspace(30, len(whole) - 8, 12).astype(int)]:
        file.write_bytes(whole[:cut])
        assert "picture" in refusal(load_picture, file)
    file.write_bytes(whole)
    assert load_picture(file).array.shape == RGB.shape
    assert capfd.readouterr() == ("", "")


def test_damaged_and_enormous_png(tmp_path: Path):
    data = bytearray(png16(DEEP[..., :3], 2))
    data[200] ^= 1
    (tmp_path / "x.png").write_bytes(data)
    assert "damaged" in refusal(load_picture, tmp_path / "x.png")
    for side, said in [(8001, "number of pixels"), (10_000, "number of pixels"), (60_000, "exceeds limit")]:
        data[8:33] = chunk(b"IHDR", struct.pack(">II", side, side) + data[24:29])
        (tmp_path / "x.png").write_bytes(data)
        assert said in refusal(load_picture, tmp_path / "x.png")


def test_files_that_are_no_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "text.png").write_text("not a picture\n" * 100)
    Image.new("RGB", (1, 1)).save(tmp_path / "one.png")
    Image.new("I", (20, 20)).save(tmp_path / "integers.tif")
    for name, said in {"text.png": "known kind", "one.png": "too small", "integers.tif": "32-bit"}.items():
        assert said in refusal(load_picture, tmp_path / name)
    monkeypatch.setattr(Path, "read_bytes", Mock(side_effect=PermissionError(13, "Permission denied")))
    assert "permission is denied" in refusal(load_picture, tmp_path / "text.png")


def test_bundled_pictures_load_match_their_digest_and_are_credited():
    lines = (ROOT / "data/README.md").read_text("utf-8").splitlines()
    credits = {line.split(" | ")[0][2:]: line.split(" | ") for line in lines if line.count(" | ") == 5}
    assert set(bundled_pictures()) == set(credits) - {"Name"}
    for name, entry in bundled_pictures().items():
        picture = load_picture(name, max_side=48)
        assert picture.name == name and picture.sha256 == entry.sha256 and max(picture.array.shape) == 48
        validation.not_constant(picture.array, name)
        assert credits[name][1:3] == [entry.title, entry.author] and entry.license in credits[name][3]
        assert entry.source in credits[name][4] and entry.sha256.startswith(credits[name][5].strip(" |"))
        assert entry.license.startswith(("CC BY", "CC0", "public domain"))


def test_bundled_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    text = refusal(load_picture, "chian.jpg")
    assert 'did you mean "china"?' in text and all(name in text for name in bundled_pictures())
    (tmp_path / "china").mkdir()
    assert load_picture("china").array.shape == (427, 640, 3)
    Image.fromarray(RGB).save(tmp_path / "flower", format="PNG")
    assert np.array_equal(load_picture("flower").array, RGB / 255)
    assert 'did you mean "coffee"?' in refusal(bundled_picture_path, "cofee")
    monkeypatch.setattr(pictures_module, "bundled_picture_path", lambda name: tmp_path / "flower")
    assert "the package changed its file" in refusal(load_picture, "china")


def test_import_and_loading_stay_light():
    code = """import sys; from decoupling_lib.images.pictures import load_picture as load; load("china"); load("coffee")
print({"tensorflow", "skimage", "sklearn", "matplotlib", "scipy", "tifffile"} & set(sys.modules))"""
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(command, capture_output=True, cwd=ROOT, check=False)
    assert (run.stdout, run.stderr) == (b"set()\n", b"")


@given(FLOATS, SIDES, SIDES)
def test_resize_stays_within_the_range(image: np.ndarray, height: int, width: int):
    resized = resize(image, (height, width))
    assert image.min() - 1e-6 <= resized.min() and resized.max() <= image.max() + 1e-6
    constant = resize(np.full_like(image, image[0, 0, 0]), (height, width))
    assert constant.shape == (height, width, 3) and np.allclose(constant, image[0, 0, 0], atol=1e-6)


def test_resize_keeps_the_mean_and_is_antialiased_and_fit_keeps_the_aspect():
    checker = np.indices((128, 128)).sum(axis=0)[..., None] % 2 * np.ones(3)
    small = resize(checker, (32, 32))
    assert abs(small.mean() - 0.5) < 1e-3 and small[2:-2, 2:-2].std() < 0.02
    assert np.array_equal(resize(checker, (128, 128)), checker)
    ramp = np.linspace(0, 1, 64)[None, :, None] * np.ones((64, 1, 3))
    assert abs(resize(ramp, (16, 50)).mean() - 0.5) < 1e-6
    image = np.linspace(0, 1, 100 * 40 * 3).reshape(100, 40, 3)
    assert fit(image, max_side=50).shape == (50, 20, 3)
    assert fit(image, max_side=500) is image and fit(image) is image
    assert fit(image, size=(32, 48)).shape == (32, 48, 3)
    assert "both given" in refusal(fit, image, (32, 32), 32)
    assert fit(image, max_side=40).shape == (40, 16, 3)
    assert "at least 40" in refusal(fit, image, max_side=39)


@given(hnp.arrays(np.uint8, (16, 17, 3)))
def test_8_bit_png_round_trip_is_exact(tmp_path_factory: pytest.TempPathFactory, pixels: np.ndarray):
    file = save_png(tmp_path_factory.getbasetemp() / "x.png", pixels / 255)
    assert np.array_equal(to_uint8(load_picture(file).array), pixels)


@given(FLOATS)
def test_to_uint8_is_within_half_a_level_of_the_clipped_value(image: np.ndarray):
    pixels = to_uint8(image)
    assert pixels.dtype == np.uint8 and np.all(np.abs(pixels - 255 * np.clip(image, 0, 1)) <= 0.5 + 1e-9)
    outside = sum(not 0 <= value <= 1 for value in image.ravel().tolist())
    assert out_of_range_fraction(image) == pytest.approx(outside / image.size)


def test_save_png_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    gray = np.full((16, 16, 3), 0.5)
    (tmp_path / "folder.png").mkdir()
    cases = {"no/x.png": "no such", "x.jpg": ".png", "folder.png": "folder", "n" * 999 + ".png": "too long"}
    for name, said in cases.items():
        assert said in refusal(save_png, tmp_path / name, gray)
    save_png(tmp_path / "x.png", gray)
    monkeypatch.setattr(os, "replace", Mock(side_effect=OSError(28, "No space left on device")))
    assert "disk is full" in refusal(save_png, tmp_path / "x.png", gray / 2)
    assert np.all(to_uint8(load_picture(tmp_path / "x.png").array) == 128)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["folder.png", "x.png"]


def test_noise_is_reproducible_uniform_and_independent():
    noise, draws = uniform_noise((64, 48), 5), noise_draws((64, 48), 5, 4)
    assert noise.shape == (64, 48, 3) and draws.shape == (4, 64, 48, 3)
    assert np.array_equal(noise, np.random.default_rng(5).random((64, 48, 3)))
    assert np.array_equal(draws[0], noise)
    assert np.array_equal(noise_draws((64, 48), 5, 2), draws[:2])
    assert draws.min() >= 0 and draws.max() < 1
    assert np.all(np.abs(draws.mean(axis=(1, 2, 3)) - 0.5) < 5 / np.sqrt(12 * noise.size))
    assert np.all(np.abs(np.corrcoef(draws.reshape(4, -1)) - np.eye(4)) < 5 / np.sqrt(noise.size))
    for bad in [((8, 8), 0, 1), ((16, 16), -1, 1), ((16, 16), 0, 0), ((16, 16), 0, 10**7)]:
        refusal(noise_draws, *bad)


def seen(capfd: pytest.CaptureFixture[str], text: bytes) -> str:
    """What reaches the process's stderr of a text that is written past Python."""
    os.write(2, text)
    return capfd.readouterr().err


@pytest.mark.parametrize("first_out", [0, 1])
def test_stderr_is_back_after_quiet_blocks_that_overlap_in_two_threads(first_out: int, capfd):
    inside, leave = threading.Barrier(3), [threading.Event(), threading.Event()]

    def block(number: int) -> None:
        with silence_stderr():
            inside.wait(10)
            leave[number].wait(10)

    threads = [threading.Thread(target=block, args=(number,)) for number in (0, 1)]
    descriptors = len(os.listdir("/proc/self/fd"))
    for thread in threads:
        thread.start()
    inside.wait(10)
    assert seen(capfd, b"both") == ""
    for number, expected in ((first_out, ""), (1 - first_out, "none")):
        leave[number].set()
        threads[number].join(10)
        assert seen(capfd, b"none") == expected
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_stderr_is_silent_until_the_outer_quiet_block_is_left_by_an_error_too(capfd):
    with pytest.raises(ZeroDivisionError), silence_stderr():
        with silence_stderr():
            assert seen(capfd, b"inside") == ""
        assert seen(capfd, b"still inside") == ""
        raise ZeroDivisionError
    assert seen(capfd, b"outside") == "outside"


def test_a_closed_stderr_stays_closed():
    code = """
import os
from decoupling_lib.common.silence import silence_stderr
os.close(2)
with silence_stderr():
    pass
try:
    os.fstat(2)
except OSError:
    print("closed")
"""
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "closed\n"
