"""One image of `decoupling apply`: read, carried through the flow, saved and described; this is what a worker does."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..common.arrays import Floats
from ..common.atomic_files import atomic_write
from ..common.errors import InputError
from ..common.memory import MIB, peak_resident_bytes
from .flow_images import FlowImage
from .sweep_job import JobResult
from .sweep_shares import Shares, describe_worker, require_files, require_folder

if TYPE_CHECKING:
    from ..networks.vgg import Network
    from ..transfers.flow_application import AppliedFlow
    from ..transfers.flow_settings import FlowSettings
    from ..transfers.style_flow import StyleFlow

UNFIT = 0.5
"""The share of values out of range above which a note says that the flow does not suit an image. Of flows from shrunk
images at most 30 % were out of range, of one that left a picture of nothing but stains 88 %; see `docs/findings.md`."""


@dataclass(frozen=True)
class FlowJob:
    """An image to which a flow is to be applied, and how.

    Parameters
    ----------
    image : FlowImage
        The image.
    flow : str
        Absolute path of the flow's file.
    checksum : str
        The flow's checksum, which the file must have when the job runs.
    weights : str or None
        The weights, if they are not where the flow was made.
    settings : FlowSettings
        How the flow is applied.
    """

    image: FlowImage
    flow: str
    checksum: str
    weights: str | None
    settings: FlowSettings

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the files that it writes: with steps solved to rounding, the unrounded image too."""
        stem = self.image.stem
        return (f"{stem}.png", f"{stem}.npy") if self.settings.precise else (f"{stem}.png",)


def run_flow_job(
    job: FlowJob, out: str, shares: Shares | None = None, on_step: Callable[[int], None] | None = None
) -> JobResult:
    """Apply a flow to one image and save it; an error is returned, not raised: other images continue.

    Parameters
    ----------
    job : FlowJob
        The image.
    out : str
        Output folder.
    shares : Shares, optional
        What the worker of a cluster must find on its machine. Default: it runs where the command was started.
    on_step : callable, optional
        Receives the number of steps done, after each.

    Returns
    -------
    JobResult
        Its summary is the image's entry of the report.
    """
    folder, address, worker = Path(out), "", ""
    if shares is not None:
        address, worker = describe_worker()
    try:
        if shares is not None:
            require_folder(shares.mark, folder, worker)
            require_files(shares, worker)
        return JobResult("done", summary=_run(job, folder, on_step))
    except Exception as error:  # whatever it is, it concerns this image alone
        own = isinstance(error, InputError | ArithmeticError)  # their messages need no name of a type
        message = " ".join((str(error) if own else f"{type(error).__name__}: {error}").split())
        message = f"{worker}: {message}" if worker and worker not in message else message
        return JobResult("failed", message, refused_by=address if isinstance(error, InputError) else "")


def _run(job: FlowJob, folder: Path, on_step: Callable[[int], None] | None) -> dict[str, Any]:
    # Imported here since they load TensorFlow, which the process that distributes the work does not need.
    from ..images.pictures import load_picture, save_png
    from ..transfers.flow_application import apply_flow
    from ..transfers.flow_memory import require_flow_memory

    began = time.perf_counter()
    flow, network = _open(job.flow, job.checksum, job.weights)
    picture = load_picture(job.image.source)
    if picture.sha256 != job.image.sha256:
        raise InputError(f"image {picture.name} has changed since the command was started; repeat the command")
    require_flow_memory(flow, picture.array.shape, job.settings)
    notes, name = picture.notes, picture.name
    images: list[Floats] = [picture.array.astype(np.float64 if job.settings.precise else np.float32)]
    del picture
    # Taken from a list, so that no name here keeps the image in memory: of a large one every copy counts.
    applied = apply_flow(flow, images.pop(), job.settings, network, on_step)
    save_png(folder / job.outputs[0], applied.x)
    if job.settings.precise:
        with atomic_write(folder / job.outputs[1]) as sibling, open(sibling, "wb") as file:
            np.save(file, applied.x)
    if job.settings.exact and not flow.reversible:
        unlike = "its flow has another reference or less damping than flows by default, or many layers"
        notes = (*notes, f"{name}: {unlike}, so --undo may not return the picture")
    return _describe(job, name, notes, applied, time.perf_counter() - began)


@lru_cache(maxsize=2)  # for the next images of the same run
def _open(file: str, checksum: str, weights: str | None) -> tuple[StyleFlow, Network]:
    from ..transfers import flow_file
    from ..transfers.flow_network import find_network

    flow = flow_file.load_flow(file)
    if flow_file.checksum(flow) != checksum:
        raise InputError(f"the file of the flow has changed since the command was started: {file}; repeat the command")
    return flow, find_network(flow, weights)


def _describe(job: FlowJob, name: str, notes: tuple[str, ...], applied: AppliedFlow, seconds: float) -> dict[str, Any]:
    height, width = applied.x.shape[:2]
    megapixels = height * width / 1e6
    passes = sum(leg.passes.total for leg in applied.legs)
    outside = (np.count_nonzero(applied.x < 0) + np.count_nonzero(applied.x > 1)) / applied.x.size
    if outside > UNFIT:
        notes = (*notes, f"{name}: {outside:.0%} of the values are out of range; the flow does not suit this image")
    return {
        "name": name,
        "sha256": job.image.sha256,
        "outputs": list(job.outputs),
        "status": "done",
        "size": [height, width],
        "megapixels": round(megapixels, 6),
        "legs": [asdict(leg) for leg in applied.legs],
        "style_relative_error": {
            leg.layer: leg.relative_error for leg in applied.legs if leg.step == 3 and leg.relative_error is not None
        },
        "out_of_range_fraction": outside,
        "passes": passes,
        "seconds": round(seconds, 3),
        "seconds_per_megapixel": round(seconds / megapixels, 3),
        "peak_memory_mib": round(peak_resident_bytes() / MIB),
        "notes": list(notes),
    }


def is_kept(job: FlowJob, entry: dict[str, Any], folder: Path) -> bool:
    """Return whether an entry of an earlier report is that of a job, and its outputs are in the folder.

    Parameters
    ----------
    job : FlowJob
        The job; the flow and the settings of the report are those of the job.
    entry : dict
        An entry of `images`, not trusted.
    folder : Path
        The output folder.
    """
    with suppress(AttributeError, OSError):
        same = entry.get("sha256") == job.image.sha256 and entry.get("outputs") == list(job.outputs)
        return same and entry.get("status") == "done" and all((folder / name).is_file() for name in job.outputs)
    return False
