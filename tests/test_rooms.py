"""The rooms of the library: a room imports only rooms of lower numbers, and the public face loads nothing heavy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from imports import imports
from paths import ROOT

PACKAGE = "decoupling_lib"
FOLDER = ROOT / PACKAGE
ROOMS = {
    "common": 0,
    **{"images": 1, "engine": 1},
    **{"moments": 2, "networks": 2},
    "methods": 3,
    "transfers": 4,
    "plotting": 5,
    "runs": 6,
    **{"figures": 7, "explorers": 7, "exercises": 7},
    "commands": 8,
    "cli": 9,
    "__main__": 10,
    "__init__": 10,  # the public face, which shows what lies in the rooms
}
"""The number of each room; rooms of equal number never import each other."""
MAX_LINES = 300
FILES = sorted(FOLDER.rglob("*.py"))


def module_name(file: Path, root: Path = ROOT) -> str:
    """Return the full name of the module in a file, as in "decoupling_lib.engine.lift"."""
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = frozenset(map(module_name, FILES))


def room(name: str, modules: frozenset[str] = MODULES) -> str | None:
    """Return the room of what is imported under a full name; None for what is not the library's.

    A name that only the package itself defines is the public face's.
    """
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return None
    return parts[1] if len(parts) > 1 and ".".join(parts[:2]) in modules else "__init__"


def violations(own: str, source: str, package: str, modules: frozenset[str] = MODULES) -> list[str]:
    """Return the imports of a module of the room `own` that lead to an equal or higher number in another room."""
    others = ((name, room(name, modules)) for name in imports(ast.parse(source), package))
    return [name for name, other in others if other not in (None, own) and ROOMS[other] >= ROOMS[own]]


def test_a_module_imports_only_rooms_of_lower_numbers():
    found = {}
    for file in FILES:
        parts = file.relative_to(FOLDER).with_suffix("").parts
        found[module_name(file)] = violations(parts[0], file.read_text("utf-8"), ".".join([PACKAGE, *parts[:-1]]))
    assert {name: imported for name, imported in found.items() if imported} == {}


def test_every_module_belongs_to_a_room_and_every_room_has_a_module():
    rooms = {file.relative_to(FOLDER).with_suffix("").parts[0] for file in FILES}
    assert rooms <= set(ROOMS)
    assert set(ROOMS) - {"__main__"} <= rooms


def test_no_module_is_longer_than_300_lines():
    lengths = {module_name(file): len(file.read_text("utf-8").splitlines()) for file in FILES}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


@pytest.mark.parametrize(
    ("own", "source", "found"),
    [
        ("engine", "from ..common import errors\nfrom . import lift\nimport numpy\nimport decoupling_library", []),
        ("engine", "from ..images import noise", ["decoupling_lib.images.noise"]),
        (
            "engine",
            "def f():\n    from decoupling_lib.networks.vgg import Network",
            ["decoupling_lib.networks.vgg.Network"],
        ),
        ("images", "if TYPE_CHECKING:\n    from .. import runs", ["decoupling_lib.runs"]),
        ("images", "import decoupling_lib.engine.lift as lift", ["decoupling_lib.engine.lift"]),
        ("images", "from .. import load_picture", ["decoupling_lib.load_picture"]),
        ("images", "import decoupling_lib", ["decoupling_lib"]),
        ("images", "importlib.import_module('decoupling_lib.cli')", ["decoupling_lib.cli"]),
        ("images", "importlib.import_module('..cli', __package__)", ["decoupling_lib.cli"]),
        ("runs", "from ..transfers import run\nfrom ..figures import spec", ["decoupling_lib.figures.spec"]),
    ],
)
def test_an_import_of_an_equal_or_higher_room_is_found_wherever_it_stands(own, source, found):
    assert violations(own, source, f"{PACKAGE}.{own}") == found


def test_the_mathematics_imports_nothing_but_numpy_scipy_and_the_standard_library():
    for file in FOLDER.glob("engine/*.py"):
        names = imports(ast.parse(file.read_text("utf-8")), f"{PACKAGE}.engine")
        tops = {name.split(".")[0] for name in names}
        assert tops <= {PACKAGE, "numpy", "scipy", "__future__"} | sys.stdlib_module_names, file.name


def test_importing_the_package_loads_neither_tensorflow_nor_matplotlib_nor_skimage():
    code = (
        f"import sys, {PACKAGE}; print(sorted({{'tensorflow', 'keras', 'matplotlib', 'skimage'}} & set(sys.modules)))"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (run.stdout, run.stderr) == ("[]\n", "")
