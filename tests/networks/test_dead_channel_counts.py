"""The count of dead channels, and the command `decoupling zeros`."""

import json

import numpy as np
import pytest
from PIL import Image

from decoupling_lib.common.errors import InputError
from decoupling_lib.images.noise import NOISE_KINDS, make_noise
from decoupling_lib.networks.dead_channels import count_dead_channels, find_dead_channels
from decoupling_lib.networks.vgg import build_network

NETWORK = build_network("vgg16", "random", ("block1_conv1", "block2_conv1"), activation="relu", pooling="max")


@pytest.fixture(scope="module")
def taken():
    return count_dead_channels(NETWORK, (24, 32), (3, 5))


def test_every_draw_is_counted_as_it_would_be_alone(taken):
    for kind in NOISE_KINDS:
        for place, seed in enumerate((3, 5)):
            alone = find_dead_channels(NETWORK, make_noise(kind, (24, 32), seed)[None])
            for layer, mask in alone.items():
                np.testing.assert_array_equal(taken.dead[kind][layer][place], mask)
                assert taken.counts(kind)[layer][place] == mask.sum()


def test_always_and_sometimes_dead_are_the_channels_of_some_draw(taken):
    described = json.loads(json.dumps(taken.describe()))
    assert described["size"] == [24, 32] and described["seeds"] == [3, 5]
    for kind, layers in described["kinds"].items():
        for layer, found in layers.items():
            masks = taken.dead[kind][layer]
            always, sometimes = set(found["always_dead"]), set(found["sometimes_dead"])
            assert not always & sometimes
            assert always | sometimes == {int(c) for mask in masks for c in np.flatnonzero(mask)}
            assert all(len(always) <= count <= len(always | sometimes) for count in found["dead"])


def test_a_bad_kind_or_size_is_refused():
    with pytest.raises(InputError, match="kind of noise"):
        count_dead_channels(NETWORK, (24, 24), kinds=("pink",))
    with pytest.raises(InputError, match="size"):
        count_dead_channels(NETWORK, (2, 24))


def test_the_command_writes_numbers_and_a_picture(decoupling, tmp_path):
    out = tmp_path / "counted"
    said = decoupling("zeros", "--out", out, "--layers", 2, "--size", 24, "--seeds", 2, "--weights", "random")
    assert said.code == 0 and "block2_conv1 of 128" in said.out
    found = json.loads((out / "zeros.json").read_text())
    assert (
        found["command"] == "zeros"
        and found["network"]["activation"] == "relu"
        and list(found["kinds"]) == [*NOISE_KINDS]
    )
    assert np.asarray(Image.open(out / "zeros.png").convert("L")).min() < 100
    assert sorted(path.name for path in out.iterdir()) == ["zeros.json", "zeros.png"]


@pytest.mark.parametrize(
    ("option", "value", "accepted"),
    [("--size", 8, "16"), ("--size", 5000, "1024"), ("--seeds", 0, "1"), ("--layers", 6, "5")],
)
def test_the_command_refuses_what_it_cannot_do_in_a_line(option, value, accepted, decoupling, tmp_path):
    said = decoupling("zeros", "--out", tmp_path / "none", "--weights", "random", option, value)
    assert said.code == 2 and said.err.count("\n") == 1
    assert str(value) in said.err and accepted in said.err and not (tmp_path / "none").exists()
