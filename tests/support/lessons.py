"""Load the scripts of the notebooks folder, run lessons, and read what their cells show."""

import importlib.util
from pathlib import Path

from nbclient import NotebookClient
from paths import ROOT
from patience import HANG

FOLDER = ROOT / "notebooks"


def _load(name: str):
    """Import a script of the notebooks folder."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


execute, editions, reading_time = _load("execute"), _load("editions"), _load("reading_time")
SOURCES = execute.sources()


def run(notebook, folder: Path = FOLDER):
    """Execute a notebook in a new kernel and return it; an unexpected error raises `CellExecutionError`."""
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=HANG,
        resources={"metadata": {"path": folder}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    return client.execute()


def tags(cell) -> set[str]:
    """Return the tags of a cell."""
    return set(cell.metadata.get("tags", []))


def judged(cell) -> str:
    """Return the text that `dl.check` shows below a cell; "" if it shows none."""
    texts = [output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", [])]
    return next((text for text in texts if text.startswith("Exercise ")), "")


def printed(cell) -> str:
    """Return what a cell printed."""
    return "".join(output.get("text", "") for output in cell.get("outputs", []))
