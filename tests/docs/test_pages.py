"""The written pages: their examples run, their paths exist, and the table of rooms is the one that is tested."""

import doctest
import importlib.util
import re

import pytest
from paths import ROOT

PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
MAX_WORDS = 1200
"""Of the README."""


def test_the_examples_of_the_python_page_run():
    tried = doctest.testfile(str(ROOT / "docs" / "python.md"), module_relative=False)
    assert tried.failed == 0 and tried.attempted > 15


def missing(text: str) -> list[str]:
    """Return the paths in code spans that exist neither in the repository nor in the library, without placeholders."""
    spans = re.findall(r"`([\w./-]+/[\w./-]*)`", text)
    known = {path.name for base in (ROOT, ROOT / "decoupling_lib") for path in base.iterdir() if path.is_dir()}
    named = [span for span in spans if span.split("/")[0] in known - {"out"} and not re.search("NAME|NN_", span)]
    return [span for span in named if not (ROOT / span).exists() and not (ROOT / "decoupling_lib" / span).exists()]


@pytest.mark.parametrize("page", PAGES)
def test_every_path_and_link_on_a_page_exists(page):
    text = (ROOT / page).read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link and "reference/" not in link]
    assert missing(text) == []
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


def test_a_path_that_does_not_exist_is_found():
    assert missing("`engine/none.py`, `engine/lift.py`, `docs/none.md`, `out/none`, `a/b`") == [
        "engine/none.py",
        "docs/none.md",
    ]


def test_the_architecture_page_has_the_rooms_and_numbers_that_are_tested():
    spec = importlib.util.spec_from_file_location("test_rooms", ROOT / "tests" / "test_rooms.py")
    rooms = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rooms)
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = {name: int(number) for number, name in re.findall(r"^\| (\d+) \| `(\w+)`", text, re.MULTILINE)}
    assert table == {
        name.replace("__init__", "decoupling_lib"): n for name, n in rooms.ROOMS.items() if name != "__main__"
    }


def test_the_readme_is_short_and_names_a_result_file_in_every_row_of_its_table():
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.split()) <= MAX_WORDS
    rows = [
        line for line in text.partition("## What it shows")[2].partition("\n## ")[0].splitlines() if line[:1] == "|"
    ]
    results = {path.name for path in (ROOT / "benchmarks" / "results").iterdir()}
    assert 0 < len(rows) - 2 <= 8
    for row in rows[2:]:
        assert set(re.findall(r"`(\w+\.json)`", row)) & results, row
