"""Runs lessons for the tests, with all that their exercises promise."""

import importlib.util
import textwrap
import tomllib
from pathlib import Path

from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from paths import ROOT

FOLDER = ROOT / "notebooks"


def _loaded(name: str):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


execute, editions = _loaded("execute"), _loaded("editions")
WRONG = tomllib.loads((ROOT / "tests" / "notebooks" / "wrong_answers.toml").read_text("utf-8"))


def run(notebook, folder: Path = FOLDER):
    """Executes a notebook in a fresh kernel and returns it; `CellExecutionError` where a cell raises unasked."""
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=600,
        resources={"metadata": {"path": folder}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    return client.execute()


def tried(source: Path):
    """The lesson with its exercises as a student meets them: unanswered, wrongly answered, and solved.

    The guarded check comes before the solution, where it may not raise; each wrong answer after the check, which has to
    reject it.
    """
    notebook = execute.parsed(source)
    for (_, solution, check), answers in zip(editions.exercises(notebook), WRONG[source.stem], strict=True):
        names = editions.asked(solution.source, check.source)
        cells, place = notebook.cells, next(k for k, cell in enumerate(notebook.cells) if cell is solution)
        unanswered = new_code_cell(editions.guarded(check.source, names), metadata={"tags": ["unanswered"]})
        cells.insert(place, unanswered)
        place = next(k for k, cell in enumerate(cells) if cell is check)
        cells[place + 1 : place + 1] = [new_code_cell(_rejects(check.source, answer)) for answer in answers]
    return notebook


def _rejects(check: str, answer: str) -> str:
    return f"""\
_kept = {{name: value for name, value in globals().items() if not name.startswith("_")}}
{answer.strip()}
try:
{textwrap.indent(check, "    ")}
except AssertionError:
    globals().update(_kept)
else:
    raise RuntimeError({f"the check accepts a wrong answer: {answer}"!r})"""


def shown(cell) -> str:
    """What a cell printed."""
    return "".join(output.get("text", "") for output in cell.get("outputs", []))
