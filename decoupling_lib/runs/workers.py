"""Workers for tasks that do not depend on each other: processes of this machine or a Dask cluster, by the same code."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..common.errors import input_error
from .sweep_job import JobResult
from .sweep_shares import mark_folder

if TYPE_CHECKING:
    from distributed import Future

LOOPBACK = "127.0.0.1"
LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")
"""Hosts at which a scheduler needs no encryption."""
RETRIES = 2
"""How often a task is run again after its worker died, and how many more workers are asked if one refuses it."""

PAUSE, LOOK = 0.05, 5.0
"""Seconds between looks for tasks that have ended, and for workers that have."""


@dataclass(frozen=True)
class Task:
    """What a worker is to do.

    Parameters
    ----------
    name : str
        What the scheduler calls it.
    run : callable
        A function of a module, which maps the arguments to a `JobResult`.
    arguments : tuple
        Sent to the worker by pickle.
    refusals : list of JobResult
        The answers of workers that refused it.
    """

    name: str
    run: Callable[..., JobResult]
    arguments: tuple[Any, ...]
    refusals: list[JobResult] = field(default_factory=list)


def run_tasks(
    create: Callable[[str | None], Sequence[Task]], out: Path, scheduler: str | None, workers: int | None, threads: int
) -> Iterator[tuple[int, JobResult]]:
    """Run tasks on workers.

    If a worker of a cluster refuses a task, for what its machine lacks or is set to, other workers are asked.

    Parameters
    ----------
    create : callable
        Maps the mark of the output folder on a cluster, or None on this machine, to the tasks; see
        `sweep_shares.mark_folder`.
    out : Path
        Output folder, an absolute path.
    scheduler : str or None
        Address of a Dask scheduler. None starts workers here, with a scheduler on the loopback interface.
    workers : int or None
        Number of workers to start here. None is one per core.
    threads : int
        Threads of each worker that is started here.

    Yields
    ------
    (int, JobResult)
        The place of each task, when it ends.

    Raises
    ------
    InputError
        For a scheduler that does not answer.
    OSError
        If the workers' mark cannot be written into the output folder.
    """
    import dask
    from distributed import Client, LocalCluster, as_completed

    cluster = None
    try:
        if scheduler is None:
            # As many tasks as workers run side by side; TensorFlow has its own threads for each.
            limits = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
            # Each task checks itself whether it fits into memory; Dask would kill it at a share that it guesses.
            # Without an address, Dask's own page would take port 8787, and warn if another run has it.
            # By default, Dask's workers return freed memory to the system at once. TensorFlow allocates memory for its
            # activations in every pass, so the system would clear these pages every time. That takes about 5 % of the
            # time of a flow.
            with dask.config.set({"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None}):
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
        with client, mark_folder(out) if scheduler is not None else nullcontext() as mark:

            def submit(task: Task, others: Collection[str] | None = None) -> Future:
                return client.submit(
                    task.run, *task.arguments,
                    # Dask runs tasks with equal keys only once, and a scheduler may serve several runs.
                    key=f"{task.name}-{uuid.uuid4().hex}", retries=RETRIES,
                    workers=others,  # not allow_other_workers: an idle worker would take the task that it has refused
                )  # fmt: skip

            tasks = create(mark)
            places = {id(task): place for place, task in enumerate(tasks)}
            running = {submit(task): task for task in tasks}
            asked: dict[Future, set[str]] = {}  # of tasks that may only run on some workers
            ended, looked = as_completed(running), time.monotonic()
            while running:
                for future in ended.next_batch(block=False) if ended.has_ready() else []:
                    if future not in running:  # its workers ended, and another one was asked instead
                        continue
                    asked.pop(future, None)
                    task, result = running.pop(future), _get_result(future)
                    if result.refused_by:
                        task.refusals.append(result)
                        others = client.nthreads().keys() - {each.refused_by for each in task.refusals}
                        if others and len(task.refusals) <= RETRIES:
                            again = submit(task, sorted(others))
                            running[again], asked[again] = task, others
                            ended.add(again)
                            continue
                    yield places[id(task)], _add_refusals(result, task.refusals)
                if asked and time.monotonic() - looked > LOOK:
                    looked, alive = time.monotonic(), client.nthreads().keys()
                    for future in [each for each, others in asked.items() if not others & alive]:
                        del asked[future]
                        again = submit(running[future])
                        running[again] = running.pop(future)
                        ended.add(again)
                        future.cancel()
                time.sleep(PAUSE)
    finally:
        if cluster is not None:
            cluster.close()


def _get_result(future: Future) -> JobResult:
    if future.status == "finished":
        result: JobResult = future.result()
        return result
    lost = future.status == "error"  # every worker that ran it died
    return JobResult("failed", " ".join(str(future.exception() if lost else future.status).split()))


def _add_refusals(result: JobResult, refusals: Sequence[JobResult]) -> JobResult:
    """Return a result whose message says which workers refused to run the transfer, and why the first one did."""
    if refusals and result.status == "done":
        return replace(result, message=f"{refusals[0].message}; another worker ran this one")
    if result.refused_by and len(refusals) > 1:
        others = ", ".join(each.refused_by for each in refusals[1:])
        return replace(result, message=f"{refusals[0].message}; refused by {others} too")
    return result


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
