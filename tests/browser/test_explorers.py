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
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from paths import ROOT
from patience import HANG
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

PORT = 8871
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
TIMEOUT = 1000 * HANG
"""In milliseconds."""
TABS = ("1 Gradients", "2 Moments", "4-7 Transfer", "8 Noise")


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
    page = browser.new_page(viewport={"width": 1400, "height": 950})
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


def picture(page: Page) -> str:
    return page.locator("img[alt]").filter(visible=True).get_attribute("src")


def save_screenshot(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder, f"explorer_{name}.png"))


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
    open_tab(page, "4-7 Transfer")
    style = page.add_style_tag(content=".widget-label { width: 5em !important } select { max-width: 6em }")
    found = page.evaluate(CUT_OFF)
    style.evaluate("element => element.remove()")
    assert "origin, the style" in found and "hubble_deep_field" in found and "layers" not in found


def test_moving_the_steps_slider_by_keyboard_changes_status_and_picture(page):
    open_tab(page, "1 Gradients")
    expect(status(page)).to_contain_text("euler, 4 steps of size 0.25: ends at")
    before, first_picture = status(page).inner_text(), picture(page)
    press(page, "steps", "ArrowRight")
    expect(status(page)).not_to_have_text(before)
    expect(page.get_by_role("img", name=re.compile("gradient curve"))).not_to_have_attribute("src", first_picture)
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


@pytest.mark.parametrize("tab", [TABS[0], TABS[1], TABS[3]])
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


def test_noise_of_another_layer_has_other_dead_channels(page):
    open_tab(page, "8 Noise")
    press(page, "seed", "Home")
    press(page, "layer", "End")
    expect(status(page)).to_have_text(re.compile("block5_conv1, uniform noise, seed 0: .* of 512 channels are dead"))
    save_screenshot(page, "noise")
    press(page, "layer", "Home")
    expect(status(page)).to_contain_text("block1_conv1, uniform noise, seed 0: 0 of 64")


def test_controls_move_a_run_shows_its_images_and_stop_keeps_the_latest_one(page):
    open_tab(page, "4-7 Transfer")
    expect(status(page)).to_contain_text("press Run; estimate:")
    page.get_by_role("combobox", name="method").select_option("descent: the thesis's annex")
    expect(page.get_by_role("slider", name="steps per leg", exact=True)).to_be_hidden()
    expect(page.get_by_role("slider", name="iterations", exact=True)).to_be_visible()
    press(page, "layers", "ArrowLeft")
    expect(page.get_by_role("slider", name="layers", exact=True)).to_have_attribute("aria-valuenow", "1.0")
    press(page, "learning rate", "ArrowRight", 10)
    row = page.locator(".widget-slider", has=page.get_by_text("learning rate", exact=True))
    expect(row.locator(".widget-readout")).to_have_text("0.0016")  # half a decade above 5e-4
    page.get_by_role("combobox", name="method").select_option("decoupled: the damped lift")
    press(page, "layers", "ArrowRight")
    expect(page.get_by_role("slider", name="learning rate", exact=True)).to_be_hidden()
    expect(status(page)).to_contain_text("press Run; estimate:")
    page.get_by_role("button", name="Run", exact=True).click()
    shown = page.locator("img[alt*='origin, target, Step']").filter(visible=True)
    expect(shown).to_be_visible()
    first = picture(page)
    expect(shown).not_to_have_attribute("src", first)
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_disabled()

    # Another explorer on the same page responds during the run.
    open_tab(page, "1 Gradients")
    before = status(page).inner_text()
    press(page, "steps", "Home")
    expect(status(page)).not_to_have_text(before)
    open_tab(page, "4-7 Transfer")

    expect(status(page)).to_contain_text("Step 3, block1_conv1")
    page.get_by_role("button", name="Stop").click()
    expect(status(page)).to_contain_text("stopped in Step")
    expect(shown).to_be_visible()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()

    page.get_by_role("button", name="Run", exact=True).click()  # again, to its end
    expect(status(page)).to_contain_text("done; style error", timeout=TIMEOUT)
    save_screenshot(page, "transfer")


def test_a_reload_during_a_run_starts_a_new_page(browser, address):
    page = open_page(browser, address)
    open_tab(page, "4-7 Transfer")
    expect(status(page)).to_contain_text("press Run; estimate:")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(status(page)).to_contain_text("Step 1")
    page.reload()
    expect(page.get_by_role("img", name=re.compile("gradient curve"))).to_be_visible()
    open_tab(page, "4-7 Transfer")
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
