"""The book: lessons, teacher's guide, glossary, figures and API as pages that open without a network (`make book`)."""

import html
import shutil
import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

HERE = Path(__file__).parent
ROOT = HERE.parent
LESSONS = HERE / "lessons"
"""Copies of the executed notebooks: Sphinx reads only what lies below its own folder."""

sys.path.insert(0, str(ROOT))
project = "decoupling"
author = "The decoupling developers"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["build"]
html_theme = "furo"
html_title = "decoupling"
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_number_source_lines = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]


def mathml(tex, as_block=False):
    """MathML, which browsers show by themselves: MathJax would have to be fetched or shipped."""
    return tex2mathml(tex.strip().replace(r"\dots", r"\ldots"), as_block=as_block)  # docutils knows only the latter


def inline_math(self, node):
    self.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def block_math(self, node):
    self.body.append(f'<div class="math">{mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def copy_lessons(app):
    """Puts the executed notebooks where Sphinx finds them; an unchanged one keeps its time, so it is not read anew."""
    LESSONS.mkdir(exist_ok=True)
    wanted = {path.name: path for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")}
    for old in LESSONS.iterdir():
        if old.name not in wanted:
            old.unlink()
    for name, path in wanted.items():
        copy = LESSONS / name
        if not copy.exists() or copy.read_bytes() != path.read_bytes():
            shutil.copyfile(path, copy)


def add_launch_buttons(app, pagename, templatename, context, doctree):
    """Buttons that open a lesson on Binder or Colab; none while pyproject.toml names no repository."""
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["decoupling"]
    context["body"] = launch_buttons(settings["repository"], pagename) + context.get("body", "")


def launch_buttons(repository: str, pagename: str) -> str:
    """HTML of the buttons of a lesson's page, for a repository at https://github.com/OWNER/NAME; "" for other pages."""
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
    app.connect("builder-inited", copy_lessons)
    app.connect("html-page-context", add_launch_buttons)
