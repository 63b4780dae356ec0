"""Targets of the Makefile that say what is missing."""

import os
import subprocess

from paths import ROOT


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--silent", "-o", ".venv/installed.stamp", *arguments]
    # The tests may themselves have been called by make, whose children speak as make[1] and take its options.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def test_without_chromium_the_browser_tests_end_with_one_line_that_names_the_package():
    done = make("test-browser", "CHROMIUM=")
    line, *rest = done.stderr.strip().splitlines()
    assert done.returncode != 0 and "apt-get install chromium" in line
    assert all(each.startswith("make: ***") for each in rest)


def test_help_names_every_target_for_people():
    said = make("help").stdout
    targets = {line.split()[1] for line in said.splitlines() if line.startswith("make ")}
    phony = next(line for line in (ROOT / "Makefile").read_text("utf-8").splitlines() if line.startswith(".PHONY:"))
    assert set(phony.split()[1:]) - targets <= {"help", "screenshots"}
