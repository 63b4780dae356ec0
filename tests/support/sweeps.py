"""Files of sweeps and fake workers, for the tests of sweeps."""

import csv
import json
from pathlib import Path

from decoupling_lib.runs.sweep_job import JobResult
from decoupling_lib.runs.sweep_spec import Job, read_sweep
from decoupling_lib.runs.sweep_table import TABLE

SMALL = """
[fixed]
size = 24
layers = 1
network = "vgg16"
weights = "random"
rule = "rk4"
tolerance = 1e-4
"""
"""Options of transfers that take a second."""
PAIR = 'pairs = [["coffee", "china"]]\n'


def write_spec(folder: Path, text: str) -> Path:
    """Write the file of a sweep into a folder."""
    path = folder / "sweep.toml"
    path.write_text(text, "utf-8")
    return path


def create_jobs(folder: Path, text: str) -> list[Job]:
    """Return the transfers that the text of a sweep's file describes."""
    return read_sweep(write_spec(folder, text))


def read_table(out: Path) -> list[dict[str, str]]:
    """Return the rows of the table of a sweep."""
    with open(out / TABLE, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_report_only(job: Job, out: str, shares: object = None) -> JobResult:
    """Do a worker's part without a transfer: write what makes it complete."""
    report = {"sweep": job.key, "inputs": [{"sha256": ""}] * 2, "network": {"sha256": ""}, "masks": {}, "mixture": []}
    (Path(out) / job.name).mkdir(parents=True)
    (Path(out) / job.name / "report.json").write_text(json.dumps(report))
    return JobResult("done")


def write_nothing(job: Job, out: str, shares: object = None) -> JobResult:
    """Do the part of a worker whose outputs nobody else sees."""
    return JobResult("done")
