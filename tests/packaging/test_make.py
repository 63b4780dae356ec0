"""The Makefile: what its targets run, and what they say if something is missing."""

import os
import re
import shlex
import subprocess
import sys

import pytest
from paths import ROOT
from patience import HANG
from pre_commit.clientlib import load_config

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--silent", "-o", ".venv/installed.stamp", *arguments]
    # If make itself called these tests, its children would print make[1] and take its options.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=HANG)


def commands(target: str) -> list[str]:
    """Return the commands that a target would run."""
    done = make("-n", target)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_without_chromium_the_browser_tests_end_with_one_line_that_names_the_package():
    done = make("test-browser", "CHROMIUM=")
    line, *rest = done.stderr.strip().splitlines()
    assert done.returncode != 0 and "apt-get install chromium" in line
    assert all(each.startswith("make: ***") for each in rest)


def test_help_names_every_target():
    named = re.findall(r"^ +make ([a-z-]+) ", make("help").stdout, re.MULTILINE)
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE).group(1).replace("\\\n", " ").split()
    assert sorted(named) == sorted(set(phony) - {"help"})


def test_the_pre_commit_hooks_run_what_make_lint_runs():
    (repository,) = load_config(str(ROOT / ".pre-commit-config.yaml"))["repos"]
    hooks = repository["hooks"]
    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in hooks] == commands("lint")
    for hook in hooks:  # on everything, as make lint does, without installing anything
        assert not hook["pass_filenames"] and hook["always_run"]
        assert hook["language"] in ("system", "unsupported")  # two names of one thing


def test_make_test_runs_make_lint_first():
    lint = commands("lint")
    assert commands("test")[: len(lint)] == lint


def pytest_arguments(target: str) -> list[list[str]]:
    """Return the arguments with which each pytest command of a target chooses its tests."""
    found = []
    for command in commands(target):
        if " -m pytest " in command:
            words = shlex.split(command)
            first = max(words.index(word) for word in ("pytest", "--durations=20") if word in words)
            found.append(words[first + 1 :])
    return found


def test_every_file_of_tests_is_run_by_a_target():
    folders = {ROOT / each[-1] for target in ("test", "test-rest") for each in pytest_arguments(target)}
    files = {path for path in ROOT.rglob("test_*.py") if not path.relative_to(ROOT).parts[0].startswith((".", "out"))}
    browser = {path for path in files if "browser" in path.parts}
    assert {path for path in files - browser if not folders & set(path.parents)} == set()
    assert [ROOT / each[-1] for each in pytest_arguments("test-browser")] == [ROOT / "tests" / "browser"]
    script = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert [line for line in script if line.startswith("make")] == [
        "make test",
        "make test-rest",
        "make audit",
        "make test-browser",
    ]


def collect(*arguments: str) -> set[str]:
    """Return the names of the tests that pytest collects, with the cells of notebooks."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANG)
    assert done.returncode == 0, done.stdout[-2000:]
    return {line for line in done.stdout.splitlines() if "::" in line}


@pytest.mark.slow
def test_every_test_is_in_make_test_or_in_the_rest():
    quick, rest = (
        set().union(*(collect(*arguments) for arguments in pytest_arguments(target)))
        for target in ("test", "test-rest")
    )
    everything = collect()
    assert quick | rest == everything
    # Only tests of damaged input are in both, with different inputs.
    assert {name.split("[")[0] for name in quick & rest} == {
        "tests/faults/test_hostile_commands.py::test_hostile_values_of_options_are_refused_in_a_line",
        "tests/faults/test_hostile_files.py::test_damaged_files_are_accepted_or_refused",
    }
    assert len(quick) > 1000 and len(rest) > 200
