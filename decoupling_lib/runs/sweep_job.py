"""One transfer of a sweep: whether it is complete, and how a worker runs it.

Every transfer has a folder of its own, with what `decoupling transfer` writes there. A folder is complete if it has a
report.json that lists no picture as missing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..common import validation
from ..common.atomic_files import write_text
from ..common.errors import DrawingError, InputError, RunEndedError
from ..common.folder_lock import folder_lock
from .output_files import MISSING, REPORT
from .sweep_shares import Shares, describe_worker, find_sha256, require_files, require_folder
from .sweep_spec import Job, input_files

FAILURE_FILE = "failure.json"


@dataclass(frozen=True)
class JobResult:
    """How a transfer of a sweep ended.

    Parameters
    ----------
    status : {"done", "failed"}
        Whether it has its outputs.
    message : str
        Why it failed, or why a worker left it to another one, in one line; otherwise empty.
    summary : mapping
        What the table shows of its report; see `summarize_report`.
    refused_by : str
        Address of the cluster's worker that refused to run it, for what its machine lacks or its settings; another
        worker may be able to. Empty otherwise.
    """

    status: str
    message: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)
    refused_by: str = ""


def find_complete_report(job: Job, folder: Path) -> dict[str, Any] | None:
    """Return the report of a transfer that an earlier sweep finished.

    Parameters
    ----------
    job : Job
        The transfer.
    folder : Path
        Output folder of the sweep.

    Returns
    -------
    dict or None
        The report. None if there is none, if it belongs to another transfer or lists a picture as missing, or if an
        image or a file of weights that is available here has changed since.
    """
    try:
        report = json.loads((folder / job.name / REPORT).read_text(encoding="utf-8"))
        return report if _describes(report, job) and not report.get(MISSING) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def run_job(job: Job, out: str, shares: Shares | None = None) -> JobResult:
    """Run one transfer into its folder unless it is complete there; this is what a worker does.

    An error is written into the folder's failure.json and returned, not raised: other transfers continue.

    Parameters
    ----------
    job : Job
        The transfer.
    out : str
        Output folder of the sweep.
    shares : Shares, optional
        What the worker of a cluster must find on its machine. Default: it runs where the sweep was started.

    Returns
    -------
    JobResult
        How it ended. On a cluster, the message of a failure names the worker.
    """
    folder = Path(out)
    address, worker = describe_worker() if shares is not None else ("", "")
    if shares is not None:
        try:
            require_folder(shares.mark, folder, worker)
        except InputError as error:  # nothing is written into what may be another folder
            return JobResult("failed", str(error), refused_by=address)
    if (report := find_complete_report(job, folder)) is not None:
        return JobResult("done", summary=summarize_report(report))
    own = folder / job.name
    try:
        report = _run(job, own, shares, worker)
    except Exception as error:  # whatever it is, it concerns this transfer alone
        message = _describe_failure(error, worker)
        with suppress(OSError):
            own.mkdir(parents=True, exist_ok=True)
            write_text(own / FAILURE_FILE, json.dumps({"said": message}) + "\n")
        return JobResult("failed", message, refused_by=address if isinstance(error, InputError) else "")
    (own / FAILURE_FILE).unlink(missing_ok=True)
    return JobResult("done", summary=summarize_report(report))


def _run(job: Job, own: Path, shares: Shares | None, worker: str) -> dict[str, Any]:
    """Run a transfer into its folder, or draw what is missing there, and return its report."""
    # Imported here since they load TensorFlow, which the process that distributes the work does not need.
    from ..transfers.setup import complete_setup, gather_inputs
    from . import outputs
    from .execute import execute
    from .kept_targets import KeptTarget

    began = time.perf_counter()
    # A worker that the scheduler believes dead may still be running: then this one leaves the folder to it.
    with folder_lock(validation.output_folder(own)):
        undrawn = outputs.find_undrawn(own, "sweep", job.key)
        if undrawn is not None and _describes(undrawn.report, job):
            report, missing = undrawn.report, outputs.draw_pictures(own, undrawn)
        else:
            if shares is not None:
                require_files(shares, worker)
            experiment = complete_setup(gather_inputs(job.origin, job.target, job.options))
            kept = KeptTarget(own.parent, experiment)
            extra = {"sweep": job.key, "reused_passes": asdict(kept.reused)}
            execution = execute(experiment, own, kept, began=began, extra=extra)
            report, missing = execution.report, execution.missing
        if missing:
            raise DrawingError(outputs.describe_missing(missing, "repeat the command to draw them"))
    return report


def _describe_failure(error: Exception, worker: str) -> str:
    """Return one line about an error; on a cluster it names the worker."""
    own = isinstance(error, InputError | RunEndedError | DrawingError)  # their messages need no name of a type
    message = " ".join((str(error) if own else f"{type(error).__name__}: {error}").split())
    return message if worker in message else f"{worker}: {message}"


def summarize_report(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the table of a sweep shows of a report.

    Parameters
    ----------
    report : mapping
        See `report.create_report`.

    Returns
    -------
    dict
        Values by the names of their columns.
    """
    quality = report["self_transfer"] or {}
    summary = {
        "network": report["network"]["sha256"][:12],
        "passes": sum(report["passes"].values()),
        "reused_passes": sum(report["reused_passes"].values()),
        "seconds": report["wall_seconds"],
        "peak_memory_mib": report["peak_memory_mib"],
        "worst_relative_error": max((stage["relative_error"] for stage in report["stages"]), default=None),
        "psnr_db": quality.get("psnr_db"),
        "ssim": quality.get("ssim"),
    }
    return summary | {f"style {layer}": error for layer, error in report["style_relative_error"].items()}


def _describes(report: Mapping[str, Any], job: Job) -> bool:
    """Return whether a report is that of a transfer, whose files have not changed since, as far as they are here."""
    masks = (report["masks"].get(image, {}).get("sha256") for image in ("target", "origin"))
    images = (*report["inputs"], *report["mixture"][1:])
    before = [*(image["sha256"] for image in images), *masks, report["network"]["sha256"]]
    now = [find_sha256(name) for name in input_files(job)]
    same = all(own in (None, recorded) for own, recorded in zip(now, before, strict=True))
    return bool(report["sweep"] == job.key and same)
