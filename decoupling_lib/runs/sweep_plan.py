"""What a sweep will take on this machine, and how many workers fit, estimated from one of its transfers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..common.durations import describe_span
from ..common.errors import InputError, input_error
from ..common.machine import usable_threads
from ..common.memory import MIB, available_mib
from .sweep_job import find_complete_report
from .sweep_spec import MAX_JOBS, Job

if TYPE_CHECKING:
    from ..transfers.setup import Inputs

MAX_TRIES = 8
"""Number of transfers that are tried as the one to estimate from."""


@dataclass(frozen=True)
class Plan:
    """What a sweep will take.

    Parameters
    ----------
    text : str
        Transfers, duration, disk space and memory, in one line.
    workers : int
        Number of workers to start on this machine.
    """

    text: str
    workers: int


def plan_sweep(jobs: Sequence[Job], out: Path, workers: int | None = None) -> Plan:
    """Estimate duration, memory and disk space of the transfers that are not complete.

    All are taken to be like the first one whose images and weights can be read; a few of its passes are measured.

    Parameters
    ----------
    jobs : sequence of Job
        The transfers.
    out : Path
        Output folder of the sweep.
    workers : int, optional
        Number of workers. Default: one per core, or as many as fit into the available memory.

    Returns
    -------
    Plan
        What the sweep will take.

    Raises
    ------
    InputError
        For more workers than fit into the available memory.
    """
    # Imported here since they load TensorFlow.
    from ..transfers.estimate import estimate_run

    cores = usable_threads()
    missing = [job for job in jobs if find_complete_report(job, out) is None]
    text = f"{len(jobs):,} transfers, {len(jobs) - len(missing):,} of them complete"
    first, refusal = _gather_first(missing)
    if first is None:
        return Plan(f"{text}; no estimate: {refusal}" if refusal else text, workers or cores)
    memory = available_mib()
    room = MAX_JOBS if memory is None else max(1, memory // first.memory_mib)
    if workers is not None and workers > room:
        accepted = f"at most {room}, since each needs {first.memory_mib:,} MiB of memory"
        raise input_error("--workers", "is too large", workers, accepted, "start fewer, or sweep smaller images")
    workers = min(room, workers or cores)
    rounds = -(-len(missing) // workers)
    seconds = estimate_run(first).seconds.scaled(rounds)
    arrays = 3 * first.origin.array.nbytes + 3 * first.target.array.nbytes  # and PNG images, a tenth of that
    return Plan(
        f"{text}; estimate, if all are like the first: {describe_span(seconds.low, seconds.high)} with {workers} "
        f"worker{'s' * (workers > 1)} on this machine, without their start and compilation; "
        f"{len(missing) * arrays * 1.2 / MIB:,.0f} MiB on disk, {workers * first.memory_mib:,} MiB of memory",
        workers,
    )


def _gather_first(jobs: Sequence[Job]) -> tuple[Inputs | None, InputError | None]:
    """Return the inputs of the first transfer that has all it needs; if there is none, why the first one lacks them."""
    from ..transfers.setup import gather_inputs

    refusal = None
    for job in jobs[:MAX_TRIES]:
        try:
            return gather_inputs(job.origin, job.target, job.options), None
        except InputError as error:  # this transfer will be reported as failed, the others run
            refusal = refusal or error
    return None, refusal
