"""`decoupling rerun`: a transfer, or figures, computed again from their report alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ..common import validation
from ..common.errors import DrawingError, input_error
from .groups import BASIC, EXPERT, INPUTS
from .output import FaultError, offer_to_resume, open_output_folder, print_notes


def rerun_command(
    report: Annotated[str, typer.Argument(help="The report.json of a transfer, or the manifest.json of figures.")],
    out: Annotated[str, typer.Option(help="Folder for the outputs of the new run.", rich_help_panel=BASIC)],
    only: Annotated[
        str | None,
        typer.Option(help="Numbers of figures of a manifest: 2.1,4.5.", show_default="all", rich_help_panel=BASIC),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Use what an earlier rerun into the same folder has computed before it was interrupted, or could not "
            "draw.",
            rich_help_panel=BASIC,
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Show no estimate and no progress.", rich_help_panel=BASIC)
    ] = False,
    origin: Annotated[
        str | None, typer.Option(help="File of the origin, if it is not a bundled picture.", rich_help_panel=INPUTS)
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="File of the target, if it is not a bundled picture.", rich_help_panel=INPUTS)
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="File of the weights, if they came from a file that has moved.", rich_help_panel=INPUTS),
    ] = None,
    mask: Annotated[
        str | None, typer.Option(help="File of the target's mask, if it has moved.", rich_help_panel=INPUTS)
    ] = None,
    origin_mask: Annotated[
        str | None, typer.Option(help="File of the origin's mask, if it has moved.", rich_help_panel=INPUTS)
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            help="Maximum difference on another machine: of an image reduced to 16 x 16 pixels, or of a plot.",
            rich_help_panel=EXPERT,
        ),
    ] = 1e-3,
) -> None:
    """Compute a transfer, or figures, again from their report alone and compare; exit code 1 if they differ."""
    validation.in_range(tolerance, "--tolerance", 0, 1)
    from ..runs.rerun import read_report, refuse_own_folder

    recorded = read_report(report)
    refuse_own_folder(report, out)
    if recorded["command"] == "figures":
        if any(file is not None for file in (origin, target, mask, origin_mask)):
            options, step = "--origin, --target and masks", "leave them out"
            raise input_error(options, "do not apply to figures", report, "the report.json of a transfer", step)
        numbers = [number.strip() for number in only.split(",")] if only is not None else None
        _rerun_figures(recorded, out, numbers, weights, tolerance, quiet, resume)
    else:
        if only is not None:
            accepted = "the manifest.json of figures"
            raise input_error("--only", "does not apply to a transfer", report, accepted, "leave it out")
        files = (origin, target, weights, {"mask": mask, "origin_mask": origin_mask})
        _rerun_transfer(recorded, out, files, tolerance, quiet, resume)


def _rerun_transfer(
    recorded: Mapping[str, Any],
    out: str,
    files: tuple[str | None, str | None, str | None, Mapping[str, str | None]],
    tolerance: float,
    quiet: bool,
    resume: bool,
) -> None:
    began = time.perf_counter()
    from ..runs.checkpoint import DiskJournal, fingerprint
    from ..runs.comparison import compare_run, write_comparison
    from ..runs.execute import execute
    from ..runs.film_folder import open_frames
    from ..runs.outputs import describe_missing, draw_pictures, find_undrawn
    from ..runs.progress import RunProgress
    from ..runs.rerun import gather_recorded_inputs
    from ..transfers.estimate import estimate_run

    inputs = gather_recorded_inputs(recorded, *files)
    if not quiet:
        print_notes(
            inputs.origin, inputs.target, *inputs.others, *(each.picture for each in inputs.masks.files.values())
        )
    key, film = fingerprint(inputs), recorded.get("film") is True
    with open_output_folder(out) as folder:
        journal = DiskJournal(folder, key, resume)
        undrawn = find_undrawn(folder, "fingerprint", key, film) if resume else None
        if undrawn is not None:
            result, missing = undrawn.transfer, draw_pictures(folder, undrawn)
        else:
            expected = None if quiet else estimate_run(inputs)
            if expected is not None:
                print(expected, file=sys.stderr)
            frames = open_frames(folder, key, resume, film)
            with offer_to_resume(folder), journal, RunProgress(expected) as progress:
                extra = {"fingerprint": key}
                execution = execute(inputs, folder, journal, progress.listen, began=began, extra=extra, frames=frames)
            result, missing = execution.transfer, execution.missing
        journal.clear()
        comparison = compare_run(recorded, result, tolerance)
        write_comparison(folder, comparison.describe())
    for name, difference in comparison.differences.items():
        print(f"{name:18}{_describe_difference(difference)}")
    if missing:
        step = "repeat the command with --resume to draw them, without computing again"
        raise DrawingError(describe_missing(missing, step))
    if not comparison.same:
        raise FaultError(f"the run differs from the reported one, computed on {_describe_setup(comparison.alike)}")
    print("the same" + ("" if comparison.alike else f" within {tolerance:g}, on {_describe_setup(False)}"))


def _rerun_figures(
    recorded: Mapping[str, Any],
    out: str,
    only: list[str] | None,
    weights: str | None,
    tolerance: float,
    quiet: bool,
    resume: bool,
) -> None:
    from ..figures import redraw
    from ..figures.kept_transfers import keep_transfers
    from ..runs.comparison import write_comparison
    from ..runs.progress import PartsProgress
    from ..runs.rerun import replace_weights

    selected = redraw.select_entries(replace_weights(recorded, weights, only), only)
    compared = {}
    with (
        open_output_folder(out) as folder,
        keep_transfers(folder, resume),
        PartsProgress({spec.title: spec.seconds for spec, _ in selected}, quiet) as bar,
    ):
        for spec, comparison in redraw.redraw_figures(selected, folder, tolerance, lambda spec: bar.begin(spec.title)):
            compared[spec.number] = comparison
            write_comparison(folder, {number: each.describe() for number, each in compared.items()})
            verdict = "the same" if comparison.same else "DIFFERENT"
            difference = _describe_difference(comparison.largest)
            setup = _describe_setup(comparison.alike)
            print(f"{spec.number:6} {verdict}: {difference}, computed on {setup}", flush=True)
    different = [number for number, each in compared.items() if not each.same]
    if different:
        raise FaultError(f"{len(different)} of {len(compared)} figures differ: {', '.join(different)}")
    print(f"{len(compared)} figures are the same")


def _describe_difference(difference: float) -> str:
    return "equal to the bit" if difference == 0 else f"difference {difference:.2g}"


def _describe_setup(alike: bool) -> str:
    return "the same processor, threads and versions" if alike else "another machine or other versions"
