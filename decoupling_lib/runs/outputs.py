"""The files of a finished transfer: what was computed is written first, and pictures are drawn from it afterwards.

A picture that cannot be drawn therefore loses nothing. The report lists it, and it can be drawn later from the folder
alone: arrays.npz holds the images and the curves, report.json the rest.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..common import safe_npz, validation
from ..common.arrays import Floats
from ..common.atomic_files import atomic_write, write_text
from ..engine.context import Step
from ..engine.features import Block, Passes, block_slices
from ..engine.legs import Leg
from ..engine.normalization import Route
from ..images.pictures import save_png
from ..networks.architectures import ARCHITECTURES, IMAGE
from ..plotting import transfers
from ..plotting.film import arrange_film, write_gif
from ..plotting.film_frames import FilmFrames
from ..plotting.film_page import write_film_page
from ..plotting.style import save_figure, try_to_draw
from ..transfers.run import Transfer
from ..transfers.setup import Experiment
from . import digest
from .film_folder import find_frames
from .output_files import ARRAYS, FILMS, MISSING, PAGE, PICTURES, REPORT
from .report import collect_outputs, compose_caption
from .report_page import write_report_page
from .report_words import name_style


@dataclass(frozen=True)
class Undrawn:
    """A finished transfer, read from its folder, some of whose pictures are missing.

    Parameters
    ----------
    transfer : Transfer
        Its images and its legs with their curves, without the judging of the result.
    report : dict
        Its report.
    frames : FilmFrames, optional
        The frames of its film, if it has one.
    """

    transfer: Transfer
    report: dict[str, Any]
    frames: FilmFrames | None = None


def write_outputs(
    folder: Path, experiment: Experiment, result: Transfer, report: dict[str, Any], frames: FilmFrames | None = None
) -> Mapping[str, str]:
    """Write all outputs of a finished transfer, each file whole or not at all: arrays, report, pictures.

    Parameters
    ----------
    folder : Path
        An existing folder; the outputs of an earlier run are replaced.
    experiment : Experiment
        The inputs, with what Step 0 determined.
    result : Transfer
        A transfer whose status is "done".
    report : dict
        What `report.create_report` returned, with or without further entries. The fields `MISSING` and `film` are set.
    frames : FilmFrames, optional
        The frames of its film. They are deleted when the film has been drawn. Default: there is no film.

    Returns
    -------
    mapping of str to str
        Why a picture could not be drawn, by its file's name; empty if all were.

    Raises
    ------
    OSError
        If the arrays or the report cannot be written; then no picture is drawn, and there is no report.
    """
    # The report and the pictures of an earlier run would describe other arrays. What is not a file is the user's own.
    for name in (REPORT, *PICTURES, *FILMS):
        if not (folder / name).is_dir():
            (folder / name).unlink(missing_ok=True)
    reference = experiment.reference
    arrays: dict[str, Any] = collect_outputs(result) | {
        "reference": reference.values,
        "live": reference.live,
        "damping_scales": reference.damping.scales,
        "curves": _join_curves(result.legs),
    }
    with atomic_write(folder / ARRAYS) as sibling, open(sibling, "wb") as file:
        np.savez(file, **arrays)
    report["film"] = frames is not None
    report[MISSING] = [*PICTURES, *(FILMS if report["film"] else ())]
    write_report(folder, report)
    return draw_pictures(folder, Undrawn(result, report, frames))


def draw_pictures(folder: Path, undrawn: Undrawn) -> Mapping[str, str]:
    """Draw the pictures that a report lists as missing, and update the list.

    Parameters
    ----------
    folder : Path
        The folder of the transfer.
    undrawn : Undrawn
        The transfer and its report, whose list is changed.

    Returns
    -------
    mapping of str to str
        Why a picture could not be drawn, by its file's name; empty if all were.

    Raises
    ------
    OSError
        If all pictures were drawn and the report cannot be updated.
    """
    result, report, frames = undrawn.transfer, undrawn.report, undrawn.frames
    caption, images = compose_caption(report), collect_outputs(result)
    names = name_style(report), report["inputs"][1]["name"]

    def draw(name: str) -> None:
        file = folder / name
        if name == "panel.png":
            save_figure(transfers.draw_panel(result, caption, report["self_transfer"]), file)
        elif name == "losses.png":
            save_figure(transfers.draw_losses(result, caption), file)
        elif name == PAGE:
            write_report_page(file, result, report)
        elif name in FILMS:
            assert frames is not None  # otherwise the report would list no film
            shots = arrange_film(result, frames)
            if name == "film.gif":
                write_gif(file, shots)
            else:
                write_film_page(file, shots, result.origin, names, caption)
        else:
            save_png(file, images[name.removesuffix(".png")])

    reasons = {name: try_to_draw(partial(draw, name)) for name in report[MISSING]}
    reasons = {name: reason for name, reason in reasons.items() if reason}
    report[MISSING] = list(reasons)
    # The list that is there already names too many at worst, and an error would hide the reasons.
    with suppress(OSError) if reasons else nullcontext():
        write_report(folder, report)
    if frames is not None and not reasons.keys() & set(FILMS):
        frames.clear()
    return reasons


def describe_missing(reasons: Mapping[str, str], step: str) -> str:
    """Return one line about pictures that could not be drawn.

    Parameters
    ----------
    reasons : mapping of str to str
        What `draw_pictures` returned, not empty.
    step : str
        What the user can do next, in the imperative.

    Returns
    -------
    str
        The names, the first reason, and the next step.
    """
    why = next(iter(reasons.values()))
    return f"could not draw {', '.join(reasons)} ({why}); {ARRAYS} and {REPORT} are complete; {step}"


def find_undrawn(folder: Path, field: str, key: str, film: bool = False) -> Undrawn | None:
    """Return the finished transfer of a folder if it lacks nothing but pictures.

    Parameters
    ----------
    folder : Path
        The folder of the transfer.
    field, key : str
        A field of the report and its value, which tell that the transfer is the one that is asked for.
    film : bool
        Whether a film is asked for.

    Returns
    -------
    Undrawn or None
        None if there is no such transfer, if no picture is missing, or if the arrays are not those of the report; also
        if a film is asked for, or is missing, and there is none or there are no frames.
    """
    try:
        report = json.loads(validation.regular_file(folder / REPORT, "report").read_text(encoding="utf-8"))
        missing = set(report[MISSING])
        if report[field] != key or not missing or not missing <= {*PICTURES, *FILMS} or (film and not report["film"]):
            return None
        frames = find_frames(folder, key)
        if frames is None and missing & set(FILMS):
            return None
        data = validation.regular_file(folder / ARRAYS, "arrays").read_bytes()
        arrays = safe_npz.parse_archive(data)
        if any(digest.compare_array(entry, arrays[name]) for name, entry in report["arrays"].items()):
            return None
        return Undrawn(_restore_transfer(arrays, report), report, frames)
    except Exception:  # noqa: BLE001 - a damaged archive may raise anything, and then the transfer runs again
        return None


def _restore_transfer(arrays: Mapping[str, Floats], report: Mapping[str, Any]) -> Transfer:
    curves, legs = arrays["curves"], []
    for number, stage in enumerate(report["stages"]):
        # The report has null for infinity and NaN, which curves mark alike.
        values: dict[str, Any] = {name: math.nan if value is None else value for name, value in stage.items()}
        own = curves[curves[:, 0] == number, 1:]
        values |= {"step": Step(stage["step"]), "passes": Passes(**stage["passes"]), "grid": tuple(stage["grid"])}
        values["curve"] = tuple((int(passes), float(error)) for passes, error in own)
        legs.append(Leg(**{field.name: values[field.name] for field in fields(Leg)}))
    widths = {IMAGE: 3} | {each.name: each.outputs for each in ARCHITECTURES[report["network"]["architecture"]]}
    blocks = tuple(Block(name, widths[name]) for name in report["network"]["layers"])
    ends = {"step1": "origin_noisified", "step2": "target_noisified", "step3": "result"}
    routes = {
        name: Route(arrays[end], arrays["style"], tuple(leg for leg in legs if leg.step == int(name[-1])), "done")
        for name, end in ends.items()
    }
    return Transfer(arrays["origin"], arrays["target"], block_slices(blocks), routes)


def _join_curves(legs: Iterable[Leg]) -> Floats:
    """Return the curves of legs as rows (number of the leg, passes, relative error)."""
    rows = [(number, *point) for number, leg in enumerate(legs) for point in leg.curve]
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def write_report(folder: Path, report: Mapping[str, Any]) -> None:
    """Write report.json, at once and whole.

    Parameters
    ----------
    folder : Path
        An existing folder.
    report : mapping
        Its content, in types that JSON knows.
    """
    write_text(folder / REPORT, json.dumps(report, indent=1) + "\n")
