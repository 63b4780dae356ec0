"""The page of licenses is up to date, and every license is known and allowed."""

import sys
import tomllib
from email.message import Message

import licenses
import lock
import pytest
from packaging.markers import Marker
from packaging.version import Version

BSD = "Redistributions in binary form must reproduce the above\n copyright notice."


def metadata(**fields: str) -> Message:
    """Return package metadata with the given fields."""
    message = Message()
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    return message


@pytest.mark.skipif(
    (sys.platform, sys.version_info[:2]) != ("linux", (3, 11)), reason="the page is generated on Linux with Python 3.11"
)
def test_the_page_is_up_to_date():
    assert licenses.PAGE.read_text("utf-8") == licenses.page(), "make licenses"


def test_every_locked_package_has_a_known_and_allowed_license():
    found = licenses.package_licenses(lock.read())
    assert {name: each for name, each in found.items() if each == licenses.UNKNOWN} == {}
    assert {name: each for name, each in found.items() if not licenses.allowed(each)} == {}


def test_no_allowed_license_is_strong_copyleft():
    assert [name for name in licenses.ALLOWED if "GPL" in name] == []


def rows(page: str, title: str) -> list[list[str]]:
    """Return the cells of the table below a title."""
    lines = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0].splitlines()
    cells = [line.strip("|").split("|") for line in lines if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in cells[2:]]


def test_every_package_and_picture_is_on_the_page_with_what_it_is_for():
    page, pins = licenses.PAGE.read_text("utf-8"), lock.read()
    comments = licenses.uses((lock.ROOT / "pyproject.toml").read_text("utf-8"))
    packages = {name: (versions, use) for name, versions, _, use in rows(page, "Packages")}
    assert set(packages) == {pin.name for pin in pins}
    for pin in pins:
        versions, use = packages[pin.name]
        assert str(pin.version) in versions
        assert use == (comments[pin.name] if pin.name in comments else f"needed by {', '.join(needed_by(pins, pin))}")
    catalogue = tomllib.loads((lock.ROOT / "decoupling_lib/images/pictures.toml").read_text("utf-8"))
    expected = [[name, *(entry[key] for key in ("title", "author", "license"))] for name, entry in catalogue.items()]
    assert [row[:4] for row in rows(page, "Pictures")] == expected
    assert all(cell for title in ("Pictures", "Weights", "Packages") for row in rows(page, title) for cell in row)


def needed_by(pins: list[lock.Pin], pin: lock.Pin) -> list[str]:
    return sorted({other for each in pins if each.name == pin.name for other in each.needed_by})


def test_a_package_is_shown_with_each_version_its_license_and_what_needs_it():
    marker = Marker("python_version < '3.12'")
    pins = [
        lock.Pin("one", Version("1.0"), None, (), ("decoupling (pyproject.toml)",)),
        lock.Pin("two", Version("2.0"), marker, (), ("one",)),
        lock.Pin("two", Version("2.1"), None, (), ("three", "one")),
    ]
    text = licenses.packages(pins, {"one": "MIT", "two": "ISC"}, {"one": "networks"})
    assert text.splitlines()[2:] == [
        "| one | 1.0 | MIT | networks |",
        f"| two | 2.0 where `{marker}`; 2.1 | ISC | needed by one, three |",
    ]


@pytest.mark.parametrize(
    ("fields", "text", "expected"),
    [
        ({"License_Expression": "mit and psf-2.0"}, "", "MIT AND PSF-2.0"),
        ({"License": "BSD 3-Clause License"}, "", "BSD-3-Clause"),
        ({"License": "BSD"}, BSD + " endorse or promote", "BSD-3-Clause"),
        ({"Classifier": "License :: OSI Approved :: BSD License"}, BSD, "BSD-2-Clause"),
        ({"Classifier": "License :: OSI Approved :: BSD License"}, "", licenses.UNKNOWN),
        ({"Classifier": "License :: OSI Approved :: ISC License (ISCL)", "License": "UNKNOWN"}, "", "ISC"),
        ({"License": "GPL-3.0-only"}, "", "GPL-3.0-only"),
        ({"License": "ask us"}, "", licenses.UNKNOWN),
        ({}, "", licenses.UNKNOWN),
    ],
)
def test_a_license_is_read_from_the_metadata(fields, text, expected):
    assert licenses.read_license("some-package", metadata(**fields), text) == expected


def test_an_allowed_classifier_does_not_hide_a_forbidden_one():
    both = metadata(Classifier="License :: OSI Approved :: MIT License")
    both["Classifier"] = "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"
    assert not licenses.allowed(licenses.read_license("some-package", both))


def test_an_expression_is_allowed_if_all_licenses_of_one_alternative_are():
    assert licenses.allowed("MIT") and licenses.allowed("GPL-3.0-only OR MIT AND ISC")
    assert not licenses.allowed("MIT AND GPL-3.0-only") and not licenses.allowed(licenses.UNKNOWN)
    with pytest.raises(ValueError, match="person"):
        licenses.allowed("MIT AND (GPL-3.0-only OR ISC)")
