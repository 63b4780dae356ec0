"""The book: lessons, guides, findings, figures and API as pages that open without a network (`make book`)."""

import ast
import html
import importlib
import inspect
import itertools
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

HERE = Path(__file__).parent
ROOT = HERE.parent
LESSONS = HERE / "lessons"
"""Copies of the executed notebooks: Sphinx reads only what lies below its own folder."""
LIBRARY = ROOT / "decoupling_lib"
REFERENCE = HERE / "reference"
"""Generated pages: the public face, an index of all modules, and one page per room."""

sys.path.insert(0, str(ROOT))
project = "decoupling"
author = "The decoupling developers"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["build", "reference/public.md"]
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
suppress_warnings = [
    "myst.header",
    "mystnb.unknown_mime_type",
    "ref.python",  # a public name is documented twice, on the page of the public face and on that of its room
]


def mathml(tex, as_block=False):
    """Return MathML, which browsers show by themselves; MathJax would have to be downloaded or shipped."""
    return tex2mathml(tex.strip().replace(r"\dots", r"\ldots"), as_block=as_block)  # docutils knows only the latter


def inline_math(self, node):
    self.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def block_math(self, node):
    self.body.append(f'<div class="math">{mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def copy_lessons(app):
    """Copy the executed notebooks to where Sphinx finds them; unchanged ones keep their time, so are not read again."""
    notebooks = {path.name: path for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")}
    clear_folder(LESSONS, notebooks)
    for name, path in notebooks.items():
        copy = LESSONS / name
        if not copy.exists() or copy.read_bytes() != path.read_bytes():
            shutil.copyfile(path, copy)


def write_reference(app):
    """Write the pages of the reference; an unchanged page keeps its time and is not read again."""
    pages = reference_pages()
    clear_folder(REFERENCE, pages)
    for name, text in pages.items():
        page = REFERENCE / name
        if not page.exists() or page.read_text("utf-8") != text:
            page.write_text(text, encoding="utf-8")


def clear_folder(folder, keep):
    """Create a folder, and delete the files in it that are not to be kept."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in keep:
            path.unlink()


def reference_pages() -> dict[str, str]:
    """Return the text of each page: public.md, which docs/api.md includes, index.md, and one page per room."""
    pages = {"public.md": "\n".join(public_face())}
    index = [
        "# All modules",
        "",
        "What each module is about, by room. Each room has a page that documents its modules.",
        "",
    ]
    rooms = sorted(folder for folder in LIBRARY.iterdir() if (folder / "__init__.py").exists())
    for room in rooms:
        modules = [module for module in python_modules(room) if module != f"decoupling_lib.{room.name}"]
        index += [f"## [{room.name}]({room.name}.md)", "", summary(f"decoupling_lib.{room.name}"), ""]
        index += ["| module | subject |", "|---|---|", *(f"| `{name}` | {summary(name)} |" for name in modules), ""]
        head = [f"# {room.name}", "", summary(f"decoupling_lib.{room.name}"), ""]
        pages[f"{room.name}.md"] = "\n".join([*head, *map(automodule, modules)])
    listing = ["```{toctree}", ":hidden:", "", *(room.name for room in rooms), "```"]
    pages["index.md"] = "\n".join(index + listing) + "\n"
    return pages


def public_names() -> Iterator[tuple[str, str]]:
    """Yield each name of the public face with the module that defines it, as the stub file says."""
    for node in ast.parse((LIBRARY / "__init__.pyi").read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.name, f"decoupling_lib.{node.module}") for alias in node.names)


def public_face() -> Iterator[str]:
    """Yield the reference of the public face, room by room: a table of the names, then what each one is."""
    public = sorted(public_names(), key=lambda each: (each[1].split(".")[1], each[0].lower()))
    for room, names in itertools.groupby(public, key=lambda each: each[1].split(".")[1]):
        group = list(names)
        yield from (f"## From {room}", "", "| name | what it is |", "|---|---|")
        yield from (public_row(*each) for each in group)
        yield ""
        yield from (public_entry(*each) for each in group)


def public_row(name: str, module: str) -> str:
    """Return a row of the table of public names."""
    value = getattr(importlib.import_module(module), name)
    text = inspect.getdoc(value) if callable(value) else value_docstring(name, module)
    return f"| {{py:obj}}`{name} <decoupling_lib.{name}>` | {first_paragraph(text or '')} |"


def public_entry(name: str, module: str) -> str:
    """Return the reference of one public name: a class, a function, or a value."""
    value = getattr(importlib.import_module(module), name)
    if isinstance(value, type):
        body = [f".. autoclass:: decoupling_lib.{name}", "   :members:"]
    elif callable(value):
        body = [f".. autofunction:: decoupling_lib.{name}"]
    else:  # Sphinx would take the docstring of its type
        body = [f".. py:data:: decoupling_lib.{name}", "", f"   {value_docstring(name, module)}"]
    return "\n".join([f"### {name}", "", f"From `{module}`.", "", "```{eval-rst}", *body, "```", ""])


def value_docstring(name: str, module: str) -> str:
    """Return the string below an assignment in a module, as one line."""
    body = ast.parse(module_path(module).read_text("utf-8")).body
    for node, below in itertools.pairwise(body):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        assigned = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        if assigned and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            return " ".join(str(below.value.value).split())
    raise ValueError(f"{module}.{name} has no docstring")


def automodule(name: str) -> str:
    return "\n".join([f"## {name}", "", "```{eval-rst}", f".. automodule:: {name}", "   :members:", "```", ""])


def python_modules(folder: Path) -> Iterator[str]:
    """Yield the names of a package's modules, depth first, in alphabetical order."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def module_path(name: str) -> Path:
    """Return the file of a module or package."""
    path = ROOT.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def summary(name: str) -> str:
    """Return the first paragraph of a module's docstring as one line, read without importing the module."""
    return first_paragraph(ast.get_docstring(ast.parse(module_path(name).read_text("utf-8"))) or "")


def first_paragraph(docstring: str) -> str:
    """Return the first paragraph as one line for a cell of a table."""
    return " ".join(docstring.partition("\n\n")[0].split()).replace("|", r"\|")


def add_launch_buttons(app, pagename, templatename, context, doctree):
    """Add buttons that open a lesson on Binder or Colab; none while pyproject.toml names no repository."""
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["decoupling"]
    context["body"] = launch_buttons(settings["repository"], pagename) + context.get("body", "")


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
    app.connect("builder-inited", copy_lessons)
    app.connect("builder-inited", write_reference)
    app.connect("html-page-context", add_launch_buttons)
