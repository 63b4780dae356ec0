"""The explorers' page in a real browser, used as a student uses it: `make test-browser`.

The environment variable CHROMIUM is the path of the browser. If SCREENSHOTS is a folder, screenshots of the explorers
are saved there.
"""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from paths import ROOT
from patience import HANG
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

PORT = 8871
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
TIMEOUT = 1000 * HANG
"""In milliseconds."""
WINDOW = {"width": 1400, "height": 950}
TABS = ("1 Gradients", "2 Moments", "4 Noise", "5-9 Transfer")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    command = [sys.executable, "-m", "decoupling_lib", "classroom", "--no-browser", "--port", str(PORT)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as server:
        yield server.stdout.readline().split()[1]
        server.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=[*QUIET])
        yield chromium
        chromium.close()


def open_page(browser: Browser, address: str) -> Page:
    """Open the page in a browser window of its own, and wait for its first picture."""
    page = browser.new_page(viewport=WINDOW)
    page.set_default_timeout(TIMEOUT)
    expect.set_options(timeout=TIMEOUT)
    page.requested = []
    page.on("request", lambda request: page.requested.append(request.url))
    for _ in range(3 * HANG):
        try:
            page.goto(address)
            break
        except Exception:
            page.wait_for_timeout(300)
    expect(page.get_by_role("img", name=re.compile("gradient curve"))).to_be_visible()
    return page


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Page:
    return open_page(browser, address)


def open_tab(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab).click()


def status(page: Page) -> Locator:
    return page.get_by_role("status").filter(visible=True)


def press(page: Page, slider: str, key: str, times: int = 1) -> None:
    handle = page.get_by_role("slider", name=slider, exact=True).filter(visible=True)
    handle.focus()
    for _ in range(times):
        page.keyboard.press(key)


