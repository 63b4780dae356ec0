"""Channel means: derivatives against finite differences and automatic differentiation, prefixes, retracing."""

from itertools import product

import numpy as np
import pytest
import tensorflow as tf
from keras_reference import keras_input, keras_model
from random_networks import random_weights

from decoupling_lib.common.errors import InputError
from decoupling_lib.networks.activation_maps import activations, linearize_maps
from decoupling_lib.networks.architectures import ACTIVATIONS, POOLINGS, style_layers
from decoupling_lib.networks.channel_means import ChannelMeans, channel_means_by_layer
from decoupling_lib.networks.compiled import compile_network
from decoupling_lib.networks.vgg import Network, build_network

RNG = np.random.default_rng(5)
ODD = RNG.random((17, 22, 3))
VARIANTS = list(product(ACTIVATIONS, POOLINGS))
DISTS = ("image", "block1_conv2", "block2_conv2")


def network(
    activation="softplus", pooling="smooth", layers=("block1_conv1", "block2_conv1", "block3_conv1")
) -> Network:
    return build_network(weights=random_weights(), layers=layers, activation=activation, pooling=pooling)


@pytest.mark.parametrize(("activation", "pooling"), VARIANTS)
def test_jvp_is_the_central_difference(activation: str, pooling: str):
    means = ChannelMeans(network(activation, pooling), "float64")
    dx = RNG.standard_normal(ODD.shape)
    at = means.linearize(ODD)
    np.testing.assert_allclose(at.values, means.values(ODD), rtol=1e-12)
    step = 1e-9 if activation == "relu" or pooling == "max" else 1e-6  # so small that no kink lies between
    slope = (means.values(ODD + step * dx) - means.values(ODD - step * dx)) / (2 * step)
    found = at.jvp(dx)
    assert found.dtype == np.float64 and found.shape == (64 + 128 + 256,)
    np.testing.assert_allclose(found, slope, atol=2e-5 * np.abs(slope).max())


@pytest.mark.parametrize(
    ("activation", "pooling"), [("softplus", "smooth"), ("softplus", "average"), ("gaussian", "smooth")]
)
def test_hvp_is_the_change_of_the_gradient(activation: str, pooling: str):
    means = ChannelMeans(network(activation, pooling, DISTS), "float64")
    at = means.linearize(ODD)
    w, dx, other = RNG.standard_normal(len(at.values)), RNG.standard_normal(ODD.shape), RNG.standard_normal(ODD.shape)
    found = at.hvp(w, dx)
    assert found.shape == ODD.shape and found.dtype == np.float64
    slope = (means.linearize(ODD + 1e-5 * dx).vjp(w) - means.linearize(ODD - 1e-5 * dx).vjp(w)) / 2e-5
    np.testing.assert_allclose(found, slope, atol=1e-6 * np.abs(slope).max())
    assert np.vdot(other, found) == pytest.approx(np.vdot(dx, at.hvp(w, other)), rel=1e-9), "it is symmetric"


def test_a_network_with_kinks_has_no_second_derivative_elsewhere():
    at = ChannelMeans(network("relu", "max"), "float64").linearize(ODD)
    assert not at.hvp(np.ones(len(at.values)), np.ones(ODD.shape)).any()


@pytest.mark.parametrize(("activation", "pooling"), VARIANTS)
def test_vjp_is_the_transpose_of_jvp_and_gives_the_jacobian_rows(activation: str, pooling: str):
    at = ChannelMeans(network(activation, pooling), "float64").linearize(ODD)
    w, dx = RNG.standard_normal(len(at.values)), RNG.standard_normal(ODD.shape)
    gradient = at.vjp(w)
    assert gradient.shape == ODD.shape and gradient.dtype == np.float64
    assert w @ at.jvp(dx) == pytest.approx(np.sum(gradient * dx), rel=1e-10)
    rows = at.jacobian()
    assert rows.shape == (len(w), ODD.size) and rows.dtype == np.float64
    for index in (0, 63, 64, 150, 191, 192, 447):
        unit = np.eye(len(w))[index]
        np.testing.assert_allclose(rows[index], at.vjp(unit).ravel(), atol=1e-12 * np.abs(rows).max())


