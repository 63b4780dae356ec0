"""Channel means: derivatives against finite differences and automatic differentiation, prefixes, retracing."""

from itertools import product

import numpy as np
import pytest
import tensorflow as tf

from decoupling_lib import channel_means, networks, weights
from decoupling_lib.channel_means import ChannelMeans
from decoupling_lib.checks import InputError

RNG = np.random.default_rng(5)
ODD = RNG.random((17, 22, 3))
VARIANTS = list(product(networks.ACTIVATIONS, networks.POOLINGS))
RANDOM = {architecture: weights.read(architecture, "random", seed=1) for architecture in ("vgg16", "vgg19")}
DISTS = ("image", "block1_conv2", "block2_conv2")


def network(activation="softplus", pooling="smooth", layers=("block1_conv1", "block2_conv1", "block3_conv1")):
    return networks.build(weights=RANDOM["vgg16"], layers=layers, activation=activation, pooling=pooling)


def keras_model(read: weights.Weights, layers: tuple[str, ...]) -> tf.keras.Model:
    """Build the reference independently: Keras's own VGG with these weights, from pixels to activation maps."""
    build = {"vgg16": tf.keras.applications.VGG16, "vgg19": tf.keras.applications.VGG19}[read.architecture]
    model = build(weights=None, include_top=False)
    for name, kernel in read.kernels.items():
        model.get_layer(name).set_weights([kernel, read.biases[name]])
    return tf.keras.Model(model.input, [model.get_layer(layer).output for layer in layers])


def keras_input(x: tf.Tensor | np.ndarray) -> tf.Tensor:
    bgr = tf.reverse(255 * tf.cast(x, "float32"), [-1])
    return (bgr - tf.constant([103.939, 116.779, 123.68]))[None]


@pytest.mark.parametrize(("activation", "pooling"), VARIANTS)
def test_jvp_is_the_central_difference(activation: str, pooling: str):
    means = ChannelMeans(network(activation, pooling), "float64")
    dx = RNG.standard_normal(ODD.shape)
    at = means.linearize(ODD)
    np.testing.assert_array_equal(at.values, means.values(ODD))
    step = 1e-6 if "softplus" in activation else 1e-9  # so near that no kink lies between
    slope = (means.values(ODD + step * dx) - means.values(ODD - step * dx)) / (2 * step)
    found = at.jvp(dx)
    assert found.dtype == np.float64 and found.shape == (64 + 128 + 256,)
    np.testing.assert_allclose(found, slope, atol=2e-5 * np.abs(slope).max())


@pytest.mark.parametrize(("activation", "pooling"), VARIANTS)
def test_vjp_is_the_transpose_of_jvp_and_gives_the_jacobian_rows(activation: str, pooling: str):
    at = ChannelMeans(network(activation, pooling), "float64").linearize(ODD)
    w, dx = RNG.standard_normal(len(at.values)), RNG.standard_normal(ODD.shape)
    pulled = at.vjp(w)
    assert pulled.shape == ODD.shape and pulled.dtype == np.float64
    assert w @ at.jvp(dx) == pytest.approx(np.sum(pulled * dx), rel=1e-10)
    rows = at.jacobian()
    assert rows.shape == (len(w), ODD.size) and rows.dtype == np.float64
    for index in (0, 63, 64, 150, 191, 192, 447):
        unit = np.eye(len(w))[index]
        np.testing.assert_allclose(rows[index], at.vjp(unit).ravel(), atol=1e-12 * np.abs(rows).max())


def test_jacobian_does_not_depend_on_its_chunks():
    at = ChannelMeans(network(), "float64").linearize(ODD)
    whole = at.jacobian()
    np.testing.assert_allclose(at.jacobian(memory=2**21), whole, atol=1e-13 * np.abs(whole).max())


@pytest.mark.parametrize("memory", [2**21, 2**28])
def test_rows_that_are_not_wanted_are_zero_and_the_others_as_ever(memory: int):
    at = ChannelMeans(network(layers=DISTS), "float64").linearize(ODD)
    whole = at.jacobian()
    wanted = np.random.default_rng(3).random(len(whole)) < 0.4
    wanted[0], wanted[1], wanted[3 : 3 + 64] = True, False, False  # of the picture's means, and a layer without any
    some = at.jacobian(wanted, memory)
    assert not some[~wanted].any() and 0 < np.count_nonzero(wanted[67:]) < len(wanted) - 67
    np.testing.assert_allclose(some[wanted], whole[wanted], atol=1e-13 * np.abs(whole).max())


