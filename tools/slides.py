"""Make slides from the executed lessons (`make slides`): one HTML file per lesson that needs nothing but a browser.

    python tools/slides.py [--out out/slides]

The slides follow from the lessons, so there is nothing else to keep up to date. Each section becomes one slide or more:
the first sentence of each paragraph, all lists and formulas, and each figure on a slide of its own with the sentences
that introduce it. Code and solutions are left to the notebook; the full text of a section is in the notes (key N).

nbconvert makes slides too. It was not used because they ask for reveal.js, MathJax and more from other servers, and
because a lesson's cells, one by one, are too long for slides.
"""

from __future__ import annotations

import argparse
import base64
import html
import itertools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import nbformat
from formulas import keep_punctuation, mathml
from lesson_pages import lesson_page
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).parent / "slides_page"
FONT = ROOT / "docs" / "_static" / "fonts" / "STIXTwoMath.woff2"
LEFT_OUT = re.compile(r"What you.ll (do|need)|Further reading")
"""Sections that are for readers at home."""
ROOM = 13
"""Lines of text on a slide, roughly; more of them continue on the next one."""
LINE = 60
"""Characters on a line, roughly."""
SPECIAL = re.compile(r"\||\d+\. |[-*] |\$\$|<|>|#|\*\*(Exercise )?\d")
"""How a block begins that is no paragraph: a table, list, formula, box or heading, or an exercise with its number."""


@dataclass
class Slide:
    """One slide: its title in Markdown, its blocks in HTML, and the text of its section for the speaker."""

    title: str
    blocks: list[str] = field(default_factory=list)
    notes: str = ""
    kind: Literal["title", "text", "figure"] = "text"


def parser() -> MarkdownIt:
    """Return a parser of the lessons' Markdown, which writes formulas as MathML."""
    markdown = MarkdownIt("commonmark").enable("table")
    return markdown.use(dollarmath_plugin, renderer=lambda tex, options: mathml(tex, options["display_mode"]))


MARKDOWN = parser()


def slides(notebook: nbformat.NotebookNode) -> list[Slide]:
    """Return the slides of an executed lesson, the first with its title and the question that it begins with."""
    made: list[Slide] = []
    for title, cells in sections(lesson_page(notebook)):
        if not LEFT_OUT.search(title):
            made += section_slides(title, cells, whole=not made)
    made[0].kind = "title"
    return made


def sections(notebook: nbformat.NotebookNode) -> Iterator[tuple[str, list[nbformat.NotebookNode | str]]]:
    """Yield each section with its heading in Markdown and what is in it: Markdown as text, and cells of code."""
    title: str = ""
    content: list[nbformat.NotebookNode | str] = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            content.append(cell)
        if cell.cell_type == "code" or "model-answer" in cell.metadata.get("tags", []):
            continue
        before, *rest = re.split(r"^##? (.+)$", cell.source, flags=re.MULTILINE)
        content.append(before)
        for heading, text in zip(rest[::2], rest[1::2], strict=True):
            if title:
                yield title, content
            title, content = heading, [text]
    yield title, content


def section_slides(title: str, content: list[nbformat.NotebookNode | str], whole: bool = False) -> list[Slide]:
    """Return the slides of one section, with all sentences if it is to be whole."""
    notes = "".join(MARKDOWN.render(each) for each in content if isinstance(each, str))
    made, used, caption = [Slide(title, notes=notes)], 0.0, ""
    for each in content:
        if isinstance(each, str):
            pieces = text_blocks(each, whole)
            # The opening ends with how long the lesson takes; its picture goes with the question.
            caption = question(each) if whole else paragraphs[-1] if (paragraphs := prose(each)) else caption
        else:
            pieces = output_blocks(each, caption)
        for block, lines, alone in pieces:
            if made[-1].blocks and (alone or made[-1].kind == "figure" or used + lines > ROOM):
                made.append(Slide(title, notes=notes))
                used = 0.0
            made[-1].blocks.append(block)
            made[-1].kind = "figure" if alone else made[-1].kind
            used += lines
    return [slide for slide in made if slide.blocks]


def prose(markdown: str) -> list[str]:
    """Return the paragraphs of a text: no lists, tables, formulas or boxes."""
    return [block for block in re.split(r"\n\s*\n", markdown.strip()) if block and not SPECIAL.match(block)]


def text_blocks(markdown: str, whole: bool) -> Iterator[tuple[str, float, bool]]:
    """Yield pieces of slides (HTML, the lines it takes, whether it needs a slide of its own) from a text.

    Paragraphs are cut after their first sentence unless they are to be whole; lists, formulas and boxes never are. A
    sentence that a formula completes stays with it.
    """
    begun, before = "", 0.0
    for block in re.split(r"\n\s*\n(?!\s)", unfolded(markdown).strip()):
        special = SPECIAL.match(block) is not None
        text = block if special or whole else opening(block)
        if text:
            rows = text.count("\n") if special else 0
            lines = 1 if text.startswith("<details") else max(rows, len(text) / LINE) + 1
            shown = begun + MARKDOWN.render(re.sub(r":$", ".", text))
            if not special and re.search(r"[\w$]$", text):
                begun, before = shown, before + lines
                continue
            yield shown, before + lines, False
            begun, before = "", 0.0
    if begun:
        yield begun, before, False


def unfolded(markdown: str) -> str:
    """Return Markdown with the answers of a quiz as one block each, and without other boxes (`<details>`)."""
    return re.sub(
        r"<details.*?</details>",
        lambda box: re.sub(r"\n\s*\n", "\n", MARKDOWN.render(box[0])) if "<summary>Answer" in box[0] else "",
        markdown,
        flags=re.DOTALL,
    )


