"""The file of a flow: what is written is read to the bit; everything else is refused in one line."""

import json

import numpy as np
import pytest
from flows import random_flow

from decoupling_lib.common.errors import InputError, OutputError
from decoupling_lib.transfers import flow_file
from decoupling_lib.transfers.flow_file import checksum, load_flow, save_flow


@pytest.fixture
def file(tmp_path):
    return save_flow(random_flow(), tmp_path / "style.npz")


def rewrite(file, change, seal=True):
    """Write a file again with changed content, and if `seal` with the checksum that belongs to it."""
    with np.load(file) as found:
        arrays = dict(found)
    about = json.loads(str(arrays.pop("about")))
    change(about, arrays)
    if seal:
        about.pop("checksum", None)
        about["checksum"] = flow_file._checksum(arrays, about)
    np.savez(file, about=np.array(json.dumps(about)), **arrays)


def assert_refused(file, *words):
    with pytest.raises(InputError) as error:
        load_flow(file)
    assert "\n" not in str(error.value) and all(word in str(error.value) for word in words)


def test_a_flow_is_read_as_it_was_written(file):
    before, after = random_flow(), load_flow(file)
    assert checksum(after) == checksum(before)
    assert (after.origin, after.target, after.network) == (before.origin, before.target, before.network)
    for one, other in zip(before.legs, after.legs, strict=True):
        np.testing.assert_array_equal(one.there.multipliers, other.there.multipliers)
        np.testing.assert_array_equal(one.back.grid, other.back.grid)
        np.testing.assert_array_equal(one.back_gram, other.back_gram)


def test_flows_that_differ_have_other_checksums():
    assert checksum(random_flow(2, 0)) != checksum(random_flow(2, 5))


def test_nothing_is_pickled(file):
    with np.load(file, allow_pickle=False) as found:
        assert all(found[name].dtype.kind in "fbU" for name in found.files)


@pytest.mark.parametrize("content", [b"x", b"PK\x03\x04 not a zip", b"\x89PNG\r\n\x1a\n" + bytes(99)])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "other.npz").write_bytes(content)
    assert_refused(tmp_path / "other.npz", "other.npz", "decoupling flow")


def test_other_archives_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    assert_refused(tmp_path / "other.npz")
    np.savez(tmp_path / "other.npz", about=np.array(json.dumps([1])))
    assert_refused(tmp_path / "other.npz")


def test_a_missing_file_is_refused(tmp_path):
    assert_refused(tmp_path / "none.npz", "does not exist")


def test_every_cut_is_refused(file):
    whole = file.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.999):
        file.write_bytes(whole[: int(share * len(whole))])
        assert_refused(file)


def test_a_changed_value_is_noticed(file):
    rewrite(file, lambda about, arrays: arrays["values"].__setitem__(0, 1.0), seal=False)
    assert_refused(file, "checksum")


def test_another_format_is_named(file):
    rewrite(file, lambda about, arrays: about.update(format=2))
    assert_refused(file, "format", "2", "1")


CHANGES = {
    "a missing array": lambda about, arrays: arrays.pop("values"),
    "another shape": lambda about, arrays: arrays.update(values=np.zeros(5)),
    "another type": lambda about, arrays: arrays.update(live=arrays["live"].astype(float)),
    "not finite": lambda about, arrays: arrays["block2_conv1.there"].__setitem__((0, 0), np.nan),
    "a grid that goes back": lambda about, arrays: arrays.update({"block1_conv1.grid": np.array([0, 0.6, 0.5, 1.0])}),
    "a grid without an end": lambda about, arrays: arrays.update({"block1_conv1.grid": np.array([0, 0.2, 0.5, 0.9])}),
    "no steps": lambda about, arrays: arrays.update({"block1_conv1.grid": np.array([0.0])}),
    "a grid of two axes": lambda about, arrays: arrays.update({"block1_conv1.grid": np.zeros((2, 2))}),
    "scales below 0": lambda about, arrays: arrays["scales"].__setitem__(0, -1.0),
    "an unknown layer": lambda about, arrays: about["network"].update(layers=["block9_conv1"]),
    "layers out of order": lambda about, arrays: about["network"]["layers"].reverse(),
    "an unknown network": lambda about, arrays: about["network"].update(architecture="vgg99"),
    "an unknown activation": lambda about, arrays: about["network"].update(activation="gelu"),
    "a temperature of 0": lambda about, arrays: about["network"]["temperatures"].update(block1_conv1=0.0),
    "a missing temperature": lambda about, arrays: about["network"]["temperatures"].pop("block1_conv1"),
    "no network": lambda about, arrays: about.update(network=3),
    "a seed of text": lambda about, arrays: about.update(seed="one"),
    "an unknown reference": lambda about, arrays: about.update(reference="moon"),
    "damping that is text": lambda about, arrays: about.update(delta="0.1"),
    "an image without a size": lambda about, arrays: about["origin"].pop("width"),
    "an image of side 0": lambda about, arrays: about["target"].update(height=0),
}


@pytest.mark.parametrize("name", CHANGES)
def test_damaged_content_with_a_valid_checksum_is_refused(file, name):
    rewrite(file, CHANGES[name])
    assert_refused(file)


def test_the_version_of_the_kit_may_differ(file):
    rewrite(file, lambda about, arrays: about.update(kit="99.0"), seal=False)
    assert checksum(load_flow(file)) == checksum(random_flow())


def test_names_and_places_that_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(InputError, match="npz"):
        save_flow(random_flow(), tmp_path / "style.json")
    with pytest.raises(OutputError):
        save_flow(random_flow(), tmp_path / "none" / "style.npz")
    assert list(tmp_path.iterdir()) == []
