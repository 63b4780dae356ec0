"""The conductor: one transfer from its inputs to its outputs, for every caller.

The command line, the rerun of a report, the workers of a sweep and the explorers all run transfers by `execute`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..common.arrays import Floats
from ..common.errors import RunEndedError
from ..engine.context import Listener
from ..engine.journal import NOWHERE, Journal
from ..plotting.film_frames import FilmFrames
from ..transfers.run import Transfer
from ..transfers.setup import Experiment, Inputs, complete_setup
from . import outputs, report


@dataclass(frozen=True)
class Execution:
    """A transfer that was run.

    Parameters
    ----------
    experiment : Experiment
        The inputs, with what Step 0 determined.
    transfer : Transfer
        What Steps 1 to 3 did.
    report : dict
        The report of a finished transfer; see `report.create_report`. Empty for one that ended early.
    missing : mapping of str to str
        Why a picture could not be drawn, by its file's name. Arrays and report are complete all the same.
    """

    experiment: Experiment
    transfer: Transfer
    report: dict[str, Any]
    missing: Mapping[str, str] = field(default_factory=dict)


def execute(
    inputs: Inputs,
    folder: Path | None = None,
    journal: Journal = NOWHERE,
    listen: Listener | None = None,
    *,
    began: float | None = None,
    extra: Mapping[str, Any] | None = None,
    frames: FilmFrames | None = None,
) -> Execution:
    """Run a transfer: take Steps 0 to 3, judge the result, and write all outputs.

    Parameters
    ----------
    inputs : Inputs or Experiment
        What the run starts from. With an experiment, Step 0 has been taken already.
    folder : Path, optional
        Existing folder for the outputs. Default: nothing is written.
    journal : Journal
        Keeps what is done; what it has already is not run again.
    listen : callable, optional
        Receives every accepted point; see `engine.context.Listener`.
    began : float, optional
        When the run began, by `time.perf_counter`. Default: now.
    extra : mapping, optional
        Further entries of the report.
    frames : FilmFrames, optional
        Where the run puts the frames of its film. Default: there is no film.

    Returns
    -------
    Execution
        The finished transfer, its report, and the pictures that could not be drawn.

    Raises
    ------
    RunEndedError
        If the transfer was interrupted, stalled or diverged; then nothing is written.
    OSError
        If the arrays or the report cannot be written.
    """
    began = time.perf_counter() if began is None else began
    experiment = inputs if isinstance(inputs, Experiment) else complete_setup(inputs)
    transfer = experiment.run(_listen_twice(frames, listen), journal)
    if transfer.status != "done":
        raise RunEndedError(transfer.status, list(transfer.routes)[-1], Execution(experiment, transfer, {}))
    content = report.create_report(experiment, transfer, time.perf_counter() - began) | dict(extra or {})
    missing = {} if folder is None else outputs.write_outputs(folder, experiment, transfer, content, frames)
    return Execution(experiment, transfer, content, missing)


def _listen_twice(frames: FilmFrames | None, listen: Listener | None) -> Listener | None:
    """Return a callback for the film and for the user."""
    if frames is None or listen is None:
        return listen if frames is None else frames.listen

    def both(step: int, layer: str, progress: float, x: Floats | None) -> None:
        frames.listen(step, layer, progress, x)
        listen(step, layer, progress, x)

    return both
