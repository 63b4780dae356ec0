"""Networks: the chain of operations, prefixes, the form of the thesis, and what is refused."""

import json

import pytest
from random_networks import random_weights

from decoupling_lib.common.errors import InputError
from decoupling_lib.networks.vgg import build_network

RANDOM = random_weights()


def test_the_chain_has_a_pooling_between_blocks_and_ends_at_the_deepest_layer():
    network = build_network(weights=RANDOM, layers=("block1_conv1", "block3_conv1"))
    kinds = [operation.kind for operation in network.operations]
    names = [operation.name for operation in network.operations]
    assert kinds == ["convolution"] * 2 + ["pooling"] + ["convolution"] * 2 + ["pooling", "convolution"]
    assert names[2] == "block1_conv2" and names[5] == "block2_conv2" and names[-1] == "block3_conv1"
    assert network.minimum_side == 4
    assert set(network.temperatures) == {name for kind, name in network.operations if kind == "convolution"}


def test_a_prefix_is_the_network_built_for_its_layers():
    network = build_network(weights=RANDOM, layers=("block1_conv1", "block2_conv1"))
    first = network.prefix(1)
    assert first.layers == ("block1_conv1",) and set(first.temperatures) == {"block1_conv1"}
    assert first == build_network(weights=RANDOM, layers=("block1_conv1",))
    assert network.prefix(2) == network and hash(network.prefix(2)) == hash(network)
    for count in (0, 3):
        with pytest.raises(InputError, match="count"):
            network.prefix(count)


def test_the_thesis_form_has_relu_and_maximum_pooling_and_no_temperatures():
    network = build_network(weights=RANDOM, growth=2.0)
    thesis = network.as_thesis()
    assert thesis == build_network(weights=RANDOM, activation="relu", pooling="max")
    assert (thesis.softness, thesis.growth, thesis.temperatures) == (0.0, 1.0, {})
    assert thesis != network and thesis.layers == network.layers


def test_networks_of_other_settings_differ():
    assert build_network(weights=RANDOM, softness=0.1) != build_network(weights=RANDOM, softness=0.2)
    assert build_network(weights=RANDOM, growth=2.0) != build_network(weights=RANDOM)


def test_channels_are_the_widths_of_vgg():
    network = build_network(weights=RANDOM, layers=("image", "block1_conv2"))
    assert [network.channels(layer) for layer in network.layers] == [3, 64]
    assert [network.channels(f"block{block}_conv1") for block in range(1, 6)] == [64, 128, 256, 512, 512]


def test_the_description_is_plain_json():
    network = build_network(weights=RANDOM, softness=0.5, growth=2.0)
    described = json.loads(json.dumps(network.describe()))
    assert described["sha256"] == RANDOM.sha256 and described["layers"] == ["block1_conv1", "block2_conv1"]
    assert described["weights"] == "random" and described["temperatures"] == network.temperatures
    assert (described["softness"], described["growth"]) == (0.5, 2)


def test_softness_and_growth_scale_the_temperatures():
    half, double = (build_network(weights=RANDOM, softness=tau) for tau in (0.5, 2.0))
    assert len(half.temperatures) == 3
    assert all(double.temperatures[name] == pytest.approx(4 * t) for name, t in half.temperatures.items())
    grown = build_network(weights=RANDOM, softness=0.5, growth=2.0)
    ratios = [grown.temperatures[name] / half.temperatures[name] for name in half.temperatures]
    assert ratios == pytest.approx([1, 2, 4])


def test_smooth_pooling_needs_temperatures_and_average_pooling_does_not():
    assert build_network(weights=RANDOM, activation="relu").temperatures
    average = build_network(weights=RANDOM, activation="relu", pooling="average", softness=0)
    assert (average.softness, average.temperatures) == (0.0, {})


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"activation": "elu"}, "elu"),
        ({"pooling": "min"}, "min"),
        ({"softness": 0}, "softness"),
        ({"softness": 2.1}, "2.1"),
        ({"softness": float("nan")}, "softness"),
        ({"growth": 0.0}, "growth"),
        ({"growth": 10.5}, "10.5"),
        ({"layers": ()}, "layers"),
        ({"layers": "block1_conv1"}, "list of names"),
        ({"layers": ("block3_conv4",)}, "block3_conv4"),
        ({"layers": ("block2_conv1", "block1_conv1")}, "order"),
        ({"layers": ("block1_conv1", "image")}, "order"),
        ({"layers": ("block1_conv1", "block1_conv1")}, "order"),
        ({"architecture": "vgg19"}, "vgg19"),
        ({"weights": "random", "architecture": "resnet"}, "resnet"),
    ],
)
def test_bad_settings_are_refused_in_one_line(options: dict, named: str):
    with pytest.raises(InputError, match=named) as caught:
        build_network(**{"weights": RANDOM, **options})
    assert str(caught.value).isprintable()
