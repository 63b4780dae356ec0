"""Activation maps, their VJP and the Gram matrices of features, compared with Keras and finite differences."""

import numpy as np
import pytest
from keras_reference import keras_input, keras_model
from random_networks import random_weights

from decoupling_lib.networks.activation_maps import activations, linearize_maps
from decoupling_lib.networks.gram import gram_matrices, gram_matrix
from decoupling_lib.networks.vgg import build_network

RNG = np.random.default_rng(5)
ODD = RNG.random((17, 22, 3))
LAYERS = ("block1_conv2", "block2_conv1")
THESIS = build_network(weights=random_weights(), layers=("image", *LAYERS), activation="relu", pooling="max")
SMOOTH = build_network(weights=random_weights(), layers=("image", *LAYERS))


@pytest.fixture(scope="module")
def keras_maps() -> dict[str, np.ndarray]:
    maps = keras_model(random_weights(), LAYERS)(keras_input(ODD))
    return {layer: found.numpy()[0] for layer, found in zip(LAYERS, maps, strict=True)}


def test_activations_agree_with_keras(keras_maps: dict[str, np.ndarray]):
    found = activations(THESIS, ODD)
    assert list(found) == ["image", *LAYERS]
    np.testing.assert_allclose(found["image"], ODD, rtol=1e-6)
    for layer, expected in keras_maps.items():
        assert found[layer].dtype == np.float32
        np.testing.assert_allclose(found[layer], expected, atol=1e-5 * expected.max())


def test_gram_matrices_are_the_mean_outer_products_of_keras_maps(keras_maps: dict[str, np.ndarray]):
    found = gram_matrices(THESIS, ODD)
    assert list(found) == ["image", *LAYERS]
    for layer, expected in keras_maps.items():
        products = sum(np.outer(column, column) for column in expected.reshape(-1, expected.shape[-1]))
        mean = products / (expected.shape[0] * expected.shape[1])
        np.testing.assert_allclose(found[layer], mean, atol=1e-4 * mean.max())


def test_a_gram_matrix_does_not_depend_on_the_positions_of_its_columns():
    maps = RNG.standard_normal((4, 5, 3))
    shuffled = RNG.permutation(maps.reshape(20, 3)).reshape(10, 2, 3)
    np.testing.assert_allclose(gram_matrix(shuffled), gram_matrix(maps), rtol=1e-12)
    np.testing.assert_allclose(gram_matrix(np.concatenate([maps, maps])), gram_matrix(maps), rtol=1e-12)


def test_the_vjp_of_the_maps_is_the_gradient_of_their_weighted_sum():
    at = linearize_maps(SMOOTH, ODD, "float64")
    cotangents = {layer: RNG.standard_normal(found.shape) for layer, found in at.maps.items()}
    assert set(cotangents) == {"image", *LAYERS}

    def weighted_sum(x: np.ndarray) -> float:
        maps = linearize_maps(SMOOTH, x, "float64").maps
        return sum(float(np.sum(cotangents[layer] * found)) for layer, found in maps.items())

    dx, step = RNG.standard_normal(ODD.shape), 1e-6
    slope = (weighted_sum(ODD + step * dx) - weighted_sum(ODD - step * dx)) / (2 * step)
    gradient = at.vjp(cotangents)
    assert gradient.shape == ODD.shape and gradient.dtype == np.float64
    assert np.sum(gradient * dx) == pytest.approx(slope, rel=1e-6)
