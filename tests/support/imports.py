"""What a module imports, read from its source without running it."""

import ast
from collections.abc import Iterator

LOADERS = ("import_module", "__import__")
"""Functions that import a module by its name as text."""


def imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Yield the full names that a module of `package` imports anywhere, in functions and for type checks too.

    `from package import a` gives package.a, whether a is a module or something in the package.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")
            above = above[: len(above) + 1 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args:
            function, first = node.func, node.args[0]
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if name in LOADERS and isinstance(first, ast.Constant) and isinstance(first.value, str):
                level = len(first.value) - len(first.value.lstrip("."))
                above = package.split(".")[: len(package.split(".")) + 1 - level] if level else []
                yield ".".join([*above, first.value.lstrip(".")])
