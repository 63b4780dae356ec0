"""The students' and instructors' editions, and checks that tell right answers from wrong ones."""

import ast

import nbformat
import pytest
from lessons import FOLDER, WRONG, editions, execute, printed, run, with_attempts
from nbformat.v4 import new_code_cell, new_notebook

SOURCES = execute.sources()
QUICK = [source for source in SOURCES if source.name[:2] < "03"]
"""`test_vgg19` tries the exercises of the other lessons on its network."""


def read_executed(source):
    """Return the executed notebook of a source."""
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


@pytest.mark.slow
@pytest.mark.parametrize("source", QUICK, ids=lambda path: path.stem)
def test_a_check_waits_for_an_answer_accepts_the_solution_and_rejects_wrong_answers(source):
    notebook = run(with_attempts(source))
    waiting = [cell for cell in notebook.cells if "unanswered" in editions.tags(cell)]
    assert waiting and all(printed(cell).startswith("not answered yet: name ") for cell in waiting)


@pytest.mark.slow
@pytest.mark.parametrize("source", QUICK[1:], ids=lambda path: path.stem)
def test_the_students_edition_raises_only_at_its_stubs(source):
    notebook = run(editions.student(read_executed(source)))
    raised = [
        (cell, output) for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "error"
    ]
    assert all("exercise" in editions.tags(cell) and output.ename == "NotImplementedError" for cell, output in raised)
    assert len(raised) == len(WRONG[source.stem])


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_students_get_no_solutions_and_no_outputs_but_the_names_to_assign(source):
    notebook, edition = read_executed(source), editions.student(read_executed(source))
    nbformat.validate(edition)
    sources = [cell.source for cell in edition.cells]
    for stub, solution, check in editions.exercises(notebook):
        assert solution.source not in sources and check.source not in sources
        names = editions.asked(solution.source, check.source)
        assert f"# Assign {', '.join(names)} in place of the next line.\n{stub.source}" in sources
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in edition.cells)
    stubs = [cell for cell in edition.cells if "exercise" in editions.tags(cell)]
    assert stubs and all(cell.source.startswith("# Assign ") for cell in stubs)
    assert notebook == read_executed(source)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_instructors_see_every_solution_and_output(source):
    notebook, edition = read_executed(source), editions.instructor(read_executed(source))
    nbformat.validate(edition)
    assert [cell.source for cell in edition.cells] == [cell.source for cell in notebook.cells]
    assert [cell.get("outputs") for cell in edition.cells] == [cell.get("outputs") for cell in notebook.cells]
    assert not any(cell.metadata.get("jupyter", {}).get("source_hidden") for cell in edition.cells)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_only_its_own_check_needs_a_solution(source):
    """Otherwise students, who have no solution, would get a NameError."""
    notebook = execute.parsed(source)
    exercises = list(editions.exercises(notebook))
    special = {id(cell) for exercise in exercises for cell in exercise}
    others = "\n".join(c.source for c in notebook.cells if c.cell_type == "code" and id(c) not in special)
    known = set(editions._names(others, ast.Store))
    known |= {node.arg for node in ast.walk(ast.parse(others)) if isinstance(node, ast.arg)}
    for _, solution, check in exercises:
        alone = set(editions._names(solution.source, ast.Store)) - known
        assert not alone & set(editions._names(others, ast.Load))
        for _, other, own in exercises:
            if own is not check and not alone & set(editions._names(other.source, ast.Store)):
                assert not alone & set(editions._names(own.source, ast.Load))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_no_name_to_assign_exists_before(source):
    """Otherwise a student's check would judge the value that an earlier cell assigned."""
    notebook, known = execute.parsed(source), set()
    asked = {id(stub): editions.asked(a.source, b.source) for stub, a, b in editions.exercises(notebook)}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not known & set(asked.get(id(cell), ()))
            if "solution" not in editions.tags(cell):
                known |= {
                    n.id
                    for n in ast.walk(ast.parse(cell.source))
                    if isinstance(getattr(n, "ctx", 0), ast.Store) and isinstance(n, ast.Name)
                }


def test_a_check_asks_for_names_that_the_solution_assigns_and_not_for_its_own():
    solution, check = "a = 1\nb, c = a, a\nd = 2", "for e in (c, a):\n    assert e < known"
    assert editions.asked(solution, check) == ["c", "a"]


def test_an_exercise_without_a_check_is_an_error():
    stub = new_code_cell("raise NotImplementedError", metadata={"tags": ["exercise"]})
    answer = new_code_cell("a = 1", metadata={"tags": ["solution"]})
    with pytest.raises(ValueError, match="no solution and check"):
        list(editions.exercises(new_notebook(cells=[stub, answer, new_code_cell("assert a")])))


def test_both_editions_of_every_notebook_are_written(tmp_path):
    written = editions.write(tmp_path)
    assert len(written) == 2 * len(SOURCES)
    assert {path.parent.name for path in written} == {"student", "instructor"}
    assert FOLDER not in {path.parent for path in written}
