"""The students' and instructors' editions: no answers in the one, everything in the other, and both work alone."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile

import nbformat
import pytest
from lessons import FOLDER, SOURCES, editions, judged, printed, run, tags
from nbformat.v4 import new_code_cell, new_notebook, new_output
from packaging.requirements import Requirement
from paths import ROOT

each_lesson = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def read_executed(source):
    """Return the executed notebook of a source."""
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


@each_lesson
def test_instructors_see_every_solution_and_output(source):
    notebook, edition = read_executed(source), editions.instructor(read_executed(source))
    nbformat.validate(edition)
    assert [cell.source.replace("<details open>", "<details>") for cell in edition.cells] == [
        re.sub(r"\A# NBVAL_CHECK_OUTPUT\n", "", cell.source) for cell in notebook.cells
    ]
    assert not any("hide-cell" in tags(cell) for cell in edition.cells if "solution" in tags(cell))
    assert [cell.get("outputs") for cell in edition.cells] == [cell.get("outputs") for cell in notebook.cells]
    assert not any(cell.metadata.get("jupyter", {}).get("source_hidden") for cell in edition.cells)


def test_both_editions_of_every_notebook_are_written(tmp_path):
    written = editions.write(tmp_path)
    assert len(written) == 2 * len(SOURCES)
    assert {path.parent.parent.name for path in written} == {"student", "instructor"}
    assert FOLDER not in {path.parent for path in written}


def secrets(notebook) -> list[str]:
    """Return the lines that only solutions and model answers of a notebook have, without the shortest ones."""
    hidden, open_ = [], set()
    for cell in notebook.cells:
        lines = [line.strip() for line in cell.source.splitlines()]
        if {"solution", "model-answer"} & tags(cell):
            hidden += lines
        else:
            open_ |= set(lines)
    return [line for line in hidden if len(line) > 15 and line not in open_]


@each_lesson
def test_students_get_exercises_and_no_answers(source):
    notebook = read_executed(source)
    edition = editions.student(notebook)
    nbformat.validate(edition)
    text = json.dumps(edition, ensure_ascii=False)
    hidden = secrets(notebook)
    assert len(hidden) > 3
    assert [line for line in hidden if json.dumps(line, ensure_ascii=False)[1:-1] in text] == []
    count = sum("exercise" in tags(cell) for cell in notebook.cells)
    assert sum("exercise" in tags(cell) for cell in edition.cells) == count > 0
    assert "NBVAL" not in text and not any(cell.get("execution_count") for cell in edition.cells)


@each_lesson
def test_students_get_the_opening_picture_and_no_other_output(source):
    """The one that is kept is the first picture of the lesson, of a cell before the first section."""
    notebook, edition = read_executed(source), editions.student(read_executed(source))
    before = [output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in str(output)]
    (kept,) = [output for cell in edition.cells for output in cell.get("outputs", [])]
    assert kept["data"]["image/png"] == before[0]["data"]["image/png"] and set(kept["data"]) == {
        "image/png",
        "text/plain",
    }
    place = next(k for k, cell in enumerate(edition.cells) if cell.get("outputs"))
    assert not any(cell.source.startswith("## ") for cell in edition.cells[:place])
    assert not {"exercise", "solution"} & tags(edition.cells[place])


def test_a_lesson_without_an_opening_picture_keeps_no_output():
    plot = new_output("display_data", data={"image/png": "aGVsbG8=", "text/plain": "<Figure>"})
    cells = [new_code_cell("1", outputs=[new_output("stream", name="stdout", text="1")]) for _ in range(4)]
    late = new_notebook(cells=[*cells, new_code_cell("plot()", outputs=[plot])])
    assert not any(cell.outputs for cell in editions.student(late).cells)
    early = new_notebook(cells=[*cells[:3], new_code_cell("plot()", outputs=[*cells[0].outputs, plot])])
    assert [cell.outputs for cell in editions.student(early).cells] == [[], [], [], [plot]]


def test_the_students_lock_file_has_all_that_the_library_and_the_notebooks_need_and_no_tools():
    """Compare with the installed packages' own statements of what they need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lock = editions.lock_of_students((ROOT / "requirements.lock").read_text("utf-8"), project)
    pinned = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))
    assert "--hash=sha256:" in lock and not {"sphinx", "mypy", "ruff", "playwright", "pip-audit"} & pinned

    def needs(name: str) -> set[str]:
        """Return what an installed package needs on every machine, without its extras."""
        lines = importlib.metadata.requires(name) or []
        return {re.match(r"[\w.-]+", line)[0].lower().replace("_", "-") for line in lines if ";" not in line}

    wanted = [*project["dependencies"], *project["optional-dependencies"]["notebooks"]]
    todo, seen = [re.match(r"[\w.-]+", line)[0].lower() for line in wanted], set()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += needs(name)
    assert len(seen) > 80 and sorted(seen - pinned - {"setuptools"}) == []


