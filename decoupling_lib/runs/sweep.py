"""Many transfers from one file: on this machine's cores, or on a Dask cluster, by one and the same code.

Every transfer has a folder of its own, with what `decoupling transfer` writes; report.json comes last, so a folder that
has one is complete. A sweep that is called again runs what is missing or failed, and nothing else.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..common import validation
from ..common.atomic_files import folder_lock, write_text
from ..common.errors import InputError, input_error
from ..common.machine import usable_threads
from ..transfers.options import Options
from .sweep_spec import MOST, Job, weights_file, with_absolute_paths

FAILED = "failure.json"
TABLE = "results.csv"
LOOPBACK = "127.0.0.1"
HERE = ("127.0.0.1", "::1", "localhost")
"""Hosts for which a scheduler's address may be a plain one: Dask's protocol is pickled Python."""


@dataclass(frozen=True)
class Plan:
    """What is to be run, in words, and by how many workers of this machine."""

    said: str
    workers: int


@dataclass(frozen=True)
class Row:
    """What became of a transfer: `status` is done or failed, `said` why it failed, `numbers` what the table shows."""

    job: Job
    status: str
    said: str
    numbers: Mapping[str, Any]
    fresh: bool


def complete(job: Job, folder: Path) -> dict[str, Any] | None:
    """The report of a transfer that was finished in a sweep's folder.

    None if there is none, or it is another's, or a picture or a file of weights that is at hand has changed since.
    """
    try:
        found = json.loads((folder / job.name / "report.json").read_text(encoding="utf-8"))
        used = [*(read["sha256"] for read in found["inputs"]), found["network"]["sha256"]]
        now = [_sha256(name) for name in (job.origin, job.target, weights_file(job) or "")]
        same = all(own in (None, then) for own, then in zip(now, used, strict=True))
        return found if found["sweep"] == job.key and same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def perform(job: Job, out: str) -> dict[str, Any]:
    """Runs one transfer into its folder unless it is complete there; the table's numbers. Called by the workers.

    What goes wrong is told in the folder's failure.json and returned, not raised: other transfers go on.
    """
    from ..transfers.setup import gather_inputs
    from .execute import execute  # here: it loads TensorFlow, which the process that hands out work does without

    folder = Path(out)
    if (found := complete(job, folder)) is not None:
        return {"status": "done", "said": "", "numbers": numbers(found)}
    began, own = time.perf_counter(), folder / job.name
    try:
        inputs = gather_inputs(job.origin, job.target, job.options)
        # A worker that the scheduler took for dead may still be at work: then this one leaves the folder to it.
        with folder_lock(validation.output_folder(own)):
            described = execute(inputs, own, began=began, extra={"sweep": job.key}).report
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this transfer's alone
        said = " ".join(f"{type(error).__name__}: {error}".split())
        own.mkdir(parents=True, exist_ok=True)
        write_text(own / FAILED, json.dumps({"said": said}) + "\n")
        return {"status": "failed", "said": said, "numbers": {}}
    (own / FAILED).unlink(missing_ok=True)
    return {"status": "done", "said": "", "numbers": numbers(described)}


def numbers(report: Mapping[str, Any]) -> dict[str, Any]:
    """What the table shows of a report."""
    back = report["self_transfer"] or {}
    found = {
        "network": report["network"]["sha256"][:12],
        "passes": sum(report["passes"].values()),
        "seconds": report["wall_seconds"],
        "peak_memory_mib": report["peak_memory_mib"],
        "worst_relative_error": max((stage["relative_error"] for stage in report["stages"]), default=None),
        "psnr_db": back.get("psnr_db"),
        "ssim": back.get("ssim"),
    }
    return found | {f"style {layer}": off for layer, off in report["style_relative_error"].items()}


def plan(jobs: Sequence[Job], out: Path, workers: int | None = None) -> Plan:
    """What is to be run on this machine, about how long it takes, and how much it writes, judged by one transfer of it.

    That is the first whose pictures and weights can be read; it measures a few passes. `workers` None is one a core, or
    as many as the memory that is left has room for. Raises `InputError` for more workers than there is room for.
    """
    from ..transfers.estimate import describe_span, estimate_run
    from ..transfers.memory import MIB, available

    cores = usable_threads()
    waiting = [job for job in jobs if complete(job, out) is None]
    said = f"{len(jobs):,} transfers, {len(jobs) - len(waiting):,} of them complete"
    first, refused = _first(waiting)
    if first is None:
        return Plan(f"{said}; no estimate: {refused}" if refused else said, workers or cores)
    left = available()
    room = MOST if left is None else max(1, left // first.memory_mib)
    if workers is not None and workers > room:
        accepted = f"at most {room}, for each takes {first.memory_mib:,} MiB of memory"
        raise input_error("--workers", "would not fit", workers, accepted, "start fewer, or sweep smaller pictures")
    workers = min(room, workers or cores)
    rounds = -(-len(waiting) // workers)
    seconds = estimate_run(first).seconds.scaled(rounds)
    arrays = 3 * first.origin.array.nbytes + 3 * first.target.array.nbytes  # and PNG pictures, a tenth of that
    return Plan(
        f"{said}; estimate, all being like the first: {describe_span(seconds.low, seconds.high)} on {workers} "
        f"worker{'s' * (workers > 1)} of this machine, starting and compiling not counted, "
        f"{len(waiting) * arrays * 1.2 / MIB:,.0f} MiB on disk, {workers * first.memory_mib:,} MiB of memory",
        workers,
    )


def run(
    jobs: Sequence[Job],
    out: Path,
    scheduler: str | None = None,
    workers: int | None = None,
    threads: int = 1,
    listen: Callable[[Row], None] | None = None,
) -> list[Row]:
    """Runs what is not complete in `out`, and writes the table as transfers end.

    Parameters
    ----------
    scheduler : a Dask scheduler's address, whose workers see `out` under the same path; on another machine only by
        tls://. None starts workers here, with a scheduler that listens on the loopback interface alone.
    workers : how many to start here; None is one a core. threads : of each. Where a scheduler is given, both are its.
    listen : hears each transfer as it ends; first those that were complete before.

    A worker that dies loses its transfer only: another runs it from its start, three times at most. Returns the rows in
    the order of `jobs`. Raises `InputError` for a scheduler that does not answer, or would be spoken to in the open.
    """
    if scheduler is not None:
        _confidential(scheduler)
    out = out.resolve()  # workers elsewhere have working directories of their own
    rows: dict[str, Row] = {}

    def end(job: Job, outcome: Mapping[str, Any], fresh: bool) -> None:
        rows[job.name] = Row(job, outcome["status"], outcome["said"], outcome["numbers"], fresh)
        if listen is not None:
            listen(rows[job.name])

    def tell() -> float:
        """Writes the table; returns when to do so again, for it grows."""
        began = time.monotonic()
        write_table(out / TABLE, [rows[job.name] for job in jobs if job.name in rows])
        return time.monotonic() + max(1.0, 20 * (time.monotonic() - began))

    waiting = []
    for job in jobs:
        found = complete(job, out)
        if found is None:
            waiting.append(job)
        else:
            end(job, {"status": "done", "said": "", "numbers": numbers(found)}, fresh=False)
    due = tell()
    try:
        for job, outcome in _outcomes(waiting, out, scheduler, workers, threads) if waiting else ():
            if outcome["status"] == "done" and not _seen(job, out):
                said = f"its worker wrote it where this machine sees nothing: --out must be one folder for all, {out}"
                outcome = {"status": "failed", "said": said, "numbers": {}}
            end(job, outcome, fresh=True)
            if time.monotonic() > due:
                due = tell()
    finally:
        tell()
    return [rows[job.name] for job in jobs]


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """The results as CSV, whole or not at all: pictures, the options that differ, status, numbers."""
    options = [asdict(row.job.options) for row in rows]
    varied = [name for name in asdict(Options()) if len({repr(each[name]) for each in options}) > 1]
    measured = list(dict.fromkeys(name for row in rows for name in row.numbers))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["name", "origin", "target", *varied, "status", "said", *measured])
    for row, own in zip(rows, options, strict=True):
        values = [row.numbers.get(name) for name in measured]
        cells = (row.job.name, row.job.origin, row.job.target, *(own[name] for name in varied), row.status, row.said)
        table.writerow([*cells, *values])
    write_text(path, text.getvalue())


def _outcomes(
    jobs: Sequence[Job], out: Path, scheduler: str | None, workers: int | None, threads: int
) -> Iterator[tuple[Job, Mapping[str, Any]]]:
    """Each job with its outcome, as they end."""
    from distributed import Client, LocalCluster, as_completed

    cluster = None
    try:
        if scheduler is None:
            # As many transfers as workers run beside one another; TensorFlow has threads of its own for each.
            limits = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
            # Each transfer judges by itself whether it fits into memory; Dask would kill it at a share that it guesses.
            # Without an address Dask's own page takes port 8787, and warns where another sweep has it.
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, host=LOOPBACK,
                dashboard_address=f"{LOOPBACK}:0", scheduler_kwargs={"dashboard": False},
                memory_limit=None, env=dict.fromkeys(limits, str(threads)),
            )  # fmt: skip
        try:
            client = Client(cluster or scheduler, timeout=30)
        except Exception as error:  # noqa: BLE001 - Dask's kinds of transport refuse by errors of every kind
            accepted = "the address of a Dask scheduler, as tls://host:8786 (docs/cluster.md)"
            raise input_error("--scheduler", "does not answer", scheduler, accepted, str(error)[:99]) from None
        with client:
            # Dask takes tasks of one key for one task, and a scheduler may serve several sweeps.
            futures = {
                client.submit(
                    perform, with_absolute_paths(job), str(out), key=f"{job.name}-{uuid.uuid4().hex}", retries=2
                ): job
                for job in jobs
            }
            for future in as_completed(futures):
                job = futures[future]
                if future.status == "finished":
                    yield job, future.result()
                else:  # its workers died, time and again
                    said = " ".join(str(future.exception()).split()) if future.status == "error" else future.status
                    yield job, {"status": "failed", "said": said, "numbers": {}}
    finally:
        if cluster is not None:
            cluster.close()


def _first(jobs: Sequence[Job]) -> tuple[Any, InputError | None]:
    """The inputs of the first transfer that has all it needs, and why the first of all has not; one of them is None."""
    from ..transfers.setup import gather_inputs

    refused = None
    for job in jobs[:8]:
        try:
            return gather_inputs(job.origin, job.target, job.options), None
        except InputError as error:  # it will be told as failed; the others are run
            refused = refused or error
    return None, refused


def _confidential(scheduler: str) -> None:
    """Refuses to speak Dask's protocol in the open: whoever listens in on a network could run code on the workers."""
    try:
        found = urlsplit(scheduler if "://" in scheduler else f"tcp://{scheduler}")
        plain = found.scheme != "tls" and found.hostname not in HERE
    except ValueError:
        plain = True
    if plain:
        accepted = "tls://host:8786, or tcp:// on this machine"
        raise input_error("--scheduler", "is not encrypted", scheduler, accepted, "docs/cluster.md says how")


def _seen(job: Job, out: Path) -> bool:
    """Whether what a worker has finished is in the folder; network file systems may show it some seconds later."""
    for pause in (0, 1, 3):
        time.sleep(pause)
        if complete(job, out) is not None:
            return True
    return False


def _sha256(name: str) -> str | None:
    """Of a file that is at hand, else None."""
    if not os.path.isfile(name):
        return None
    found = os.stat(name)
    return _file_sha256(name, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=4096)
def _file_sha256(name: str, *_state: int) -> str:
    with open(name, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
