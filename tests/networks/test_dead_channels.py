"""Which channels noise leaves dead, against Keras."""

import numpy as np
import pytest
from keras_reference import keras_input, keras_model

from decoupling_lib.common.errors import InputError
from decoupling_lib.networks import weights
from decoupling_lib.networks.dead_channels import find_dead_channels
from decoupling_lib.networks.vgg import build_network

RNG = np.random.default_rng(5)
RANDOM = weights.read("vgg16", "random", seed=1)


def test_dead_channels_are_those_that_noise_never_activates():
    read = RANDOM
    biases = {name: values.copy() for name, values in read.biases.items()}
    biases["block1_conv1"][[3, 40]] = -1e5
    read = weights.Weights("vgg16", "random", None, "dead", read.kernels, biases)
    noise, layers = RNG.random((3, 16, 16, 3)), ("block1_conv1", "block2_conv1")
    masks = find_dead_channels(build_network(weights=read), noise)
    assert np.flatnonzero(masks["block1_conv1"]).tolist() == [3, 40]
    model = keras_model(read, layers)
    found = [model(keras_input(x)) for x in noise]
    for layer, maps in zip(layers, zip(*found, strict=True), strict=True):
        silent = np.max(maps, axis=(0, 1, 2, 3)) == 0
        np.testing.assert_array_equal(masks[layer], silent)
    once = find_dead_channels(build_network(weights=read), noise[:1])["block2_conv1"]
    assert once.sum() > masks["block2_conv1"].sum()  # a channel is alive when any of the images wakes it


def test_noise_images_that_are_not_stacked_are_refused():
    with pytest.raises(InputError, match="noise"):
        find_dead_channels(build_network(weights=RANDOM), np.zeros((16, 16, 3)))