@pytest.mark.parametrize("version", ["3.11.0", "3.12.1", "3.13.0"])
def test_the_students_lock_file_has_one_pin_of_each_package_for_every_python(version):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    whole = (ROOT / "requirements.lock").read_text("utf-8")

    def valid(lock: str) -> list[str]:
        lines = re.findall(r"^([\w.-]+==[^\\\n]*)", lock, re.MULTILINE)
        pins = [Requirement(line.strip()) for line in lines]
        places = {"python_full_version": version, "python_version": version.rpartition(".")[0]}
        return [pin.name for pin in pins if pin.marker is None or pin.marker.evaluate(places)]

    chosen = valid(editions.lock_of_students(whole, project))
    assert len(chosen) == len(set(chosen)) and {"numpy", "tensorflow", "scipy"} <= set(chosen)


@pytest.mark.slow
def test_the_students_folder_works_alone(tmp_path, monkeypatch):
    """Unpack it elsewhere, install its wheel, and run a lesson: every exercise waits for an answer."""
    folders = editions.hand_out(tmp_path / "made")
    student = folders["student"].rename(tmp_path / "student")
    assert {path.name for path in student.iterdir()} >= {"README.md", "LICENSE", "requirements.lock", "notebooks"}
    (wheel,) = student.glob("*.whl")
    assert wheel.name in (student / "README.md").read_text("utf-8")
    with zipfile.ZipFile(wheel) as packed:
        code = {name: packed.read(name).decode("utf-8", "ignore") for name in packed.namelist()}
    assert any(name.endswith("exercises/lesson_01.py") for name in code)
    everything = "\n".join([*code.values(), *(path.read_text("utf-8") for path in student.rglob("*.ipynb"))])
    for source in SOURCES:
        for cell in read_executed(source).cells:
            if {"solution", "model-answer"} & tags(cell):
                assert cell.source not in everything and json.dumps(cell.source)[1:-1] not in everything
    for path in student.rglob("*.ipynb"):
        for name in re.findall(r"benchmarks/results[^.]*/(\w+\.json)", path.read_text("utf-8")):
            assert (student / "benchmarks" / "results" / name).is_file()
    installed = tmp_path / "installed"
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", "--target", str(installed)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(wheel)], check=True)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(installed), os.environ.get("PYTHONPATH", "")]))
    lesson = nbformat.read(student / "notebooks" / "01_gradient_systems.ipynb", as_version=4)
    lesson.cells.append(new_code_cell("print(dl.__file__)"))
    run(lesson, student / "notebooks")
    assert str(installed) in printed(lesson.cells[-1])
    waiting = [judged(cell) for cell in lesson.cells if "exercise" in tags(cell)]
    assert waiting and all(text.endswith(": not answered yet.") for text in waiting)
    assert "hidden" not in json.dumps([cell.metadata for cell in lesson.cells])
