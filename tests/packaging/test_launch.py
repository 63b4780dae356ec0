"""The cell that installs the kit where it is missing, tried with a built wheel; and the contents of the wheel."""

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from functools import partial
from pathlib import Path

import pytest
from lessons import execute
from paths import ROOT
from patience import HANG

ADDRESS = "https://github.com/owner/name"
WORKS = """
from decoupling_lib.explorers import server
from decoupling_lib.images.pictures import load_picture
from decoupling_lib.networks import digits_classifier
from decoupling_lib.networks.vgg import build_network
assert "ELSEWHERE" in digits_classifier.__file__, digits_classifier.__file__
load_picture("china", (32, 32))
digits_classifier.load()
build_network("vgg16", "hed", ("block1_conv1",))
assert (server.SHARE / "voila/templates/explorers/index.html.j2").exists()
print("works")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Build a wheel from a copy of the project, since setuptools leaves files in the folder."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "decoupling_lib", source / "decoupling_lib", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "-w", str(folder), str(source)], check=True, timeout=HANG)
    (built,) = folder.glob("*.whl")
    return built


def test_a_wheel_contains_every_module_and_every_data_file(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("decoupling_lib/")}
    files = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "decoupling_lib").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == files


@pytest.mark.slow
def test_the_first_cell_installs_the_kit_where_it_is_missing(wheel, tmp_path):
    """A new environment has the kit's dependencies but not the kit; pip has no registry to ask."""
    place = tmp_path / "ELSEWHERE"
    venv.create(place, with_pip=True)
    paths = {"base": str(place), "platbase": str(place)}
    site = Path(sysconfig.get_path("purelib", "venv", vars=paths))
    # Only this path: what its .pth files would add, such as an editable install of the kit, is not added.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    cell = execute.INSTALL.format(address=wheel.as_uri())
    python = place / "bin" / "python"
    environment = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment |= {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    run = partial(subprocess.run, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=HANG)
    assert "No module named 'decoupling_lib'" in run([python, "-c", "import decoupling_lib"]).stderr
    done = run([python, "-c", f"{cell}\n{WORKS}"])
    assert done.returncode == 0 and done.stdout.endswith("works\n"), done.stderr


def test_a_notebook_begins_with_that_cell_only_if_a_repository_is_named():
    source = execute.sources()[1]
    without, with_cell = execute.parsed(source, ""), execute.parsed(source, ADDRESS)
    assert len(with_cell.cells) == len(without.cells) + 1
    assert f"decoupling[notebooks] @ git+{ADDRESS}" in with_cell.cells[0].source
    assert without.cells[0].cell_type == "markdown" and with_cell.cells[1].source == without.cells[0].source
