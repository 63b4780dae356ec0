"""The workers of a sweep: processes of this machine or a Dask cluster, by the same code."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from ..common.errors import input_error
from .sweep_job import JobResult, run_job
from .sweep_spec import Job, with_absolute_paths

LOOPBACK = "127.0.0.1"
LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")
"""Hosts at which a scheduler needs no encryption."""
RETRIES = 2
"""How often a transfer is run again after its worker died."""


def run_jobs(
    jobs: Sequence[Job], out: Path, scheduler: str | None, workers: int | None, threads: int
) -> Iterator[tuple[Job, JobResult]]:
    """Run transfers on workers.

    Parameters
    ----------
    jobs : sequence of Job
        The transfers.
    out : Path
        Output folder of the sweep, an absolute path.
    scheduler : str or None
        Address of a Dask scheduler. None starts workers here, with a scheduler on the loopback interface.
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
    """
    from distributed import Client, LocalCluster, as_completed

    cluster = None
    try:
        if scheduler is None:
            # As many transfers as workers run side by side; TensorFlow has its own threads for each.
            limits = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
            # Each transfer checks itself whether it fits into memory; Dask would kill it at a share that it guesses.
            # Without an address, Dask's own page would take port 8787, and warn if another sweep has it.
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, host=LOOPBACK,
                dashboard_address=f"{LOOPBACK}:0", scheduler_kwargs={"dashboard": False},
                memory_limit=None, env=dict.fromkeys(limits, str(threads)),
            )  # fmt: skip
        try:
            client = Client(cluster or scheduler, timeout=30)
        except Exception as error:  # each of Dask's kinds of transport has errors of its own
            accepted = "the address of a running Dask scheduler, such as tls://host:8786 (see docs/cluster.md)"
            raise input_error("--scheduler", "does not answer", scheduler, accepted, str(error)[:99]) from None
        with client:
            # Dask runs tasks with equal keys only once, and a scheduler may serve several sweeps.
            futures = {
                client.submit(
                    run_job, with_absolute_paths(job), str(out), key=f"{job.name}-{uuid.uuid4().hex}", retries=RETRIES
                ): job
                for job in jobs
            }
            for future in as_completed(futures):
                job = futures[future]
                if future.status == "finished":
                    yield job, future.result()
                else:  # every worker that ran it died
                    lost = future.status == "error"
                    yield job, JobResult("failed", " ".join(str(future.exception()).split()) if lost else future.status)
    finally:
        if cluster is not None:
            cluster.close()


def require_encryption(scheduler: str) -> None:
    """Refuse the address of a scheduler on another machine without encryption.

    Dask's protocol is pickled Python: anyone who reads it on a network could run code on the workers.

    Parameters
    ----------
    scheduler : str
        Address of the scheduler.

    Raises
    ------
    InputError
        For an address that is neither tls:// nor on this machine.
    """
    try:
        address = urlsplit(scheduler if "://" in scheduler else f"tcp://{scheduler}")
        plain = address.scheme != "tls" and address.hostname not in LOCAL_HOSTS
    except ValueError:
        plain = True
    if plain:
        accepted = "tls://host:8786, or tcp:// on this machine"
        raise input_error("--scheduler", "is not encrypted", scheduler, accepted, "see docs/cluster.md")
