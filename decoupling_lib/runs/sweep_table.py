"""The table of a sweep: one row per transfer."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..common.atomic_files import write_text
from ..transfers.options import Options
from .sweep_job import JobResult
from .sweep_spec import Job

TABLE = "results.csv"


@dataclass(frozen=True)
class Row:
    """A transfer of a sweep that has ended.

    Parameters
    ----------
    job : Job
        The transfer.
    result : JobResult
        How it ended.
    fresh : bool
        Whether this sweep ran it; otherwise it was complete before.
    """

    job: Job
    result: JobResult
    fresh: bool


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Write the results as CSV, whole or not at all.

    The columns are images, the options that differ between rows, status, message and the summary.

    Parameters
    ----------
    path : Path
        The file to write.
    rows : sequence of Row
        The transfers that have ended.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    options, varied = [asdict(row.job.options) for row in rows], find_varied_options(rows)
    columns = list(dict.fromkeys(name for row in rows for name in row.result.summary))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["name", "origin", "target", *varied, "status", "said", *columns])
    for row, own in zip(rows, options, strict=True):
        job, result = row.job, row.result
        cells = (job.name, job.origin, job.target, *(own[name] for name in varied), result.status, result.message)
        table.writerow([*cells, *(result.summary.get(name) for name in columns)])
    write_text(path, text.getvalue())


def find_varied_options(rows: Sequence[Row]) -> list[str]:
    """Return the names of the options that are not the same for all transfers.

    Parameters
    ----------
    rows : sequence of Row
        The transfers.

    Returns
    -------
    list of str
        In the order of `transfers.options.Options`.
    """
    options = [asdict(row.job.options) for row in rows]
    return [name for name in asdict(Options()) if len({repr(each[name]) for each in options}) > 1]
