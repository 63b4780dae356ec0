"""`decoupling apply`: a style flow on many images, here or on workers, with a report that is always complete."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..common.atomic_files import write_text
from ..common.machine import describe_machine, package_versions, usable_threads
from ..common.memory import available_mib
from ..common.shared_folders import wait_until
from .flow_job import FlowJob, is_kept, run_flow_job
from .output_files import REPORT
from .sweep_job import JobResult
from .sweep_shares import Shares, find_sha256
from .workers import Task, require_encryption, run_tasks

if TYPE_CHECKING:
    from ..transfers.style_flow import StyleFlow

SCHEMA = 1
MAX_BYTES = 2**28
"""Size of the largest report of an earlier run that is read."""

Listener = Callable[[FlowJob, JobResult, bool], None]
"""Receives a job that has ended, its result, and whether it was run now."""


def apply_to_images(
    flow: StyleFlow,
    jobs: Sequence[FlowJob],
    out: Path,
    scheduler: str | None = None,
    workers: int = 1,
    resume: bool = False,
    listen: Listener | None = None,
    on_step: Callable[[FlowJob, int], None] | None = None,
) -> dict[str, Any]:
    """Apply a flow to images, and write the report whenever some of them are done.

    Parameters
    ----------
    flow : StyleFlow
        The flow.
    jobs : sequence of FlowJob
        The images, with equal flow and settings.
    out : Path
        An existing folder.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers see `out` and the images at the same paths.
    workers : int
        Number of workers to start here, with one thread each. 1: the images are done in this process, with all threads.
    resume : bool
        Whether to keep what an earlier run of the same flow, settings and image files has finished.
    listen : callable, optional
        Receives each image that has ended; see `Listener`.
    on_step : callable, optional
        Receives (job, number of steps done) of an image that is done in this process.

    Returns
    -------
    dict
        The content of report.json.

    Raises
    ------
    InputError
        For a scheduler that does not answer or whose connection would not be encrypted.
    OSError
        If the report cannot be written.
    """
    if scheduler is not None:
        require_encryption(scheduler)
    began, out = time.perf_counter(), out.absolute()  # workers elsewhere have working directories of their own
    report = _begin_report(flow, jobs[0])
    kept = _read_kept(out, report, jobs) if resume else {}
    entries = dict(kept)

    def write() -> float:
        """Write the report; return when to write it again, which takes longer as it grows."""
        start = time.monotonic()
        report["images"] = [entries[place] for place in range(len(jobs)) if place in entries]
        report["wall_seconds"] = round(time.perf_counter() - began, 3)
        write_text(out / REPORT, json.dumps(report, indent=1, allow_nan=False) + "\n")
        return time.monotonic() + max(1.0, 20 * (time.monotonic() - start))

    for place, entry in kept.items():
        if listen is not None:
            listen(jobs[place], JobResult("done", summary=entry), False)
    due, missing = write(), [place for place in range(len(jobs)) if place not in kept]
    try:
        for place, result in _run(jobs, missing, out, scheduler, workers, on_step):
            job = jobs[place]
            if result.status == "done" and not all(wait_until((out / name).is_file) for name in job.outputs):
                message = f"its worker wrote to a place that this machine does not see: all must share --out, {out}"
                result = JobResult("failed", message)
            failure = {"name": Path(job.image.source).name, "sha256": job.image.sha256, "status": "failed"}
            entries[place] = dict(result.summary) or failure | {"message": result.message}
            if listen is not None:
                listen(job, result, True)
            if time.monotonic() > due:
                due = write()
    finally:
        write()
    return report


def _run(
    jobs: Sequence[FlowJob],
    places: Sequence[int],
    out: Path,
    scheduler: str | None,
    workers: int,
    on_step: Callable[[FlowJob, int], None] | None,
) -> Iterator[tuple[int, JobResult]]:
    """Yield the place of each job that ends, and its result."""
    if scheduler is None and min(workers, len(places)) <= 1:
        for place in places:
            job = jobs[place]
            yield place, run_flow_job(job, str(out), None, _bind(on_step, job))
        return

    def create(mark: str | None) -> list[Task]:
        return [
            Task(jobs[place].image.stem, run_flow_job, (jobs[place], str(out), _list_shares(jobs[place], mark)))
            for place in places
        ]

    for number, result in run_tasks(create, out, scheduler, min(workers, len(places)), 1):
        yield places[number], result


def _bind(on_step: Callable[[FlowJob, int], None] | None, job: FlowJob) -> Callable[[int], None] | None:
    return None if on_step is None else lambda count: on_step(job, count)


def _list_shares(job: FlowJob, mark: str | None) -> Shares | None:
    """Return what a worker of a cluster must find: the flow, the image, and a file of weights."""
    if mark is None:
        return None
    names = dict.fromkeys((job.flow, job.image.source, job.weights or ""))
    return Shares(mark, tuple((name, sha256) for name in names if (sha256 := find_sha256(name))))


def _begin_report(flow: StyleFlow, job: FlowJob) -> dict[str, Any]:
    """Return the report without its images."""
    return {
        "schema": SCHEMA,
        "command": "apply",
        "flow": {
            "file": Path(job.flow).name,
            "checksum": job.checksum,
            "reference": flow.reference,
            "origin": asdict(flow.origin),
            "target": asdict(flow.target),
        },
        "network": dict(flow.network),
        "settings": asdict(job.settings),
        "versions": package_versions(),
        "machine": describe_machine(),
        "wall_seconds": 0.0,
        "images": [],
    }


def _read_kept(out: Path, report: dict[str, Any], jobs: Sequence[FlowJob]) -> dict[int, dict[str, Any]]:
    """Return the entries of an earlier report that hold for the jobs, by their places."""
    try:
        file = out / REPORT
        found = json.loads(file.read_text("utf-8")) if file.stat().st_size <= MAX_BYTES else {}
        same = all(found[name] == report[name] for name in ("schema", "command", "settings"))
        if not same or found["flow"]["checksum"] != report["flow"]["checksum"]:
            return {}
        earlier = {str(entry["outputs"]): entry for entry in found["images"] if "outputs" in entry}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    candidates = {place: earlier.get(str(list(job.outputs))) for place, job in enumerate(jobs)}
    return {place: entry for place, entry in candidates.items() if entry and is_kept(jobs[place], entry, out)}


def choose_workers(needed_mib: int, images: int) -> int:
    """Return how many workers to start on this machine: one per core, as far as images and memory go.

    Parameters
    ----------
    needed_mib : int
        Estimated memory of one worker in MiB.
    images : int
        Number of images.
    """
    available = available_mib()
    room = images if available is None else max(1, available // needed_mib)
    return max(1, min(usable_threads(), images, room))
