"""Makes two folders to hand out, from the executed notebooks: one for students, one for instructors.

    python notebooks/editions.py [--out out/editions]

The student's folder works alone: README, lock file, wheel of the library, the measurements that lessons read, and
notebooks without solutions and model answers. Of the outputs they keep the picture that opens the lesson. The
instructor's folder has the same, with everything unfolded and all outputs.

An exercise is a cell tagged "exercise" that ends with `dl.check`, and then a cell tagged "solution" or "model-answer".
"""

from __future__ import annotations

import argparse
import copy
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from importlib.util import find_spec
from pathlib import Path

import nbformat

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
NOT_FOR_STUDENTS = {"solution", "model-answer"}
MARK = "# NBVAL_CHECK_OUTPUT\n"
"""It begins cells whose output the project's tests compare, and says nothing to readers."""
OPENING = 4
"""The code cells at the beginning of a lesson, among which is its opening picture."""
README = """\
# {title}

The lessons of *Style transfer with decoupled CNN features*, {edition}.

1. Install Python 3.11, 3.12 or 3.13. Open a terminal in this folder.
2. Install what the lessons need, once. This takes 5 to 20 minutes, and about 3 GB of disk:

       python3 -m venv .venv
       .venv/bin/python -m pip install --require-hashes -r requirements.lock
       .venv/bin/python -m pip install --no-deps {wheel}

3. Open the lessons, and begin with the first:

       .venv/bin/jupyter lab notebooks

On Windows, write `.venv\\Scripts\\` for `.venv/bin/`, and `py -3` for `python3`.

{more}
"""
FOR_STUDENTS = """\
Only the picture that opens each lesson is there from the beginning. All others appear when you run the cells, in order,
with Shift+Enter.

Each exercise has a cell in which `...` stands for your answer. The last line of the cell, `dl.check`, tells you whether
it is right; `dl.hint("1.1")` gives a hint, and `dl.progress()` tells what is left. A right answer stays right, whatever
you try after it. To hand in your answers:

    dl.export_answers("answers_01.json", student="Your Name")

It writes your answers, also those in your own words, and how many tries they took. Run all cells before, since the
answers are forgotten when the notebook is closed."""
FOR_INSTRUCTORS = """\
All solutions and model answers are unfolded; students have the same notebooks without them. What students export with
`dl.export_answers` is JSON: per exercise its number, its state ("not answered", "wrong", "right" or "recorded"), the
number of tries and of hints, and the answers as text. The teacher's guide of the kit has plans for classes."""


def tags(cell: nbformat.NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def student(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without solutions and model answers, and with one output: the picture that opens the lesson."""
    made = without_marks(notebook)
    made.cells = [cell for cell in made.cells if not NOT_FOR_STUDENTS & tags(cell)]
    made.metadata.pop("decoupling", None)  # the record of outputs that it has not got
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    opening = next((cell for cell in code[:OPENING] if pictures(cell)), None)
    for cell in code:
        cell.outputs, cell.execution_count = pictures(cell) if cell is opening else [], None
    return made


def pictures(cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The plots among a cell's outputs."""
    return [output for output in cell.outputs if "image/png" in output.get("data", {})]


def without_marks(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy whose cells do not begin with the mark of checked outputs."""
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.source = cell.source.removeprefix(MARK)
    return made


def instructor(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """With everything, solutions and model answers unfolded."""
    made = without_marks(notebook)
    for cell in made.cells:
        if "solution" in tags(cell):
            cell.metadata["tags"] = [tag for tag in cell.metadata["tags"] if tag != "hide-cell"]
            cell.metadata.pop("jupyter", None)
        if "model-answer" in tags(cell):
            cell.source = cell.source.replace("<details>", "<details open>")
    return made


EDITIONS = {"student": student, "instructor": instructor}


def write(out: Path, folder: Path = FOLDER) -> list[Path]:
    """Writes out/student/notebooks and out/instructor/notebooks from the executed notebooks of a folder."""
    written = []
    for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        for name, edition in EDITIONS.items():
            target = out / name / "notebooks" / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(edition(notebook), target)
            written.append(target)
    return written


def build_wheel(folder: Path) -> Path:
    """Builds the library's wheel without a network, from a copy: a build leaves files beside its source."""
    missing = [name for name in ("setuptools", "wheel") if find_spec(name) is None]
    if missing:
        raise SystemExit(f"the wheel cannot be built: {' and '.join(missing)} not installed; run: make lint")
    with tempfile.TemporaryDirectory() as copied:
        source = Path(copied)
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, source / name)
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "decoupling_lib", source / "decoupling_lib", ignore=ignore)
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the wheel cannot be built:\n{done.stderr}")
    (wheel,) = folder.glob("decoupling-*.whl")
    return wheel


def lock_of_students(lock: str, project: dict) -> str:
    """The lock file without the packages that only developers need: tests, book, audit.

    Each pin says by its comment "via" which packages need it; those are kept that are needed by the library or by its
    extra `notebooks`, directly or through others. A package may have several pins, for different versions of Python.
    """
    pins = re.findall(r"^(\S+?)==((?:.*\n)(?:[ \t]+.*\n?)*)", lock, re.MULTILINE)
    needed_by = {}
    for name, body in pins:
        needed_by.setdefault(name, set()).update(re.findall(r"#(?: via)? +([\w.-]+)(?:\s|$)", body))
    wanted = [*project["dependencies"], *project["optional-dependencies"]["notebooks"]]
    keep = {re.match(r"[\w.-]+", line)[0].lower().replace("_", "-") for line in wanted}
    while more := {name for name in needed_by if name not in keep and needed_by[name] & keep}:
        keep |= more
    return "".join(f"{name}=={body}" for name, body in pins if name in keep)


def hand_out(out: Path) -> dict[str, Path]:
    """Writes both editions as folders that work alone; an earlier pair is replaced. Returns the folders by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lock = lock_of_students((ROOT / "requirements.lock").read_text("utf-8"), project)
    for name in EDITIONS:
        shutil.rmtree(out / name, ignore_errors=True)
    notebooks = write(out)
    text = "".join(path.read_text("utf-8") for path in notebooks)
    measurements = [path for path in (ROOT / "benchmarks" / "results").glob("*.json") if path.name in text]
    wheel = build_wheel(out / "student")
    for name in EDITIONS:
        folder = out / name
        (folder / "requirements.lock").write_text(lock, "utf-8")
        if name != "student":
            shutil.copy(wheel, folder / wheel.name)
        results = folder / "benchmarks" / "results"  # where the lessons look for them
        results.mkdir(parents=True)
        for path in measurements:
            shutil.copy(path, results / path.name)
        shutil.copy(ROOT / "LICENSE", folder / "LICENSE")
        more, edition = (FOR_STUDENTS, "for students") if name == "student" else (FOR_INSTRUCTORS, "for instructors")
        readme = README.format(title=f"Lessons {edition}", edition=f"edition {edition}", wheel=wheel.name, more=more)
        (folder / "README.md").write_text(readme, "utf-8")
    return {name: out / name for name in EDITIONS}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/editions"))
    for each in hand_out(parser.parse_args().out).values():
        print(each)