def test_dists_layers_begin_with_the_picture_itself():
    means = ChannelMeans(network(layers=DISTS), "float64")
    assert [(block.name, block.size) for block in means.blocks] == list(zip(DISTS, (3, 64, 128), strict=True))
    at, dx = means.linearize(ODD), RNG.standard_normal(ODD.shape)
    np.testing.assert_allclose(at.values[:3], ODD.mean(axis=(0, 1)))
    np.testing.assert_allclose(at.jvp(dx)[:3], dx.mean(axis=(0, 1)))
    w = RNG.standard_normal(195)
    np.testing.assert_allclose(at.jacobian().T @ w, at.vjp(w).ravel(), atol=1e-10 * np.abs(at.vjp(w)).max())


def test_the_picture_alone_is_a_linear_map():
    at = ChannelMeans(network(layers=DISTS), "float64").prefix(1).linearize(ODD)
    np.testing.assert_allclose(at.values, ODD.mean(axis=(0, 1)))
    np.testing.assert_allclose(at.jacobian() @ ODD.ravel(), at.values)
    np.testing.assert_allclose(at.jvp(ODD), at.values)
    np.testing.assert_allclose(at.vjp(np.ones(3)), np.full(ODD.shape, 1 / (17 * 22)))


@pytest.mark.parametrize("architecture", ["vgg16", "vgg19"])
def test_values_and_gradients_agree_with_keras_and_its_automatic_differentiation(architecture: str):
    read = RANDOM[architecture]
    layers = weights.style_layers(architecture, "thesis", 5)
    means = ChannelMeans(networks.build(weights=read, layers=layers, activation="relu", pooling="max"))
    model, x = keras_model(read, layers), tf.Variable(RNG.random((32, 35, 3)).astype("float32"))
    w = RNG.standard_normal(1472).astype("float32")
    with tf.GradientTape() as tape:
        wanted = tf.concat([tf.reduce_mean(h, [0, 1, 2]) for h in model(keras_input(x))], 0)
        score = tf.reduce_sum(w * wanted)
    gradient = tape.gradient(score, x).numpy()
    at = means.linearize(x.numpy())
    np.testing.assert_allclose(at.values, wanted, atol=2e-5 * np.max(wanted))
    difference = np.linalg.norm(at.vjp(w) - gradient) / np.linalg.norm(gradient)
    assert difference < 1e-3  # float32: a maximum or a sign may tip


@pytest.mark.parametrize("count", [1, 2])
def test_prefix_is_the_first_blocks(count: int):
    whole = ChannelMeans(network(), "float64")
    part = whole.prefix(count)
    size = sum(block.size for block in part.blocks)
    assert part.blocks == whole.blocks[:count] and part == whole.prefix(count)
    np.testing.assert_allclose(part.values(ODD), whole.values(ODD)[:size], rtol=1e-12)
    np.testing.assert_allclose(
        part.linearize(ODD).jacobian(), whole.linearize(ODD).jacobian()[:size], rtol=1e-9, atol=1e-16
    )


def test_new_values_new_instances_and_prefixes_never_retrace():
    def use(index: int) -> list[int]:
        means = ChannelMeans(network(layers=("block1_conv1", "block2_conv1")), "float32")
        for each in (means, means.prefix(1)):
            x = RNG.random((18, 16, 3)) if index % 2 else RNG.random((18, 16, 3)).astype("float32")
            at = each.linearize(x)
            at.jvp(at.vjp(at.values + index))
            at.jacobian()
            each.values(x)
        programs = [channel_means._program(each.network, "float32") for each in (means, means.prefix(1))]
        functions = [f for p in programs for f in (p.values, p.linearize, p.jvp, p.vjp, *p.rows.values())]
        return [function.experimental_get_tracing_count() for function in functions]

    assert use(0) == [1] * 11  # five functions and one more for the second layer's rows
    assert all(use(index) == [1] * 11 for index in range(1, 6))


def test_float32_is_near_float64():
    single, double = (ChannelMeans(network(), dtype).linearize(ODD) for dtype in ("float32", "float64"))
    np.testing.assert_allclose(single.values, double.values, rtol=1e-4)
    assert single.values.dtype == np.float64 and single.jacobian().dtype == np.float32


def test_mixed_precision_is_double_up_to_one_convolution_and_single_beyond():
    mixed, double = ChannelMeans(network()), ChannelMeans(network(), "float64")
    assert mixed.dtype == mixed.prefix(1).dtype == "mixed"
    assert mixed.linearize(ODD).jacobian().dtype == np.float32
    shallow = mixed.prefix(1).linearize(ODD)
    np.testing.assert_array_equal(shallow.jacobian(), double.prefix(1).linearize(ODD).jacobian())
    assert channel_means.activations(network(layers=("block1_conv1",)), ODD)["block1_conv1"].dtype == np.float32


