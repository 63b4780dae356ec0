"""Networks: the chain of operations, the smooth activation and pooling, and the temperatures."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from paths import ROOT

from decoupling_lib.common.errors import InputError
from decoupling_lib.images.bundled import bundled_pictures
from decoupling_lib.images.pictures import load_picture, resize
from decoupling_lib.networks import vgg, weights
from decoupling_lib.networks.vgg import build_network

RANDOM = weights.read("vgg16", "random", seed=3)
RNG = np.random.default_rng(11)


def tensor(values: np.ndarray) -> tf.Tensor:
    return tf.constant(values, "float64")


def test_chain_has_a_pooling_between_blocks_and_ends_at_the_deepest_layer():
    network = build_network(weights=RANDOM, layers=("block1_conv1", "block3_conv1"))
    kinds = [operation.kind for operation in network.operations]
    names = [operation.name for operation in network.operations]
    assert kinds == ["convolution"] * 2 + ["pooling"] + ["convolution"] * 2 + ["pooling", "convolution"]
    assert names[2] == "block1_conv2" and names[5] == "block2_conv2" and names[-1] == "block3_conv1"
    assert network.minimum_side == 4
    assert set(network.temperatures) == {name for kind, name in network.operations if kind == "convolution"}


def test_prefix_and_thesis_variants():
    network = build_network(weights=RANDOM, layers=("block1_conv1", "block2_conv1"))
    first = network.prefix(1)
    assert first.layers == ("block1_conv1",) and set(first.temperatures) == {"block1_conv1"}
    assert first == build_network(weights=RANDOM, layers=("block1_conv1",))
    assert network.prefix(2) == network and hash(network.prefix(2)) == hash(network)
    thesis = network.as_thesis()
    assert thesis == build_network(weights=RANDOM, activation="relu", pooling="max")
    assert (thesis.softness, thesis.temperatures) == (0.0, {})
    assert build_network(weights=RANDOM, softness=0.1) != network
    with pytest.raises(InputError, match="count"):
        network.prefix(3)


def test_temperatures_are_softness_times_the_mean_relu_activation_over_the_bundled_pictures():
    network = build_network(weights=RANDOM, layers=("block2_conv1",), softness=0.3)
    pictures = [resize(load_picture(name).array, (96, 96)) for name in bundled_pictures()]
    model = tf.keras.applications.VGG16(weights=None, include_top=False)
    names = ("block1_conv1", "block1_conv2", "block2_conv1")
    for name in names:
        model.get_layer(name).set_weights([RANDOM.kernels[name], RANDOM.biases[name]])
    outputs = tf.keras.Model(model.input, [model.get_layer(name).output for name in names])
    inputs = tf.keras.applications.vgg16.preprocess_input(255 * np.stack(pictures).astype("float32"))
    for name, found in zip(names, outputs(inputs), strict=True):
        assert network.temperatures[name] == pytest.approx(0.3 * float(np.mean(found)), rel=1e-5)


def test_softness_scales_temperatures_and_describe_is_plain_json():
    half, double = (build_network(weights=RANDOM, softness=tau) for tau in (0.5, 2.0))
    assert all(double.temperatures[name] == pytest.approx(4 * t) for name, t in half.temperatures.items())
    told = json.loads(json.dumps(half.describe()))
    assert told["sha256"] == RANDOM.sha256 and told["layers"] == ["block1_conv1", "block2_conv1"]
    assert told["weights"] == "random" and told["temperatures"] == half.temperatures


def test_relu_with_smooth_pooling_has_temperatures_and_with_average_none():
    assert build_network(weights=RANDOM, activation="relu").temperatures
    average = build_network(weights=RANDOM, activation="relu", pooling="average", softness=0)
    assert (average.softness, average.temperatures) == (0.0, {})


def test_preprocessing_is_that_of_keras():
    x = RNG.random((1, 5, 4, 3))
    wanted = tf.keras.applications.vgg16.preprocess_input(255 * x)
    np.testing.assert_allclose(vgg.preprocess(tensor(x)), wanted, atol=1e-12)


@pytest.mark.parametrize("activation", vgg.ACTIVATIONS)
def test_activation_and_its_derivative(activation: str):
    y = np.array([-4000.0, -3.0, -0.1, 0.2, 5.0, 4000.0])
    h, slope = vgg.activate(tensor(y), activation, 2.5)
    wanted = 2.5 * np.logaddexp(0, y / 2.5) if activation == "softplus" else np.maximum(y, 0)
    np.testing.assert_allclose(h, wanted, atol=1e-12)
    step = 1e-5
    above, below = (vgg.activate(tensor(y + s), activation, 2.5)[0] for s in (step, -step))
    np.testing.assert_allclose(slope, (above - below) / (2 * step), atol=1e-6)


@pytest.mark.parametrize("pooling", vgg.POOLINGS)
def test_pooling_by_its_definition_drops_odd_edges_and_its_shares_are_its_derivative(pooling: str):
    h = RNG.standard_normal((1, 7, 5, 2))
    pooled, shares = (array.numpy() for array in vgg.pool(tensor(h), pooling, 0.7))
    windows = h[:, :6, :4].reshape(1, 3, 2, 2, 2, 2).transpose(0, 1, 3, 5, 2, 4).reshape(1, 3, 2, 2, 4)
    reduce = {
        "smooth": lambda z: 0.7 * np.log(np.mean(np.exp(z / 0.7), axis=-1)),
        "average": lambda z: z.mean(axis=-1),
        "max": lambda z: z.max(axis=-1),
    }[pooling]
    np.testing.assert_allclose(pooled, reduce(windows), atol=1e-12)
    assert shares.shape == h.shape and not shares[:, 6:].any() and not shares[:, :, 4:].any()
    np.testing.assert_allclose(shares.sum(), pooled.size, rtol=1e-12)
    direction, step = RNG.standard_normal(h.shape), 1e-6
    above, below = (vgg.pool(tensor(h + s * direction), pooling, 0.7)[0] for s in (step, -step))
    change = (shares * direction)[:, :6, :4].reshape(1, 3, 2, 2, 2, 2).sum(axis=(2, 4))
    np.testing.assert_allclose(change, (above - below) / (2 * step), atol=1e-6)


def test_smooth_maximum_is_safe_for_huge_values_and_tends_to_the_maximum():
    h = 1e6 * RNG.standard_normal((1, 4, 4, 3))
    pooled, shares = vgg.pool(tensor(h), "smooth", 1e-3)
    np.testing.assert_allclose(pooled, vgg.pool(tensor(h), "max", None)[0], atol=1e-2)
    assert np.isfinite(shares).all()


def test_a_tied_maximum_shares_its_derivative():
    assert (vgg.pool(tf.ones((1, 2, 2, 1)), "max", None)[1].numpy() == 0.25).all()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"activation": "elu"}, "elu"),
        ({"pooling": "min"}, "min"),
        ({"softness": 0}, "softness"),
        ({"softness": 2.1}, "2.1"),
        ({"softness": float("nan")}, "softness"),
        ({"layers": ()}, "layers"),
        ({"layers": "block1_conv1"}, "list of names"),
        ({"layers": ("block3_conv4",)}, "block3_conv4"),
        ({"layers": ("block2_conv1", "block1_conv1")}, "order"),
        ({"layers": ("block1_conv1", "image")}, "order"),
        ({"layers": ("block1_conv1", "block1_conv1")}, "order"),
        ({"architecture": "vgg19"}, "vgg19"),
    ],
)
def test_bad_settings_are_refused_in_one_line(options: dict, named: str):
    with pytest.raises(InputError, match=named) as caught:
        build_network(**{"weights": RANDOM, **options})
    assert str(caught.value).isprintable()


def test_unknown_architecture_is_refused():
    with pytest.raises(InputError, match="resnet"):
        build_network("resnet", "random")


def test_weights_that_are_silent_everywhere_set_no_scale():
    zero = {name: np.zeros_like(kernel) for name, kernel in RANDOM.kernels.items()}
    bias = {name: -np.ones_like(values) for name, values in RANDOM.biases.items()}
    silent = weights.Weights("vgg16", "random", None, "0" * 64, zero, bias)
    with pytest.raises(InputError, match="block1_conv1"):
        build_network(weights=silent)
    assert build_network(weights=silent, activation="relu", pooling="max").temperatures == {}


def test_weights_module_does_not_import_tensorflow():
    code = "import sys, decoupling_lib.networks.weights as w; w.read('vgg16', 'hed'); sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_growth_multiplies_the_softness_from_one_convolution_to_the_next():
    flat, grown = (build_network(weights=RANDOM, softness=0.3, growth=growth) for growth in (1.0, 2.0))
    ratios = [grown.temperatures[name] / flat.temperatures[name] for name in flat.temperatures]
    assert ratios == pytest.approx([1, 2, 4])
    assert grown.describe()["growth"] == 2 and grown.as_thesis().growth == 1
    with pytest.raises(InputError, match="growth"):
        build_network(weights=RANDOM, growth=0.0)