def test_the_jacobian_does_not_depend_on_its_chunks():
    at = ChannelMeans(network(), "float64").linearize(ODD)
    small, large = (at.rows_at_once("block3_conv1", memory) for memory in (2**21, 2**28))
    assert small < large <= 64
    whole = at.jacobian()
    np.testing.assert_allclose(at.jacobian(memory=2**21), whole, atol=1e-13 * np.abs(whole).max())


@pytest.mark.parametrize("memory", [2**21, 2**28])
def test_rows_that_are_not_wanted_are_zero_and_the_others_are_unchanged(memory: int):
    at = ChannelMeans(network(layers=DISTS), "float64").linearize(ODD)
    whole = at.jacobian()
    wanted = np.random.default_rng(3).random(len(whole)) < 0.4
    wanted[0], wanted[1], wanted[3 : 3 + 64] = True, False, False  # some means of the image, none of the next layer
    some = at.jacobian(wanted, memory)
    assert not some[~wanted].any() and 0 < np.count_nonzero(wanted[67:]) < len(wanted) - 67
    np.testing.assert_allclose(some[wanted], whole[wanted], atol=1e-13 * np.abs(whole).max())


def test_the_dists_layers_begin_with_the_image_itself():
    means = ChannelMeans(network(layers=DISTS), "float64")
    assert [(block.name, block.size) for block in means.blocks] == list(zip(DISTS, (3, 64, 128), strict=True))
    at, dx = means.linearize(ODD), RNG.standard_normal(ODD.shape)
    np.testing.assert_allclose(at.values[:3], ODD.mean(axis=(0, 1)))
    np.testing.assert_allclose(at.jvp(dx)[:3], dx.mean(axis=(0, 1)))
    w = RNG.standard_normal(195)
    np.testing.assert_allclose(at.jacobian().T @ w, at.vjp(w).ravel(), atol=1e-10 * np.abs(at.vjp(w)).max())


def test_the_means_of_the_image_are_a_linear_map():
    at = ChannelMeans(network(layers=DISTS), "float64").prefix(1).linearize(ODD)
    np.testing.assert_allclose(at.values, ODD.mean(axis=(0, 1)))
    np.testing.assert_allclose(at.jacobian() @ ODD.ravel(), at.values)
    np.testing.assert_allclose(at.jvp(ODD), at.values)
    np.testing.assert_allclose(at.vjp(np.ones(3)), np.full(ODD.shape, 1 / (17 * 22)))


@pytest.mark.parametrize("architecture", ["vgg16", "vgg19"])
def test_values_and_gradients_agree_with_keras_and_its_automatic_differentiation(architecture: str):
    given = random_weights(architecture)
    layers = style_layers(architecture, "thesis", 5)
    means = ChannelMeans(build_network(weights=given, layers=layers, activation="relu", pooling="max"))
    model, x = keras_model(given, layers), tf.Variable(RNG.random((32, 35, 3)).astype("float32"))
    w = RNG.standard_normal(1472).astype("float32")
    with tf.GradientTape() as tape:
        expected = tf.concat([tf.reduce_mean(h, [0, 1, 2]) for h in model(keras_input(x))], 0)
        score = tf.reduce_sum(w * expected)
    gradient = tape.gradient(score, x).numpy()
    at = means.linearize(x.numpy())
    np.testing.assert_allclose(at.values, expected, atol=2e-5 * np.max(expected))
    difference = np.linalg.norm(at.vjp(w) - gradient) / np.linalg.norm(gradient)
    assert difference < 1e-3  # in float32 a maximum or a sign may flip


