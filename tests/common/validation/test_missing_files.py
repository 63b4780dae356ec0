"""A path that leads to no file: why, and the right next step."""

import getpass
import os
from pathlib import Path

import pytest
from refusals import refusal

from decoupling_lib.common import validation
from decoupling_lib.images.pictures import load_picture


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PICTURES", str(tmp_path))
    (tmp_path / "home").mkdir()
    for name in ("photo.JPG", "a b.png", "home/cat.png", "x[1].png", "file"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


@pytest.mark.parametrize(
    "text, what, step",
    [
        ("https://example.org/cat.jpg", "address", "download"),
        ("http://example.org/cat.jpg?size=2#top", "address", "download"),
        ("ftp://example.org/cat.jpg", "address", "download"),
        ("s3://bucket/cat.jpg", "address", "download"),
        ("HTTPS://EXAMPLE.ORG/CAT.JPG", "address", "download"),
        ("https:/example.org/cat.jpg", "address", "download"),
        ("file:///home/me/my%20cat.png", "address", '"/home/me/my cat.png"'),
        ("file:/home/me/cat.png", "address", '"/home/me/cat.png"'),
        ("data:image/png;base64,iVBORw0KGgo=", "address", "save"),
        ("$PICTURES/photo.JPG", "variable", "photo.JPG"),
        ("${PICTURES}/photo.JPG", "variable", "photo.JPG"),
        ("$NOSUCH/photo.JPG", "variable", "write the path"),
        ("%USERPROFILE%/photo.JPG", "variable", "write the path"),
        ("'photo.JPG'", "exist", 'marks and blanks: "photo.JPG"'),
        ('"a b.png"', "exist", 'marks and blanks: "a b.png"'),
        (" photo.JPG", "exist", 'marks and blanks: "photo.JPG"'),
        ("photo.jpg", "exist", '"photo.JPG"?'),
        ("fotos/photo.JPG", "folder", "spelling"),
        ("file/photo.JPG", "not a folder", "spelling"),
        ("pictures\\photo.JPG", "exist", "write /"),
        ("C:\\Users\\me\\photo.JPG", "exist", "write /"),
        ("*.png", "wildcard", "one file"),
        ("cat?.png", "wildcard", "one file"),
        ("~/cta.png", "exist", '"cat.png"?'),
        ("~nosuchuser/dog.png", "user", "./~nosuchuser"),
        ("chian", "exist", '"china"?'),
        ("zzzzzz", "exist", "spelling"),
    ],
)
def test_the_reason_and_the_next_step(text: str, what: str, step: str):
    line = refusal(load_picture, text)
    assert what in line.partition("; received ")[0] and step in line.rpartition("; ")[2], line


def test_the_home_folder_is_found_as_in_a_shell(folder: Path):
    assert validation.regular_file("~/cat.png", "image") == folder / "home" / "cat.png"
    assert validation.regular_file(Path("~/cat.png"), "image") == folder / "home" / "cat.png"
    assert validation.output_folder("~/new") == folder / "home" / "new" and not (folder / "~").exists()
    assert validation.path(f"~{getpass.getuser()}", "image") == Path(os.path.expanduser(f"~{getpass.getuser()}"))
    assert "folder" in refusal(load_picture, "~")
    (folder / "~nosuchuser").write_bytes(b"x")
    assert validation.regular_file("~nosuchuser", "image") == Path("~nosuchuser")


def test_a_file_with_an_odd_name_is_not_explained_away():
    for name in ("x[1].png", "a b.png", "photo.JPG"):
        assert validation.regular_file(name, "image") == Path(name)


def test_a_folder_and_an_empty_file(folder: Path):
    assert "name of a file in it" in refusal(load_picture, folder)
    (folder / "empty.jpg").touch()
    assert "empty" in refusal(load_picture, "empty.jpg")
