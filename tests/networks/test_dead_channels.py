"""Dead channels: the mask compared with Keras, the counts over draws, and the command `decoupling zeros`."""

import json

import numpy as np
import pytest
from keras_reference import keras_input, keras_model
from PIL import Image
from random_networks import random_weights

from decoupling_lib.common.errors import InputError
from decoupling_lib.images.noise import NOISE_KINDS, make_noise
from decoupling_lib.networks.dead_channels import (
    DeadChannelCounts,
    count_dead_channels,
    dead_mask,
    find_dead_channels,
    format_counts,
    write_counts,
)
from decoupling_lib.networks.vgg import build_network
from decoupling_lib.networks.weights import Weights

RNG = np.random.default_rng(5)
LAYERS = ("block1_conv1", "block2_conv1")
NETWORK = build_network(weights=random_weights(), layers=LAYERS, activation="relu", pooling="max")


@pytest.fixture(scope="module")
def counts() -> DeadChannelCounts:
    return count_dead_channels(NETWORK, (24, 32), (3, 5))


def test_dead_channels_are_those_that_noise_never_activates():
    given = random_weights()
    biases = {name: values.copy() for name, values in given.biases.items()}
    biases["block1_conv1"][[3, 40]] = -1e5
    given = Weights("vgg16", "random", None, "dead", given.kernels, biases)
    network, noise = build_network(weights=given), RNG.random((3, 16, 16, 3))
    masks = find_dead_channels(network, noise)
    assert np.flatnonzero(masks["block1_conv1"]).tolist() == [3, 40]
    model = keras_model(given, LAYERS)
    maps = zip(*(model(keras_input(x)) for x in noise), strict=True)
    for layer, found in zip(LAYERS, maps, strict=True):
        silent = np.max(found, axis=(0, 1, 2, 3)) == 0
        np.testing.assert_array_equal(masks[layer], silent)
    one = find_dead_channels(network, noise[:1])["block2_conv1"]
    assert one.sum() > masks["block2_conv1"].sum(), "a channel is alive if any of the images activates it"


def test_a_channel_is_dead_up_to_a_millionth_of_its_layers_mean():
    means = np.array([0.0, 0.9e-6, 1.1e-6, 1.0, 3.0 - 2e-6])  # their mean is 0.8
    np.testing.assert_array_equal(dead_mask(means), [True, False, False, False, False])
    np.testing.assert_array_equal(dead_mask(means * 1e9), dead_mask(means))
    means[1] = 0.7e-6
    assert dead_mask(means)[1]


def test_the_smooth_form_of_a_network_has_the_same_dead_channels():
    noise = RNG.random((1, 16, 16, 3))
    smooth = build_network(weights=random_weights(), layers=LAYERS)
    found, expected = find_dead_channels(smooth, noise), find_dead_channels(NETWORK, noise)
    for layer in LAYERS:
        np.testing.assert_array_equal(found[layer], expected[layer])
    assert expected["block2_conv1"].any()


def test_reference_images_that_are_not_a_list_of_images_are_refused():
    for images in (np.zeros((16, 16, 3)), np.zeros((0, 16, 16, 3))):
        with pytest.raises(InputError, match=r"reference images.*\(height, width, 3\)"):
            find_dead_channels(NETWORK, images)


def test_every_draw_is_counted_as_it_would_be_alone(counts: DeadChannelCounts):
    assert list(counts.dead) == list(NOISE_KINDS)
    for kind in NOISE_KINDS:
        assert list(counts.dead[kind]) == list(LAYERS)
        for place, seed in enumerate((3, 5)):
            alone = find_dead_channels(NETWORK, make_noise(kind, (24, 32), seed)[None])
            for layer, mask in alone.items():
                np.testing.assert_array_equal(counts.dead[kind][layer][place], mask)
                assert counts.counts(kind)[layer][place] == mask.sum()


def test_always_and_sometimes_dead_channels_make_up_those_of_any_draw(counts: DeadChannelCounts):
    described = json.loads(json.dumps(counts.describe()))
    assert described["size"] == [24, 32] and described["seeds"] == [3, 5]
    totals = {"always_dead": 0, "sometimes_dead": 0}
    for kind, layers in described["kinds"].items():
        for layer, found in layers.items():
            masks = counts.dead[kind][layer]
            always, sometimes = set(found["always_dead"]), set(found["sometimes_dead"])
            assert not always & sometimes
            assert always | sometimes == {int(c) for mask in masks for c in np.flatnonzero(mask)}
            assert all(len(always) <= count <= len(always | sometimes) for count in found["dead"])
            for name in totals:
                totals[name] += len(found[name])
    assert all(totals.values()), "the draws have both kinds of channels"


def test_the_table_has_a_line_per_layer_and_the_medians_in_columns(counts: DeadChannelCounts):
    head, *lines = format_counts(counts).splitlines()
    assert head.split()[-len(NOISE_KINDS) :] == list(NOISE_KINDS)
    assert len(lines) == len(LAYERS)
    for line, layer in zip(lines, LAYERS, strict=True):
        name, _, channels, *medians = line.split()
        assert (name, int(channels)) == (layer, NETWORK.channels(layer))
        assert [int(m) for m in medians] == [int(np.median(counts.counts(kind)[layer])) for kind in NOISE_KINDS]


def test_written_counts_are_the_description(counts: DeadChannelCounts, tmp_path):
    path = write_counts(counts, tmp_path / "zeros.json")
    assert json.loads(path.read_text("utf-8")) == json.loads(json.dumps(counts.describe()))
    with pytest.raises(InputError, match="missing"):
        write_counts(counts, tmp_path / "missing" / "zeros.json")


def test_each_kind_is_reported_before_its_turn():
    reported = []
    count_dead_channels(NETWORK, (16, 16), (0,), ("uniform", "gray"), reported.append)
    assert reported == ["uniform", "gray"]


def test_a_bad_kind_or_size_is_refused():
    with pytest.raises(InputError, match="kind of noise.*pink"):
        count_dead_channels(NETWORK, (24, 24), kinds=("pink",))
    with pytest.raises(InputError, match="size"):
        count_dead_channels(NETWORK, (2, 24))


def test_the_command_writes_numbers_and_a_picture(decoupling, tmp_path):
    out = tmp_path / "counted"
    end = decoupling("zeros", "--out", out, "--layers", 2, "--size", 24, "--seeds", 2, "--weights", "random")
    assert end.code == 0 and "block2_conv1 of 128" in end.out
    found = json.loads((out / "zeros.json").read_text())
    assert found["command"] == "zeros"
    assert found["network"]["activation"] == "relu"
    assert list(found["kinds"]) == [*NOISE_KINDS]
    assert np.asarray(Image.open(out / "zeros.png").convert("L")).min() < 100
    assert sorted(path.name for path in out.iterdir()) == ["zeros.json", "zeros.png"]


@pytest.mark.parametrize(
    ("option", "value", "accepted"),
    [("--size", 8, "16"), ("--size", 5000, "1024"), ("--seeds", 0, "1"), ("--layers", 6, "5")],
)
def test_the_command_refuses_bad_values_in_one_line(option, value, accepted, decoupling, tmp_path):
    end = decoupling("zeros", "--out", tmp_path / "none", "--weights", "random", option, value)
    assert end.code == 2 and end.err.count("\n") == 1
    assert str(value) in end.err and accepted in end.err and not (tmp_path / "none").exists()
