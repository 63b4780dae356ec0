"""The book, opened from its folder by a browser without a network."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from paths import ROOT
from patience import HANG
from playwright.sync_api import Page, expect, sync_playwright


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "-d", str(out / "trees")]
    subprocess.run([*command, str(ROOT / "docs"), str(out / "html")], check=True, timeout=HANG)
    return out / "html"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=flags)
        context = browser.new_context(offline=True, viewport={"width": 1300, "height": 900})
        page = context.new_page()
        page.requested = []
        page.on("request", lambda request: page.requested.append(request.url))
        yield page
        browser.close()


def test_a_lesson_shows_formulas_and_pictures(book, page):
    page.goto((book / "lessons" / "05_step1_origin.html").as_uri())
    formula = page.locator("math[display=block]").first
    expect(formula).to_be_visible()
    # It is laid out as a formula, not as a line of letters: a superscript is higher than its base.
    base, top = (formula.locator(f"msup > :nth-child({k})").first.bounding_box() for k in (1, 2))
    assert top["y"] + top["height"] < base["y"] + base["height"] and top["x"] >= base["x"] + base["width"] - 1
    widths = page.evaluate("[...document.querySelectorAll('img')].map(i => i.naturalWidth)")
    assert len(widths) > 5 and min(widths) > 0


def test_search_finds_a_lesson(book, page):
    page.goto((book / "search.html").as_uri() + "?q=undress")
    expect(page.locator("#search-results a").first).to_be_visible(timeout=1000 * HANG)
    found = page.locator("#search-results a").all_inner_texts()
    assert any("undressing" in text.lower() for text in found)


def test_the_gallery_shows_every_figure(book, page):
    page.goto((book / "gallery.html").as_uri())
    widths = page.evaluate("[...document.querySelectorAll('article img')].map(i => i.naturalWidth)")
    assert len(widths) == len(list((ROOT / "figures").glob("figure_*.png"))) and min(widths) > 0


def test_the_browser_requested_only_files(page):
    assert page.requested and all(url.startswith(("file:", "data:")) for url in page.requested)
