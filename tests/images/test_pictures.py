"""Images: read from a file, resized, and written as PNG under one convention."""

import hashlib
import os
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from refusals import refusal

from decoupling_lib.images.pictures import fit, load_picture, out_of_range_fraction, resize, save_png, to_uint8

RGB = np.random.default_rng(7).integers(0, 256, (19, 33, 3), dtype=np.uint8)
SIDES = st.integers(16, 40)
FLOATS = hnp.arrays(float, st.tuples(SIDES, SIDES, st.just(3)), elements=st.floats(-2, 3))


def test_a_loaded_picture_has_name_values_and_digest(tmp_path: Path):
    Image.fromarray(RGB).save(file := tmp_path / "a b.png")
    picture = load_picture(str(file))
    assert picture.name == "a b.png" and picture.array.dtype == float and np.all(picture.array == RGB / 255)
    assert picture.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


@given(FLOATS, SIDES, SIDES)
def test_resized_values_stay_within_the_range(image: np.ndarray, height: int, width: int):
    resized = resize(image, (height, width))
    assert image.min() - 1e-6 <= resized.min() and resized.max() <= image.max() + 1e-6
    constant = resize(np.full_like(image, image[0, 0, 0]), (height, width))
    assert constant.shape == (height, width, 3) and np.allclose(constant, image[0, 0, 0], atol=1e-6)


def test_resize_keeps_the_mean_and_does_not_alias():
    checker = np.indices((128, 128)).sum(axis=0)[..., None] % 2 * np.ones(3)
    small = resize(checker, (32, 32))
    assert abs(small.mean() - 0.5) < 1e-3 and small[2:-2, 2:-2].std() < 0.02
    assert np.array_equal(resize(checker, (128, 128)), checker)
    ramp = np.linspace(0, 1, 64)[None, :, None] * np.ones((64, 1, 3))
    assert abs(resize(ramp, (16, 50)).mean() - 0.5) < 1e-6


def test_fit_keeps_the_aspect_ratio_and_enlarges_nothing():
    image = np.linspace(0, 1, 100 * 40 * 3).reshape(100, 40, 3)
    assert fit(image, max_side=50).shape == (50, 20, 3)
    assert fit(image, max_side=500) is image and fit(image) is image
    assert fit(image, size=(32, 48)).shape == (32, 48, 3)
    assert "(32, 32)" in refusal(fit, image, (32, 32), 32)
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


def test_a_saved_png_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    gray = np.full((16, 16, 3), 0.5)
    (tmp_path / "folder.png").mkdir()
    cases = {"no/x.png": "no such", "x.jpg": ".png", "folder.png": "folder", "n" * 999 + ".png": "too long"}
    for name, fact in cases.items():
        assert fact in refusal(save_png, tmp_path / name, gray)
    save_png(tmp_path / "x.png", gray)
    monkeypatch.setattr(os, "replace", Mock(side_effect=OSError(28, "No space left on device")))
    assert "disk is full" in refusal(save_png, tmp_path / "x.png", gray / 2)
    assert np.all(to_uint8(load_picture(tmp_path / "x.png").array) == 128)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["folder.png", "x.png"]