@pytest.mark.parametrize("count", [1, 2])
def test_a_prefix_has_the_first_blocks(count: int):
    whole = ChannelMeans(network(), "float64")
    part = whole.prefix(count)
    size = sum(block.size for block in part.blocks)
    assert part.blocks == whole.blocks[:count] and part == whole.prefix(count)
    np.testing.assert_allclose(part.values(ODD), whole.values(ODD)[:size], rtol=1e-12)
    np.testing.assert_allclose(
        part.linearize(ODD).jacobian(), whole.linearize(ODD).jacobian()[:size], rtol=1e-9, atol=1e-16
    )


def test_by_layer_splits_the_values_at_the_blocks():
    means = ChannelMeans(network(layers=DISTS))
    found = channel_means_by_layer(means, ODD)
    assert [(layer, len(part)) for layer, part in found.items()] == list(zip(DISTS, (3, 64, 128), strict=True))
    np.testing.assert_array_equal(np.concatenate(list(found.values())), means.values(ODD))


def test_new_values_new_instances_and_prefixes_are_not_traced_again():
    def trace_counts(index: int) -> list[int]:
        means = ChannelMeans(network(layers=("block1_conv1", "block2_conv1")), "float32")
        for each in (means, means.prefix(1)):
            x = RNG.random((18, 16, 3)) if index % 2 else RNG.random((18, 16, 3)).astype("float32")
            at = each.linearize(x)
            at.jvp(at.vjp(at.values + index))
            at.jacobian()
            each.values(x)
        programs = [compile_network(each.network, "float32") for each in (means, means.prefix(1))]
        functions = [f for p in programs for f in (p.values, p.linearize, p.jvp, p.vjp, *p.rows.values())]
        return [function.experimental_get_tracing_count() for function in functions]

    compile_network.cache_clear()  # other tests may have traced these functions at other sizes
    assert trace_counts(0) == [1] * 11  # four functions for each map, and three of rows
    assert all(trace_counts(index) == [1] * 11 for index in range(1, 6))


def test_float32_is_close_to_float64():
    single, double = (ChannelMeans(network(), dtype).linearize(ODD) for dtype in ("float32", "float64"))
    np.testing.assert_allclose(single.values, double.values, rtol=1e-4)
    assert single.values.dtype == np.float64 and single.jacobian().dtype == np.float32


def test_mixed_precision_is_double_up_to_one_convolution_and_single_beyond():
    mixed, double = ChannelMeans(network()), ChannelMeans(network(), "float64")
    assert mixed.dtype == mixed.prefix(1).dtype == "mixed"
    assert (mixed.precision, mixed.prefix(1).precision) == ("float32", "float64")
    assert mixed.linearize(ODD).jacobian().dtype == np.float32
    shallow = mixed.prefix(1).linearize(ODD)
    np.testing.assert_array_equal(shallow.jacobian(), double.prefix(1).linearize(ODD).jacobian())
    assert linearize_maps(network(layers=("block1_conv1",)), ODD).maps["block1_conv1"].dtype == np.float64
    assert activations(network(layers=("block1_conv1",)), ODD)["block1_conv1"].dtype == np.float32


@pytest.mark.parametrize("shape", [(3, 16, 3), (16, 3, 3), (16, 16), (16, 16, 1), (2, 16, 16, 3)])
def test_images_that_do_not_fit_are_refused(shape: tuple[int, ...]):
    for measure in (ChannelMeans(network()).values, ChannelMeans(network()).linearize):
        with pytest.raises(InputError, match="sides at least 4"):
            measure(np.zeros(shape))
    with pytest.raises(InputError, match="sides at least 4"):
        linearize_maps(network(), np.zeros(shape))


def test_arrays_of_another_shape_and_unknown_precisions_are_refused():
    at = ChannelMeans(network()).linearize(np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match=r"\(4, 4, 3\).*\(4, 3, 4\)"):
        at.jvp(np.zeros((4, 3, 4)))
    with pytest.raises(ValueError, match=r"\(448,\).*\(3,\)"):
        at.vjp(np.zeros(3))
    with pytest.raises(InputError, match="float16.*mixed"):
        ChannelMeans(network(), "float16")
    with pytest.raises(InputError, match="float16.*mixed"):
        linearize_maps(network(), ODD, "float16")
