"""Whole models, nested models and every layout of Keras's files are read; all others are named for what they are."""

import io
import json
import os
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from command_line import QUICK
from keras_files import write_legacy
from random_networks import random_weights
from refusals import refusal

from decoupling_lib.networks import weight_files, weights
from decoupling_lib.networks.architectures import ARCHITECTURES

RANDOM = random_weights("vgg16")


def quietly(function: Callable, *arguments: object, **options: object) -> object:
    """Call Keras, which warns of its own legacy format and of NumPy 2."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


@pytest.fixture(scope="module")
def vgg() -> keras.Model:
    """Return Keras's VGG-16 with the random weights."""
    model = keras.applications.VGG16(weights=None, include_top=False, input_shape=(64, 64, 3))
    for name, kernel in RANDOM.kernels.items():
        model.get_layer(name).set_weights([kernel, RANDOM.biases[name]])
    return model


def sequential(vgg: keras.Model) -> keras.Model:
    """Nest the network, and train for a step, so that files hold an optimizer's state of the kernels' shapes too."""
    model = keras.Sequential([keras.Input((64, 64, 3)), vgg, keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.0, momentum=0.5), "mse")
    model.fit(np.zeros((1, 64, 64, 3)), np.zeros((1, 2)), verbose=0)
    return model


def functional(vgg: keras.Model) -> keras.Model:
    """Nest the network between convolutions of another model, one of them of VGG's kernel size."""
    image = keras.Input((64, 64, 3))
    x = keras.layers.Conv2D(3, 3, padding="same", name="before")(image)
    x = keras.layers.Conv2D(8, 3, padding="same", name="after")(vgg(x))
    return keras.Model(image, keras.layers.Dense(2)(keras.layers.GlobalMaxPooling2D()(x)))


MODELS = {"whole": lambda vgg: vgg, "sequential": sequential, "functional": functional}


def assert_same(found: weights.Weights) -> None:
    assert list(found.kernels) == list(found.biases) == [each.name for each in ARCHITECTURES["vgg16"]]
    for name in found.kernels:
        np.testing.assert_array_equal(found.kernels[name], RANDOM.kernels[name], strict=True)
        np.testing.assert_array_equal(found.biases[name], RANDOM.biases[name], strict=True)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("ending", [".h5", ".keras", ".weights.h5"])
def test_a_model_is_read_however_it_was_saved(model: str, ending: str, vgg, tmp_path: Path):
    path, built = tmp_path / f"model{ending}", MODELS[model](vgg)
    quietly(built.save_weights if ending == ".weights.h5" else built.save, path)
    assert weights.default_source(source=str(path)) == ("vgg16", str(path))
    assert_same(weights.read("vgg16", path))
    assert "vgg16, not of vgg19" in refusal(weights.read, "vgg19", path)


@pytest.mark.slow
def test_a_whole_model_with_its_top_is_read(tmp_path: Path):
    model = keras.applications.VGG16(weights=None, include_top=True, input_shape=(32, 32, 3), classes=2)
    for name, kernel in RANDOM.kernels.items():
        model.get_layer(name).set_weights([kernel, RANDOM.biases[name]])
    for name in ("top.h5", "top.keras", "top.weights.h5"):
        quietly(model.save_weights if name.endswith(".weights.h5") else model.save, tmp_path / name)
        assert_same(weights.read("vgg16", tmp_path / name))


def rewrite(path: Path, change: Callable[[str, np.ndarray], np.ndarray], rename: str = "{}") -> Path:
    """Write the legacy layout with changed arrays and names of layers."""
    with h5py.File(path, "w") as file:
        for layer in RANDOM.kernels:
            name = rename.format(layer)
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}/kernel:0".encode(), f"{name}/bias:0".encode()]
            group[f"{name}/kernel:0"] = change(layer, RANDOM.kernels[layer])
            group[f"{name}/bias:0"] = change(layer, RANDOM.biases[layer])
    return path


def test_numbers_of_other_widths_and_numbered_names_are_read(tmp_path: Path):
    assert_same(weights.read("vgg16", rewrite(tmp_path / "a.h5", lambda _, array: array.astype(np.float64))))
    assert_same(weights.read("vgg16", rewrite(tmp_path / "b.h5", lambda _, array: array, "{}_1")))
    half = weights.read("vgg16", rewrite(tmp_path / "c.h5", lambda _, array: array.astype(np.float16)))
    for name, kernel in half.kernels.items():
        assert kernel.dtype == np.float32
        np.testing.assert_array_equal(kernel, RANDOM.kernels[name].astype(np.float16))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("ending", [".h5", ".keras"])
def test_layers_of_other_names_are_read_by_their_order(model: str, ending: str, vgg, tmp_path: Path):
    """Of a copy with names of its own; but not if other convolutions stand between them."""
    image = x = keras.Input((64, 64, 3))
    for number, layer in enumerate(vgg.layers[1:]):
        options = layer.get_config() | {"name": f"features_{number}"}
        x = type(layer).from_config(options)(x)
    copy = keras.Model(image, x, name="copy")
    copy.set_weights(vgg.get_weights())
    path = tmp_path / f"copy{ending}"
    quietly(MODELS[model](copy).save, path)
    if model == "functional":
        assert "lack layer block1_conv1" in refusal(weights.read, "vgg16", path)
    else:
        assert_same(weights.read("vgg16", path))


def test_a_layer_that_is_there_twice_is_refused(tmp_path: Path):
    path = rewrite(tmp_path / "twice.h5", lambda _, array: array)
    with h5py.File(path, "r+") as file:
        file.copy(file["block1_conv1"], "block1_conv1_1")
    assert "block1_conv1 twice" in refusal(weights.read, "vgg16", path)