def save_screenshot(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.locator(".dl-page").screenshot(path=Path(folder, f"explorer_{name}.png"))


def test_visitors_without_the_token_are_asked_for_it(address, page):
    with urllib.request.urlopen(address.partition("?")[0]) as answer:
        assert "/login?" in answer.url and b"gradient" not in answer.read()


def test_the_page_requests_nothing_from_other_machines(page):
    assert page.requested
    for url in page.requested:
        assert url.startswith((f"http://127.0.0.1:{PORT}/", f"ws://127.0.0.1:{PORT}/", "data:", "blob:")), url


def test_every_control_has_an_accessible_name(page):
    for tab in TABS:
        open_tab(page, tab)
        for role in ("slider", "combobox", "button"):
            for control in page.get_by_role(role).filter(visible=True).all():
                named = page.get_by_role(role, name=re.compile(r"\w")).filter(visible=True)
                assert control.evaluate("element => element.outerHTML") in [
                    each.evaluate("element => element.outerHTML") for each in named.all()
                ]


CUT_OFF = """() => {
  const shown = [...document.querySelectorAll(".widget-label, select")].filter((element) => element.clientWidth);
  const context = document.createElement("canvas").getContext("2d");
  return shown.flatMap((element) => {
    const style = getComputedStyle(element);
    context.font = style.font;
    const room = element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const texts = element.options ? [...element.options].map((option) => option.text) : [element.textContent];
    return texts.filter((text) => context.measureText(text).width > room);
  });
}"""
"""Returns all visible labels, and all entries of visible lists, that are wider than their place."""


def test_no_label_and_no_entry_of_a_list_is_cut_off(page):
    for tab in TABS:
        open_tab(page, tab)
        assert page.evaluate(CUT_OFF) == []
    open_tab(page, "5-9 Transfer")
    style = page.add_style_tag(content=".widget-label { width: 5em !important } select { max-width: 6em }")
    found = page.evaluate(CUT_OFF)
    style.evaluate("element => element.remove()")
    assert "size in pixels" in found and "hubble_deep_field" in found and "layers" not in found


def test_moving_the_steps_slider_by_keyboard_changes_status_and_picture(page):
    open_tab(page, "1 Gradients")
    expect(status(page)).to_contain_text("euler, 4 steps of size 0.25: ends at")
    before, shown = status(page).inner_text(), page.get_by_role("img", name=re.compile("gradient curve"))
    first_picture = shown.get_attribute("src")
    press(page, "steps", "ArrowRight")
    expect(status(page)).not_to_have_text(before)
    expect(shown).not_to_have_attribute("src", first_picture)
    page.get_by_role("combobox", name="step rule").select_option("rk4")
    expect(status(page)).to_have_text(re.compile(r"rk4, 5 steps of size 0\.2: ends at f = (1|0\.999)"))
    save_screenshot(page, "gradients")


def test_fifty_quick_moves_show_the_last_value(page):
    open_tab(page, "1 Gradients")
    press(page, "steps", "Home")
    press(page, "steps", "ArrowRight", 50)  # the slider ends at 40
    expect(page.get_by_role("slider", name="steps", exact=True)).to_have_attribute("aria-valuenow", "40.0")
    expect(status(page)).to_contain_text("40 steps of size 0.025: ends at")
    expect(page.get_by_role("img", name=re.compile("gradient curve.* 40 steps of size"))).to_be_visible()


@pytest.mark.parametrize("tab", TABS[:3])
def test_every_slider_reaches_its_ends(tab, page):
    open_tab(page, tab)
    for slider in page.get_by_role("slider").filter(visible=True).all():
        for key in ("Home", "End"):
            slider.focus()
            page.keyboard.press(key)
            page.wait_for_timeout(50)
            expect(status(page)).not_to_contain_text("Error")
            assert slider.get_attribute("aria-valuenow")
    expect(status(page)).not_to_have_text("")


def test_a_moment_moves_and_the_others_are_reported_to_stand_still(page):
    open_tab(page, "2 Moments")
    for slider in ("mean shift", "variance ratio", "skewness shift", "orthokurtosis shift"):
        press(page, slider, "Home")
    press(page, "orthokurtosis shift", "ArrowRight", 15)
    press(page, "skewness shift", "ArrowRight", 45)
    press(page, "mean shift", "ArrowRight", 40)
    press(page, "variance ratio", "ArrowRight", 18)
    expect(status(page)).to_have_text(re.compile("moved: skewness by 0.25; the other .* stand still within"))
    save_screenshot(page, "moments")


def test_a_picture_fills_the_window_after_a_click_and_shrinks_after_another(page):
    open_tab(page, "1 Gradients")
    shown, window = page.get_by_role("img", name=re.compile("gradient curve")), page.viewport_size
    small = shown.bounding_box()
    page.mouse.click(small["x"] + small["width"] / 2, small["y"] + small["height"] / 2)
    expect(page.locator(".dl-zoom.mod-active")).to_have_count(1)
    large = shown.bounding_box()
    assert large["width"] > 0.9 * window["width"] and large["height"] > 0.8 * window["height"]
    before = shown.get_attribute("src")
    page.get_by_role("button", name="Reset").first.dispatch_event("click")
    expect(status(page)).to_contain_text("4 steps")
    expect(shown).not_to_have_attribute("src", before)
    assert shown.bounding_box() == large, "a picture that changes stays enlarged"
    page.keyboard.press("Space")  # the button has the focus
    expect(page.locator(".dl-zoom.mod-active")).to_have_count(0)
    assert shown.bounding_box() == small


def test_a_question_mark_tells_what_a_control_does(page):
    open_tab(page, "1 Gradients")
    mark = page.get_by_role("button", name=re.compile("^step rule: How a step approximates"))
    shown = "element => getComputedStyle(element, '::after').display"
    page.mouse.move(0, 0)
    assert mark.evaluate(shown) == "none"
    mark.focus()
    assert mark.evaluate(shown) == "block" and "approximates" in mark.get_attribute("data-tip")


TYPE_SIZES = """() => [...document.querySelectorAll(".dl-page *")]
  .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())
    && element.checkVisibility() && element.tagName !== "STYLE")
  .map((element) => parseFloat(getComputedStyle(element).fontSize))"""
"""Returns the size in pixels of all visible texts."""
OUTSIDE = """() => [...document.querySelectorAll(".dl-explorer :is(button, select, img, .noUi-target, figcaption)")]
  .filter((element) => element.checkVisibility())
  .map((element) => [element.outerHTML.slice(0, 80), element.getBoundingClientRect()])
  .filter(([_, place]) => place.width && (place.left < -1 || place.right > innerWidth + 1))"""
"""Returns all visible parts of explorers that are cut off at the left or at the right."""


@pytest.fixture
def resized(page) -> Iterator[Page]:
    yield page
    page.set_viewport_size(WINDOW)


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1024, 768)])
def test_the_projector_mode_fills_the_window_with_type_that_can_be_read(width, height, resized):
    page = resized
    page.set_viewport_size({"width": width, "height": height})
    page.get_by_role("button", name="Projector").click()
    for tab in TABS:
        open_tab(page, tab)
        sizes = page.evaluate(TYPE_SIZES)
        assert len(sizes) > 15 and min(sizes) >= 18, tab
        assert page.evaluate(OUTSIDE) == [], tab
        place = page.locator(".dl-explorer").filter(visible=True).bounding_box()
        assert place["y"] < 60 and 0.95 * height < place["y"] + place["height"] <= height
        assert page.evaluate("document.documentElement.scrollHeight") <= height
        for name in ("picture", "origin"):  # whole, without scrolling
            for shown in page.get_by_role("button", name=f"enlarge {name}").filter(visible=True).all():
                box = shown.bounding_box()
                assert box["y"] > 0 and box["y"] + box["height"] <= height
    page.get_by_role("button", name="Projector").click()