def sentences(paragraph: str) -> list[str]:
    """Return the sentences of a paragraph; full stops inside formulas, code and parentheses end none."""
    text = " ".join(paragraph.split())
    hidden = re.sub(r"\$[^$]*\$|`[^`]*`|\([^()]*\)|\b(?:e\.g|i\.e|vs|cf)\.", lambda found: "x" * len(found[0]), text)
    ends = [0, *(end.end() for end in re.finditer(r"[.?!][*_”\"']*(?=\s)", hidden)), len(text)]
    return [text[start:end].strip() for start, end in itertools.pairwise(ends) if text[start:end].strip()]


def question(markdown: str) -> str:
    """Return the first question of those that are bold in a text, or "" if none is."""
    asked = re.search(r"\*\*([^*?]+\?)[^*]*\*\*", markdown)
    return asked[1] if asked else ""


def told(paragraph: str) -> list[str]:
    """Return the sentences of a paragraph without those in parentheses, which name a source or a condition."""
    return [each for each in sentences(paragraph) if not re.fullmatch(r"\*?\(.*\)\*?", each)]


def opening(paragraph: str) -> str:
    """Return the first sentence of a paragraph; two if the first is short; none that only names a source."""
    first = told(paragraph)
    return " ".join(first[:2] if first and len(first[0]) < LINE else first[:1])


def output_blocks(cell: nbformat.NotebookNode, paragraph: str) -> Iterator[tuple[str, float, bool]]:
    """Yield pieces of slides from the outputs of a cell: figures and animations, each alone, and what was printed.

    The caption of a figure is the last sentence of the paragraph above it that is not in parentheses. Exercises show
    nothing but their question.
    """
    if {"solution", "check", "exercise"} & set(cell.metadata.get("tags", [])):
        return
    description = html.escape(cell.metadata["mystnb"]["image"]["alt"])
    last = re.sub(r":$", ".", (told(paragraph) or [""])[-1])
    caption = f"<figcaption>{MARKDOWN.renderInline(last)}</figcaption>"
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            address = "data:image/png;base64," + data["image/png"].replace("\n", "")
            yield f'<figure><img src="{address}" alt="{description}">{caption}</figure>', ROOM, True
        elif "<img" in data.get("text/html", ""):  # an animation
            yield f'<figure class="frames"><div>{data["text/html"]}</div>{caption}</figure>', ROOM, True
        elif output.output_type == "stream" and output.name == "stdout":
            lines = output.text.rstrip().splitlines()[:ROOM]
            yield f"<pre>{html.escape(chr(10).join(lines))}</pre>", len(lines), False


def page(made: list[Slide], name: str) -> str:
    """Return the HTML page of a lesson's slides."""
    font = base64.b64encode(FONT.read_bytes()).decode()
    style = (PAGE / "slides.css").read_text("utf-8").replace("FONT", f"data:font/woff2;base64,{font}")
    body = []
    for number, slide in enumerate(made, start=1):
        tag = "h1" if slide.kind == "title" else "h2"
        heading = f"<{tag}>{MARKDOWN.renderInline(slide.title)}</{tag}>"
        aside = f'<aside class="notes">{slide.notes}</aside>'
        content = "\n".join(['<div class="content">', *slide.blocks, "</div>"])
        body.append(f'<section id="{number}" class="{slide.kind}">{heading}\n{content}\n{aside}</section>')
    title = html.escape(name)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
{style}</style></head><body>
<main>
{keep_punctuation(chr(10).join(body))}
</main>
<nav><button id="back" aria-label="previous slide">‹</button> <output id="place"></output>
<button id="on" aria-label="next slide">›</button> <button id="notes" aria-pressed="false">Notes</button></nav>
<script>
{(PAGE / "slides.js").read_text("utf-8")}</script></body></html>
"""


def index(lessons: dict[str, str]) -> str:
    """Return the page that lists the slides of all lessons."""
    rows = "\n".join(f'<li><a href="{name}.html">{html.escape(title)}</a></li>' for name, title in lessons.items())
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Slides</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body {{ font: 1.2rem/1.8 system-ui, sans-serif; max-width: 45rem; margin: 2rem auto; padding: 0 1rem; }}
ul {{ list-style: none; padding: 0; }}</style></head><body>
<h1>Slides of the lessons</h1>
<p>Arrow keys or the space bar turn the pages, N shows the notes, Z or a click enlarges a
figure, F11 fills the screen, and printing makes a PDF.</p>
<ul>
{rows}
</ul></body></html>
"""


def write(out: Path, notebooks: Path = ROOT / "notebooks") -> list[Path]:
    """Write the slides of every executed lesson in a folder, and their list; return the files."""
    out.mkdir(parents=True, exist_ok=True)
    lessons, written = {}, []
    for path in sorted(notebooks.glob("[0-9][0-9]_*.ipynb")):
        made = slides(nbformat.read(path, as_version=4))
        lessons[path.stem] = made[0].title
        written.append(out / f"{path.stem}.html")
        written[-1].write_text(page(made, made[0].title), encoding="utf-8")
    written.append(out / "index.html")
    written[-1].write_text(index(lessons), encoding="utf-8")
    return written


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", type=Path, default=ROOT / "out" / "slides")
    sys.stdout.writelines(f"{path}\n" for path in write(arguments.parse_args().out))
