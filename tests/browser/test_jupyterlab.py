"""The explorers' notebook in JupyterLab itself, with Run All: `make test-browser`."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from pages import CHROMIUM_OPTIONS
from paths import ROOT
from patience import HANG
from playwright.sync_api import Locator, Page, expect, sync_playwright

PORT = 8878
TIMEOUT = 1000 * HANG
PICTURES = ("gradient curve of", "histogram of", "noise beside its channel means", "origin, target, result")
"""How the descriptions of the four explorers' pictures begin."""
LINES = (r"ends at f = ", r"^moved: ", r"of 512 channels are dead", r"^done; style error")
"""What their lines of status say at the end."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Yield a page of JupyterLab with a copy of the notebook, after Run All."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copy(ROOT / "notebooks" / "00_explorers.ipynb", folder)
    own = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={PORT}"]
    command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}", "--IdentityProvider.token=test"]
    with (
        subprocess.Popen(command, cwd=folder, env={**os.environ, **own}, stderr=subprocess.DEVNULL) as server,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=[*CHROMIUM_OPTIONS])
        page = chromium.new_page(viewport={"width": 1280, "height": 4500})
        page.set_default_timeout(TIMEOUT)
        expect.set_options(timeout=TIMEOUT)
        for _ in range(5 * HANG):
            try:
                page.goto(f"http://127.0.0.1:{PORT}/lab/tree/00_explorers.ipynb?token=test")
                break
            except Exception:  # the server has not started yet
                page.wait_for_timeout(200)
        expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_attached()
        # The window is high enough for the whole notebook: JupyterLab does not draw what is out of view.
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        yield page
        chromium.close()
        server.terminate()
        server.wait(HANG)


def output_of(page: Page, begin: str) -> Locator:
    """Return the output that contains an explorer's picture."""
    return page.locator(".jp-OutputArea", has=page.locator(f"img[alt^='{begin}']"))


def test_every_explorer_is_shown_once_with_its_latest_line(lab):
    for begin, line in zip(PICTURES, LINES, strict=True):
        output = output_of(lab, begin)
        expect(output.get_by_role("status")).to_have_text(re.compile(line))
        expect(output.locator("img")).to_have_count(1)
    pictures = lab.locator(".jp-Notebook .jp-OutputArea-output img")
    assert pictures.count() == len(PICTURES)


def test_a_slider_changes_picture_and_line(lab):
    output = output_of(lab, PICTURES[0])
    before = output.locator("img").get_attribute("src")
    output.locator(".widget-slider", has_text="steps").locator("[role=slider]").focus()
    lab.keyboard.press("End")
    expect(output.get_by_role("status")).to_contain_text("40 steps of size 0.025")
    expect(output.locator("img")).not_to_have_attribute("src", before)
