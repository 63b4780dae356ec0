"""Layers and parameters of Keras models."""

import pytest

from decoupling_lib.networks import architectures, digits_classifier, keras_layers
from decoupling_lib.networks.keras_layers import keras_vgg19

VGG19 = keras_layers.parts(keras_vgg19())


def by_hand(architecture: str) -> int:
    return sum(9 * inputs * outputs + outputs for _, inputs, outputs in architectures.ARCHITECTURES[architecture])


def test_vgg19_is_sixteen_convolutions_five_poolings_and_three_dense_layers():
    kinds = [part.kind for part in VGG19]
    assert [kinds.count(kind) for kind in ("convolution", "max-pooling", "dense")] == [16, 5, 3]
    assert VGG19[0].shape == (224, 224, 3) and VGG19[-1].shape == (1000,)


def test_parameters_are_the_published_numbers_and_those_counted_by_hand():
    dense = (7 * 7 * 512 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 1000
    assert keras_layers.parameters(VGG19) == by_hand("vgg19") + dense == 143_667_240
    assert keras_layers.parameters(VGG19, "block2_conv1") == 112_576
    with pytest.raises(ValueError, match="block9"):
        keras_layers.parameters(VGG19, "block9")


def test_the_convolutions_are_those_that_the_kit_reads():
    found = [(part.name, part.shape[-1]) for part in VGG19 if part.kind == "convolution"]
    assert found == [(name, outputs) for name, _, outputs in architectures.ARCHITECTURES["vgg19"]]


def test_a_classifier_has_an_activation_of_its_own_behind_each_convolution():
    found = keras_layers.parts(digits_classifier.build())
    places = [k for k, part in enumerate(found) if part.kind == "convolution"]
    assert [found[k + 1].kind for k in places] == ["activation"] * 4
    assert all(part.parameters == 0 for part in found if part.kind in ("activation", "max-pooling", "flatten"))


def test_the_parts_do_not_depend_on_what_was_built_before():
    first = keras_layers.parts(keras_vgg19())
    assert keras_layers.parts(keras_vgg19()) == first and first[0].name == "input_layer"
