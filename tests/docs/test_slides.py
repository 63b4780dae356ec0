"""Slides follow from the lessons: every section and figure, no solution, nothing from elsewhere."""

import re

import nbformat
import pytest
import slides
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from paths import ROOT

LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
PICTURE = new_output("display_data", {"image/png": "iVBORw0KGgo="})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("slides")
    slides.write(out)
    return out


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_has_slides_of_all_its_figures_and_sections_without_solutions(path, folder):
    text = (folder / f"{path.stem}.html").read_text("utf-8")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            answers = {"solution", "check", "exercise"} & set(cell.metadata.get("tags", []))
            for output in cell.outputs:
                picture = output.get("data", {}).get("image/png")
                if picture:
                    assert (picture.replace("\n", "") in text) == (not answers)
            if "solution" in answers:
                assert cell.source not in text
    headings = re.findall(r"^## (.+)$", "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown"), re.M)
    title = re.search(r"<h1>(.*?)</h1>", text, re.DOTALL)[1]
    shown = set(re.findall(r"<h2>(.*?)</h2>", text, re.DOTALL)) - {title}
    left_out = [each for each in headings if slides.LEFT_OUT.search(each)]
    assert len(shown) == len(set(headings)) - len(left_out)


def test_the_pages_need_no_other_file_and_the_list_has_every_lesson(folder):
    for path in folder.glob("*.html"):
        text = path.read_text("utf-8")
        addresses = re.findall(r'(?:src|href)="([^"]+)"|url\("([^"]+)"\)', text)
        own = [f"{each.stem}.html" for each in LESSONS] if path.name == "index.html" else []
        for address in (first or second for first, second in addresses):
            # Links of the text lead elsewhere; nothing is loaded from there.
            assert address.startswith(("data:", "#")) or address in own or f'<a href="{address}"' in text
        assert "$" not in re.sub(r"<(style|script|pre|code).*?</\1>", "", text, flags=re.DOTALL)
    listed = (folder / "index.html").read_text("utf-8")
    assert [name for name in re.findall(r'href="(.+?)\.html"', listed)] == [path.stem for path in LESSONS]


def lesson(*cells) -> list[slides.Slide]:
    return slides.slides(new_notebook(cells=[new_markdown_cell("# Title\n\nA question? More of it."), *cells]))


def test_paragraphs_become_their_first_sentence_and_the_notes_have_all_of_them():
    text = "The first sentence here has a formula $a.b$ (and e.g. a bracket. Indeed) and an end. The second sentence."
    first, second = lesson(new_markdown_cell(f"## Section\n\n{text}"))
    assert first.kind == "title" and "More of it." in first.blocks[0]
    (block,) = second.blocks
    assert "an end." in block and "The second sentence" not in block and "The second sentence." in second.notes


def test_lists_formulas_and_exercises_stay_whole():
    text = "## Section\n\n- one. Two.\n- three\n\n$$x = 1$$\n\n**Exercise 1.1.** Do this. Then that."
    answer = new_markdown_cell("The model answer.", metadata={"tags": ["model-answer"]})
    (_, section) = lesson(new_markdown_cell(text), answer)
    shown = "".join(section.blocks)
    assert "Two." in shown and "<li>three</li>" in shown and "<math" in shown and "Then that." in shown
    assert "model answer" not in shown + section.notes


def test_answers_of_a_quiz_are_folded_and_other_boxes_are_left_to_the_notes():
    box = "<details><summary>{}</summary>\n\nText *{}* here.\n\n" + 20 * "Many more words. " + "\n\n</details>"
    text = f"## Section\n\n**1.** Is it?\n\n{box.format('Answer', 'one')}\n\n{box.format('In the thesis', 'two')}"
    (_, section) = lesson(new_markdown_cell(text))
    assert len(section.blocks) == 2
    assert "<em>one</em>" in section.blocks[1] and "</details>" in section.blocks[1]
    assert "<em>two</em>" not in "".join(section.blocks) and "<em>two</em>" in section.notes


def test_the_progress_of_exercises_is_not_on_a_slide():
    progress = new_code_cell("dl.progress()", outputs=[new_output("execute_result", {"text/html": "<p>4 of 5</p>"})])
    made = lesson(new_markdown_cell("## Section\n\nWords."), progress)
    assert "4 of 5" not in "".join(block for slide in made for block in slide.blocks)


def test_a_figure_stands_alone_with_its_description_and_the_sentence_before_it():
    cells = [
        new_markdown_cell("## Section\n\nSome words. The curve falls:"),
        new_code_cell("plot()", outputs=[PICTURE]),
    ]
    _, words, figure = lesson(*cells, new_markdown_cell("After it."))[:3]
    assert words.kind == "text" and figure.kind == "figure" and len(figure.blocks) == 1
    assert "<figcaption>The curve falls.</figcaption>" in figure.blocks[0]
    assert 'alt="Figure of the section “Section”' in figure.blocks[0]


def test_more_than_fits_continues_on_another_slide_of_the_same_title():
    paragraphs = "\n\n".join(
        f"Paragraph number {k} begins with a sentence that fills a line or even two." for k in range(20)
    )
    made = lesson(new_markdown_cell(f"## Section\n\n{paragraphs}"))[1:]
    assert len(made) > 2 and {slide.title for slide in made} == {"Section"}
    assert sum(len(slide.blocks) for slide in made) == 20


def test_the_picture_of_the_opening_goes_with_the_question():
    told = "# 1. Lines\n\nHere are two. **Which is longer? Why?** Measure.\n\nAbout 30 minutes."
    cells = [new_markdown_cell(told), new_code_cell("plot()", outputs=[PICTURE])]
    title, figure = slides.slides(new_notebook(cells=cells))
    assert title.kind == "title" and "<figcaption>Which is longer?</figcaption>" in figure.blocks[0]


def test_a_sentence_stays_with_the_formula_that_completes_it():
    told = "## Slopes\n\nIts slope is\n\n$$x$$\n\nThat is all there is to say about the slope of such a short curve."
    _, slide = lesson(new_markdown_cell(told))
    assert slide.blocks[0].startswith("<p>Its slope is</p>") and "<math" in slide.blocks[0]
