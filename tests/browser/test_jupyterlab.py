"""A notebook of the explorers in JupyterLab itself, with Run All: `make test-browser`."""

import os
import re
import subprocess
import sys

import nbformat
import pytest
from pages import CHROMIUM_OPTIONS
from patience import HANG
from playwright.sync_api import Locator, Page, expect, sync_playwright

PORT = 8880
TIMEOUT = 1000 * HANG
CELLS = (
    "from IPython.display import display\nimport decoupling_lib as dl",
    "display(dl.gradient_explorer())",
    "display(dl.moment_explorer())",
    "display(dl.noise_explorer())",
    "styled = dl.transfer_explorer()\nstyled.controls['size'].value = 32",
    "styled.buttons['Run'].click()\ndisplay(styled)",
)
"""As in lesson 0."""
PICTURES = ("gradient curve of", "histogram of", "noise above its channel means", "Step 3: result, style gap left")
"""How the descriptions of the four explorers' pictures begin."""
LINES = (r"ends at f = ", r"^moved: ", r"of 512 channels are dead", r"^done; style gap left")
"""What their lines of status say at the end."""
COUNTS = (1, 1, 1, 6)
"""How many pictures each shows: of a transfer both images, what the three steps made, and the curves."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Yield a page of JupyterLab with a notebook of the four explorers, after Run All."""
    folder = tmp_path_factory.mktemp("lab")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}  # or JupyterLab asks for one
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS], metadata=kernel)
    nbformat.write(notebook, folder / "explorers.ipynb")
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
                page.goto(f"http://127.0.0.1:{PORT}/lab/tree/explorers.ipynb?token=test")
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
    for begin, line, count in zip(PICTURES, LINES, COUNTS, strict=True):
        output = output_of(lab, begin)
        expect(output.get_by_role("status")).to_have_text(re.compile(line))
        expect(output.locator("img")).to_have_count(count)
    pictures = lab.locator(".jp-Notebook .jp-OutputArea-output img")
    assert pictures.count() == sum(COUNTS)


def test_a_slider_changes_picture_and_line(lab):
    output = output_of(lab, PICTURES[0])
    before = output.locator("img").get_attribute("src")
    output.locator(".widget-slider", has_text="steps").locator("[role=slider]").focus()
    lab.keyboard.press("End")
    expect(output.get_by_role("status")).to_contain_text("40 steps of size 0.025")
    expect(output.locator("img")).not_to_have_attribute("src", before)
