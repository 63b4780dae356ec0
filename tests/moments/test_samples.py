"""Samples by name and from images, dequantization, and the command that shows their moments."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toys import SAMPLE

from decoupling_lib.common.errors import InputError
from decoupling_lib.moments.coupled import MOMENT_NAMES, coupled_moments
from decoupling_lib.moments.decoupling import decouple_moments
from decoupling_lib.moments.samples import dequantize, load_sample, read_sample, sample_names

LUMINANCE = (0.2125, 0.7154, 0.0721)  # ITU-R BT.709


def write(folder: Path, text: str) -> Path:
    path = folder / "numbers.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_image_gives_its_brightness_with_ties_broken(tmp_path):
    levels = np.random.default_rng(0).integers(0, 4, (20, 30, 1)).repeat(3, axis=2).astype(np.uint8)
    Image.fromarray(levels).save(tmp_path / "gray.png")
    values = read_sample(tmp_path / "gray.png").values
    assert values.shape == (600,) and len(np.unique(values)) == 600
    # Three channels of the same gray: a weighted mean of three draws inside one bin.
    np.testing.assert_allclose(values, levels[..., 0].ravel() / 255, atol=0.5 / 255)
    assert read_sample(tmp_path / "gray.png", max_side=24).values.shape == (16 * 24,)


def test_brightness_weighs_the_colors(tmp_path):
    image = np.random.default_rng(1).random((16, 17, 3))
    np.save(tmp_path / "image.npy", image)
    expected = sum(weight * image[..., k] for k, weight in enumerate(LUMINANCE)).ravel()
    np.testing.assert_allclose(read_sample(tmp_path / "image.npy").values, expected, rtol=1e-12)


def test_a_column_of_an_image_is_refused(tmp_path):
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / "black.png")
    with pytest.raises(InputError, match="column.*size.*leave"):
        read_sample(tmp_path / "black.png", column="size")


def test_samples_have_names():
    np.testing.assert_array_equal(load_sample("ten").values, SAMPLE)
    assert {"ten", "gamma", "china", "coffee"} <= set(sample_names())
    assert load_sample("gamma").values.shape == (1000,)
    assert load_sample("brick", max_side=32).values.shape == (1024,)
    with pytest.raises(InputError, match="eleven.*ten, gamma, china"):
        load_sample("eleven")


def test_dequantizing_breaks_ties_and_keeps_the_order_of_bins():
    x = np.random.default_rng(7).poisson(3, 300).astype(float)
    spread = dequantize(x, seed=1)
    assert len(np.unique(spread)) == 300
    np.testing.assert_array_equal(np.rint(spread), x)
    np.testing.assert_array_equal(spread, dequantize(x, seed=1))
    assert np.max(np.abs(dequantize(x, 1, 0.2) - x)) <= 0.1


def test_the_command_prints_both_kinds_of_moments(decoupling, tmp_path):
    path = write(tmp_path, "\n".join(map(str, SAMPLE)))
    answer = json.loads(decoupling("moments", path, "--json").out)
    assert set(answer) == {"n", "coupled", "decoupled"} and answer["n"] == 10
    np.testing.assert_array_equal(answer["coupled"], coupled_moments(SAMPLE))
    np.testing.assert_array_equal(answer["decoupled"], decouple_moments(SAMPLE).values)
    table = decoupling("moments", "--sample", "ten").out
    for name, value in zip(MOMENT_NAMES, answer["decoupled"], strict=True):
        (line,) = [line for line in table.splitlines() if line.startswith(name)]
        assert float(line.split()[-1]) == pytest.approx(value, rel=1e-8)


@pytest.mark.parametrize(
    ("text", "fragment"),
    [("0 1 " * 5, "3 different"), ("3 " * 9, "constant"), ("1 2 3 4 5 6", "received 6"), ("1 2 x 4 5 6 7", "text")],
)
def test_the_command_refuses_with_one_line(decoupling, tmp_path, text, fragment):
    end = decoupling("moments", write(tmp_path, text))
    assert end.code == 2 and end.out == ""
    assert fragment in end.err and end.err.count("\n") == 1


def test_the_command_needs_exactly_one_sample(decoupling, tmp_path):
    assert decoupling("moments").code == 2
    assert decoupling("moments", write(tmp_path, "1 2 3 4 5 6 7"), "--sample", "ten").code == 2


def test_ties_are_broken_on_request(decoupling, tmp_path):
    path = write(tmp_path, "1 2 " + "3 " * 10 + "4 5")
    assert "leg 4" in decoupling("moments", path).err
    assert json.loads(decoupling("moments", path, "--dequantize", "--json").out)["n"] == 14
