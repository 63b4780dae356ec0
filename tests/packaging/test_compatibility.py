"""What `make compatibility` reads from pytest's reports, and what it runs again."""

import sys

import compatibility
import pytest

REPORT = '<testsuites><testsuite tests="9" failures="1" errors="2" skipped="1"/></testsuites>'


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """Return a function that computes a row without installing or testing, what it installed, and its outcome."""
    installed = []

    def install(uv, python, folder, resolution):
        installed.append(resolution)
        folder.mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(compatibility, "install", install)
    monkeypatch.setattr(compatibility, "versions", lambda folder: {"python": "3.11.7", "numpy": "2.0.0"})
    outcome = {"passed": 5, "failed": 0, "skipped": 1, "warnings": 2}
    monkeypatch.setattr(compatibility, "test", lambda folder, tests, log: dict(outcome))

    def row(resolution="oldest", tests=("tests/engine",)):
        return compatibility.row("uv", sys.executable, resolution, tmp_path, tests)

    return row, installed, outcome


def test_the_counts_come_from_the_report_and_from_pytests_last_line(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(REPORT, "utf-8")
    expected = {"passed": 5, "failed": 3, "skipped": 1, "warnings": 12}
    assert compatibility.counts(report, "...\n5 passed, 3 failed, 12 warnings in 1.00s\n") == expected
    assert compatibility.counts(report, "5 passed, 1 warning in 1.00s")["warnings"] == 1
    assert compatibility.counts(report, "5 passed in 1.00s")["warnings"] == 0


def test_a_run_that_did_not_finish_or_found_no_test_has_failed(tmp_path):
    assert compatibility.counts(tmp_path / "none.xml", "")["failed"] == 1
    (tmp_path / "empty.xml").write_text(REPORT.replace("9", "0").replace('"1"', '"0"').replace('"2"', '"0"'), "utf-8")
    assert compatibility.counts(tmp_path / "empty.xml", "no tests ran")["failed"] == 1


def test_what_passed_is_not_run_again_unless_the_tests_change(runs):
    row, installed, _ = runs
    first = row()
    assert row() == first and installed == ["oldest"]
    row(tests=("tests/images",))
    row("newest")
    assert installed == ["oldest", "oldest", "newest"]


def test_what_failed_is_run_again(runs):
    row, installed, outcome = runs
    outcome["failed"] = 2
    assert row()["failed"] == 2
    outcome["failed"] = 0
    assert row()["failed"] == 0 and len(installed) == 2


def test_the_table_has_a_line_for_each_run_and_marks_what_is_unknown():
    rows = [{"python": "3.11.7", "packages": "oldest", "numpy": "2.0.0", "passed": 5, "failed": 0}]
    head, _, line = compatibility.table(rows).splitlines()
    cells = dict(zip(head.strip("| ").split(" | "), line.strip("| ").split(" | "), strict=True))
    assert cells["numpy"] == "2.0.0" and cells["passed"] == "5" and cells["tensorflow"] == "?"


def test_an_interpreter_that_does_not_run_is_refused_if_named_and_skipped_if_not(monkeypatch, tmp_path):
    shim = tmp_path / "python3.99"
    shim.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    shim.chmod(0o755)
    monkeypatch.setattr(compatibility, "PYTHONS", (str(shim), sys.executable))
    assert compatibility.pythons("") == [sys.executable]
    with pytest.raises(SystemExit, match=r"python3\.99"):
        compatibility.pythons(f"{sys.executable},{shim}")


def test_the_usual_tests_exist():
    assert [name for name in compatibility.TESTS if not (compatibility.ROOT / name).exists()] == []
