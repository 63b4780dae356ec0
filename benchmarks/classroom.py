"""How long the classroom page keeps people waiting, in headless Chromium.

    python benchmarks/classroom.py [--chromium /usr/bin/chromium] [--repeats 3] [--out FILE]

Measured, in seconds, with one server and one browser per repeat:

first paint    from the command to the picture of the first explorer
ready          from the command to the estimate of the transfer explorer
first picture  from pressing Run, at the defaults, to the first picture of the run
slider         from a key press to the new picture, for each of the other explorers
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import _common as common
from playwright.sync_api import Error, Page, expect, sync_playwright

PORT = 8872
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
SLIDERS = {"1 Gradients": "steps", "2 Moments": "skewness shift", "4 Noise": "seed"}
PATIENCE = 120_000  # milliseconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="path of the browser")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "classroom.json")
    arguments = parser.parse_args()
    if not arguments.chromium:
        parser.error("needs Chromium: apt-get install chromium, or give --chromium PATH")
    results = common.Results(arguments.out, "part", {"page": {"repeats": arguments.repeats}})
    for repeat in range(arguments.repeats):
        row = results.add({"part": "page", "repeat": repeat} | measure(arguments.chromium))
        print("  ".join(f"{name} {value:.1f}" for name, value in row.items() if isinstance(value, float)), flush=True)


def measure(chromium: str) -> dict[str, Any]:
    """Return the waiting times of one visit, in seconds."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "decoupling_lib", "classroom", "--no-browser", "--port", str(PORT)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server,
        sync_playwright() as playwright,
    ):
        try:
            browser = playwright.chromium.launch(executable_path=chromium, args=[*QUIET])
            page = browser.new_page()
            expect.set_options(timeout=PATIENCE)
            _open(page, server.stdout.readline().split()[1])
            expect(page.get_by_role("img", name=re.compile("gradient curve"))).to_be_visible()
            waits = {"first_paint": time.perf_counter() - began}
            page.get_by_role("tab", name="5-9 Transfer").click()
            expect(page.get_by_text("press Run; estimate:")).to_be_visible()
            waits["ready"] = time.perf_counter() - began
            for tab, slider in SLIDERS.items():
                waits[f"slider {tab}"] = _time_slider(page, tab, slider)
            page.get_by_role("tab", name="5-9 Transfer").click()
            pressed = time.perf_counter()
            page.get_by_role("button", name="Run", exact=True).click()
            expect(page.locator("img[alt*='Step 1'][src^='data:image/png']")).to_be_visible()
            waits["first_picture"] = time.perf_counter() - pressed
            return waits
        finally:
            server.terminate()


def _open(page: Page, address: str) -> None:
    while True:
        try:
            page.goto(address)
            return
        except Error:  # the server has not started yet
            page.wait_for_timeout(100)


def _time_slider(page: Page, tab: str, slider: str) -> float:
    """Return the seconds from one key press on a slider to the new picture."""
    page.get_by_role("tab", name=tab).click()
    shown = page.locator("img[alt]").filter(visible=True)
    expect(shown).to_have_count(1)
    before = shown.get_attribute("src")
    handle = page.get_by_role("slider", name=slider, exact=True)
    handle.focus()
    pressed = time.perf_counter()
    page.keyboard.press("ArrowRight")
    expect(shown).not_to_have_attribute("src", before)
    return time.perf_counter() - pressed


if __name__ == "__main__":
    common.run(main)
