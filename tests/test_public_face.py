"""The public face, `import decoupling_lib as dl`: complete, documented, typed, light, and its examples run."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest
from numpydoc.validate import validate
from paths import ROOT

import decoupling_lib as dl

STUB = ast.parse((ROOT / "decoupling_lib" / "__init__.pyi").read_text("utf-8"))
OPTIONAL = {"ES01", "EX01", "SA01", "PR08"}
"""An extended summary, an example and a See Also are not for everything; a description may begin with a symbol."""
MODULES = sorted(module.name for module in pkgutil.walk_packages(dl.__path__, "decoupling_lib."))
FUNCTIONS = [name for name in dl.__all__ if inspect.isfunction(getattr(dl, name)) or inspect.isclass(getattr(dl, name))]


def test_every_name_of_the_stub_is_there_once_and_no_other():
    names = [
        alias.asname or alias.name for node in STUB.body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    assert len(names) == len(set(names)) == len(dl.__all__) > 40
    assert set(names) == set(dl.__all__) <= set(dir(dl))
    for name in names:
        assert getattr(dl, name) is not None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_docstrings_have_the_numpydoc_form(name: str):
    found = getattr(dl, name)
    errors = [
        error for error in validate(f"{found.__module__}.{found.__qualname__}")["errors"] if error[0] not in OPTIONAL
    ]
    if name == "Step":  # an enum, whose members need no words
        errors = [error for error in errors if error[0] != "PR01"]
    assert errors == []


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if inspect.isfunction(getattr(dl, name))])
def test_every_parameter_and_result_has_a_type(name: str):
    signature = inspect.signature(getattr(dl, name))
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(parameter.annotation is not inspect.Parameter.empty for parameter in signature.parameters.values())


def test_examples_in_docstrings_run():
    tried = 0
    for name in MODULES:
        if name.endswith("__main__"):
            continue
        results = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
        assert results.failed == 0, name
        tried += results.attempted
    assert tried >= 20


def test_a_name_of_the_face_is_no_room_and_survives_the_import_of_every_room():
    code = "import decoupling_lib as dl; from decoupling_lib import transfers, moments, figures, methods\n"
    code += "import decoupling_lib.transfers.run, decoupling_lib.moments.decoupling\n"
    code += "assert all(not hasattr(getattr(dl, name), '__path__') for name in dl.__all__); print(dl.transfer.__name__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "transfer"


def test_importing_it_loads_no_library_that_takes_long():
    code = (
        "import sys, decoupling_lib; print(*{'tensorflow', 'keras', 'numpy', 'scipy', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_version_is_that_of_the_installed_package():
    from importlib.metadata import version

    assert dl.__version__ == version("decoupling") and dl.__version__[0].isdigit()
