"""Run lessons and try their exercises."""

import importlib.util
import textwrap
import tomllib
from pathlib import Path

from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from paths import ROOT
from patience import HANG

FOLDER = ROOT / "notebooks"


def _load(name: str):
    """Import a script of the notebooks folder."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


execute, editions = _load("execute"), _load("editions")
WRONG = tomllib.loads((ROOT / "tests" / "notebooks" / "wrong_answers.toml").read_text("utf-8"))


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


def with_attempts(source: Path):
    """Return a lesson with its exercises as a student meets them: unanswered, answered wrongly, and solved.

    The guarded check is before the solution, where it must not raise; the wrong answers are after the check, which must
    reject each of them.
    """
    notebook = execute.parsed(source)
    for (_, solution, check), answers in zip(editions.exercises(notebook), WRONG[source.stem], strict=True):
        names = editions.asked(solution.source, check.source)
        cells, place = notebook.cells, next(k for k, cell in enumerate(notebook.cells) if cell is solution)
        unanswered = new_code_cell(editions.guarded(check.source, names), metadata={"tags": ["unanswered"]})
        cells.insert(place, unanswered)
        place = next(k for k, cell in enumerate(cells) if cell is check)
        cells[place + 1 : place + 1] = [new_code_cell(_try_wrong_answer(check.source, answer)) for answer in answers]
    return notebook


def _try_wrong_answer(check: str, answer: str) -> str:
    return f"""\
_kept = {{name: value for name, value in globals().items() if not name.startswith("_")}}
{answer.strip()}
try:
{textwrap.indent(check, "    ")}
except AssertionError:
    globals().update(_kept)
else:
    raise RuntimeError({f"the check accepts a wrong answer: {answer}"!r})"""


def printed(cell) -> str:
    """Return what a cell printed."""
    return "".join(output.get("text", "") for output in cell.get("outputs", []))
