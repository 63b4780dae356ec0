"""What a sweep shows of its transfers: the table and the contact sheet."""

import json
from pathlib import Path

from sweeps import PAIR, create_jobs, read_table

from decoupling_lib.runs.contact_sheet import write_contact_sheet
from decoupling_lib.runs.sweep_job import JobResult
from decoupling_lib.runs.sweep_table import TABLE, Row, write_table


def test_the_table_has_a_column_for_each_option_that_differs(tmp_path: Path):
    jobs = create_jobs(tmp_path, PAIR + "[grid]\nsteps = [3, 4]\n")
    rows = [
        Row(jobs[0], JobResult("done", summary={"passes": 7, "style a": 0.5}), True),
        Row(jobs[1], JobResult("failed", 'no, "really"'), True),
    ]
    write_table(tmp_path / TABLE, rows)
    first, second = read_table(tmp_path)
    assert list(first) == ["name", "origin", "target", "steps", "status", "said", "passes", "style a"]
    assert (first["steps"], first["passes"], first["style a"]) == ("3", "7", "0.5")
    assert (second["status"], second["said"], second["passes"]) == ("failed", 'no, "really"', "")


def test_the_contact_sheet_shows_names_with_dollar_signs(tmp_path: Path):
    rows = []
    for name in ("cash$_$.png", "$$.png", "a$\\frac$b.png"):
        (job,) = create_jobs(tmp_path, f'pairs = [[{json.dumps(name)}, "china"]]\n')
        rows.append(Row(job, JobResult("failed"), True))
    assert write_contact_sheet(tmp_path / "contact.png", rows, tmp_path).exists()
