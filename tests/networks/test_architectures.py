"""Architectures: published numbers, blocks, chains and style layers, compared with Keras's own networks."""

import keras
import pytest

from decoupling_lib.common.errors import InputError
from decoupling_lib.networks.architectures import (
    ARCHITECTURES,
    IMAGE,
    LAYER_SETS,
    convolutions_up_to,
    operations_up_to,
    style_layers,
)

PARAMETERS = {"vgg16": 14_714_688, "vgg19": 20_024_384}  # published, without the classifier


@pytest.fixture(scope="module", params=PARAMETERS)
def architecture(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def keras_layers(architecture: str) -> list:
    """The convolutions and poolings of Keras's network, in order."""
    model = getattr(keras.applications, architecture.upper())(weights=None, include_top=False)
    layers = [layer for layer in model.layers if "conv" in layer.name or "pool" in layer.name]
    assert len(layers) == {"vgg16": 18, "vgg19": 21}[architecture]
    return layers


def test_the_convolutions_are_those_of_keras_and_have_the_published_parameters(architecture: str, keras_layers: list):
    chain = ARCHITECTURES[architecture]
    expected = [(layer.name, *layer.kernel.shape) for layer in keras_layers if "conv" in layer.name]
    assert [(each.name, 3, 3, each.inputs, each.outputs) for each in chain] == expected
    assert sum((9 * each.inputs + 1) * each.outputs for each in chain) == PARAMETERS[architecture]


def test_the_block_of_a_convolution_counts_the_poolings_before_it(architecture: str, keras_layers: list):
    blocks, block = [], 1
    for layer in keras_layers:
        if "pool" in layer.name:
            block += 1
        else:
            blocks.append(block)
    assert [each.block for each in ARCHITECTURES[architecture]] == blocks


def test_the_whole_chain_alternates_as_in_keras_up_to_its_last_pooling(architecture: str, keras_layers: list):
    operations = operations_up_to(architecture, [ARCHITECTURES[architecture][-1].name])
    kinds = ["pooling" if "pool" in layer.name else "convolution" for layer in keras_layers]
    assert [operation.kind for operation in operations] == kinds[:-1]
    for before, operation in zip(operations, operations[1:], strict=False):
        if operation.kind == "pooling":
            assert operation.name == before.name, "a pooling has the name of the convolution before it"


def test_the_chain_ends_at_the_deepest_layer_and_is_empty_for_the_image():
    assert [each.name for each in convolutions_up_to("vgg16", ["block1_conv1", "block2_conv1"])] == [
        "block1_conv1",
        "block1_conv2",
        "block2_conv1",
    ]
    assert convolutions_up_to("vgg16", [IMAGE]) == operations_up_to("vgg16", [IMAGE]) == ()


def test_style_layers_exist_and_lie_one_in_each_block(architecture: str):
    blocks = {each.name: each.block for each in ARCHITECTURES[architecture]}
    for layer_set in LAYER_SETS:
        layers = style_layers(architecture, layer_set, 5)
        assert [blocks[layer] for layer in layers if layer != IMAGE] == [1, 2, 3, 4, 5]
        for count in range(1, 6):
            begin = 1 if layer_set == "dists" else 0
            assert style_layers(architecture, layer_set, count) == layers[: begin + count]


def test_the_style_layers_are_those_of_the_thesis_and_of_dists():
    assert style_layers("vgg19", "thesis", 2) == ("block1_conv1", "block2_conv1")
    assert style_layers("vgg16", "dists", 1) == ("image", "block1_conv2")
    assert style_layers("vgg16", "dists", 5)[-1] == "block5_conv3"


@pytest.mark.parametrize(
    ("arguments", "received", "accepted"),
    [
        (("vgg11", "thesis", 1), "vgg11", "vgg16"),
        (("vgg16", "gatys", 1), "gatys", "dists"),
        (("vgg16", "thesis", 6), "6", "5"),
        (("vgg16", "thesis", 0), "0", "1"),
    ],
)
def test_unknown_style_layers_are_refused(arguments: tuple, received: str, accepted: str):
    with pytest.raises(InputError) as caught:
        style_layers(*arguments)
    assert received in str(caught.value) and accepted in str(caught.value)
