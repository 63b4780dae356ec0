"""Run part of the tests with the oldest and the newest packages that pyproject.toml allows (`make compatibility`).

Each Python that is found gets two new environments below --out. "oldest" has the lower bounds themselves, or the oldest
wheels above them for this Python, and the newest versions of what those packages need; "newest" has the newest versions
of everything. Each environment gives one row of the table and one log. A row that passed is not computed again unless
pyproject.toml has changed; --fresh computes all rows again.

The tests are the quick ones of the rooms that depend on other people's packages. Warnings, which are errors elsewhere
in the kit, are only counted here: an old package under a new one warns for reasons that are neither's fault, and a
warning from a new package announces a break but is none. The log has each of them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
PYTHONS = ("python3.11", "python3.12", "python3.13")
RESOLUTIONS = {"oldest": ("--resolution", "lowest-direct"), "newest": ()}
SHOWN = ("tensorflow", "keras", "numpy", "scipy", "matplotlib", "pillow", "h5py", "ipywidgets")
ROOMS = ("images", "engine", "moments", "networks", "methods", "transfers", "plotting", "explorers", "commands")
TESTS = (*(f"tests/{room}" for room in ROOMS), "tests/runs/test_sweep.py", "notebooks/01_gradient_systems.ipynb")
VERSIONS = """
import importlib.metadata, json, platform
found = {each.name.lower(): each.version for each in importlib.metadata.distributions()}
print(json.dumps({"python": platform.python_version(), **found}))
"""


def pythons(named: str) -> list[str]:
    """Return the interpreters named, separated by commas, or those of PYTHONS that run (a shim may not)."""
    candidates = named.split(",") if named else PYTHONS
    runs = [name for name in candidates if shutil.which(name) and not subprocess.run([name, "-c", ""]).returncode]
    if named and len(runs) < len(candidates):
        sys.exit(f"these Pythons do not run: {', '.join(sorted(set(candidates) - set(runs)))}")
    return runs


def install(uv: str, python: str, folder: Path, resolution: str) -> None:
    """Create an environment with this copy of the kit and the extras that the tests need; an old one is replaced."""
    quiet = ("--quiet", "--no-config")
    compiled = "--compile-bytecode"  # otherwise each new process that a test starts would compile TensorFlow
    extras = ("--extra", "dev", "--extra", "notebooks")
    subprocess.run([uv, "venv", *quiet, "--clear", "--no-project", "--python", python, str(folder)], check=True)
    inside = ("--python", str(folder / "bin" / "python"))
    # Wheels only: if a lower bound has none for this Python, the oldest version that has one is installed.
    packages = ("--no-build", *RESOLUTIONS[resolution], *extras, "--requirement", str(ROOT / "pyproject.toml"))
    subprocess.run([uv, "pip", "install", *quiet, compiled, *inside, *packages], check=True)
    subprocess.run([uv, "pip", "install", *quiet, *inside, "--no-deps", "--editable", str(ROOT)], check=True)


def versions(folder: Path) -> dict[str, str]:
    """Return the versions of Python and of all packages in an environment."""
    done = subprocess.run([folder / "bin" / "python", "-c", VERSIONS], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def test(folder: Path, tests: tuple[str, ...], log: Path) -> dict[str, int]:
    """Run tests in an environment; return how many passed, failed and were skipped, and the number of warnings."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    command = [folder / "bin" / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow"]
    command += ["-o", "filterwarnings=default", "-o", "junit_family=xunit1", f"--junitxml={report}", *tests]
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", HYPOTHESIS_STORAGE_DIRECTORY=str(folder / "hypothesis"))
    with log.open("w", encoding="utf-8") as output:
        subprocess.run(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False)
    return counts(report, log.read_text("utf-8", "replace"))


def counts(report: Path, log: str) -> dict[str, int]:
    """Return the numbers in a JUnit report; without a report pytest did not finish, which is a failure."""
    if not report.exists():
        return {"passed": 0, "failed": 1, "skipped": 0, "warnings": 0}
    suite = next(ElementTree.parse(report).iter("testsuite"))
    total, failures, errors, skipped = (int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped"))
    ending = log.strip().splitlines()[-1].split()
    warned = int(ending[ending.index("warnings") - 1]) if "warnings" in ending else int("warning" in ending)
    failed = failures + errors + (total == 0)
    return {"passed": total - failures - errors - skipped, "failed": failed, "skipped": skipped, "warnings": warned}


def row(uv: str, python: str, resolution: str, out: Path, tests: tuple[str, ...]) -> dict[str, Any]:
    """Return a row of the table, as saved if it passed with this pyproject.toml and these tests."""
    command = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    version = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    name = f"{version}-{resolution}"
    saved, folder = out / f"{name}.json", out / name
    made_from = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + repr(tests).encode()).hexdigest()
    if saved.exists():
        found = json.loads(saved.read_text("utf-8"))
        if found["made_from"] == made_from and not found["failed"]:
            return found
        saved.unlink()
    print(f"{name}: installing", flush=True)
    try:
        install(uv, python, folder, resolution)
    except subprocess.CalledProcessError:
        return {"packages": resolution, "python": version, "passed": 0, "failed": 1, "skipped": 0, "warnings": 0}
    print(f"{name}: testing, see {out / name}.log", flush=True)
    found = {"packages": resolution, "made_from": made_from} | versions(folder)
    found |= test(folder, tests, out / f"{name}.log")
    shutil.rmtree(folder)  # an environment takes 2.5 GB
    part = saved.with_suffix(".part")
    part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    os.replace(part, saved)
    return found


def table(rows: list[dict[str, Any]]) -> str:
    columns = ("python", "packages", *SHOWN, "passed", "failed", "skipped", "warnings")
    lines = [columns, ["---"] * len(columns), *([str(each.get(name, "?")) for name in columns] for each in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--pythons",
        default="",
        help=f"interpreters, separated by commas (default: those of {', '.join(PYTHONS)} that run)",
    )
    parser.add_argument("--only", choices=RESOLUTIONS, help="only one set of packages")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="other tests than the usual ones")
    parser.add_argument("--uv", default="uv")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "compatibility")
    parser.add_argument("--fresh", action="store_true", help="run also what passed before")
    arguments = parser.parse_args()
    found = pythons(arguments.pythons)
    if not shutil.which(arguments.uv):
        sys.exit("make compatibility needs uv: pip install uv, or name it: make compatibility UV=/path/to/uv")
    out = arguments.out.resolve()
    if arguments.fresh:
        shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    wanted = [arguments.only] if arguments.only else list(RESOLUTIONS)
    rows = [row(arguments.uv, python, each, out, tuple(arguments.tests)) for python in found for each in wanted]
    print(table(rows))
    sys.exit(any(each["failed"] for each in rows))


if __name__ == "__main__":
    main()
