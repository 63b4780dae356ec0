"""What lessons show, in a real browser and without a network: animations that play, and judged exercises.

`make test-browser`; with SCREENSHOTS set to a folder, it also receives images of both.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import CHROMIUM_OPTIONS
from patience import HANG
from playwright.sync_api import Page, expect, sync_playwright

import decoupling_lib as dl

WIDTHS = (390, 1024)


def circle(ax, k: int) -> None:
    """Draw a circle that grows with k."""
    ax.plot(0, 0, "o", markersize=10 * k)
    ax.set(xlim=(-1, 1), ylim=(-1, 1))


@pytest.fixture(scope="module", params=WIDTHS)
def page(request, tmp_path_factory) -> Iterator[Page]:
    """Yield a page with two animations and feedback of every kind."""
    animations = [dl.animate(circle, range(1, 5), f"animation {k}", seconds=0.05) for k in (1, 2)]
    answers = (...,), (2,), ([2],), ("<b>2</b>",)
    shown = [*animations, *(dl.check("1.1", *each) for each in answers), dl.hint("1.2"), dl.progress()]
    body = "".join(each._repr_mimebundle_()["text/html"] for each in shown)
    file = tmp_path_factory.mktemp("lesson") / "lesson.html"
    file.write_text(f"<!doctype html><meta charset='utf-8'><title>Lesson</title>{body}", "utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=[*CHROMIUM_OPTIONS])
        context = browser.new_context(viewport={"width": request.param, "height": 1000}, offline=True)
        page = context.new_page()
        page.set_default_timeout(1000 * HANG)
        expect.set_options(timeout=1000 * HANG)
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text))
        page.goto(file.as_uri())
        yield page
        assert problems == []
        browser.close()


def test_an_animation_plays_to_its_end_and_the_other_one_stands(page):
    first, second = (page.get_by_label("Place in the animation").nth(k) for k in (0, 1))
    pictures = [page.get_by_alt_text(f"animation {k}").get_attribute("src") for k in (1, 2)]
    expect(first).to_have_value("3")
    page.get_by_role("button", name="Play").first.click()
    expect(page.get_by_role("button", name="Pause")).to_have_count(1)
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)  # it stops by itself
    expect(first).to_have_value("3")
    expect(second).to_have_value("3")
    assert [page.get_by_alt_text(f"animation {k}").get_attribute("src") for k in (1, 2)] == pictures


def test_the_slider_shows_each_frame_by_mouse_and_keys(page):
    slider, picture = page.get_by_label("Place in the animation").nth(1), page.get_by_alt_text("animation 2")
    sources = set()
    for place in ("0", "1", "2", "3"):
        slider.fill(place)
        sources.add(picture.get_attribute("src"))
    assert len(sources) == 4
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_value("2")


def test_feedback_is_text_and_fits_into_the_page(page):
    said = [each.inner_text() for each in page.get_by_role("status").all()]
    heads = ("not answered yet.", "right.", "not right yet.", "not right yet.")
    assert [text.startswith(f"Exercise 1.1: {head}") for text, head in zip(said, heads, strict=False)] == [True] * 4
    assert "<b>2</b>" in said[3] and page.locator("b").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"exercises_{page.viewport_size['width']}.png", full_page=True)
