"""Servers of pages in processes of their own, and what they leave running."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psutil
from paths import ROOT
from patience import HANG

CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)


@contextmanager
def classroom(
    port: int, cwd: Path = ROOT, changes: Mapping[str, str] | None = None, errors: IO[bytes] | None = None
) -> Iterator[tuple[str, subprocess.Popen]]:
    """Run `decoupling classroom`, and yield the page's address and the process; its stderr may go to a file."""
    command = [sys.executable, "-m", "decoupling_lib", "classroom", "--no-browser", "--port", str(port)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **(changes or {})}
    with subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
    ) as server:
        try:
            yield server.stdout.readline().split()[1], server
        finally:
            if server.poll() is None:
                server.terminate()
                server.wait(HANG)


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all that descend from it."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def kernels(pid: int) -> list[psutil.Process]:
    """Return the kernels that a server runs."""
    found = []
    for process in family(pid):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if "ipykernel_launcher" in " ".join(process.cmdline()):
                found.append(process)
    return found


def resident_mib(pid: int) -> float:
    """Return the memory of a process and its descendants, in MiB."""
    total = 0
    for process in family(pid):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total / 2**20


def wait_until(holds, seconds: float) -> bool:
    """Ask several times a second, for so long, whether something holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.2)
    return bool(holds())
