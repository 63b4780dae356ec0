"""Layers and parameters of Keras models."""

import pytest

from decoupling_lib.networks import digits_classifier
from decoupling_lib.networks.architectures import ARCHITECTURES
from decoupling_lib.networks.keras_layers import build_keras_vgg19, count_parameters, summarize_layers


@pytest.fixture(scope="module")
def vgg19():
    """Summarize Keras's VGG-19, whose weights take half a gigabyte while it exists."""
    return summarize_layers(build_keras_vgg19())


def test_vgg19_is_sixteen_convolutions_five_poolings_and_three_dense_layers(vgg19):
    kinds = [layer.kind for layer in vgg19]
    assert [kinds.count(kind) for kind in ("convolution", "max-pooling", "dense")] == [16, 5, 3]
    assert vgg19[0].shape == (224, 224, 3) and vgg19[-1].shape == (1000,)


def test_the_parameters_are_the_published_number_and_the_number_by_formula(vgg19):
    convolutions = sum(9 * each.inputs * each.outputs + each.outputs for each in ARCHITECTURES["vgg19"])
    dense = (7 * 7 * 512 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 1000
    assert count_parameters(vgg19) == convolutions + dense == 143_667_240
    first_three = (9 * 3 + 1) * 64 + (9 * 64 + 1) * 64 + (9 * 64 + 1) * 128
    assert count_parameters(vgg19, "block2_conv1") == first_three
    with pytest.raises(ValueError, match="block9"):
        count_parameters(vgg19, "block9")


def test_the_convolutions_are_those_that_the_kit_reads(vgg19):
    found = [(layer.name, layer.shape[-1]) for layer in vgg19 if layer.kind == "convolution"]
    assert found == [(each.name, each.outputs) for each in ARCHITECTURES["vgg19"]]


def test_the_classifier_has_an_activation_layer_after_each_convolution():
    found = summarize_layers(digits_classifier.build())
    places = [k for k, layer in enumerate(found) if layer.kind == "convolution"]
    assert [found[k + 1].kind for k in places] == ["activation"] * 4
    weightless = [layer for layer in found if layer.kind in ("activation", "max-pooling", "flatten")]
    assert len(weightless) == 7 and all(layer.parameters == 0 for layer in weightless)


def test_the_layers_do_not_depend_on_what_was_built_before(vgg19):
    assert summarize_layers(build_keras_vgg19()) == vgg19 and vgg19[0].name == "input_layer"
