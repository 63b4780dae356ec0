"""A kernel ends soon after its page, however the page ends: `make test-browser`."""

import json
import os
import re
import signal
import time
from contextlib import suppress

import psutil
import pytest
from pages import CHROMIUM_OPTIONS, classroom, kernels, resident_mib, wait_until
from patience import HANG
from playwright.sync_api import Page, expect, sync_playwright

PORT = 8874
TIMEOUT = 1000 * HANG
PROMISED = 60
"""Seconds after which no kernel without a page is left."""


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=[*CHROMIUM_OPTIONS])
        yield chromium
        chromium.close()


def visit(browser, address: str) -> Page:
    page = browser.new_page()
    page.set_default_timeout(TIMEOUT)
    expect.set_options(timeout=TIMEOUT)
    for _ in range(5 * HANG):
        try:
            page.goto(address)
            break
        except Exception:  # the server has not started yet
            page.wait_for_timeout(200)
    see(page)
    return page


def see(page: Page) -> None:
    expect(page.get_by_role("img", name=re.compile("gradient curve"))).to_be_visible()


def run_transfer(page: Page) -> None:
    """Run a long transfer on the page, until it computes Step 1."""
    page.get_by_role("tab", name="5-9 Transfer").click()
    status = page.get_by_role("status").filter(visible=True)
    expect(status).to_contain_text("press Run")
    page.get_by_role("slider", name="size in pixels", exact=True).focus()
    page.keyboard.press("End")
    expect(status).to_contain_text("press Run")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(status).to_contain_text("Step 1")


def kernel_id(page: Page) -> str:
    return json.loads(page.locator("#jupyter-config-data").text_content())["kernelId"]


def test_no_kernel_is_left_after_reloads_and_closed_tabs(browser, record_property):
    with classroom(PORT) as (address, server):
        base = address.partition("?")[0]
        page, known = visit(browser, address), set()
        for _ in range(10):
            known.add(kernel_id(page))
            page.reload()
            see(page)
        assert len(known) == 10
        # Each reload ends its kernel at once, and does not wait for the check: they would not fit into memory.
        assert wait_until(lambda: len(kernels(server.pid)) == 1, HANG)
        idle, busy = visit(browser, address), visit(browser, address)
        run_transfer(busy)
        known |= {kernel_id(each) for each in (page, idle, busy)}
        assert len(kernels(server.pid)) == 3
        record_property("mib_with_three_pages", round(resident_mib(server.pid)))
        for each in (idle, busy, page):
            each.close()
        closed = time.monotonic()
        assert wait_until(lambda: not kernels(server.pid), PROMISED)
        record_property("seconds_until_no_kernel", round(time.monotonic() - closed, 1))
        record_property("mib_afterwards", round(resident_mib(server.pid)))
        watcher = browser.new_context().request
        token = address.partition("token=")[2]
        addresses = [f"{base}api/kernels/{each}?token={token}" for each in known]
        assert wait_until(lambda: all(watcher.get(each).status == 404 for each in addresses), PROMISED)
        assert resident_mib(server.pid) < 400, "no more than the server's own"


DRAW_LATE = """
import sys
if any("ipykernel_launcher" in part for part in sys.orig_argv):
    import threading
    import ipywidgets
    from decoupling_lib.explorers.worker import Worker
    asked = threading.Event()
    handle, run = ipywidgets.HTML._handle_msg, Worker._run
    def handle_and_note(self, message):
        handle(self, message)
        if message["content"]["data"].get("method") == "request_state" and not self.value:
            asked.set()
    def run_late(self):
        asked.wait()
        run(self)
    ipywidgets.HTML._handle_msg, Worker._run = handle_and_note, run_late
"""
"""Makes a kernel draw its first pictures just after the page has been told that there are none yet."""


def test_a_picture_drawn_while_the_page_connects_is_seen(browser, tmp_path):
    """A page takes the states of several hundred widgets, one by one, and hears of no change until it has the last."""
    (tmp_path / "sitecustomize.py").write_text(DRAW_LATE)
    with classroom(PORT + 4, changes={"PYTHONPATH": str(tmp_path)}) as (address, _):
        visit(browser, address).close()


def test_kernels_end_whose_page_could_not_say_that_it_is_closed(browser):
    """One page is closed while it loads; the process of the other is killed in the middle of a run."""
    with classroom(PORT + 1) as (address, server):
        page = visit(browser, address)
        run_transfer(page)
        loading = browser.new_page()
        loading.goto(address, wait_until="commit")
        assert wait_until(lambda: len(kernels(server.pid)) == 2, HANG)
        loading.close()
        crash_pages()
        assert wait_until(lambda: not kernels(server.pid), 2 * PROMISED)  # of which loading takes a part


def crash_pages() -> None:
    """Kill the processes that render pages."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "--type=renderer" in process.cmdline():
                process.kill()


def test_an_open_page_keeps_its_kernel(browser):
    """Checks count a kernel without a page only; this one has had none of its messages for longer than they allow."""
    with classroom(PORT + 2) as (address, server):
        page = visit(browser, address)
        page.wait_for_timeout(45_000)
        assert len(kernels(server.pid)) == 1
        slider = page.get_by_role("slider", name="steps", exact=True)
        slider.focus()
        page.keyboard.press("End")
        expect(page.get_by_role("status").filter(visible=True)).to_contain_text("40 steps")
        page.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_all_kernels_end_with_the_server(number, browser):
    with classroom(PORT + 3) as (address, server):
        page = visit(browser, address)
        run_transfer(page)
        left = psutil.Process(server.pid).children(recursive=True)
        assert len(left) >= 2
        server.send_signal(number)
        assert server.wait(HANG) == 128 + number
        assert wait_until(lambda: not any(process.is_running() for process in left), HANG)
        page.close()
