"""The transfers of a sweep as tasks of workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from .sweep_job import JobResult, run_job
from .sweep_shares import list_shares
from .sweep_spec import Job, with_absolute_paths
from .workers import Task, run_tasks


def run_jobs(
    jobs: Sequence[Job], out: Path, scheduler: str | None, workers: int | None, threads: int
) -> Iterator[tuple[Job, JobResult]]:
    """Run transfers on workers; see `workers.run_tasks`.

    Parameters
    ----------
    jobs : sequence of Job
        The transfers.
    out : Path
        Output folder of the sweep, an absolute path.
    scheduler : str or None
        Address of a Dask scheduler. None starts workers here.
    workers : int or None
        Number of workers to start here. None is one per core.
    threads : int
        Threads of each worker that is started here.

    Yields
    ------
    (Job, JobResult)
        Each transfer when it ends.

    Raises
    ------
    InputError
        For a scheduler that does not answer.
    OSError
        If the workers' mark cannot be written into the output folder.
    """

    def create(mark: str | None) -> list[Task]:
        absolute = [with_absolute_paths(job) for job in jobs]
        shares = [None if mark is None else list_shares(job, mark) for job in absolute]
        return [Task(job.name, run_job, (job, str(out), own)) for job, own in zip(absolute, shares, strict=True)]

    for place, result in run_tasks(create, out, scheduler, workers, threads):
        yield jobs[place], result