def test_a_phone_shows_everything_below_each_other(resized):
    page = resized
    page.set_viewport_size({"width": 390, "height": 844})
    for tab in TABS:
        open_tab(page, tab)
        assert page.evaluate(OUTSIDE) == [], tab
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        shown = page.locator(".dl-exhibit").filter(visible=True).first.bounding_box()
        controls = page.locator(".dl-controls").filter(visible=True).bounding_box()
        assert controls["y"] > shown["y"] + shown["height"] - 1 and controls["width"] > 300


def test_noise_of_another_layer_has_other_dead_channels(page):
    open_tab(page, "4 Noise")
    press(page, "seed", "Home")
    press(page, "layer", "End")
    expect(status(page)).to_have_text(re.compile("block5_conv1, uniform noise, seed 0: .* of 512 channels are dead"))
    save_screenshot(page, "noise")
    press(page, "layer", "Home")
    expect(status(page)).to_contain_text("block1_conv1, uniform noise, seed 0: 0 of 64")


def test_controls_move_a_run_shows_its_images_and_stop_keeps_the_latest_one(page):
    open_tab(page, "5-9 Transfer")
    expect(status(page)).to_contain_text("press Run; estimate:")
    page.get_by_role("combobox", name="method").select_option("descent: the annex")
    expect(page.get_by_role("slider", name="steps per leg", exact=True)).to_be_hidden()
    expect(page.get_by_role("slider", name="iterations", exact=True)).to_be_visible()
    press(page, "layers", "ArrowLeft")
    expect(page.get_by_role("slider", name="layers", exact=True)).to_have_attribute("aria-valuenow", "1.0")
    press(page, "learning rate", "ArrowRight", 10)
    row = page.locator(".widget-slider", has=page.get_by_text("learning rate", exact=True))
    expect(row.locator(".widget-readout")).to_have_text("0.0016")  # half a decade above 5e-4
    page.get_by_role("combobox", name="method").select_option("decoupled: damped lift")
    press(page, "layers", "ArrowRight")
    expect(page.get_by_role("slider", name="learning rate", exact=True)).to_be_hidden()
    press(page, "size in pixels", "Home")
    expect(status(page)).to_contain_text("press Run; estimate:")
    page.get_by_role("button", name="Run", exact=True).click()
    step1 = page.get_by_role("img", name="Step 1: style removed")
    expect(step1).to_be_visible()
    first = step1.get_attribute("src")
    expect(step1).not_to_have_attribute("src", first)
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_disabled()

    # Another explorer on the same page responds during the run.
    open_tab(page, "1 Gradients")
    before = status(page).inner_text()
    press(page, "steps", "Home")
    expect(status(page)).not_to_have_text(before)
    open_tab(page, "5-9 Transfer")

    expect(status(page)).to_contain_text("Step 3")
    page.get_by_role("button", name="Stop").click()
    expect(status(page)).to_contain_text("stopped in")  # a step, or the judging that follows the last one
    expect(step1).to_be_visible()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()


