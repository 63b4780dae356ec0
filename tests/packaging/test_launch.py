"""The cell that installs the kit where it is not, tried on a built wheel; and what the wheel holds."""

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from lessons import execute
from paths import ROOT

ADDRESS = "https://github.com/owner/name"
WORKS = """
from decoupling_lib import classifier, classroom, images, networks
assert "STRANGE" in classifier.__file__, classifier.__file__
images.load("china", (32, 32))
classifier.load()
networks.build("vgg16", "hed", ("block1_conv1",))
assert (classroom.SHARE / "voila/templates/explorers/index.html.j2").exists()
print("works")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy: setuptools leaves its work in the folder."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "decoupling_lib", source / "decoupling_lib", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "-w", str(folder), str(source)], check=True, timeout=300)
    (built,) = folder.glob("*.whl")
    return built


def test_a_wheel_holds_every_module_and_every_file_that_they_read(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("decoupling_lib/")}
    there = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "decoupling_lib").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == there


def test_the_first_cell_installs_the_kit_where_it_is_not(wheel, tmp_path):
    """A new environment finds the kit's dependencies, but not the kit; pip may ask no registry."""
    place = tmp_path / "STRANGE"
    venv.create(place, with_pip=True)
    paths = {"base": str(place), "platbase": str(place)}
    site = Path(sysconfig.get_path("purelib", "venv", vars=paths))
    # The path alone: what its .pth files would add, such as an editable kit, is not added.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    cell = execute.INSTALL.format(address=wheel.as_uri())
    python = place / "bin" / "python"
    environment = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment |= {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    missing = subprocess.run(
        [python, "-c", "import decoupling_lib"], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert "No module named 'decoupling_lib'" in missing.stderr
    done = subprocess.run(
        [python, "-c", f"{cell}\n{WORKS}"], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0 and done.stdout.endswith("works\n"), done.stderr


def test_a_notebook_begins_with_that_cell_only_where_a_repository_is_named():
    source = execute.sources()[1]
    without, within = execute.parsed(source, ""), execute.parsed(source, ADDRESS)
    assert len(within.cells) == len(without.cells) + 1
    assert f"decoupling[notebooks] @ git+{ADDRESS}" in within.cells[0].source
    assert without.cells[0].cell_type == "markdown" and within.cells[1].source == without.cells[0].source
