"""Many transfers from one file, on the cores of this machine or on a Dask cluster, by the same code.

A sweep that is called again runs what is missing or has failed, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from . import sweep_table, sweep_workers
from .sweep_job import JobResult, find_complete_report, summarize_report
from .sweep_spec import Job
from .sweep_table import TABLE, Row


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
        sweep_workers.require_encryption(scheduler)
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
            if result.status == "done" and not _is_visible(job, out):
                message = f"its worker wrote to a place that this machine does not see: all must share --out, {out}"
                result = JobResult("failed", message)
            end(job, result, fresh=True)
            if time.monotonic() > due:
                due = write()
    finally:
        write()
    return [rows[job.name] for job in jobs]


def _is_visible(job: Job, out: Path) -> bool:
    """Return whether the outputs of a worker are in the folder; network file systems may show them seconds later."""
    for pause in (0, 1, 3):
        time.sleep(pause)
        if find_complete_report(job, out) is not None:
            return True
    return False
