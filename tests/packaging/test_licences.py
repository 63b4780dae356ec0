"""The page of licences: up to date, every licence known and allowed."""

import sys
import tomllib
from email.message import Message

import licences
import lock
import pytest

BSD = "Redistributions in binary form must reproduce the above\n copyright notice."


def metadata(**fields: str) -> Message:
    made = Message()
    for name, value in fields.items():
        made[name.replace("_", "-")] = value
    return made


@pytest.mark.skipif(
    (sys.platform, sys.version_info[:2]) != ("linux", (3, 11)), reason="the page is made on Linux with Python 3.11"
)
def test_the_page_is_up_to_date():
    assert licences.PAGE.read_text("utf-8") == licences.page(), "make licences"


def test_every_locked_package_has_a_known_and_allowed_licence():
    found = licences.licences(lock.read())
    assert {name: each for name, each in found.items() if each == licences.UNKNOWN} == {}
    assert {name: each for name, each in found.items() if not licences.allowed(each)} == {}


def test_no_allowed_licence_is_strong_copyleft():
    assert [name for name in licences.ALLOWED if "GPL" in name] == []


def test_every_package_and_picture_is_on_the_page_with_what_it_is_for():
    page = licences.PAGE.read_text("utf-8")
    pins = lock.read()
    for pin in pins:
        assert any(line.startswith(f"| {pin.name} | ") and str(pin.version) in line for line in page.splitlines()), pin
    for name, entry in tomllib.loads((lock.ROOT / "decoupling_lib/pictures.toml").read_text("utf-8")).items():
        assert f"| {name} | {entry['title']} | {entry['author']} | {entry['licence']} |" in page
    assert (
        "| pillow | 13.0.0 | MIT-CMU | images: reading and writing pictures; classifier: enlarging the digits |" in page
    )
    assert "| mdurl | 0.1.2 | MIT | needed by markdown-it-py |" in page
    assert " |  |" not in page


@pytest.mark.parametrize(
    ("fields", "text", "expected"),
    [
        ({"License_Expression": "mit and psf-2.0"}, "", "MIT AND PSF-2.0"),
        ({"License": "BSD 3-Clause License"}, "", "BSD-3-Clause"),
        ({"License": "BSD"}, BSD + " endorse or promote", "BSD-3-Clause"),
        ({"Classifier": "License :: OSI Approved :: BSD License"}, BSD, "BSD-2-Clause"),
        ({"Classifier": "License :: OSI Approved :: BSD License"}, "", licences.UNKNOWN),
        ({"Classifier": "License :: OSI Approved :: ISC License (ISCL)", "License": "UNKNOWN"}, "", "ISC"),
        ({"License": "GPL-3.0-only"}, "", "GPL-3.0-only"),
        ({"License": "ask us"}, "", licences.UNKNOWN),
        ({}, "", licences.UNKNOWN),
    ],
)
def test_a_licence_is_read_from_what_the_metadata_state(fields, text, expected):
    assert licences.licence("some-package", metadata(**fields), text) == expected


def test_unallowed_classifiers_are_not_hidden_by_allowed_ones():
    both = metadata(Classifier="License :: OSI Approved :: MIT License")
    both["Classifier"] = "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"
    assert not licences.allowed(licences.licence("some-package", both))


def test_an_expression_is_allowed_if_one_alternative_is_wholly_allowed():
    assert licences.allowed("MIT") and licences.allowed("GPL-3.0-only OR MIT AND ISC")
    assert not licences.allowed("MIT AND GPL-3.0-only") and not licences.allowed(licences.UNKNOWN)
    with pytest.raises(ValueError, match="person"):
        licences.allowed("MIT AND (GPL-3.0-only OR ISC)")
