"""Makes each notebook from its source: NN_name.py (jupytext percent) -> NN_name.ipynb, executed, outputs included.

    python notebooks/execute.py [NN_name ...]        all of them if none is named

The source is the only file to edit. A notebook that fails leaves the earlier .ipynb as it was. Each carries a record of
what it was made from (see `made_from`); made again on the same machine from the same, its file is the same to the byte.
Where pyproject.toml names the kit's repository, each notebook begins with a cell that installs the kit if it is not
there, as on Colab.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from decoupling_lib.common.machine import describe_machine, package_versions
from decoupling_lib.networks import weights

FOLDER = Path(__file__).parent
REPOSITORY: str = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text("utf-8"))["tool"]["decoupling"][
    "repository"
]
INSTALL = """\
# Where the kit is not installed, this installs it, with the versions that pip finds: not those of the lock file.
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("decoupling_lib") is None:
    command = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*command, "decoupling[notebooks] @ {address}"], check=True)"""
MEASUREMENTS = FOLDER.parent / "benchmarks" / "results"
WIDGET = "application/vnd.jupyter.widget-view+json"
"""Of a kernel that has ended: kept in a file, it would show an error in place of the explorer."""
RECORD = "decoupling"
"""The key of a notebook's record in its metadata."""
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def sources(folder: Path = FOLDER) -> list[Path]:
    """The notebooks' sources, in order."""
    return sorted(folder.glob("[0-9][0-9]_*.py"))


def parsed(source: Path, repository: str = REPOSITORY) -> nbformat.NotebookNode:
    """The notebook of a source, not executed; cell ids and metadata depend on nothing but source and repository."""
    return _parsed(source.read_text("utf-8"), repository)


def _parsed(text: str, repository: str = REPOSITORY) -> nbformat.NotebookNode:
    notebook = jupytext.reads(text, fmt="py:percent")
    if repository:
        install = INSTALL.format(address=f"git+{repository}")
        notebook.cells.insert(0, nbformat.v4.new_code_cell(install, metadata={"tags": ["hide-input"]}))
    for place, cell in enumerate(notebook.cells):
        cell.id = f"cell-{place:03}"
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    return notebook


def made_from(text: str) -> dict[str, Any]:
    """What the numbers of a notebook that is made now, of a source of this text, can be traced to: its record.

    sha256 of its source, and of the committed measurements whose files it names; the weights that the kit chooses on
    this machine; versions and machine as in a report (`report.versions`, `digest.machine`). `execute` adds the
    `outputs_sha256`.
    """
    chosen = weights.read(*weights.default_source())
    named = [path for path in sorted(MEASUREMENTS.glob("*.json")) if f'{path.name}"' in text]
    return {
        "source": sha256(text),
        "measurements": {path.name: sha256(path.read_text("utf-8")) for path in named},
        "weights": {"architecture": chosen.architecture, "weights": chosen.source, "sha256": chosen.sha256},
        "versions": package_versions(),
        "machine": describe_machine(),
    }


def sha256(text: str) -> str:
    """Of a text as `Path.read_text` gives it: whatever the file's line ends, they are newlines by then."""
    return hashlib.sha256(text.encode()).hexdigest()


def outputs_sha256(notebook: nbformat.NotebookNode) -> str:
    """Of the outputs of all code cells, pictures included."""
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(outputs, sort_keys=True).encode()).hexdigest()


def execute(source: Path) -> Path:
    """Runs a source's notebook in its folder and writes the .ipynb beside it; raises `CellExecutionError`.

    What it is made from is read once, before it runs: what is edited meanwhile has not made it.
    """
    text = source.read_text("utf-8")
    notebook, record = _parsed(text), made_from(text)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=600,
        record_timing=False,
        coalesce_streams=True,  # in how many pieces a kernel sends what a cell prints depends on time
        resources={"metadata": {"path": source.parent}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # at start it warns of unencrypted local sockets
    )
    client.execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
    record["outputs"] = outputs_sha256(notebook)
    notebook.metadata = _parsed(text).metadata | {RECORD: record}
    target, sibling = source.with_suffix(".ipynb"), source.with_suffix(".ipynb.new")
    nbformat.write(notebook, sibling)
    os.replace(sibling, target)
    return target


def main(names: list[str], folder: Path = FOLDER) -> int:
    # The environment's own kernel comes before one that the user's account may hold under the same name.
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    known = {source.stem: source for source in sources(folder)}
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no notebook {unknown[0]!r}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    for name in names or known:
        began = time.perf_counter()
        try:
            target = execute(known[name])
        except CellExecutionError as error:
            print(f"{name}: a cell failed; the earlier notebook is left as it was\n{error}", file=sys.stderr)
            return 1
        print(f"{target.name}: {time.perf_counter() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
