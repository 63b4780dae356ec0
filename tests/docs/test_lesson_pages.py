"""Lessons as the book shows them: what a listener is told in place of an image, and what is left out."""

import lesson_pages
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

PICTURE = new_output("display_data", {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure size 640x480 with 1 Axes>"})


def page(*cells):
    return lesson_pages.lesson_page(new_notebook(cells=list(cells))).cells


def alt(cell) -> str:
    return cell.metadata["mystnb"]["image"]["alt"]


def test_an_image_is_described_by_its_section_the_sentences_before_it_and_what_is_written_on_it():
    text = new_markdown_cell("# Lesson\n\n## Gradient *curves*\n\nFirst paragraph.\n\nSolid curves follow $\\nabla f$:")
    code = 'ax.plot(x, y, label="exact")\nax.set_title("Three curves")\nax.set_xlabel("steps")\nprint("no label")'
    described = alt(page(text, new_code_cell(code, outputs=[PICTURE]))[1])
    for part in ("Gradient curves", "Solid curves follow nabla f.", "exact", "Three curves", "steps"):
        assert part in described
    assert "no label" not in described and "First paragraph" not in described and "*" not in described


def test_an_alternative_text_of_the_lesson_itself_is_kept():
    cell = new_code_cell("plot()", outputs=[PICTURE], metadata={"mystnb": {"image": {"alt": "A cat."}}})
    assert alt(page(new_markdown_cell("## Title\n\nWords."), cell)[1]) == "A cat."


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("One. Two.", "One. Two."),
        ("Look here:", "Look here."),
        ("Prose first.\n\n- a list\n- of items", "Prose first."),
        ("Before the formula.\n\n$$x = 1$$", "Before the formula."),
        ("Open text.\n\n<details>\n<summary>Box</summary>\n\nHidden text.\n\n</details>", "Open text."),
        ("## Only a heading", ""),
    ],
)
def test_the_introduction_is_the_last_paragraph_of_prose(markdown, expected):
    assert lesson_pages.introduction(markdown) == expected


def test_a_long_introduction_keeps_its_last_whole_sentences():
    sentences = [f"Sentence number {k} says something of moderate length about the figure." for k in range(20)]
    kept = lesson_pages.introduction(" ".join(sentences))
    assert len(kept) <= lesson_pages.LONGEST and kept.startswith("Sentence") and kept.endswith(sentences[-1])


def test_images_inside_html_get_the_text_only_if_they_have_none():
    data = {"text/html": '<img src="a"><img alt="A film." src="b">'}
    cells = page(
        new_markdown_cell("## Title\n\nA ball rolls."),
        new_code_cell("play()", outputs=[new_output("display_data", data)]),
    )
    code = cells[1].outputs[0].data["text/html"]
    assert code.count("A ball rolls.") == 1 and '<img alt="A film." src="b">' in code


def test_what_an_open_exercise_says_is_left_out_and_no_other_output():
    error = new_output("error", ename="NotImplementedError", evalue="", traceback=["…"])
    open_yet = new_output("execute_result", {"text/html": "<div>Exercise 1.1: not answered yet.</div>"})
    exercise = new_code_cell('dl.check("1.1", ...)', outputs=[error, open_yet], metadata={"tags": ["exercise"]})
    other = new_code_cell("1 / 0", outputs=[error])
    cells = page(exercise, other)
    assert [len(cell.outputs) for cell in cells] == [0, 1]


def test_the_cell_that_counts_the_answers_is_left_out():
    words = new_markdown_cell("Run `dl.progress()` to see what is left.")
    count = new_output("execute_result", {"text/html": "<div>Progress: 4 of 5 exercises done.</div>"})
    (kept,) = page(words, new_code_cell("dl.progress()", outputs=[count]))
    assert kept.source == words.source


def test_solutions_are_named_and_the_notebook_itself_is_not_changed():
    cell = new_code_cell("# NBVAL_CHECK_OUTPUT\nx = 1", metadata={"tags": ["solution", "hide-input"]})
    notebook = new_notebook(cells=[cell])
    (shown,) = lesson_pages.lesson_page(notebook).cells
    assert shown.metadata["mystnb"]["code_prompt_show"] == "Solution" and shown.source == "x = 1"
    assert "mystnb" not in notebook.cells[0].metadata and "NBVAL" in notebook.cells[0].source
