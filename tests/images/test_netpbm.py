"""PBM, PGM, PPM and PFM: plain and binary, of any maximum."""

from pathlib import Path

import numpy as np
import pytest
from refusals import refusal

from decoupling_lib.images.pictures import load_picture

RNG = np.random.default_rng(19)


def read(folder: Path, data: bytes) -> np.ndarray:
    (folder / "x.ppm").write_bytes(data)
    return load_picture(folder / "x.ppm").array


@pytest.mark.parametrize("maximum", [1, 15, 100, 255, 256, 1000, 4095, 65535])
@pytest.mark.parametrize("channels", [1, 3])
def test_values_are_scaled_by_their_maximum(tmp_path: Path, maximum: int, channels: int):
    values = RNG.integers(0, maximum + 1, (18, 21, channels))
    right = values / maximum * np.ones(3)
    binary = values.astype(">u2" if maximum > 255 else "u1").tobytes()
    for head in (b"21 18\n%d\n", b"21\t18 %d ", b"# by hand\n21 # wide\r18\n# deep\n%d\n"):
        head = head % maximum
        assert np.allclose(read(tmp_path, (b"P6\n" if channels == 3 else b"P5 ") + head + binary), right, atol=1e-12)
        text = b"\n# rows\n".join(b" ".join(b"%d" % value for value in row.ravel()) for row in values)
        assert np.allclose(read(tmp_path, (b"P3 " if channels == 3 else b"P2\n") + head + text), right, atol=1e-12)


@pytest.mark.parametrize("width", [16, 17, 23])
def test_bits(tmp_path: Path, width: int):
    black = RNG.integers(0, 2, (18, width))
    right = (1 - black)[..., None] * np.ones(3)
    packed = np.packbits(black.astype(np.uint8), axis=1).tobytes()
    assert np.array_equal(read(tmp_path, b"P4\n%d 18\n" % width + packed), right)
    for space in ("", " "):
        text = "\n".join(space.join(map(str, row)) for row in black).encode()
        assert np.array_equal(read(tmp_path, b"P1\n# bits\n%d 18\n" % width + text), right)


@pytest.mark.parametrize("kind, channels", [(b"Pf", 1), (b"PF", 3)])
@pytest.mark.parametrize("scale, order", [(b"-1.0", "<"), (b"1", ">"), (b"-2.5", "<")])
def test_floats_are_stored_from_the_bottom(tmp_path: Path, kind: bytes, channels: int, scale: bytes, order: str):
    values = RNG.random((18, 21, channels))
    data = kind + b"\n21 18\n" + scale + b"\n" + values[::-1].astype(order + "f4").tobytes()
    assert np.allclose(read(tmp_path, data), values * np.ones(3), atol=1e-6)


@pytest.mark.parametrize(
    "data",
    [
        b"P6 21 18 255\n" + bytes(21 * 18 * 3 - 1),
        b"P5 21 18 0\n" + bytes(999),
        b"P5 21 18 65536\n" + bytes(999),
        b"P5 21 18 100\n" + b"\xff" * 999,
        b"P5 21 18",
        b"P5 21 x 255\n" + bytes(999),
        b"P5 -21 -18 255\n" + bytes(999),
        b"P5 0 18 255\n",
        b"P5 999999 999999 255\n" + bytes(99),
        b"P2 21 18 255\n" + b"1 " * 99,
        b"P2 21 18 255\n" + b"x " * 999,
        b"P2 21 18 255\n" + b"-5 " * 999,
        b"P2 21 18 255\n" + b"9" * 5000 + b" 1" * 999,
        b"P1 21 18\n" + b"2" * 999,
        b"PF 21 18 -1\n" + bytes(99),
        b"PF 21 18 -1\n" + np.full(21 * 18 * 3, np.nan, "f4").tobytes(),
        b"Pf 21 18 x\n" + bytes(9999),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, data: bytes):
    assert "\n" not in refusal(read, tmp_path, data)
