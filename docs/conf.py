"""How Sphinx builds the book from the sources that `tools/book.py` collects (`make book`)."""

import html
import sys
import tomllib
from pathlib import Path

from docutils import nodes
from PIL import Image
from sphinx.util import logging

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from formulas import keep_punctuation, mathml  # noqa: E402

project = "decoupling"
author = "The decoupling developers"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["generated"]
html_theme = "furo"
html_title = "Decoupled style transfer"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_js_files = ["copy.js"]
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
html_math_renderer = "mathml"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f4fbf", "color-brand-content": "#1f4fbf"},
    "dark_css_variables": {"color-brand-primary": "#8fb4ff", "color-brand-content": "#8fb4ff"},
}
myst_enable_extensions = ["attrs_block", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_number_source_lines = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False
toc_object_entries = False
suppress_warnings = [
    "myst.header",
    "mystnb.unknown_mime_type",
    "ref.python",  # a public name is documented twice, on the page of the public face and on that of its room
]

WIDE = 800
"""Pixels from which on the text on a figure cannot be read when it is shrunk to a phone's width."""


def inline_math(self, node):
    self.body.append(shown_formula(node, as_block=False))
    raise nodes.SkipNode


def block_math(self, node):
    self.body.append(f'<div class="math">{shown_formula(node, as_block=True)}</div>')
    raise nodes.SkipNode


def shown_formula(node, as_block: bool) -> str:
    """Return a formula as MathML; one that cannot be converted is a warning with its place, and is shown as TeX."""
    try:
        return mathml(node.astext(), as_block)
    except ValueError as error:
        logging.getLogger(__name__).warning(str(error), location=node)
        return f"<code>{html.escape(node.astext())}</code>"


def add_launch_buttons(app, pagename, templatename, context, doctree):
    """Add buttons that open a lesson on Binder or Colab; none while pyproject.toml names no repository."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["decoupling"]
    context["body"] = launch_buttons(settings["repository"], pagename) + context.get("body", "")


def finish_formulas(app, pagename, templatename, context, doctree):
    """Keep punctuation on the line of the formula before it."""
    context["body"] = keep_punctuation(context["body"])


def box_wide_figures(app, doctree, docname):
    """Put each figure that is too wide for a phone into a box of its own, in which book.css lets it scroll.

    The banner of the landing page is no figure: it is cut to fit.
    """
    for image in list(doctree.findall(nodes.image)):
        path = Path(app.srcdir) / image["uri"]
        if docname != "index" and path.suffix == ".png" and is_wide(path):
            box = nodes.inline(classes=["wide-figure"])
            image.replace_self(box)
            box += image


def is_wide(path: Path) -> bool:
    """Return whether a figure has several panels side by side, or as much text, by its size alone."""
    with Image.open(path) as figure:
        return figure.width >= WIDE


def launch_buttons(repository: str, pagename: str) -> str:
    """Return the buttons of a lesson's page as HTML, for https://github.com/OWNER/NAME; "" for other pages."""
    if not repository or not pagename.startswith("lessons/"):
        return ""
    slug = html.escape(repository.removeprefix("https://github.com/").strip("/"))
    file = f"notebooks/{pagename.removeprefix('lessons/')}.ipynb"
    places = {
        "Binder": f"https://mybinder.org/v2/gh/{slug}/HEAD?labpath={file}",
        "Colab": f"https://colab.research.google.com/github/{slug}/blob/main/{file}",
    }
    links = " · ".join(f'<a href="{address}">open on {place}</a>' for place, address in places.items())
    return f'<p class="launch">{links}</p>'


def setup(app):
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
    app.connect("doctree-resolved", box_wide_figures)
    app.connect("html-page-context", add_launch_buttons)
    app.connect("html-page-context", finish_formulas)
