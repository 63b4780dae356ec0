"""The committed notebooks are their executed sources; each rule is also tried on a bad notebook."""

import ast
import configparser
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from lessons import FOLDER, SOURCES, execute, run, tags
from nbformat.v4 import new_code_cell, new_notebook, new_output
from paths import ROOT
from patience import HANG

from decoupling_lib.networks import weights

CHECKED = "NBVAL_CHECK_OUTPUT"
MACHINE = re.compile("|".join(map(re.escape, ("/home/", "/tmp/", "/Users/", "/root/", ":\\", str(ROOT)))))
LIBRARY_OBJECT = re.compile(r"\[?(<|[A-Z]\w+\()")
HOSTILE = """\
image.origin: lower
text.usetex: True
figure.dpi: 300
figure.facecolor: black
savefig.bbox: tight
savefig.transparent: True
axes.prop_cycle: cycler(color=["red"])
lines.linewidth: 20
font.size: many
this is no setting
"""
"""A user's matplotlibrc."""
each_notebook = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def text_of(cell) -> str:
    """Return all text that a reader sees below a cell."""
    texts = []
    for output in cell.get("outputs", []):
        texts += [output.get("text", ""), output.get("data", {}).get("text/plain", ""), *output.get("traceback", [])]
    return "\n".join(texts)


def cells_differ(source, notebook) -> list[str]:
    """Return the cells that are not as in the source."""

    def key(cell) -> tuple:
        return cell.cell_type, cell.source, sorted(tags(cell))

    if len(source.cells) != len(notebook.cells):
        return [f"{len(source.cells)} cells in the source, {len(notebook.cells)} in the notebook"]
    pairs = enumerate(zip(source.cells, notebook.cells, strict=True))
    return [f"cell {k} differs" for k, (a, b) in pairs if key(a) != key(b)]


def not_executed(notebook) -> list[str]:
    """Return the cells that were not executed, or that are checked but show nothing."""
    found, checked = [], 0
    for k, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        if cell.execution_count is None:
            found.append(f"cell {k} was not executed")
        if CHECKED in cell.source:
            checked += 1
            if not any(output.output_type in ("stream", "execute_result") for output in cell.outputs):
                found.append(f"cell {k} is checked but shows nothing")
    return found if checked else [*found, "no cell is checked"]


def bad_outputs(notebook) -> list[str]:
    """Return errors, text on stderr, progress bars, local paths and names of objects."""
    found = []
    for k, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                found.append(f"cell {k} raised {output.ename}")
            data = output.get("data", {})
            if "image/png" not in data and LIBRARY_OBJECT.match(data.get("text/plain", "")):
                found.append(f"cell {k} shows the name of a library's object")
            if output.get("name") == "stderr":
                found.append(f"cell {k} wrote on stderr")
        if cell.cell_type == "code" and (MACHINE.search(text_of(cell)) or "it/s" in text_of(cell)):
            found.append(f"cell {k} shows a path or a progress bar")
    return found


def plots_before_the_settings(notebook) -> list[str]:
    """Return the cells that use Matplotlib before `use_kit_settings` is called: their plots depend on the user's."""
    found, names = [], set()
    for k, cell in enumerate(notebook.cells):
        for statement in ast.parse(cell.source).body if cell.cell_type == "code" else ():
            nodes = list(ast.walk(statement))
            called = [node.func for node in nodes if isinstance(node, ast.Call)]
            if any(isinstance(each, ast.Attribute) and each.attr == "use_kit_settings" for each in called):
                return found
            if isinstance(statement, ast.Import | ast.ImportFrom):
                module = "" if isinstance(statement, ast.Import) else f"{statement.module}."
                imported = [each for each in statement.names if f"{module}{each.name}".startswith("matplotlib")]
                names |= {each.asname or each.name.partition(".")[0] for each in imported}
            elif any(isinstance(node, ast.Name) and node.id in names for node in nodes):
                found.append(f"cell {k} plots before the settings")
    return found


def record(source: Path, notebook) -> dict:
    """Return the record that the notebook would get now."""
    return execute.made_from(source.read_text("utf-8")) | {"outputs": execute.outputs_sha256(notebook)}


def untraceable(source: Path, notebook) -> list[str]:
    """Return where the record differs from this source, these outputs and the committed measurements."""
    stored, expected = notebook.metadata.get(execute.RECORD, {}), record(source, notebook)
    found = [
        f"the record is of other {key}"
        for key in ("source", "measurements", "outputs")
        if stored.get(key) != expected[key]
    ]
    optional = {"settings"}  # of a machine: only if some are set
    missing = [
        key
        for key in ("weights", "versions", "machine")
        if stored.get(key, {}).keys() - optional != expected[key].keys() - optional
    ]
    return found + [f"the record lacks {key}" for key in missing]


