"""The journal on disk: what it reads back, what it refuses, and what it leaves behind."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from decoupling_lib.common.errors import InputError
from decoupling_lib.runs import checkpoint
from decoupling_lib.runs.checkpoint import DiskJournal
from decoupling_lib.transfers.options import Options
from decoupling_lib.transfers.setup import prepare

OPTIONS = Options(layers=1, size=(24, 24), network="vgg16", weights="random")
NAME = "step1.block1_conv1"


def state(seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {"x": generator.standard_normal((5, 4, 3)), "steps": np.array(seed), "none": np.zeros((0, 3))}


def assert_same(one: dict, two: dict) -> None:
    assert one.keys() == two.keys()
    for name in one:
        assert (one[name].dtype, one[name].shape) == (two[name].dtype, two[name].shape)
        assert one[name].tobytes() == two[name].tobytes()


def checkpoint_file(folder: Path) -> Path:
    return folder / checkpoint.FOLDER / f"{NAME}.npz"


def test_the_next_run_finds_every_state_equal_to_the_bit(tmp_path: Path):
    journal = DiskJournal(tmp_path, "key", resume=False)
    journal.keep(NAME, state(1))
    journal.keep(NAME, state(2), finished=True)
    journal.keep("step3.all", state(3), finished=True)
    again = DiskJournal(tmp_path, "key", resume=True)
    assert_same(again.find(NAME), state(2))
    assert_same(again.find("step3.all"), state(3))
    assert again.find("step2.block1_conv1") is None
    assert len(list((tmp_path / checkpoint.FOLDER).iterdir())) == 2
    again.clear()
    assert DiskJournal(tmp_path, "key", resume=True).find(NAME) is None and list(tmp_path.iterdir()) == []


def test_a_pending_state_is_written_on_exit_even_after_an_interrupt(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(checkpoint, "WRITE_INTERVAL", 1000)
    with pytest.raises(KeyboardInterrupt), DiskJournal(tmp_path, "key", resume=False) as journal:
        journal.keep(NAME, state(1))
        journal.keep(NAME, state(2))
        assert_same(journal.find(NAME), state(1))  # the first was written at once
        raise KeyboardInterrupt
    assert_same(DiskJournal(tmp_path, "key", resume=True).find(NAME), state(2))


def test_a_state_is_written_as_soon_as_the_interval_has_passed(tmp_path: Path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    journal, found = DiskJournal(tmp_path, "key", resume=False), []
    for step in range(8):
        now[0] = 0.15 * step
        journal.keep(NAME, state(step))
        found.append(int(journal.find(NAME)["steps"]))
    assert found == [0, 0, 2, 2, 4, 4, 6, 6]


def test_a_run_without_resume_deletes_checkpoints_but_no_other_files(tmp_path: Path):
    DiskJournal(tmp_path, "key", resume=False).keep(NAME, state(), finished=True)
    (checkpoint_file(tmp_path).parent / f".{NAME}.npz.part").write_bytes(b"half")
    mine = checkpoint_file(tmp_path).parent / "thesis.npz"
    mine.write_text("the user's")
    assert DiskJournal(tmp_path, "another", resume=False).find(NAME) is None
    assert list(mine.parent.iterdir()) == [mine]


def test_a_failed_write_leaves_the_older_state(tmp_path: Path, monkeypatch):
    journal = DiskJournal(tmp_path, "key", resume=False)
    journal.keep(NAME, state(1), finished=True)

    def full(file, **_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        for name in (NAME, "step2.block1_conv1"):
            with pytest.raises(OSError, match="No space"):
                journal.keep(name, state(2), finished=True)
    again = DiskJournal(tmp_path, "key", resume=True)
    assert_same(again.find(NAME), state(1))
    assert again.find("step2.block1_conv1") is None


def test_another_key_is_refused(tmp_path: Path):
    DiskJournal(tmp_path, "key", resume=False).keep(NAME, state(), finished=True)
    with pytest.raises(InputError, match=r"other settings.*block1_conv1\.npz.*without --resume"):
        DiskJournal(tmp_path, "another", resume=True)


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "other arrays", "pickled"])
def test_a_damaged_file_is_refused_by_name(damage: str, tmp_path: Path):
    DiskJournal(tmp_path, "key", resume=False).keep(NAME, state(), finished=True)
    file = checkpoint_file(tmp_path)
    if damage == "other arrays":
        np.savez(file, x=np.zeros(3))
    elif damage == "pickled":
        np.savez(file, x=np.array([{}], dtype=object), key=np.array("key"))
    else:
        contents = {"empty": b"", "text": b"no archive", "cut": file.read_bytes()[:300]}
        file.write_bytes(contents[damage])
    with pytest.raises(InputError, match=r"is damaged.*block1_conv1\.npz.*without --resume"):
        DiskJournal(tmp_path, "key", resume=True)


def test_the_fingerprint_depends_on_options_and_images(pictures):
    first = prepare(*pictures, OPTIONS)
    key = checkpoint.fingerprint(first)
    assert checkpoint.fingerprint(prepare(*pictures, OPTIONS)) == key
    others = [prepare(*pictures[::-1], OPTIONS)]
    changes = {"damping": 0.2}, {"smoothing": 3.0}, {"seed": 1}
    others += [prepare(*pictures, replace(OPTIONS, **change)) for change in changes]
    assert len({key, *map(checkpoint.fingerprint, others)}) == 5
