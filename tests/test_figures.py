"""The thesis's figures by number."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from decoupling_lib import figures
from decoupling_lib.checks import InputError


def test_every_figure_is_drawn_the_same_twice_and_is_not_blank(tmp_path):
    paths = figures.make(tmp_path)
    assert [path.name for path in paths] == ["figure_2_1.png", "figure_2_2.png", "figure_4_6.png"]
    first = [path.read_bytes() for path in paths]
    for path in paths:
        pixels = np.asarray(Image.open(path).convert("L"))
        assert 0.01 < np.mean(pixels < 200) < 0.5
    assert [path.read_bytes() for path in figures.make(tmp_path)] == first


@pytest.mark.parametrize("number", list(figures.FIGURES))
def test_a_figure_says_what_made_it(number):
    text = figures.FIGURES[number]()._supxlabel.get_text()
    parameter, package = ("seed", "tensorflow") if number == "4.6" else ("tolerance", "scipy")
    assert parameter in text and "numpy" in text and package in text


def test_an_unknown_number_is_refused_before_anything_is_drawn(tmp_path):
    with pytest.raises(InputError, match="2.1, 2.2, 4.6"):
        figures.make(tmp_path, ["2.1", "9.9"])
    assert not list(tmp_path.iterdir())


def test_the_command_draws_what_is_asked_for(tmp_path):
    command = [sys.executable, "-m", "decoupling_lib.cli", "figures", "--out", str(tmp_path / "drawn"), "--only"]
    done = subprocess.run([*command, "2.2"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and Path(done.stdout.strip()).name == "figure_2_2.png"
    refused = subprocess.run([*command, "2.2,7"], capture_output=True, text=True, timeout=120)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
