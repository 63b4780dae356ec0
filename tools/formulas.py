"""Formulas for pages that open without a network."""

from __future__ import annotations

import html
import re
from xml.etree import ElementTree

from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml

FUNCTIONS = frozenset(["arctan", "cos", "cosh", "exp", "ln", "log", "sin", "sinh", "tan", "tanh"])
"""Functions that are written with a space between them and a factor before them."""
NAMESPACE = "http://www.w3.org/1998/Math/MathML"


def mathml(tex: str, as_block: bool = False) -> str:
    """Return a formula as MathML, which browsers show by themselves; MathJax would have to be downloaded or shipped.

    Raises `ValueError` for a formula that Docutils cannot convert.
    """
    known = tex.strip().replace(r"\dots", r"\ldots").replace("…", r"\ldots ")  # Docutils knows only \ldots,
    known = re.sub(r"\\([bB]igg?)(?=[(\[]|\\[{l])", r"\\\1l", known)  # and \bigl and \bigr, but not \big
    known = re.sub(r"\\([bB]igg?)(?![A-Za-z])", r"\\\1r", known)
    known = re.sub(
        r"\\([td]?frac)\s*(\w)\s*(\d)", r"\\\1{\2}{\3}", known
    )  # \frac12 is a half, not 12 over what follows
    try:
        code = tex2mathml(known, as_block=as_block)
    except (MathError, IndexError) as error:  # an exponent without a base is an IndexError
        raise ValueError(f"the formula {tex!r} cannot be shown: {error}") from error
    ElementTree.register_namespace("", NAMESPACE)
    # HTML's names of characters (&fflig; …) are unknown to XML, except those of its own syntax.
    tree = ElementTree.fromstring(re.sub(r"&(?!lt;|gt;|amp;)\w+;", lambda entity: html.unescape(entity[0]), code))
    for parts in list(tree.iter(f"{{{NAMESPACE}}}munderover")):
        base, index, over = parts
        if over.get("stretchy") == "false":  # an accent: Docutils would set the index of such a letter below it
            parts.tag = f"{{{NAMESPACE}}}msub"
            parts[:] = [ElementTree.Element(f"{{{NAMESPACE}}}mover", accent="true"), index]
            parts[0].extend([base, over])
    for parent in tree.iter():
        _space_functions(parent)
        # \left and \right make a row between two signs. Other bars would be taken for relations, or stretch alone.
        paired = parent.tag == f"{{{NAMESPACE}}}mrow" and parent[0].tag == parent[-1].tag == f"{{{NAMESPACE}}}mo"
        for bar in parent.findall(f"{{{NAMESPACE}}}mo"):
            if bar.text in ("|", "‖") and not (paired and bar in (parent[0], parent[-1])):
                bar.attrib |= {"stretchy": "false", "lspace": "0", "rspace": "0"}
    return ElementTree.tostring(tree, encoding="unicode")


def _space_functions(row: ElementTree.Element) -> None:
    """Put a thin space between a factor and the function after it: 4 sin x, not 4sin x."""
    parts = list(row)
    for k in range(len(parts) - 1, 0, -1):
        name = parts[k] if parts[k].tag == f"{{{NAMESPACE}}}mi" or not len(parts[k]) else parts[k][0]
        factor = parts[k - 1].tag in (f"{{{NAMESPACE}}}mi", f"{{{NAMESPACE}}}mn")
        if row.tag in (f"{{{NAMESPACE}}}mrow", f"{{{NAMESPACE}}}math") and factor and name.text in FUNCTIONS:
            row.insert(k, ElementTree.Element(f"{{{NAMESPACE}}}mspace", width="0.17em"))


def keep_punctuation(page: str) -> str:
    """Return HTML in which no line begins with the comma or full stop that follows a formula."""
    formula = r"<math(?:(?!</math>).)*</math>"
    shown = rf'((?:<span class="math inline">{formula}</span>|{formula})[.,;:?!)\]’”]+)'
    return re.sub(shown, r'<span style="white-space: nowrap">\1</span>', page, flags=re.DOTALL)