def test_an_own_picture_is_uploaded_and_a_finished_run_is_downloaded(page, tmp_path):
    open_tab(page, "5-9 Transfer")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (2200, 2000, 3), np.uint8)).save(tmp_path / "mine.png")
    assert (tmp_path / "mine.png").stat().st_size > 10 * 2**20, "more than a connection takes by default"
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Own picture").click()
    chooser.value.set_files(tmp_path / "mine.png")
    expect(page.get_by_role("combobox", name="target")).to_have_value("mine.png")
    expect(page.get_by_role("img", name="target: mine.png")).to_be_visible()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(status(page)).to_contain_text("done; style gap left")
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download pictures and settings").click()
    with zipfile.ZipFile(begun.value.path()) as files:
        assert len(files.namelist()) == 6 and files.testzip() is None
        assert b"decoupling transfer coffee mine.png " in files.read("settings.txt")


def test_a_preset_runs_and_the_run_before_stays_beside_it(page):
    open_tab(page, "5-9 Transfer")
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(status(page)).to_contain_text("press Run; estimate:")  # the line of an earlier test's run is gone
    page.get_by_role("button", name="midpoint", exact=True).click()
    expect(status(page)).to_contain_text("done; style gap left")
    expect(page.get_by_role("img", name=re.compile("^Step 3: result, style gap left: [0-9.]+%"))).to_be_visible()
    page.get_by_role("combobox", name="reference").select_option("noise")
    expect(status(page)).to_contain_text("press Run; estimate:")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(status(page)).to_contain_text("done; style gap left")
    expect(page.get_by_role("img", name=re.compile("^the run before, .*reference: midpoint of both"))).to_be_visible()
    save_screenshot(page, "transfer")


def test_a_reload_during_a_run_starts_a_new_page(browser, address):
    page = open_page(browser, address)
    open_tab(page, "5-9 Transfer")
    expect(status(page)).to_contain_text("press Run; estimate:")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(status(page)).to_contain_text("Step 1")
    page.reload()
    expect(page.get_by_role("img", name=re.compile("gradient curve"))).to_be_visible()
    open_tab(page, "5-9 Transfer")
    expect(status(page)).to_contain_text("press Run; estimate:")
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()
    page.close()


def test_a_server_that_ends_frees_its_port_at_once():
    command = [sys.executable, "-m", "decoupling_lib", "classroom", "--no-browser", "--port", str(PORT + 2)]
    for _ in range(2):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
            assert server.stdout.readline().startswith("explorers: http://127.0.0.1:")
            for _ in range(5 * HANG):
                with suppress(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{PORT + 2}/").close()
                    break
                time.sleep(0.2)
            server.terminate()
            assert server.wait(HANG) == 143


def test_the_benchmark_of_the_page_measures_every_waiting_time(tmp_path):
    command = [sys.executable, "benchmarks/classroom.py", "--chromium", os.environ["CHROMIUM"], "--repeats", "1"]
    subprocess.run([*command, "--out", str(tmp_path / "waits.json")], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    (row,) = json.loads((tmp_path / "waits.json").read_text())["rows"]
    waits = [value for name, value in row.items() if name not in ("part", "repeat")]
    assert len(waits) == 6 and all(0 < wait < HANG for wait in waits)
    assert row["first_paint"] < row["ready"]
