"""Write the reference of the book in Markdown: the public face, all modules, and one page per room."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "decoupling_lib"


def reference_pages() -> dict[str, str]:
    """Return the text of each page: index.md, and one page per room."""
    pages = {}
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
    """Yield the lines that docs/api.md includes: tables of the public names, room by room, then what each name is."""
    public = sorted(public_names(), key=lambda each: (each[1].split(".")[1], each[0].lower()))
    rooms = {room: list(names) for room, names in itertools.groupby(public, key=lambda each: each[1].split(".")[1])}
    yield from ("## At a glance", "")
    for room, names in rooms.items():
        yield from (f"### {room}", "", summary(f"decoupling_lib.{room}"), "", "| name | what it is |", "|---|---|")
        yield from (public_row(*each) for each in names)
        yield ""
    for room, names in rooms.items():
        yield from (f"## From {room}", "")
        yield from (public_entry(*each) for each in names)


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
    """Return the reference of one module."""
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
