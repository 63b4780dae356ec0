"""Atomic files: a file appears whole or not at all."""

from pathlib import Path

import pytest

from decoupling_lib.common.atomic_files import atomic_write, write_text


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_text_is_written_as_utf_8_and_replaces_what_was_there(tmp_path: Path):
    for text in ("old", "Größe ‖f‖\n"):
        assert write_text(tmp_path / "x.txt", text) == tmp_path / "x.txt"
        assert (tmp_path / "x.txt").read_bytes() == text.encode()
    assert names(tmp_path) == ["x.txt"]


def test_a_file_is_replaced_only_when_its_block_ends(tmp_path: Path):
    file = tmp_path / "x.txt"
    file.write_text("old")
    with atomic_write(file) as sibling:
        sibling.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new" and names(tmp_path) == ["x.txt"]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_after_an_error_the_old_file_stays_and_no_other_is_left(tmp_path: Path, error: type[BaseException]):
    file = tmp_path / "x.txt"
    file.write_text("old")
    with pytest.raises(error), atomic_write(file) as sibling:
        sibling.write_text("half")
        raise error
    assert file.read_text() == "old" and names(tmp_path) == ["x.txt"]
