"""Paths: input files are regular and not empty, and an output folder can really be written into."""

import errno
import os
import tempfile
from pathlib import Path

import pytest
from refusals import refusal

from decoupling_lib.common import validation


def test_regular_file_refuses_what_cannot_be_an_image_file(tmp_path: Path):
    (tmp_path / "empty.png").touch()
    os.mkfifo(tmp_path / "fifo.png")
    (tmp_path / "cat.png").write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert validation.regular_file(f"{tmp_path}/cat.png", "image") == tmp_path / "cat.png"
    cases = {"empty.png": "empty", "fifo.png": "regular file", ".": "folder", "loop": "loop"}
    cases |= {"no.png": "exist", "cat.png/x": "exist", "n" * 9999: "long", "a\nb\0": "NUL"}
    for name, fault in cases.items():
        assert fault in refusal(validation.regular_file, f"{tmp_path}/{name}", "image").partition("; received ")[0]
    assert "regular file" in refusal(validation.regular_file, "/dev/zero", "image")
    with (tmp_path / "sparse.png").open("wb") as file:
        file.truncate(validation.MAX_FILE_BYTES + 1)
    assert str(validation.MAX_FILE_BYTES) in refusal(validation.regular_file, tmp_path / "sparse.png", "image")


def test_regular_file_suggests_a_bundled_picture():
    line = refusal(validation.regular_file, "flwer.jpg", "image", ["china", "flower"])
    assert '"flower"?' in line and "china, flower" in line


def test_output_folder_is_created_with_its_parents_and_left_empty(tmp_path: Path):
    assert validation.output_folder(str(tmp_path)) == tmp_path
    deep = tmp_path / "a" / "b" / "c"
    assert validation.output_folder(deep) == deep and deep.is_dir()
    assert validation.output_folder(deep) == deep and list(deep.iterdir()) == []


def test_an_output_folder_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert validation.output_folder("a/b") == Path("a/b") and (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize(
    "name, fault",
    [
        ("file", "not a folder"),
        ("file/below", "not a folder"),
        ("file/far/below", "not a folder"),
        ("dangling", "not a folder"),
        ("new/" + "n" * 10_000, "too long"),
        ("new/nul\0name", "NUL"),
        ("new/\ud800", "file name"),
    ],
)
def test_output_folder_refuses_and_leaves_nothing(tmp_path: Path, name: str, fault: str):
    (tmp_path / "file").write_text("unchanged")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert fault in refusal(validation.output_folder, f"{tmp_path}/{name}")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["dangling", "file"]
    assert (tmp_path / "file").read_text() == "unchanged"


@pytest.mark.parametrize("bad", ["", "  ", None, 3, b"bytes"])
def test_a_path_is_text_with_a_name_in_it(bad):
    assert refusal(validation.path, bad, "report").startswith("report ")
    refusal(validation.output_folder, bad)
    assert validation.path("a/b", "report") == validation.path(Path("a/b"), "report") == Path("a/b")


@pytest.mark.parametrize(
    "code, reason",
    [(errno.EROFS, "read-only"), (errno.ENOSPC, "disk is full"), (errno.EIO, os.strerror(errno.EIO))],
)
def test_output_folder_explains_why_the_trial_file_failed(tmp_path, monkeypatch, code, reason):
    def fail(**options):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(tempfile, "TemporaryFile", fail)
    assert reason in refusal(validation.output_folder, tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_without_permission_to_write_is_refused(unprivileged_folder: Path):
    unprivileged_folder.chmod(0o555)
    assert "permission" in refusal(validation.output_folder, unprivileged_folder)
    assert "permission" in refusal(validation.output_folder, unprivileged_folder / "below")


@pytest.fixture
def unprivileged_folder():
    """Create a folder and give up the rights of root, to whom nothing is forbidden, while a test runs."""
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(65534)
    try:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)
            os.chmod(name, 0o700)
    finally:
        if was_root:
            os.seteuid(0)


@pytest.mark.parametrize("text", ["~", "~/a/b", "~/with space", "~root/x" if os.name == "posix" else "~/x"])
def test_a_home_folder_is_expanded(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    home = Path("/root") if text.startswith("~root") else tmp_path
    rest = text.partition("/")[2]
    assert validation.path(text, "report") == validation.path(Path(text), "report") == home / rest


def test_a_tilde_elsewhere_is_a_letter_and_a_file_of_such_a_name_is_found(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~draft.png").write_text("x")
    for name in ("a~b", "./~/x", "x/~", "~draft.png", "./~draft.png"):
        assert validation.path(name, "image") == Path(name)


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "~nobody-of-this-name", "~$draft.docx"])
def test_an_unknown_users_home_is_refused_with_the_next_step(name: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for check in (validation.path, validation.regular_file):
        line = refusal(check, name, "image")
        assert "home folder" in line and f"./{name}" in line
    refusal(validation.output_folder, name)
    assert list(tmp_path.iterdir()) == []


def test_without_a_home_folder_a_tilde_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os.path, "expanduser", lambda text: text)
    assert "home folder" in refusal(validation.path, "~/x", "output folder")
