"""Prepare executed notebooks for the book: texts for their images, folds named "Solution", and nobody's answers."""

from __future__ import annotations

import ast
import copy
import html
import re
from collections.abc import Iterator

import nbformat

TITLES = frozenset(["set_title", "suptitle", "set_xlabel", "set_ylabel", "text"])
"""Methods of Matplotlib whose text says what is seen."""
KEYWORDS = frozenset(["title", "label", "xlabel", "ylabel"])
"""Arguments whose text says what is seen, of any function."""
PROGRESS = "dl.progress()"
"""The cell of a lesson that counts the answers of the notebook that it was executed in."""
LONGEST = 320
"""Characters of the prose in an alternative text, without the titles."""


def lesson_page(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a copy of an executed notebook as the book shows it.

    - An image without a text of its own (`mystnb={"image": {"alt": "…"}}` on the line that begins its cell) gets one
      from the lesson: the section, the sentences that introduce the cell, and the titles and labels in its code.
    - The fold over a solution is named "Solution".
    - What an exercise that nobody has answered says is left out, and so is the cell that counts the answers: they are
      those of the notebook's author, not the reader's. The line that tells nbval to check is left out too.
    """
    page = copy.deepcopy(notebook)
    page.cells = [cell for cell in page.cells if cell.source.strip() != PROGRESS]
    heading = prose = ""
    for cell in page.cells:
        if cell.cell_type == "markdown":
            heading = next(iter(re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE)[::-1]), heading)
            prose = introduction(cell.source) or prose
        elif cell.cell_type == "code":
            if "exercise" in cell.metadata.get("tags", []):
                cell.outputs = []
            cell.source = re.sub(r"^# NBVAL_\w+\n", "", cell.source)
            shown = cell.metadata.setdefault("mystnb", {})
            if "solution" in cell.metadata.get("tags", []):
                shown |= {"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
            alt = shown.setdefault("image", {}).setdefault("alt", alternative_text(heading, prose, cell.source))
            _describe_images_in_html(cell, alt)
    return page


def alternative_text(heading: str, prose: str, code: str) -> str:
    """Return the alternative text of an image: where it stands, what the lesson says about it, what is written on it.

    Parameters
    ----------
    heading : str
        The heading of the section, in Markdown.
    prose : str
        The sentences that introduce the image, as `introduction` returns them.
    code : str
        The code that draws it.
    """
    written = list(dict.fromkeys(plain(each) for each in titles(code)))
    labels = f"Written on it: {'; '.join(written)}." if written else ""
    return " ".join(part for part in (f"Figure of the section “{plain(heading)}”.", prose, labels) if part)


def introduction(markdown: str) -> str:
    """Return the last sentences of a cell's prose, in plain words: those that introduce what follows."""
    text = re.sub(r"<details.*?</details>|```.*?```|\$\$.*?\$\$", "\n\n", markdown, flags=re.DOTALL)
    blocks = [each.strip() for each in re.split(r"\n\s*\n|\n(?=#)|(?<=\n)(?=[-*] )", text)]
    paragraphs = [each for each in blocks if re.match(r"[\w*(“\"'`$]", each) and not re.match(r"[-*] ", each)]
    sentences = re.split(r"(?<=[.?!:])\s+(?=[A-Z“(])", plain(paragraphs[-1])) if paragraphs else []
    chosen: list[str] = []
    for sentence in reversed(sentences):
        if chosen and len(" ".join([sentence, *chosen])) > LONGEST:
            break
        chosen.insert(0, sentence)
    return re.sub(r":$", ".", " ".join(chosen))


def plain(markdown: str) -> str:
    """Return Markdown and its formulas as words on one line."""
    text = re.sub(r"<[^>]+>|!?\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    text = re.sub(r"\\(?:mathrm|text|operatorname|left|right|quad|[,;!])(?![a-z])", " ", text)
    text = re.sub(r"\\([A-Za-z]+)", r"\1", text)
    return " ".join(re.sub(r"[*`${}\\]", "", text).split())


def titles(code: str) -> Iterator[str]:
    """Yield the texts that code writes on a figure, as far as it spells them out, in the order of the code."""
    calls = [node for node in ast.walk(ast.parse(_python_only(code))) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        given = [each.value for each in call.keywords if each.arg in KEYWORDS]
        if name in TITLES or name.startswith("show_"):
            given = [*call.args, *given]
        texts = [each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        yield from (text for text in texts if re.search(r"\w\w", text) and not re.match(r":[\w.]*$", text))  # formats


def _python_only(code: str) -> str:
    """Return code without the lines that only IPython understands."""
    return re.sub(r"^[%!].*$", "", code, flags=re.MULTILINE)


def _describe_images_in_html(cell: nbformat.NotebookNode, alt: str) -> None:
    """Give the images inside a cell's HTML (an animation, for one) its alternative text."""
    for output in cell.outputs:
        if "text/html" in output.get("data", {}):
            code = output.data["text/html"]
            output.data["text/html"] = re.sub(r"<img(?![^>]*\balt=)", f'<img alt="{html.escape(alt)}"', code)
