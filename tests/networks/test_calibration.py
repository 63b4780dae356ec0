"""Temperatures: mean activations over the calibration pictures, measured again with Keras."""

import numpy as np
import pytest
import tensorflow as tf
from keras_reference import keras_model
from random_networks import random_weights

from decoupling_lib.common.errors import InputError
from decoupling_lib.images.pictures import load_picture, resize
from decoupling_lib.networks import weights
from decoupling_lib.networks.calibration import CALIBRATION_PICTURES, CALIBRATION_SIZE, mean_activations
from decoupling_lib.networks.vgg import build_network

NAMES = ("block1_conv1", "block1_conv2", "block2_conv1")


@pytest.fixture(scope="module")
def keras_means() -> dict[str, float]:
    pictures = [resize(load_picture(name).array, CALIBRATION_SIZE) for name in CALIBRATION_PICTURES]
    inputs = tf.keras.applications.vgg16.preprocess_input(255 * np.stack(pictures).astype("float32"))
    return {
        name: float(np.mean(found))
        for name, found in zip(NAMES, keras_model(random_weights(), NAMES)(inputs), strict=True)
    }


def test_mean_activations_are_those_of_keras(keras_means: dict[str, float]):
    found = mean_activations(random_weights(), NAMES[-1])
    assert list(found) == list(NAMES)
    for name, mean in found.items():
        assert mean == pytest.approx(keras_means[name], rel=1e-5)


@pytest.mark.parametrize("growth", [1.0, 2.0])
def test_temperatures_are_softness_times_growth_times_the_mean_activation(growth: float, keras_means: dict[str, float]):
    network = build_network(weights=random_weights(), layers=("block2_conv1",), softness=0.3, growth=growth)
    assert list(network.temperatures) == list(NAMES)
    for k, name in enumerate(NAMES):
        assert network.temperatures[name] == pytest.approx(0.3 * growth**k * keras_means[name], rel=1e-5)


def test_weights_that_are_silent_on_every_picture_set_no_scale():
    given = random_weights()
    kernels = {name: np.zeros_like(kernel) for name, kernel in given.kernels.items()}
    biases = {name: -np.ones_like(bias) for name, bias in given.biases.items()}
    silent = weights.Weights("vgg16", "random", None, "0" * 64, kernels, biases)
    with pytest.raises(InputError, match="block1_conv1.*above 0.*relu"):
        build_network(weights=silent)
    assert build_network(weights=silent, activation="relu", pooling="max").temperatures == {}