@each_notebook
def test_a_notebook_is_its_executed_source(source):
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    nbformat.validate(notebook)
    assert cells_differ(execute.parsed(source), notebook) == []
    for rule in (not_executed, bad_outputs, plots_before_the_settings):
        assert rule(notebook) == [], rule.__name__
    assert untraceable(source, notebook) == [], f"make notebooks ONLY={source.stem}"


def test_there_are_notebooks_and_each_has_a_source():
    assert SOURCES
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == {path.stem for path in SOURCES}


def test_a_record_tells_other_sources_measurements_and_outputs_apart(tmp_path):
    source, notebook = tmp_path / "01_try.py", new_notebook(cells=[checked_cell()])
    source.write_text('json.loads((results / "growth.json").read_text("utf-8"))', "utf-8")
    assert untraceable(source, notebook)[0] == "the record is of other source"
    notebook.metadata[execute.RECORD] = record(source, notebook)
    assert untraceable(source, notebook) == []
    stored = notebook.metadata[execute.RECORD]
    growth = (ROOT / "benchmarks" / "results" / "growth.json").read_bytes()
    assert stored["measurements"] == {"growth.json": hashlib.sha256(growth).hexdigest()}
    assert stored["weights"]["sha256"] == weights.read(*weights.default_source()).sha256
    assert json.loads(json.dumps(stored)) == stored
    stored["measurements"]["growth.json"] = "0" * 64
    assert untraceable(source, notebook) == ["the record is of other measurements"]
    notebook.cells[0].outputs[0].text = "0.26\n"
    assert "the record is of other outputs" in untraceable(source, notebook)
    del stored["weights"], stored["machine"]["threads"]
    assert untraceable(source, notebook)[2:] == ["the record lacks weights", "the record lacks machine"]


def checked_cell(printed: str = "0.25\n") -> nbformat.NotebookNode:
    source = f"# {CHECKED}\nprint(0.5**2)"
    return new_code_cell(source, execution_count=1, outputs=[new_output("stream", name="stdout", text=printed)])


def error(name: str) -> nbformat.NotebookNode:
    return new_output("error", ename=name, evalue="", traceback=[])


def result(text: str) -> nbformat.NotebookNode:
    return new_output("execute_result", data={"text/plain": text})


STUB = {"tags": ["exercise"]}


@pytest.mark.parametrize(
    ("rule", "cells", "fault"),
    [
        (not_executed, [new_code_cell("1")], "cell 0 was not executed"),
        (not_executed, [new_code_cell("1", execution_count=1)], "no cell is checked"),
        (not_executed, [new_code_cell(f"# {CHECKED}", execution_count=1)], "shows nothing"),
        (bad_outputs, [new_code_cell("1/0", outputs=[error("ZeroDivisionError")])], "raised ZeroDivisionError"),
        (bad_outputs, [checked_cell("read /tmp/x\n")], "path"),
        (bad_outputs, [new_code_cell("w", outputs=[new_output("stream", name="stderr", text="!")])], "stderr"),
        (bad_outputs, [new_code_cell("ax", outputs=[result("[<Line2D at 0x7f0fa9362f50>]")])], "object"),
        (bad_outputs, [new_code_cell("ax", outputs=[result("Text(0, 0.5, 'how many')")])], "object"),
        (
            plots_before_the_settings,
            [new_code_cell("from matplotlib import pyplot as p"), new_code_cell("p.figure()\ndl.use_kit_settings()")],
            "cell 1 plots",
        ),
        (plots_before_the_settings, [new_code_cell("import matplotlib.pyplot as q\nx = q.subplots()")], "cell 0 plots"),
        (
            plots_before_the_settings,
            [new_code_cell("import matplotlib.figure"), new_code_cell("f = [matplotlib.figure.Figure()]")],
            "cell 1 plots",
        ),
    ],
)
def test_each_rule_finds_what_it_forbids(rule, cells, fault):
    assert any(fault in found for found in rule(new_notebook(cells=cells)))


def test_cells_are_compared_by_type_source_and_tags():
    one, other = new_notebook(cells=[new_code_cell("1")]), new_notebook(cells=[new_code_cell("2")])
    tagged = new_notebook(cells=[new_code_cell("1", metadata=STUB)])
    assert cells_differ(one, one) == []
    assert cells_differ(one, other) and cells_differ(one, tagged) and cells_differ(one, new_notebook())


def sanitize(text: str) -> str:
    """Return a text as nbval compares it."""
    rules = configparser.ConfigParser()
    rules.read(FOLDER / "sanitize.cfg")
    for name in rules.sections():
        text = re.sub(rules[name]["regex"], rules[name]["replace"], text)
    return text


