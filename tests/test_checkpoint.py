"""Finished steps that are kept: what is read back, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from decoupling_lib import checkpoint
from decoupling_lib.checks import InputError
from decoupling_lib.experiment import prepare
from decoupling_lib.features import Passes
from decoupling_lib.legs import Leg
from decoupling_lib.normalization import Path as Walk
from decoupling_lib.options import Options

OPTIONS = Options(layers=1, size=(24, 24), network="vgg16", weights="random")
LEG = Leg(1, "block1_conv1", 0.1, 0.0, 1 / 3, float("inf"), 0.4, Passes(1, 2, 3, 4), 1.5, 64, "damped_end", 5)
LEG = replace(LEG, curve=((1, 0.5), (7, 0.1)))


def walk() -> Walk:
    generator = np.random.default_rng(0)
    return Walk(generator.standard_normal((5, 4, 3)), generator.standard_normal(6), (LEG, LEG), "done")


def assert_same(one: Walk, two: Walk) -> None:
    assert one.x.tobytes() == two.x.tobytes() and one.x.shape == two.x.shape
    assert one.style.tobytes() == two.style.tobytes()
    assert (one.legs, one.status) == (two.legs, two.status)


def test_what_is_saved_is_read_back_to_the_bit(tmp_path: Path):
    for name in ("step1", "step2"):
        checkpoint.save(tmp_path, "key", name, walk())
    found = checkpoint.load(tmp_path, "key")
    assert list(found) == ["step1", "step2"]
    for entry in found.values():
        assert_same(entry, walk())
    checkpoint.clear(tmp_path)
    assert checkpoint.load(tmp_path, "key") == {} and list(tmp_path.iterdir()) == []
    checkpoint.clear(tmp_path)


def test_a_failed_save_leaves_the_older_one(tmp_path: Path, monkeypatch):
    checkpoint.save(tmp_path, "key", "step1", walk())

    def full(file, **_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        with pytest.raises(OSError, match="No space"):
            checkpoint.save(tmp_path, "key", "step1", replace(walk(), status="stalled"))
        with pytest.raises(OSError, match="No space"):
            checkpoint.save(tmp_path, "key", "step2", walk())
    found = checkpoint.load(tmp_path, "key")
    assert list(found) == ["step1"]
    assert_same(found["step1"], walk())


def test_another_key_is_refused(tmp_path: Path):
    checkpoint.save(tmp_path, "key", "step1", walk())
    with pytest.raises(InputError, match=r"other settings.*step1\.npz.*without --resume"):
        checkpoint.load(tmp_path, "another")


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "other arrays", "pickled"])
def test_a_damaged_file_is_refused_by_name(damage: str, tmp_path: Path):
    checkpoint.save(tmp_path, "key", "step1", walk())
    kept = tmp_path / checkpoint.FOLDER / "step1.npz"
    if damage == "other arrays":
        np.savez(kept, x=np.zeros(3))
    elif damage == "pickled":
        np.savez(kept, x=np.array([{}], dtype=object), style=np.zeros(1), text=np.zeros(1))
    else:
        contents = {"empty": b"", "text": b"no archive", "cut": kept.read_bytes()[:300]}
        kept.write_bytes(contents[damage])
    with pytest.raises(InputError, match=r"is damaged.*step1\.npz.*without --resume"):
        checkpoint.load(tmp_path, "key")


def test_fingerprint_sees_options_network_and_pictures(pictures):
    first = prepare(*pictures, OPTIONS)
    key = checkpoint.fingerprint(first)
    assert checkpoint.fingerprint(prepare(*pictures, OPTIONS)) == key
    others = [prepare(*pictures[::-1], OPTIONS)]
    others += [prepare(*pictures, replace(OPTIONS, **change)) for change in ({"damping": 0.2}, {"seed": 1})]
    assert len({key, *map(checkpoint.fingerprint, others)}) == 4
