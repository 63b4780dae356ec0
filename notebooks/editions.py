"""Makes the students' and the instructors' edition of each notebook, from the executed notebooks.

    python notebooks/editions.py [--out out/editions]

An exercise is three cells: a stub that raises NotImplementedError, a hidden solution, and a check that asserts.
Students get the stub, told which names to assign, and the check, which says so while these are not assigned; no
solutions and no outputs. Instructors get everything, solutions unfolded and with their outputs.
"""

from __future__ import annotations

import argparse
import ast
import copy
import textwrap
from collections.abc import Iterator
from pathlib import Path

import nbformat

FOLDER = Path(__file__).parent
Exercise = tuple[nbformat.NotebookNode, nbformat.NotebookNode, nbformat.NotebookNode]


def tags(cell: nbformat.NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def exercises(notebook: nbformat.NotebookNode) -> Iterator[Exercise]:
    """The notebook's exercises in order: stub, solution, check. Raises `ValueError` where one is not complete."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for place, cell in enumerate(code):
        if "exercise" in tags(cell):
            solution, check = code[place + 1 : place + 3]
            if "solution" not in tags(solution) or "check" not in tags(check):
                raise ValueError(f"no solution and check follow the stub {cell.source!r}")
            yield cell, solution, check


def asked(solution: str, check: str) -> list[str]:
    """The names that the check reads and the solution assigns, in the order of the check: what a student gives."""
    assigned, read = (_names(source, kind) for source, kind in ((solution, ast.Store), (check, ast.Load)))
    own = set(_names(check, ast.Store))
    return [name for name in read if name in assigned and name not in own]


def guarded(check: str, names: list[str]) -> str:
    """The check, which says what is missing while a name is not assigned."""
    body = textwrap.indent(check, "    ")
    return f"""\
try:
    ({", ".join(names)},)
except NameError as missing:
    print(f"not answered yet: {{missing}}")
else:
{body}
    print("right")"""


def student(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without solutions and outputs; each check is guarded, and each stub says which names it is to assign."""
    made = copy.deepcopy(notebook)
    solutions = []
    for stub, solution, check in exercises(made):
        names = asked(solution.source, check.source)
        stub.source = f"# Assign {', '.join(names)} in place of the next line.\n{stub.source}"
        check.source = guarded(check.source, names)
        solutions.append(solution)
    made.cells = [cell for cell in made.cells if not any(cell is solution for solution in solutions)]
    made.metadata.pop("decoupling", None)  # the record of outputs that it has not got
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return made


def instructor(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """With everything, solutions unfolded."""
    made = copy.deepcopy(notebook)
    for _, solution, _ in exercises(made):
        solution.metadata["tags"] = [tag for tag in solution.metadata["tags"] if tag != "hide-input"]
        solution.metadata.pop("jupyter", None)
    return made


EDITIONS = {"student": student, "instructor": instructor}


def write(out: Path, folder: Path = FOLDER) -> list[Path]:
    """Writes out/student and out/instructor from the executed notebooks of a folder; returns the files."""
    written = []
    for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        for name, edition in EDITIONS.items():
            target = out / name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(edition(notebook), target)
            written.append(target)
    return written


def _names(source: str, kind: type) -> list[str]:
    """The names of one context in a source, in the order of their first place."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name) and isinstance(node.ctx, kind)]
    return list(dict.fromkeys(node.id for node in sorted(found, key=lambda node: (node.lineno, node.col_offset))))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/editions"))
    for file in write(parser.parse_args().out):
        print(file)
