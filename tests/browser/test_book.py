"""The book and the slides, opened from their folders by a browser without a network."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import slides
from books import build_book
from paths import ROOT
from patience import HANG
from playwright.sync_api import Page, expect, sync_playwright


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    return build_book(tmp_path_factory.mktemp("book"))


@pytest.fixture(scope="module")
def lesson(tmp_path_factory) -> Path:
    """Return the slides of a lesson."""
    return slides.write(tmp_path_factory.mktemp("slides"))[5]


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


@pytest.mark.parametrize("source", ["book", "slides"])
def test_indices_of_formulas_are_below_their_letters(book, lesson, page, source):
    """Without an OpenType font that has a MATH table, Chromium sets them on the baseline."""
    page.goto((book / "lessons" / "05_step1_origin.html").as_uri() if source == "book" else lesson.as_uri())
    page.evaluate("document.querySelectorAll('section').forEach(each => each.classList.add('shown'))")
    assert page.evaluate("document.fonts.load('16px \"STIX Two Math\"').then(found => found.length)") == 1
    bottoms = page.evaluate("""[...document.querySelectorAll('math msub')].filter(
        each => each.getBoundingClientRect().width > 0).map(
        each => [...each.children].map(child => child.getBoundingClientRect().bottom))""")
    assert len(bottoms) > 5 and all(index > letter + 1 for letter, index in bottoms)


def test_a_button_copies_what_was_typed(book, page):
    page.goto((book / "python.html").as_uri())
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    block = page.locator(".highlight", has_text=">>>").first
    block.hover()
    block.get_by_role("button", name="Copy").click()
    typed = re.findall(r"^(?:>>>|\.\.\.) ?(.*)$", block.locator("pre").inner_text(), re.MULTILINE)
    assert page.evaluate("window.copied").splitlines() == typed != []


def test_plots_stand_on_white_in_dark_mode(book, page):
    page.emulate_media(color_scheme="dark")
    page.goto((book / "lessons" / "05_step1_origin.html").as_uri())
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    plot = page.locator("article img").first.evaluate("each => getComputedStyle(each).backgroundColor")
    page.emulate_media(color_scheme="light")
    assert plot == "rgb(255, 255, 255)" != paper


@pytest.mark.parametrize("size", [(1400, 950), (1024, 768), (390, 844)])
@pytest.mark.parametrize("name", ["index", "lessons/05_step1_origin", "api", "gallery", "teachers"])
def test_no_page_is_wider_than_the_window(book, page, name, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto((book / f"{name}.html").as_uri())
    width = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size({"width": 1300, "height": 900})
    assert width <= size[0]


def test_on_a_phone_wide_figures_scroll_in_their_boxes(book, page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((book / "lessons" / "07_step3_transfer.html").as_uri())
    sizes = page.evaluate("""[...document.querySelectorAll('.wide-figure')].map(
        each => [each.clientWidth, each.scrollWidth, getComputedStyle(each, '::before').content])""")
    page.set_viewport_size({"width": 1300, "height": 900})
    assert len(sizes) > 3 and all(width < 390 and inside > 2 * width for width, inside, _ in sizes)
    assert all("Swipe" in hint for *_, hint in sizes)
    boxes = "[...document.querySelectorAll('.wide-figure')]"
    assert page.evaluate(f"{boxes}.every(each => each.scrollWidth === each.clientWidth)")


def test_keys_turn_the_slides_and_show_the_notes(lesson, page):
    page.goto(lesson.as_uri())
    count, place = page.locator("section").count(), page.locator("#place")
    expect(place).to_have_text(f"1 / {count}")
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    expect(place).to_have_text(f"3 / {count}")
    expect(page.locator("section:visible")).to_have_count(1)
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    expect(place).to_have_text(f"{count} / {count}")
    page.keyboard.press("Home")
    expect(page.locator("section:visible aside")).to_be_hidden()
    page.keyboard.press("n")
    expect(page.locator("section:visible aside")).to_be_visible()


def test_every_figure_on_a_slide_is_seen_whole(lesson, page):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(lesson.as_uri())
    seen = 0
    for number in range(page.locator("section").count()):
        page.evaluate(f"show({number})")
        for image in page.locator("section:visible .content img").all():
            box = image.bounding_box()
            assert box["width"] > 300 and box["height"] > 100
            assert box["x"] >= 0 and box["x"] + box["width"] <= 1280 and box["y"] + box["height"] <= 720
            seen += 1
    page.set_viewport_size({"width": 1300, "height": 900})
    notebook = nbformat.read(ROOT / "notebooks" / f"{lesson.stem}.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert seen >= sum("image/png" in output.get("data", {}) for output in outputs) > 3


@pytest.mark.parametrize("size", [(1024, 768), (1920, 1080)])
def test_a_row_of_pictures_uses_the_width_of_its_slide_and_is_enlarged_to_its_height(lesson, page, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(lesson.as_uri() + "#2")
    page.reload()  # a change of the fragment alone would keep the page
    image, figure = page.locator("section:visible figure > img"), page.locator("section:visible figure")
    row = image.bounding_box()
    assert row["width"] > 0.97 * size[0]
    image.click(position={"x": 0.7 * row["width"], "y": row["height"] / 2})
    assert image.bounding_box()["width"] > 1.5 * row["width"]
    assert figure.evaluate("each => each.scrollLeft") > 0
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    image.click()
    assert image.bounding_box() == row
    page.keyboard.press("z")
    assert image.bounding_box()["width"] > 1.5 * row["width"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert image.bounding_box() == row
    page.set_viewport_size({"width": 1300, "height": 900})


def test_search_finds_a_lesson(book, page):
    page.goto((book / "search.html").as_uri() + "?q=decides")
    expect(page.locator("#search-results a").first).to_be_visible(timeout=1000 * HANG)
    found = page.locator("#search-results a").all_inner_texts()
    assert any("the reference decides" in text.lower() for text in found)


def test_the_page_of_the_thesis_shows_every_figure(book, page):
    page.goto((book / "figures.html").as_uri())
    widths = page.evaluate("[...document.querySelectorAll('article img')].map(i => i.naturalWidth)")
    assert len(widths) == len(list((ROOT / "figures").glob("figure_*.png"))) and min(widths) > 0


def test_the_browser_requested_only_files(page):
    assert page.requested and all(url.startswith(("file:", "data:")) for url in page.requested)