def validate(path: Path) -> int:
    """Return pytest's exit code for a notebook, with the project's own options."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        "pyproject.toml",
        "--rootdir",
        ".",
        "-p",
        "no:cacheprovider",
        str(path),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=HANG).returncode


@pytest.mark.slow
def test_a_changed_number_or_a_failing_cell_fails(tmp_path):
    kernel = nbformat.from_dict({"kernelspec": execute.KERNEL})
    good, changed = new_notebook(cells=[checked_cell()], metadata=kernel), new_notebook(metadata=kernel)
    changed.cells = [checked_cell("0.26\n")]
    failing = new_notebook(cells=[new_code_cell("assert 1 > 2", execution_count=1)], metadata=kernel)
    codes = []
    for name, notebook in (("good", good), ("changed", changed), ("failing", failing)):
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
        codes.append(validate(tmp_path / f"{name}.ipynb"))
    assert codes == [0, 1, 1]


@each_notebook
def test_a_digit_changed_below_a_checked_cell_is_seen(source):
    """nbval compares texts after the replacements of sanitize.cfg, which must leave all digits but those of seconds."""
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    changed = 0
    for cell in (cell for cell in notebook.cells if CHECKED in cell.source):
        text = text_of(cell)
        for found in re.finditer(r"\d(?![\d.]*\s(s|ms|seconds)\b)", text):
            other = text[: found.start()] + str((int(found[0]) + 1) % 10) + text[found.end() :]
            assert sanitize(other) != sanitize(text), text
            changed += 1
    assert changed > 10


@pytest.mark.slow
def test_the_pictures_of_a_lesson_do_not_depend_on_the_users_settings(tmp_path, monkeypatch):
    """Run a lesson without settings, and with a matplotlibrc, a startup file and a configuration of IPython."""
    profile = tmp_path / "user" / "profile_default"
    (profile / "startup").mkdir(parents=True)
    (profile / "startup" / "00.py").write_text("from matplotlib import style\nstyle.use('dark_background')\n")
    (profile / "ipython_kernel_config.py").write_text("get_config().InlineBackend.rc = {'axes.linewidth': 9}\n")
    (tmp_path / "user" / "matplotlibrc").write_text(HOSTILE)
    shown = []
    for user in ("nobody", "user"):
        monkeypatch.setenv("IPYTHONDIR", str(tmp_path / user))
        monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / user))
        notebook = run(execute.parsed(FOLDER / "02_moment_decoupling.py"))
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        shown.append([output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})])
    assert shown[0] == shown[1] and len(shown[0]) >= 7


def test_the_record_is_of_the_files_before_the_run_even_if_they_are_edited_meanwhile(tmp_path, monkeypatch):
    results, source = tmp_path / "results", tmp_path / "01_try.py"
    results.mkdir()
    (results / "numbers.json").write_text("1\n")
    monkeypatch.setattr(execute, "MEASUREMENTS", results)
    edit = "name.write_text(name.read_text() + '# %%\\nprint(3)\\n')"
    cells = (
        "from pathlib import Path",
        'measured = Path("results", "numbers.json")',
        "print(measured.read_text())",
        'name = Path("01_try.py")',
        edit,
        'measured.write_text("2")',
    )
    source.write_text("# %%\n" + "\n".join(cells) + "\n", "utf-8")
    before = execute.made_from(source.read_text("utf-8"))
    notebook = nbformat.read(execute.execute(source), as_version=4)
    stored = notebook.metadata[execute.RECORD]
    assert source.read_text("utf-8").endswith("print(3)\n") and len(notebook.cells) == 1
    assert before["measurements"].keys() == {"numbers.json"}
    assert {name: stored[name] for name in before} == before
    assert untraceable(source, notebook) == ["the record is of other source", "the record is of other measurements"]


def test_what_a_cell_prints_over_time_is_one_output(tmp_path):
    source = tmp_path / "01_try.py"
    source.write_text(
        "# %%\nimport time\n\nfor k in range(3):\n    print(k, flush=True)\n    time.sleep(0.4)\n", "utf-8"
    )
    (cell,) = nbformat.read(execute.execute(source), as_version=4).cells
    assert [output.text for output in cell.outputs] == ["0\n1\n2\n"]


def test_execution_is_repeatable_and_a_failure_keeps_the_old_notebook(tmp_path, capsys):
    source = tmp_path / "01_try.py"
    source.write_text("# %% [markdown]\n# # Title\n\n# %%\nprint(1 + 1)\n", "utf-8")
    assert execute.main([], tmp_path) == 0
    first = source.with_suffix(".ipynb").read_bytes()
    assert execute.main(["01_try"], tmp_path) == 0
    assert source.with_suffix(".ipynb").read_bytes() == first
    notebook = nbformat.reads(first.decode(), as_version=4)
    assert notebook.cells[1].outputs[0].text == "2\n"
    assert untraceable(source, notebook) == []
    source.write_text("# %%\nraise ValueError\n", "utf-8")
    assert untraceable(source, notebook) == ["the record is of other source"]
    assert execute.main([], tmp_path) == 1
    assert "01_try" in capsys.readouterr().err
    assert source.with_suffix(".ipynb").read_bytes() == first
    assert execute.main(["02_none"], tmp_path) == 2
