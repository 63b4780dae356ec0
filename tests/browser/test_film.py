"""The page of a film in a real browser, from its file and without a network: `make test-browser`."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from patience import HANG
from playwright.sync_api import Browser, Page, expect, sync_playwright
from solved_films import create_film

from decoupling_lib.plotting.film import Shot, arrange_film
from decoupling_lib.plotting.film_page import write_film_page

QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=[*QUIET])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> tuple[Path, list[Shot]]:
    transfer, frames = create_film(grid=tuple(np.linspace(0, 1, 4)))
    shots = arrange_film(transfer, frames)
    file = tmp_path_factory.mktemp("film") / "film.html"
    return write_film_page(file, shots, transfer.origin, ("coffee", "<script>alert(1)</script>")), shots


@pytest.fixture(params=[(390, 800), (1920, 1080)])
def page(request, browser, film) -> Iterator[Page]:
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
    page = context.new_page()
    page.set_default_timeout(1000 * HANG)
    expect.set_options(timeout=1000 * HANG)
    page.problems, page.asked = [], []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda message: page.problems.append(message.text))
    page.on("request", lambda each: page.asked.append(each.url))
    page.goto(film[0].as_uri())
    yield page
    assert page.problems == [] and [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
    context.close()


def shown(page: Page) -> str:
    """Return the alternative text of the only frame that is seen."""
    found = page.locator(".frames img:visible")
    expect(found).to_have_count(1)
    return found.get_attribute("alt")


def test_keys_lead_through_the_film(page, film):
    shots = film[1]
    assert shown(page) == shots[0].text
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert shown(page) == shots[2].text
    expect(page.locator("#caption")).to_have_text(shots[2].text)
    expect(page.locator("#place")).to_have_text(shots[2].title)
    page.keyboard.press("ArrowLeft")
    assert shown(page) == shots[1].text
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert shown(page) == shots[-1].text
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert shown(page) == shots[0].text


def test_the_slider_and_the_buttons_lead_to_frames(page, film):
    shots, slider = film[1], page.get_by_role("slider", name="Place in the film")
    slider.fill("3")
    assert shown(page) == shots[3].text and slider.get_attribute("aria-valuetext") == shots[3].title
    slider.press("ArrowRight")  # the slider's own key, which must not count twice
    assert shown(page) == shots[4].text
    page.get_by_role("button", name="At the reference").click()
    assert "reference" in shown(page) and slider.input_value() == str(
        next(at for at, shot in enumerate(shots) if shot.title == "At the reference")
    )


def test_the_film_plays_to_its_end_pauses_and_begins_again(page, film):
    shots = film[1]
    page.evaluate('for (const each of document.querySelectorAll("[data-ms]")) each.dataset.ms = "30"')
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator("#place")).to_have_text("Result")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    assert shown(page) == shots[-1].text
    page.evaluate('for (const each of document.querySelectorAll("[data-ms]")) each.dataset.ms = "100000"')
    page.get_by_role("button", name="Play").click()
    assert shown(page) == shots[0].text
    page.keyboard.press("Space")  # the button has the focus, and takes the key once
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_nothing_is_cut_off_and_the_line_follows_the_frames(page):
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    curves = page.locator(".curves").bounding_box()
    for key in ("Home", "End"):
        page.keyboard.press(key)
        line = page.locator("#cursor").bounding_box()
        share = (line["x"] - curves["x"]) / curves["width"]
        assert (0.1 < share < 0.3) if key == "Home" else (0.8 < share < 1)
        assert curves["y"] < line["y"] and line["y"] + line["height"] < curves["y"] + curves["height"]
