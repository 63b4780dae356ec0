"""The form that all lessons have; each rule is also tried on a bad lesson."""

import ast
import re
import subprocess
import sys

import nbformat
import pytest
from lessons import SOURCES, execute, judged, reading_time, tags
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from paths import ROOT

HEADINGS = ["Learning goals", "Notation", "Exercises", "Quiz", "Take-aways", "Further reading"]
MAX_LINES, MAX_WIDTH, MAX_MINUTES, MAX_BYTES, MAX_LOCAL_WORDS = 10, 88, 35, 4_000_000, 10
DETAILS = re.compile(r"<details>.*?</details>", re.DOTALL)
each_lesson = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def code(notebook) -> list:
    """Return the code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text(notebook) -> str:
    """Return all Markdown cells as one text."""
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def missing_headings(notebook) -> list[str]:
    """Return the places of the headings if they are not all there, in order."""
    found = re.findall(r"^## (.*)$", text(notebook), re.MULTILINE)
    places = [found.index(heading) if heading in found else -1 for heading in HEADINGS]
    return [] if -1 not in places and places == sorted(places) else [f"headings are at {places}"]


def large_cells(notebook) -> list[str]:
    """Return the cells with too many lines or too long ones."""
    found = []
    for cell in code(notebook):
        lines = [line for line in cell.source.splitlines() if line.strip() and line != "# NBVAL_CHECK_OUTPUT"]
        found += [f"{len(lines)} lines: {lines[0]}"] if len(lines) > MAX_LINES else []
        found += [f"too long: {line}" for line in lines if len(line) > MAX_WIDTH]
    return found


def wrong_time(notebook, minutes: float) -> list[str]:
    """Return what is wrong with the stated reading time."""
    stated = re.search(r"About (\d+) minutes", notebook.cells[0].source)
    if stated is None:
        return ["no reading time"]
    return (
        [] if minutes <= MAX_MINUTES and abs(int(stated[1]) - minutes) <= 2.5 else [f"measured {minutes:.0f} minutes"]
    )


def too_much_about_the_thesis(notebook) -> list[str]:
    """Return the number of mentions outside of boxes, if it is too large."""
    count = len(re.findall(r"\b(?:thesis|annex)", DETAILS.sub("", text(notebook)), re.IGNORECASE))
    return [f"{count} mentions"] if count > MAX_LOCAL_WORDS else []


def bad_quiz(notebook) -> list[str]:
    """Return what is wrong with the three questions and their folded answers."""
    quiz = text(notebook).partition("\n## Quiz")[2].partition("\n## ")[0]
    count = len(re.findall(r"<summary>Answer</summary>\n\n", quiz))
    return [] if count == 3 else [f"{count} folded answers"]


def nothing_to_move(notebook) -> list[str]:
    """Return what is missing: an animation that plays without a kernel, or sliders."""
    html = [output.get("data", {}).get("text/html", "") for cell in code(notebook) for output in cell.outputs]
    found = [] if any("<script>" in each and "data:image/" in each for each in html) else ["no animation"]
    sliders = re.search(r"dl\.explore\(|dl\.\w+_explorer\(", "".join(cell.source for cell in code(notebook)))
    return found if sliders else [*found, "no sliders"]


def unopened(notebook) -> list[str]:
    """Return what the opening lacks: a question before the first code, and an image among the first outputs."""
    first = next(k for k, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    found = [] if any("?" in cell.source for cell in notebook.cells[:first]) else ["no question before the code"]
    shown = [output for cell in code(notebook)[:4] for output in cell.outputs if "image/png" in output.get("data", {})]
    return found if shown else [*found, "no image at the beginning"]


def bound(cell) -> dict[str, bool]:
    """Return the names that a cell assigns, and whether the first value stands for no answer."""
    found: dict[str, bool] = {}
    for node in ast.parse(cell.source).body:
        if isinstance(node, ast.Assign):
            value = node.value.value if isinstance(node.value, ast.Constant) else 0
            empty = value is ... or (isinstance(value, str) and not value.strip())
            names = [each.id for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Name)]
            for name in names:
                found.setdefault(name, empty)
        if isinstance(node, ast.FunctionDef):
            last = node.body[-1]
            returns = isinstance(last, ast.Return) and isinstance(last.value, ast.Constant) and last.value.value is ...
            found.setdefault(node.name, returns)
    return found


def checked(cell) -> tuple[str, list[str]]:
    """Return the exercise that the last line of a cell checks, and the names that it passes; "" if it checks none."""
    body = ast.parse(cell.source).body
    call = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "dl.check":
        return "", []
    return ast.literal_eval(call.args[0]), [ast.unparse(each) for each in call.args[1:]]


def bad_exercises(notebook) -> list[str]:
    """Return exercises without a check, a reset or a folded solution, and solutions that check something else."""
    found, cells = [], notebook.cells
    for cell, after in zip(cells, [*cells[1:], new_markdown_cell("")], strict=True):
        if "exercise" in tags(cell):
            number, names = checked(cell)
            empty = bound(cell)
            found += [] if number else [f"no check: {cell.source}"]
            found += [f"{number}: {name} is not reset" for name in names if not empty.get(name)]
            if not {"solution", "model-answer"} & tags(after):
                found.append(f"{number}: no solution or model answer follows")
            if "solution" in tags(after) and checked(after) != (number, names):
                found.append(f"{number}: the solution checks something else")
        if "solution" in tags(cell):
            hidden = cell.metadata.get("jupyter", {})
            folded = hidden.get("source_hidden") and hidden.get("outputs_hidden") and "hide-cell" in tags(cell)
            neutral = re.fullmatch(r"# Solution of exercise [\d.]+", cell.source.splitlines()[0])
            found += [] if folded and neutral else [f"not folded: {cell.source.splitlines()[0]}"]
        if "model-answer" in tags(cell) and not cell.source.startswith("<details>"):
            found.append("a model answer is not folded")
    return found if any("exercise" in tags(cell) for cell in cells) else [*found, "no exercise"]


def bad_judgments(notebook) -> list[str]:
    """Return the exercises that are not shown as unanswered first, and the solutions that are not right."""
    found = []
    for cell in code(notebook):
        if {"exercise", "solution"} & tags(cell):
            expected = "not answered yet" if "exercise" in tags(cell) else "right"
            found += [] if judged(cell).startswith(f"Exercise {checked(cell)[0]}: {expected}.") else [judged(cell)]
    return found


def needs_a_solution(notebook) -> list[str]:
    """Return the names that a cell reads although only a solution gives them a value: students would get an error."""
    found, known, unknown = [], set(), set()
    for cell in code(notebook):
        nodes = list(ast.walk(ast.parse(cell.source)))
        own = {node.arg for node in nodes if isinstance(node, ast.arg)} | set(bound(cell))
        own |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        if "solution" in tags(cell):
            unknown |= own - known
            continue
        found += sorted({node.id for node in nodes if isinstance(node, ast.Name)} & unknown - own)
        empty = {name for name, is_empty in bound(cell).items() if is_empty} if "exercise" in tags(cell) else set()
        known, unknown = (known | own) - empty, (unknown - own) | empty
    return found


def definitions(notebook) -> list[str]:
    """Return classes, which belong in the library."""
    nodes = [node for cell in code(notebook) for node in ast.walk(ast.parse(cell.source))]
    return [node.name for node in nodes if isinstance(node, ast.ClassDef)]


RULES = (
    missing_headings,
    large_cells,
    too_much_about_the_thesis,
    bad_quiz,
    nothing_to_move,
    unopened,
    bad_exercises,
    bad_judgments,
    needs_a_solution,
    definitions,
)


@each_lesson
def test_a_lesson_has_the_form_that_is_agreed_on(source):
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    for rule in RULES:
        assert rule(notebook) == [], rule.__name__
    assert wrong_time(notebook, reading_time.minutes(source)) == []
    assert source.with_suffix(".ipynb").stat().st_size < MAX_BYTES


@each_lesson
def test_a_lesson_asserts_what_it_says(source):
    """Each cell that prints numbers asserts something about them, or the next cell does."""
    cells = code(execute.parsed(source))
    shown = [k for k, cell in enumerate(cells) if "NBVAL_CHECK_OUTPUT" in cell.source]
    assert shown and all("print(" in cells[k].source for k in shown)
    assert [cells[k].source for k in shown if "assert " not in cells[k].source + cells[k + 1].source] == []


STUB, FOLDED = {"tags": ["exercise"]}, {"source_hidden": True, "outputs_hidden": True}
SOLVED = {"tags": ["solution", "hide-cell"], "jupyter": FOLDED}
GOOD = [
    new_code_cell('a = ...\ndl.check("1.1", a)', metadata=STUB),
    new_code_cell('# Solution of exercise 1.1\na = 2\ndl.check("1.1", a)', metadata=SOLVED),
]


def shown(said: str, metadata) -> nbformat.NotebookNode:
    output = new_output("execute_result", data={"text/plain": said})
    return new_code_cell('a = ...\ndl.check("1.1", a)', metadata=metadata, outputs=[output])


@pytest.mark.parametrize(
    ("rule", "cells", "fault"),
    [
        (missing_headings, [new_markdown_cell("## Quiz\n\n## Notation")], "headings"),
        (large_cells, [new_code_cell("a\n" * 11)], "11 lines"),
        (large_cells, [new_code_cell("a" * 89)], "too long"),
        (too_much_about_the_thesis, [new_markdown_cell("The thesis. An annex. " * 6)], "12"),
        (bad_quiz, [new_markdown_cell("\n## Quiz\n\n<details><summary>Answer</summary>\n\n")], "1 folded"),
        (nothing_to_move, [new_code_cell("1")], "no sliders"),
        (nothing_to_move, [new_code_cell("dl.explore(1)")], "no animation"),
        (unopened, [new_markdown_cell("Why."), new_code_cell("1")], "no question"),
        (unopened, [new_markdown_cell("Why?"), new_code_cell("1")], "no image"),
        (bad_exercises, [new_code_cell("1")], "no exercise"),
        (bad_exercises, [new_code_cell("a = ...", metadata=STUB), GOOD[1]], "no check"),
        (bad_exercises, [new_code_cell('a = 3\ndl.check("1.1", a)', metadata=STUB), GOOD[1]], "a is not reset"),
        (bad_exercises, [new_code_cell('b = ...\ndl.check("1.1", a)', metadata=STUB), GOOD[1]], "a is not reset"),
        (
            bad_exercises,
            [new_code_cell('def f():\n    return 1\ndl.check("1.1", f)', metadata=STUB), GOOD[1]],
            "f is not reset",
        ),
        (bad_exercises, [GOOD[0]], "no solution"),
        (bad_exercises, [new_code_cell('a = ...\ndl.check("1.2", a)', metadata=STUB), GOOD[1]], "something else"),
        (bad_exercises, [new_code_cell("# By x = 2\n1", metadata=SOLVED)], "not folded"),
        (bad_exercises, [new_code_cell("# Solution of exercise 1.1", metadata={"tags": ["solution"]})], "not folded"),
        (bad_exercises, [new_markdown_cell("Because.", metadata={"tags": ["model-answer"]})], "model answer"),
        (bad_judgments, [shown("Exercise 1.1: right. 2.", STUB)], "right"),
        (bad_judgments, [shown("Exercise 1.1: not right yet.", SOLVED)], "not right"),
        (bad_judgments, [shown("Exercise 1.2: right.", SOLVED)], "1.2"),
        (needs_a_solution, [*GOOD, new_code_cell("print(a)")], "a"),
        (needs_a_solution, [*GOOD, new_code_cell("f = lambda b: a + b", metadata=STUB)], "a"),
        (needs_a_solution, [new_code_cell("c = 1", metadata=SOLVED), new_code_cell("print(c)")], "c"),
        (definitions, [new_code_cell("class A:\n    pass")], "A"),
    ],
)
def test_each_rule_finds_what_it_forbids(rule, cells, fault):
    assert any(fault in found for found in rule(new_notebook(cells=cells)))


def test_a_good_exercise_is_accepted():
    assert bad_exercises(new_notebook(cells=GOOD)) == []
    assert needs_a_solution(new_notebook(cells=[*GOOD, new_code_cell("a = 3\nprint(a)"), new_code_cell("a")])) == []
    text = 'why = """\n"""\ndl.check("1.2", why)'
    told = new_markdown_cell("<details>Because.</details>", metadata={"tags": ["model-answer"]})
    assert bad_exercises(new_notebook(cells=[new_code_cell(text, metadata=STUB), told])) == []
    function = 'def f(x):\n    return ...\n\n\ndl.check("1.3", f)'
    solution = '# Solution of exercise 1.3\ndef f(x):\n    return x\n\n\ndl.check("1.3", f)'
    cells = [new_code_cell(function, metadata=STUB), new_code_cell(solution, metadata=SOLVED)]
    assert bad_exercises(new_notebook(cells=cells)) == []


@pytest.mark.parametrize(("stated", "minutes", "accepted"), [("30", 31, True), ("30", 34, False), ("40", 40, False)])
def test_the_stated_time_is_the_measured_one(stated, minutes, accepted):
    notebook = new_notebook(cells=[new_markdown_cell(f"About {stated} minutes.")])
    assert (wrong_time(notebook, minutes) == []) == accepted
    assert wrong_time(new_notebook(cells=[new_markdown_cell("Long.")]), minutes) == ["no reading time"]


def test_the_whole_course_can_be_read_in_five_and_a_half_hours():
    assert sum(map(reading_time.minutes, execute.sources())) <= 330


def test_the_reading_time_counts_words_and_lines_but_no_solutions(tmp_path):
    source = tmp_path / "01_try.py"
    words, lines = "# one **two** three $x^2$ - [four](http://a.b/c)\n" * 60, "# NBVAL_CHECK_OUTPUT\n" + "a = 1\n" * 20
    lines, more = "import numpy\nfrom math import pi\n" + lines, "#\n# ## Further reading\n#\n# - Five.\n#\n# ## Six"
    words = words.replace("one", "One.", 1) + more.replace("Six", "")
    source.write_text(f'# %% [markdown]\n{words}\n# %%\n{lines}\n# %% tags=["solution"]\n{lines}', "utf-8")
    assert reading_time.minutes(source) == pytest.approx(300 / 150 + 20 / 10)
    command = [sys.executable, str(ROOT / "notebooks" / "reading_time.py"), SOURCES[0].stem]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.fullmatch(rf"{SOURCES[0].stem} +\d+ minutes\n", run.stdout)