@pytest.mark.parametrize("shape", [(3, 16, 3), (16, 3, 3), (16, 16), (16, 16, 1), (2, 16, 16, 3)])
def test_images_that_do_not_fit_are_refused(shape: tuple[int, ...]):
    with pytest.raises(InputError, match="sides at least 4"):
        ChannelMeans(network()).values(np.zeros(shape))


def test_other_misfits_are_refused():
    at = ChannelMeans(network()).linearize(np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match="expected"):
        at.jvp(np.zeros((4, 3, 4)))
    with pytest.raises(ValueError, match="expected"):
        at.vjp(np.zeros(3))
    with pytest.raises(InputError, match="float16"):
        ChannelMeans(network(), "float16")
    with pytest.raises(InputError, match="noise"):
        channel_means.dead_channels(network(), np.zeros((16, 16, 3)))
    with pytest.raises(InputError, match="images"):
        channel_means.fidelity_worst(network(), [])


def test_activations_and_gram_matrices_agree_with_keras():
    layers = ("block1_conv2", "block2_conv1")
    thesis = network("relu", "max", layers=("image", *layers))
    found, grams = channel_means.activations(thesis, ODD), channel_means.gram_matrices(thesis, ODD)
    np.testing.assert_allclose(found["image"], ODD, rtol=1e-6)
    for layer, wanted in zip(layers, keras_model(RANDOM["vgg16"], layers)(keras_input(ODD)), strict=True):
        wanted = wanted.numpy()[0]
        assert found[layer].dtype == np.float32
        np.testing.assert_allclose(found[layer], wanted, atol=1e-5 * wanted.max())
        pairs = sum(np.outer(column, column) for column in wanted.reshape(-1, wanted.shape[-1]))
        mean = pairs / (wanted.shape[0] * wanted.shape[1])
        np.testing.assert_allclose(grams[layer], mean, atol=1e-4 * mean.max())


def test_fidelity_is_exact_for_the_thesis_network_and_falls_with_softness():
    assert set(map(tuple, (d.items() for d in channel_means.fidelity(network("relu", "max"), ODD).values()))) == {
        (("relative_difference", 0.0), ("correlation", 1.0))
    }
    rough, fine = (
        channel_means.fidelity(networks.build(weights=RANDOM["vgg16"], softness=tau), ODD) for tau in (1.0, 0.05)
    )
    for layer, told in fine.items():
        assert 0 < told["relative_difference"] < rough[layer]["relative_difference"]
        assert rough[layer]["correlation"] < told["correlation"] < 1


def test_fidelity_by_its_definition_and_the_worst_over_images():
    smooth, pictures = network(), [ODD, ODD**3, RNG.random((20, 20, 3))]
    each = [channel_means.fidelity(smooth, x) for x in pictures]
    f, g = (ChannelMeans(net).values(ODD)[64:192] for net in (smooth, smooth.as_thesis()))
    told = each[0]["block2_conv1"]
    assert told["relative_difference"] == pytest.approx(np.linalg.norm(f - g) / np.linalg.norm(g))
    assert told["correlation"] == pytest.approx(np.corrcoef(f, g)[0, 1])
    worst = channel_means.fidelity_worst(smooth, pictures)
    for layer in smooth.layers:
        assert worst[layer]["relative_difference"] == max(d[layer]["relative_difference"] for d in each)
        assert worst[layer]["correlation"] == min(d[layer]["correlation"] for d in each)


def test_dead_channels_are_those_that_noise_never_activates():
    read = RANDOM["vgg16"]
    biases = {name: values.copy() for name, values in read.biases.items()}
    biases["block1_conv1"][[3, 40]] = -1e5
    read = weights.Weights("vgg16", "random", None, "dead", read.kernels, biases)
    noise, layers = RNG.random((3, 16, 16, 3)), ("block1_conv1", "block2_conv1")
    masks = channel_means.dead_channels(networks.build(weights=read), noise)
    assert np.flatnonzero(masks["block1_conv1"]).tolist() == [3, 40]
    model = keras_model(read, layers)
    found = [model(keras_input(x)) for x in noise]
    for layer, maps in zip(layers, zip(*found, strict=True), strict=True):
        silent = np.max(maps, axis=(0, 1, 2, 3)) == 0
        np.testing.assert_array_equal(masks[layer], silent)
    once = channel_means.dead_channels(networks.build(weights=read), noise[:1])["block2_conv1"]
    assert once.sum() > masks["block2_conv1"].sum()  # a channel is alive when any of the images wakes it
