"""Many transfers from one file, on the cores of this machine or on a Dask cluster, by the same code.

A sweep that is called again runs what is missing or has failed, and nothing else.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ..common.shared_folders import wait_until
from . import sweep_table, sweep_workers
from .output_files import KEPT_TARGETS
from .sweep_job import JobResult, find_complete_report, summarize_report
from .sweep_spec import Job
from .sweep_table import TABLE, Row
from .workers import require_encryption


def run_sweep(
    jobs: Sequence[Job],
    out: Path,
    scheduler: str | None = None,
    workers: int | None = None,
    threads: int = 1,
    listen: Callable[[Row], None] | None = None,
) -> list[Row]:
    """Run the transfers that are not complete, and write the table as they end.

    If a worker dies, only its transfer is lost: another worker runs it from the start, up to three times in all.

    Parameters
    ----------
    jobs : sequence of Job
        The transfers.
    out : Path
        An existing folder for the outputs.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers see `out` at the same path; on another machine only tls://. Default:
        workers are started here, with a scheduler that listens on the loopback interface only.
    workers : int, optional
        Number of workers to start here. Default: one per core. Not used with a scheduler.
    threads : int
        Threads of each worker that is started here. Not used with a scheduler.
    listen : callable, optional
        Callback that receives each transfer when it ends, first those that were complete before.

    Returns
    -------
    list of Row
        In the order of `jobs`.

    Raises
    ------
    InputError
        For a scheduler that does not answer or whose connection would not be encrypted.
    OSError
        If the table cannot be written.
    """
    if scheduler is not None:
        require_encryption(scheduler)
    out = out.absolute()  # workers elsewhere have working directories of their own
    rows: dict[str, Row] = {}

    def end(job: Job, result: JobResult, fresh: bool) -> None:
        rows[job.name] = Row(job, result, fresh)
        if listen is not None:
            listen(rows[job.name])

    def write() -> float:
        """Write the table; return when to write it again, which takes longer as it grows."""
        began = time.monotonic()
        sweep_table.write_table(out / TABLE, [rows[job.name] for job in jobs if job.name in rows])
        return time.monotonic() + max(1.0, 20 * (time.monotonic() - began))

    missing = []
    for job in jobs:
        report = find_complete_report(job, out)
        if report is None:
            missing.append(job)
        else:
            end(job, JobResult("done", summary=summarize_report(report)), fresh=False)
    due = write()
    try:
        for job, result in sweep_workers.run_jobs(missing, out, scheduler, workers, threads) if missing else ():
            if result.status == "done" and not wait_until(partial(_is_complete, job, out)):
                message = f"its worker wrote to a place that this machine does not see: all must share --out, {out}"
                result = JobResult("failed", message)
            end(job, result, fresh=True)
            if time.monotonic() > due:
                due = write()
    finally:
        write()
    if all(row.result.status == "done" for row in rows.values()):
        shutil.rmtree(out / KEPT_TARGETS, ignore_errors=True)
    return [rows[job.name] for job in jobs]


def _is_complete(job: Job, out: Path) -> bool:
    return find_complete_report(job, out) is not None
