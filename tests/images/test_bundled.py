"""Bundled pictures: found by name, equal to their digest, and credited."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from paths import ROOT
from PIL import Image
from refusals import refusal

from decoupling_lib.common import validation
from decoupling_lib.images import pictures as pictures_module
from decoupling_lib.images.bundled import bundled_picture_path, bundled_pictures
from decoupling_lib.images.pictures import load_picture


def test_bundled_pictures_load_equal_their_digest_and_are_credited():
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


def test_files_and_folders_beside_the_names_of_bundled_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    line = refusal(load_picture, "chian.jpg")
    assert '"china"?' in line and all(name in line for name in bundled_pictures())
    (tmp_path / "china").mkdir()
    assert load_picture("china").array.shape == (427, 640, 3)
    gray = np.full((16, 16, 3), 128, np.uint8)
    Image.fromarray(gray).save(tmp_path / "flower", format="PNG")
    assert np.array_equal(load_picture("flower").array, gray / 255)
    assert '"coffee"?' in refusal(bundled_picture_path, "cofee")


def test_a_package_that_changed_its_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "other.jpg").write_bytes(b"other bytes")
    monkeypatch.setattr(pictures_module, "bundled_picture_path", lambda name: tmp_path / "other.jpg")
    line = refusal(load_picture, "china")
    assert bundled_pictures()["china"].sha256 in line and "scikit-learn" in line


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    assert "pip install scikit-image" in refusal(bundled_picture_path, "coffee")


def test_loading_a_bundled_picture_imports_no_large_package():
    code = """import sys; from decoupling_lib.images.pictures import load_picture as load; load("china"); load("coffee")
print({"tensorflow", "skimage", "sklearn", "matplotlib", "scipy", "tifffile"} & set(sys.modules))"""
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(command, capture_output=True, cwd=ROOT, check=False)
    assert (run.stdout, run.stderr) == (b"set()\n", b"")
