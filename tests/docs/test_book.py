"""The book is complete: it builds without a warning, every link leads somewhere, and nothing comes from elsewhere.

It is built from a copy of the repository in which nothing can be written.
"""

import ast
import importlib.util
import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from books import build_book
from paths import ROOT
from permissions import obey_permissions
from PIL import Image

import decoupling_lib

LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.py"))


class Page(HTMLParser):
    """The ids, the links, the downloaded addresses and the images of a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.ids, self.links, self.downloads, self.images = set(), [], [], []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if tag == "img":
            self.images.append(values)
        if tag in ("script", "img") and values.get("src"):
            self.downloads.append(values["src"])
        if tag == "link" and values.get("rel") in ("stylesheet", "icon", "preload"):
            self.downloads.append(values["href"])


def files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Iterator[Path]:
    """Build the book from a read-only copy of what it is made of, and yield the folder of its pages."""
    root = tmp_path_factory.mktemp("copy") / "kit"
    leave = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in ("docs", "tools", "notebooks", "decoupling_lib", "figures", "benchmarks"):
        shutil.copytree(ROOT / name, root / name, ignore=leave)
    for name in ("CHANGELOG.md", "CONTRIBUTING.md", "pyproject.toml"):
        shutil.copyfile(ROOT / name, root / name)
    before = files(root)
    everything = [root, *root.rglob("*")]
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield build_book(tmp_path_factory.mktemp("book"), root, preexec_fn=obey_permissions)
    for path in everything:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert files(root) == before


@pytest.fixture(scope="module")
def pages(book) -> dict[Path, Page]:
    return {path: Page(path) for path in book.rglob("*.html")}


def test_every_lesson_has_a_page_with_its_images(book):
    for name in LESSONS:
        text = (book / "lessons" / f"{name}.html").read_text("utf-8")
        assert "<img" in text and "<h1>" in text
    assert (book / "search.html").exists() and (book / "searchindex.js").exists()


def test_every_link_leads_to_a_page_and_a_place_on_it(book, pages):
    count = 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or not (parts.path or parts.fragment):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            assert target.exists(), f"{path.relative_to(book)}: {link}"
            if parts.fragment and target.suffix == ".html":
                page_there = pages.get(target) or pages[next(p for p in pages if p.resolve() == target)]
                assert unquote(parts.fragment) in page_there.ids, f"{path.relative_to(book)}: {link}"
            count += 1
    assert count > 500


def test_nothing_is_downloaded_from_elsewhere(pages):
    for path, page in pages.items():
        for address in page.downloads:
            assert not urlsplit(address).netloc, f"{path.name}: {address}"


def test_every_image_has_a_text_that_describes_it(book, pages):
    count = 0
    for path, page in pages.items():
        for image in page.images:
            if path.name == "py-modindex.html":  # Sphinx's own list of modules, with a sign that folds them
                continue
            text = image.get("alt") or ""
            assert len(text.split()) >= 4, f"{path.relative_to(book)}: {text!r}"
            assert not re.search(r"\.(png|svg|jpe?g|gif)\b|_images", text), f"{path.relative_to(book)}: {text!r}"
            count += 1
    assert count > 50


def test_figures_too_wide_for_a_phone_have_a_box_to_scroll_in_and_the_banner_has_none(book):
    for name in LESSONS:
        text = (book / "lessons" / f"{name}.html").read_text("utf-8")
        for before, image in re.findall(r'(.{0,40})<img [^>]*src="\.\./_images/([^"]+)"', text, re.DOTALL):
            with Image.open(book / "_images" / image) as figure:
                assert ("wide-figure" in before) == (figure.width >= 800), f"{name}: {image}"
    assert "wide-figure" not in (book / "index.html").read_text("utf-8")


def test_the_landing_page_leads_to_everything(book, pages):
    (landing,) = (page for path, page in pages.items() if path.relative_to(book) == Path("index.html"))
    assert landing.images
    lessons = [f"lessons/{name}" for name in LESSONS]
    for name in ("gallery", "figures", "findings", "api", "python", "teachers", "glossary", *lessons):
        assert f"{name}.html" in landing.links


def test_the_gallery_has_every_transfer_that_has_a_report_with_its_settings(book):
    text = (book / "gallery.html").read_text("utf-8")
    reports = [json.loads(path.read_text("utf-8")) for path in (ROOT / "figures").glob("*.json")]
    transfers = [each for each in reports if each.get("command") == "transfer"]
    assert text.count("<img ") == len(transfers) > 0
    for report in transfers:
        height, width = report["size"]
        assert f"{width} × {height} pixels" in text
        assert all(each["name"] in text for each in report["inputs"])


def test_no_lesson_shows_a_traceback_a_mark_for_tests_or_the_answers_of_someone_else(book):
    for name in LESSONS:
        text = (book / "lessons" / f"{name}.html").read_text("utf-8")
        assert "Traceback" not in text and "NBVAL_" not in text
        assert "exercises done" not in text and ": not answered yet" not in text


def test_formulas_are_mathml_and_not_latex(book):
    text = (book / "lessons" / f"{LESSONS[5]}.html").read_text("utf-8")
    assert text.count("<math ") > 10
    assert not re.search(r"\\(dot|check|sum|top|frac)\b", re.sub(r"<pre>.*?</pre>", "", text, flags=re.S))


@pytest.mark.parametrize("name", LESSONS)
def test_every_solution_is_folded(book, name):
    solutions = (ROOT / "notebooks" / f"{name}.py").read_text("utf-8").count('tags=["solution"')
    text = (book / "lessons" / f"{name}.html").read_text("utf-8")
    folds = re.findall(r'<details class="[^"]*\bhide [^"]*">\s*<summary[^>]*>(.*?)</summary>', text, re.DOTALL)
    assert len(folds) == solutions > 0
    for fold in folds:  # once for the closed fold, once for the open one
        assert re.sub(r"<[^>]+>", " ", fold).split() == ["Solution", "Solution"]


def test_the_api_page_has_every_name_of_the_public_face(pages):
    (api,) = (page for path, page in pages.items() if path.name == "api.html")
    names = set(decoupling_lib.__all__) - {"__version__"}
    assert len(names) > 10
    for name in names:
        value = getattr(decoupling_lib, name)
        assert {f"decoupling_lib.{name}", f"module-{getattr(value, '__name__', '')}"} & api.ids, name


def public_names(file: Path) -> Iterator[str]:
    """Yield the full names of a module, and of the functions and classes that it defines for others."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    module = ".".join(part for part in parts if part != "__init__")
    yield f"module-{module}"
    for node in ast.parse(file.read_text("utf-8")).body:
        if (
            isinstance(node, ast.FunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and ast.get_docstring(node)
        ):
            yield f"{module}.{node.name}"


def test_the_reference_has_every_module_of_every_room_and_what_it_defines_for_others(pages):
    ids = set().union(*(page.ids for page in pages.values()))
    files = [file for file in (ROOT / "decoupling_lib").rglob("*.py") if file.parent.name != "decoupling_lib"]
    expected = {name for file in files if file.name != "__init__.py" for name in public_names(file)}
    assert len(expected) > 300
    assert sorted(expected - ids) == []


def glossary() -> list[list[str]]:
    """Return the rows of the glossary: English, Spanish, meaning, lessons."""
    lines = (ROOT / "docs" / "glossary.md").read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")]
    return [row for row in rows if row[0] != "English"]


def words(text: str) -> set[str]:
    """Return the words of a Spanish text in the singular, without the short ones that join them."""
    return {re.sub(r"(?<=[dlnrz])es$|s$", "", word) for word in re.findall(r"\w{3,}", text.lower())}


def test_every_entry_of_the_glossary_is_complete_and_names_lessons_that_exist():
    numbers = {str(int(name[:2])) for name in LESSONS}
    rows = glossary()
    assert len(rows) > 30 and all(len(row) == 4 and all(row) for row in rows)
    for english, *_, lessons in rows:
        assert set(lessons.split(", ")) <= numbers, english


def test_the_glossary_has_every_term_that_a_lesson_gives_in_spanish():
    """A lesson puts it in italics and parentheses behind the English term."""
    spanish = words(" ".join(row[1] for row in glossary()))
    # Titles of sections of the thesis, the name of a function and English terms of the glossary need no translation.
    other = words("paso trabajo futuro softplus") | words(" ".join(row[0] for row in glossary()))
    found = set()
    for name in LESSONS:
        text = re.sub(r"\n#? ?", " ", (ROOT / "notebooks" / f"{name}.py").read_text("utf-8"))
        for terms in re.findall(r"\((?:Spanish: )?((?:\*[^*()]+\*(?:, | and )?)+)\)", text):
            found |= words(terms) - other
    assert len(found) > 8
    assert sorted(found - spanish) == []


def configuration():
    """Return Sphinx's configuration of the book as a module."""
    spec = importlib.util.spec_from_file_location("book_conf", ROOT / "docs" / "conf.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_only_lessons_have_launch_buttons_and_only_with_a_repository(book):
    buttons = configuration().launch_buttons
    assert buttons("", "lessons/01_gradient_systems") == "" == buttons("https://github.com/o/n", "glossary")
    links = buttons("https://github.com/owner/name/", "lessons/01_gradient_systems")
    assert "https://mybinder.org/v2/gh/owner/name/HEAD?labpath=notebooks/01_gradient_systems.ipynb" in links
    assert "colab.research.google.com/github/owner/name/blob/main/notebooks/01_gradient_systems.ipynb" in links
    assert "mybinder" not in (book / "lessons" / "01_gradient_systems.html").read_text("utf-8")
