"""Weights: every layout of a Keras file gives the same arrays, and every wrong file a refusal in one line."""

import hashlib
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import h5py
import keras
import numpy as np
import pooch
import pytest
from keras_files import write_legacy
from paths import ROOT
from random_networks import random_weights

from decoupling_lib.common.errors import InputError
from decoupling_lib.networks import weights
from decoupling_lib.networks.architectures import ARCHITECTURES

RANDOM = {architecture: random_weights(architecture) for architecture in ("vgg16", "vgg19")}


def refusal(function, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        function(*arguments)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 900
    return str(caught.value)


def write_keras3(path: Path, given: weights.Weights) -> Path:
    model = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}[given.architecture]
    built = model(weights=None, include_top=False)
    for name, kernel in given.kernels.items():
        built.get_layer(name).set_weights([kernel, given.biases[name]])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)  # Keras with NumPy 2
        built.save_weights(path)
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights")
    return {
        "vgg16": write_legacy(folder / "vgg16.h5", RANDOM["vgg16"]),
        "vgg19": write_legacy(folder / "vgg19.h5", RANDOM["vgg19"]),
        "keras3": write_keras3(folder / "vgg16.weights.h5", RANDOM["vgg16"]),
    }


def assert_same(found: weights.Weights, expected: weights.Weights) -> None:
    names = [each.name for each in ARCHITECTURES[expected.architecture]]
    assert list(found.kernels) == list(found.biases) == names
    for name in names:
        np.testing.assert_array_equal(found.kernels[name], expected.kernels[name])
        np.testing.assert_array_equal(found.biases[name], expected.biases[name])
        assert found.kernels[name].dtype == found.biases[name].dtype == np.float32


@pytest.mark.draws_weights
def test_random_weights_are_seeded_and_have_the_variance_of_he():
    again, other = weights.read("vgg16", "random", seed=1), weights.read("vgg16", "random", seed=3)
    assert_same(again, RANDOM["vgg16"])
    assert again == RANDOM["vgg16"] and again.sha256 != other.sha256 and again.path is None
    kernel = again.kernels["block4_conv2"]
    assert kernel.std() == pytest.approx(np.sqrt(2 / (9 * 512)), rel=0.01)
    assert not kernel.flags.writeable
    assert "seed" in refusal(weights.read, "vgg16", "random", -1)


@pytest.mark.parametrize("architecture", RANDOM)
def test_legacy_files_are_read(files: dict[str, Path], architecture: str):
    found = weights.read(architecture, files[architecture])
    assert_same(found, RANDOM[architecture])
    assert found.sha256 == hashlib.sha256(files[architecture].read_bytes()).hexdigest()
    assert found.source == str(files[architecture]) and found.path == files[architecture]


def test_newer_legacy_names_and_a_file_with_the_top_are_read(tmp_path: Path):
    path = write_legacy(tmp_path / "top.h5", RANDOM["vgg16"], "{0}/{1}:0", top=True)
    assert_same(weights.read("vgg16", path), RANDOM["vgg16"])


def test_keras3_files_are_read_with_and_without_layer_names(files: dict[str, Path], tmp_path: Path):
    assert_same(weights.read("vgg16", files["keras3"]), RANDOM["vgg16"])
    bare = tmp_path / "bare.weights.h5"
    bare.write_bytes(files["keras3"].read_bytes())
    with h5py.File(bare, "r+") as file:
        named = []
        file.visititems(lambda path, item: named.append(path) if "name" in item.attrs else None)
        assert len(named) >= 13
        for path in named:
            del file[path].attrs["name"]
    assert_same(weights.read("vgg16", bare), RANDOM["vgg16"])
    assert "vgg16" in refusal(weights.read, "vgg19", bare)


def test_the_hed_file_is_read_as_it_is_and_only_for_vgg16():
    first, second = weights.read("vgg16", "hed"), weights.read("vgg16", "hed")
    assert first == second and len(first.sha256) == 64 and first.source == "hed"
    with h5py.File(first.path) as file:
        np.testing.assert_array_equal(first.kernels["block3_conv2"], file["block3/layers/conv2d_1/vars/0"], strict=True)
    assert "vgg16" in refusal(weights.read, "vgg19", "hed")


@pytest.mark.parametrize(("given", "other"), [("vgg16", "vgg19"), ("vgg19", "vgg16")])
def test_weights_of_the_other_network_are_refused_by_name(files: dict[str, Path], given: str, other: str):
    assert f"are those of {given}, not of {other}" in refusal(weights.read, other, files[given])


def test_files_that_hold_no_weights_are_refused(files: dict[str, Path], tmp_path: Path):
    text, empty, cut = tmp_path / "text.h5", tmp_path / "empty.h5", tmp_path / "cut.h5"
    text.write_text("not a file of weights")
    empty.touch()
    cut.write_bytes(files["vgg16"].read_bytes()[:3_000_000])
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1.0
    for name, reason in {
        "text.h5": "not an HDF5 file",
        "empty.h5": "not an HDF5 file",
        "cut.h5": "damaged or cut short",
        "other.h5": "lack layer block1_conv1",
        "missing.h5": "no such file",
        "fifo": "not a regular file",
        ".": "not a regular file",
    }.items():
        assert reason in refusal(weights.read, "vgg16", tmp_path / name)
    assert "imagenet, hed, random" in refusal(weights.read, "vgg16", "imagenett")
    assert "vgg11" in refusal(weights.read, "vgg11", "random")