@pytest.mark.parametrize("axes", [(3, 2, 0, 1), (3, 2, 1, 0), (2, 3, 0, 1)])
def test_transposed_kernels_are_refused(axes: tuple[int, ...], tmp_path: Path):
    path = rewrite(tmp_path / "a.h5", lambda _, array: array.transpose(axes) if array.ndim == 4 else array)
    assert "transposed" in refusal(weights.read, "vgg16", path)


def archive(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, content in members.items():
            packed.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return file.getvalue()


def tensors() -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(4)


def numpy_archive() -> bytes:
    file = io.BytesIO()
    np.savez(file, block1_conv1=np.zeros(3))
    return file.getvalue()


FOREIGN = {
    "vgg.h5": (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
    "page.h5": (b"\n\n <html lang='en'>", "web page"),
    "error.h5": (b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", "web page"),
    "lfs.h5": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "Git LFS"),
    "vgg16-397923af.pth": (archive(vgg16__data_dot_pkl=pickle.dumps({}), vgg16__data__0=bytes(4)), "PyTorch"),
    "old.pth": (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.", "pickled"),
    "vgg.pkl": (pickle.dumps({"block1_conv1": [1.0]}), "pickled"),
    "vgg.safetensors": (tensors(), "safetensors"),
    "vgg.npz": (numpy_archive(), "NumPy"),
    "vgg.npy": (b"\x93NUMPY\x01\x00" + bytes(100), "NumPy"),
    "vgg.h5.gz": (b"\x1f\x8b\x08" + bytes(60), "compressed"),
    "saved.zip": (archive(saved__saved_model_dot_pb=b"\x08\x01"), "SavedModel"),
    "other.zip": (archive(photo_dot_png=b"png"), "zip archive of another kind"),
    "vgg.weights.json": (b'{"metadata": {}, "weight_map": {"a": "b.h5"}}', "several files"),
    "empty.h5": (b"", "not an HDF5 file"),
    "text.h5": (b"0.1 0.2 0.3", "not an HDF5 file"),
    "cut.keras": (archive(model_dot_weights_dot_h5=bytes(900))[:400], "damaged or cut short"),
    "hollow.keras": (archive(model_dot_weights_dot_h5=b"<html>"), "damaged or cut short"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_another_format_is_named_with_what_to_do(name: str, tmp_path: Path):
    content, what = FOREIGN[name]
    (tmp_path / name).write_bytes(content)
    assert what in refusal(weights.read, "vgg16", tmp_path / name).partition("; received ")[0]
    assert weights.default_source(source=str(tmp_path / name))[0] == "vgg19"


def test_a_saved_model_folder_and_a_truncated_download_are_named(vgg, tmp_path: Path):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"\x08\x01")
    assert "SavedModel" in refusal(weights.read, "vgg16", tmp_path / "saved")
    quietly(vgg.save, tmp_path / "whole.h5")
    whole = (tmp_path / "whole.h5").read_bytes()
    for size in (len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.h5").write_bytes(whole[:size])
        assert "damaged or cut short" in refusal(weights.read, "vgg16", tmp_path / "cut.h5")


def test_nothing_is_unpickled(tmp_path: Path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    for name in ("a.pth", "a.pkl", "a.keras"):
        packed = pickle.dumps(Trap())
        content = {"a.pkl": packed, "a.pth": archive(a__data_dot_pkl=packed)}.get(name)
        (tmp_path / name).write_bytes(content or archive(model_dot_weights_dot_h5=packed, config_dot_json=packed))
        refusal(weights.read, "vgg16", tmp_path / name)
        assert weight_files.recognize(tmp_path / name) is None
    assert not (tmp_path / "executed").exists()


def test_a_home_folder_in_the_name_of_a_source_is_expanded_at_once(tmp_path: Path, monkeypatch):
    """Processes on other machines, and records of a run, get the whole path."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(weights.ENVIRONMENT, "~/own.h5")
    for source in (None, "~/own.h5"):
        assert weights.default_source("vgg16", source) == ("vgg16", str(tmp_path / "own.h5"))
    monkeypatch.setenv(weights.ENVIRONMENT, "~nobody-of-this-name/own.h5")
    line = refusal(weights.default_source)
    assert line.startswith(weights.ENVIRONMENT) and "home folder" in line


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_environment_variable_may_name_a_file_of_either_network(
    architecture: str, decoupling, pictures, tmp_path: Path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_legacy(tmp_path / "own.h5", random_weights(architecture))
    monkeypatch.setenv(weights.ENVIRONMENT, "~/own.h5")
    assert weights.default_source()[0] == architecture
    own = [part for part in QUICK if part not in ("--network", "--weights", "vgg16", "random")]
    code, _, err = decoupling("transfer", *pictures, *own, "--out", tmp_path / "out")
    assert code == 0 and f"network: {architecture}" in err
    network = json.loads((tmp_path / "out" / "report.json").read_text())["network"]
    assert (network["architecture"], network["weights"]) == (architecture, str(tmp_path / "own.h5"))
    other = next(name for name in ARCHITECTURES if name != architecture)
    code, out, err = decoupling("transfer", *pictures, *own, "--network", other, "--out", tmp_path / "no")
    assert (code, out, err.count("\n")) == (2, "", 1) and f"those of {architecture}" in err


def test_a_file_that_is_replaced_is_recognized_again(tmp_path: Path):
    path = tmp_path / "own.h5"
    for architecture in ("vgg16", "vgg19", "vgg16"):
        write_legacy(path, random_weights(architecture))
        assert weights.default_source(source=str(path))[0] == architecture
