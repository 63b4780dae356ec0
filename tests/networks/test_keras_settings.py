"""No number depends on a user's settings of Keras: they are replaced while the kit uses it, or refused in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from command_line import QUICK, run
from outputs import assert_same_arrays
from paths import ROOT
from patience import HANG
from refusals import refusal

from decoupling_lib.methods import baselines
from decoupling_lib.networks import digits_classifier, keras_layers
from decoupling_lib.networks.keras_settings import keras_settings, require_keras

DESCENT = (*QUICK, "--method", "descent", "--iterations", 4, "--quiet", "--out")
FIGURES = ("figures", "--only", "1.1,2.4", "--quiet", "--out")
FILES = {
    "float64": {"floatx": "float64"},
    "float16": {"floatx": "float16"},
    "channels first": {"image_data_format": "channels_first"},
    "all": {"floatx": "float64", "epsilon": 0.1, "image_data_format": "channels_first", "backend": "tensorflow"},
    "no JSON": "{",
    "an empty file": "",
}
"""Files keras.json under which the bits are the same."""
REFUSED = {
    "KERAS_BACKEND=torch": ({"KERAS_BACKEND": "torch"}, None, "KERAS_BACKEND"),
    "KERAS_BACKEND=jax": ({"KERAS_BACKEND": "jax"}, None, "KERAS_BACKEND"),
    "KERAS_BACKEND=numpy": ({"KERAS_BACKEND": "numpy"}, None, "KERAS_BACKEND"),
    "KERAS_BACKEND=nonsense": ({"KERAS_BACKEND": "nonsense"}, None, "KERAS_BACKEND"),
    "legacy 1": ({"TF_USE_LEGACY_KERAS": "1"}, None, "TF_USE_LEGACY_KERAS"),
    "legacy True": ({"TF_USE_LEGACY_KERAS": "True"}, None, "TF_USE_LEGACY_KERAS"),
    "backend in keras.json": ({}, {"backend": "jax"}, "keras.json"),
    "an empty backend in keras.json": ({}, {"backend": "", "floatx": "float16"}, "keras.json"),
    "a floatx that does not exist": ({}, {"floatx": "float33"}, "keras.json"),
    "an epsilon that is text": ({}, {"epsilon": "small"}, "keras.json"),
    "a data format that does not exist": ({}, {"image_data_format": "channels_middle"}, "keras.json"),
    "epochs that are text": ({"KERAS_MAX_EPOCHS": "many"}, None, "KERAS_MAX_EPOCHS"),
}
"""Environment, keras.json, and the setting that the refusal names."""


def machine(folder: Path, content: object = None, **variables: str) -> dict[str, str]:
    """Return the environment of a machine with this keras.json."""
    home = folder / "keras"
    home.mkdir(exist_ok=True)
    if content is not None:
        (home / "keras.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return os.environ | {"KERAS_HOME": str(home)} | variables


@pytest.fixture(scope="module")
def usual(pictures, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("usual")
    assert run("transfer", *pictures, *DESCENT, folder / "out", env=machine(folder)) == (0, "", "")
    return folder / "out"


@pytest.mark.parametrize("name", ["all", *(pytest.param(name, marks=pytest.mark.slow) for name in FILES)])
def test_a_descent_has_the_same_bits_under_any_keras_json(name: str, pictures, usual, tmp_path):
    environment = machine(tmp_path, FILES[name])
    assert run("transfer", *pictures, *DESCENT, tmp_path / "out", env=environment) == (0, "", "")
    assert_same_arrays(tmp_path / "out", usual)


@pytest.mark.parametrize("name", REFUSED)  # most are refused before TensorFlow is loaded
def test_a_setting_with_which_keras_does_not_work_is_refused_in_one_line(name: str, pictures, tmp_path):
    variables, content, named = REFUSED[name]
    command = ("transfer", *pictures, *DESCENT)
    code, out, err = run(*command, tmp_path / "out", env=machine(tmp_path, content, **variables))
    assert (code, out, err.count("\n")) == (2, "", 1) and named in err, err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["KERAS_BACKEND=torch", "legacy 1", "a floatx that does not exist"])
def test_figures_that_need_keras_are_refused_before_anything_is_drawn(name: str, tmp_path):
    variables, content, named = REFUSED[name]
    code, out, err = run(*FIGURES, tmp_path / "out", env=machine(tmp_path, content, **variables))
    assert (code, out, err.count("\n")) == (2, "", 1) and named in err, err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["KERAS_BACKEND=torch", "legacy 1", "backend in keras.json"])
def test_a_method_without_keras_runs_whatever_its_backend_is(name: str, pictures, tmp_path):
    variables, content, _ = REFUSED[name]
    command = ("transfer", *pictures, *QUICK, "--quiet", "--out", tmp_path / "out")
    assert run(*command, env=machine(tmp_path, content, **variables)) == (0, "", "")


@pytest.mark.slow
@pytest.mark.parametrize("home", ["/dev/null/nowhere", "/proc/keras", "~/.keras-that-is-not-there"])
def test_a_keras_home_that_cannot_be_used_does_not_matter(home: str, pictures, usual, tmp_path):
    environment = os.environ | {"KERAS_HOME": home, "HOME": str(tmp_path)}
    assert run("transfer", *pictures, *DESCENT, tmp_path / "out", env=environment) == (0, "", "")
    assert_same_arrays(tmp_path / "out", usual)


def test_in_a_process_that_has_loaded_keras_its_own_backend_counts(monkeypatch):
    require_keras()
    monkeypatch.setenv("KERAS_BACKEND", "jax")  # too late to matter
    require_keras()
    monkeypatch.setattr(tf.keras.config, "backend", lambda: "jax", raising=False)
    import keras

    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    assert "jax" in refusal(require_keras) and "KERAS_BACKEND=tensorflow" in refusal(require_keras)


@pytest.fixture
def strange():
    """Give Keras strange settings in this process, and take them back."""
    config = tf.keras.config
    before = config.floatx(), config.epsilon(), config.image_data_format(), config.dtype_policy()

    def give(floatx, epsilon, data_format, policy):
        config.set_floatx(floatx)
        config.set_epsilon(epsilon)
        config.set_image_data_format(data_format)
        config.set_dtype_policy(policy)

    yield lambda: give("float64", 0.5, "channels_first", "mixed_float16")
    give(*before)


@pytest.mark.parametrize("name", baselines.OPTIMIZERS)
def test_every_optimizer_takes_the_same_steps(name: str, strange):
    def steps() -> np.ndarray:
        update = baselines._create_optimizer(name, 1e-3, np.array([1.0, 2.0]))
        return np.stack([update(np.array([0.3, -k / 7])) for k in range(5)])

    usual = steps()
    strange()
    np.testing.assert_array_equal(steps(), usual)
    assert tf.keras.config.floatx() == "float64" and tf.keras.config.dtype_policy().name == "mixed_float16"


def test_the_classifier_and_keras_vgg19_are_the_same(strange):
    images = np.random.default_rng(0).random((2, digits_classifier.SIDE, digits_classifier.SIDE))

    def measure():
        model = digits_classifier.load()
        maps = digits_classifier.activations(model, images)
        return maps, digits_classifier.accuracy(model), keras_layers.summarize_layers(model)

    usual = measure()
    strange()
    maps, accuracy, layers = measure()
    assert (accuracy, layers) == usual[1:]
    for name, values in maps.items():
        np.testing.assert_array_equal(values, usual[0][name], strict=True)
    with keras_settings():
        assert tf.keras.config.image_data_format() == "channels_last" and tf.keras.config.floatx() == "float32"
        assert tf.keras.config.dtype_policy().name == "float32" and tf.keras.config.epsilon() == 1e-7


def test_nothing_is_loaded_to_judge_the_settings():
    code = "import sys; from decoupling_lib.networks import keras_settings as k; k.require_keras()"
    code += "; sys.exit(bool({'keras', 'tensorflow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=HANG, check=False).returncode == 0