@pytest.mark.parametrize(
    ("name", "array", "reason"),
    [
        ("block2_conv1/block2_conv1_W_1:0", None, "block2_conv1"),
        ("block2_conv1/block2_conv1_b_1:0", np.zeros(64, "f4"), "shapes"),
        ("block2_conv1/block2_conv1_b_1:0", np.zeros(128, "i4"), "int32"),
        ("block2_conv1/block2_conv1_b_1:0", np.full(128, np.nan, "f4"), "not finite"),
        ("block2_conv1/block2_conv1_b_1:0", np.full(128, 1e300), "not finite"),
    ],
)
def test_files_with_a_wrong_layer_are_refused(
    files: dict[str, Path], tmp_path: Path, name: str, array: np.ndarray | None, reason: str
):
    path = tmp_path / "wrong.h5"
    path.write_bytes(files["vgg16"].read_bytes())
    with h5py.File(path, "r+") as file:
        del file[name]
        if array is None:
            del file["block2_conv1"]
        else:
            file[name] = array
    assert reason in refusal(weights.read, "vgg16", path)


def test_a_huge_array_is_refused_before_it_is_read(tmp_path: Path):
    path = write_legacy(tmp_path / "huge.h5", RANDOM["vgg16"])
    with h5py.File(path, "r+") as file:
        del file["block1_conv1/block1_conv1_W_1:0"]
        file.create_dataset("block1_conv1/block1_conv1_W_1:0", (3, 3, 10**6, 10**6), "f4", chunks=(3, 3, 9, 9))
    assert "1000000" in refusal(weights.read, "vgg16", path)


def test_imagenet_weights_come_from_the_cache_alone_and_are_checked(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    line = refusal(weights.read, "vgg19", "imagenet")
    assert "decoupling weights" in line and "--weights hed" in line and str(tmp_path)[:20] in line
    assert weights.default_source() == ("vgg16", "hed")
    assert weights.default_source("vgg16") == ("vgg16", "hed")
    assert weights.default_source("vgg19") == ("vgg19", "imagenet")
    assert weights.default_source(source="random") == ("vgg19", "random")
    assert weights.default_source(source="hed") == ("vgg16", "hed")
    cached = weights.keras_path("vgg19")
    assert cached == tmp_path / "models" / "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
    cached.parent.mkdir()
    cached.write_bytes(files["vgg19"].read_bytes())
    assert weights.default_source() == ("vgg19", "imagenet")
    assert "253f8cb515780f3b799900260a226db6" in refusal(weights.read, "vgg19", "imagenet")
    monkeypatch.setitem(weights._KERAS_MD5, "vgg19", hashlib.md5(cached.read_bytes()).hexdigest())
    assert_same(weights.read("vgg19", "imagenet"), RANDOM["vgg19"])
    assert weights.fetch("vgg19") == cached  # it is already there, so no network is needed


def test_the_environment_variable_counts_wherever_no_source_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    file = str(tmp_path / "own.h5")
    monkeypatch.setenv(weights.ENVIRONMENT, file)
    assert weights.default_source() == ("vgg19", file)
    assert weights.default_source("vgg16") == ("vgg16", file)
    assert weights.default_source("vgg19") == ("vgg19", file)
    assert weights.default_source("vgg16", "hed") == ("vgg16", "hed")
    assert weights.default_source(source="random") == ("vgg19", "random")
    monkeypatch.setenv(weights.ENVIRONMENT, "hed")
    assert weights.default_source() == weights.default_source("vgg16") == ("vgg16", "hed")
    line = refusal(weights.default_source, "vgg19")
    assert weights.ENVIRONMENT in line and "vgg19" in line and "--weights" in line
    assert weights.default_source("vgg19", "imagenet") == ("vgg19", "imagenet")
    monkeypatch.setenv(weights.ENVIRONMENT, "imagenet")
    assert weights.default_source("vgg16") == ("vgg16", "imagenet")
    monkeypatch.setenv(weights.ENVIRONMENT, "")
    assert weights.default_source("vgg19") == ("vgg19", "imagenet")
    assert weights.default_source("vgg16") == ("vgg16", "hed")


@pytest.mark.parametrize("failure", ["unreachable", "wrong bytes"])
def test_a_failed_download_leaves_nothing_and_names_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str
):
    served = tmp_path / "served"
    server = tmp_path.as_uri() if failure == "wrong bytes" else "http://127.0.0.1:9"
    served.write_bytes(b"not the weights")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(weights, "_KERAS_URL", f"{server}/served")

    def retrieve(url: str, known_hash: str, fname: str, path: Path, progressbar: bool) -> str:
        """Do what pooch does, from a local file instead of a server."""
        return real(url, known_hash, fname, path, downloader=lambda _, output, __: shutil.copy(served, output))

    real = pooch.retrieve
    if failure == "wrong bytes":
        monkeypatch.setattr(pooch, "retrieve", retrieve)
    line = refusal(weights.fetch)
    assert "downloaded" in line and "by hand" in line and "/served" in line
    assert not [path for path in (tmp_path / "home").rglob("*") if path.is_file()]


def test_fetching_an_unknown_network_is_refused():
    assert "vgg11" in refusal(weights.fetch, "vgg11")


def test_the_module_does_not_load_tensorflow():
    code = "from decoupling_lib.networks import weights; weights.read('vgg16', 'hed')"
    code = f"import sys; {code}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
