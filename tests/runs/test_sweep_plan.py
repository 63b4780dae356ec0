"""The plan of a sweep: what it counts, and how many workers it allows."""

import json
import os
from pathlib import Path

import pytest
from refusals import refusal
from sweeps import PAIR, SMALL, create_jobs

from decoupling_lib.runs import sweep_plan
from decoupling_lib.runs.sweep_job import run_job
from decoupling_lib.runs.sweep_plan import plan_sweep
from decoupling_lib.transfers import memory


def test_the_plan_counts_what_is_missing_and_what_it_takes(tmp_path: Path):
    jobs = create_jobs(tmp_path, f"{PAIR}{SMALL}[grid]\nseed = [0, 1, 2]\nsteps = [3]\n")
    assert run_job(jobs[1], str(tmp_path)).status == "done"
    text = plan_sweep(jobs, tmp_path, 2).text
    for fragment in ("3 transfers", "1 of them complete", "estimate", "2 workers", "MiB on disk", "MiB of memory"):
        assert fragment in text
    for job in jobs:
        run_job(job, str(tmp_path))
    text = plan_sweep(jobs, tmp_path, 2).text
    assert "3 of them complete" in text and "estimate" not in text


def test_no_more_workers_are_started_than_fit_into_memory(tmp_path: Path, monkeypatch):
    jobs = create_jobs(tmp_path, f"{PAIR}{SMALL}steps = 3\n")
    first, _ = sweep_plan._gather_first(jobs)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    for times, workers in ((3.5, 3), (0.5, 1), (100, 8)):
        monkeypatch.setattr(sweep_plan, "available_mib", lambda times=times: int(times * first.memory_mib))
        monkeypatch.setattr(memory, "require", lambda needed, limit: None)
        assert plan_sweep(jobs, tmp_path).workers == workers
    monkeypatch.setattr(sweep_plan, "available_mib", lambda: int(3.5 * first.memory_mib))
    assert plan_sweep(jobs, tmp_path, 3).workers == 3
    line = refusal(plan_sweep, jobs, tmp_path, 4)
    assert "--workers" in line and "received 4;" in line and "at most 3" in line


@pytest.mark.parametrize("good", [0, 1])
def test_the_estimate_is_made_from_the_first_transfer_that_can_be_read(good: int, tmp_path: Path):
    pairs = [["missing.png", "china"], ["coffee", "china"]][: 1 + good]
    text = plan_sweep(create_jobs(tmp_path, f"pairs = {json.dumps(pairs)}\n{SMALL}steps = 3\n"), tmp_path).text
    assert ("no estimate" in text and "missing.png" in text) == (not good)
    assert ("MiB of memory" in text) == bool(good)
