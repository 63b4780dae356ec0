"""The book is whole: no warning while it is built, every link leads somewhere, nothing is fetched from elsewhere."""

import importlib.util
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from paths import ROOT

LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.py"))


class Page(HTMLParser):
    """The ids, the links and the fetched addresses of a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.ids, self.links, self.fetched = set(), [], []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag in ("script", "img") and given.get("src"):
            self.fetched.append(given["src"])
        if tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload"):
            self.fetched.append(given["href"])


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going", "-d", str(out / "trees")]
    subprocess.run([*command, str(ROOT / "docs"), str(out / "html")], check=True, timeout=600)
    return out / "html"


@pytest.fixture(scope="module")
def pages(book) -> dict[Path, Page]:
    return {path: Page(path) for path in book.rglob("*.html")}


def test_every_lesson_has_a_page_with_its_pictures(book):
    for name in LESSONS:
        text = (book / "lessons" / f"{name}.html").read_text("utf-8")
        assert "<img" in text and "<h1>" in text
    assert (book / "search.html").exists() and (book / "searchindex.js").exists()


def test_every_link_leads_to_a_page_and_a_place_on_it(book, pages):
    seen = 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or not (parts.path or parts.fragment):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            assert target.exists(), f"{path.relative_to(book)}: {link}"
            if parts.fragment and target.suffix == ".html":
                known = pages.get(target) or pages[next(p for p in pages if p.resolve() == target)]
                assert unquote(parts.fragment) in known.ids, f"{path.relative_to(book)}: {link}"
            seen += 1
    assert seen > 500


def test_nothing_is_fetched_from_elsewhere(pages):
    for path, page in pages.items():
        for address in page.fetched:
            assert not urlsplit(address).netloc, f"{path.name}: {address}"


def test_formulas_are_mathml_and_none_is_left_as_latex(book):
    text = (book / "lessons" / f"{LESSONS[5]}.html").read_text("utf-8")
    assert text.count("<math ") > 10
    assert not re.search(r"\\(dot|check|sum|top|frac)\b", re.sub(r"<pre>.*?</pre>", "", text, flags=re.S))


@pytest.mark.parametrize("name", LESSONS)
def test_every_solution_is_folded(book, name):
    solutions = (ROOT / "notebooks" / f"{name}.py").read_text("utf-8").count('tags=["solution"')
    folded = (book / "lessons" / f"{name}.html").read_text("utf-8").count("hide above-input")
    assert folded == solutions > 0


def test_the_api_has_every_public_module(book):
    text = (book / "api.html").read_text("utf-8")
    hidden = {"__init__", "backend", "cli"}
    for file in (ROOT / "decoupling_lib").glob("*.py"):
        if file.stem not in hidden:
            assert f'id="module-decoupling_lib.{file.stem}"' in text, file.stem


def test_the_glossary_has_the_terms_that_the_lessons_give_in_spanish(book):
    glossary = (ROOT / "docs" / "glossary.md").read_text("utf-8").lower()
    for term in ("ruidificar", "desnudar la imagen", "característica", "filtro", "estilo", "amortiguamiento", "ruido"):
        assert term in glossary


def configuration():
    spec = importlib.util.spec_from_file_location("book_conf", ROOT / "docs" / "conf.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_launch_buttons_need_a_repository_and_stand_on_lessons_alone(book):
    buttons = configuration().launch_buttons
    assert buttons("", "lessons/01_gradient_systems") == "" == buttons("https://github.com/o/n", "glossary")
    made = buttons("https://github.com/owner/name/", "lessons/01_gradient_systems")
    assert "https://mybinder.org/v2/gh/owner/name/HEAD?labpath=notebooks/01_gradient_systems.ipynb" in made
    assert "colab.research.google.com/github/owner/name/blob/main/notebooks/01_gradient_systems.ipynb" in made
    assert "mybinder" not in (book / "lessons" / "01_gradient_systems.html").read_text("utf-8")
