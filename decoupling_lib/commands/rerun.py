"""`decoupling rerun`: a transfer, or figures, made again from their report alone."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ..common import validation
from ..common.atomic_files import write_text
from ..common.errors import input_error
from .output import FaultError, writing


def rerun(
    report: Annotated[str, typer.Argument(help="The report.json of a transfer, or the manifest.json of figures.")],
    out: Annotated[str, typer.Option(help="Folder for the outputs of the new run.")],
    origin: Annotated[str | None, typer.Option(help="The origin's file, if it is no bundled picture.")] = None,
    target: Annotated[str | None, typer.Option(help="The target's file, if it is no bundled picture.")] = None,
    weights: Annotated[
        str | None, typer.Option(help="The weights' file, if they are a file's and it is elsewhere now.")
    ] = None,
    only: Annotated[str | None, typer.Option(help="Of a manifest: numbers of figures, as in 2.1,4.5.")] = None,
    tolerance: Annotated[
        float, typer.Option(help="How far 16 x 16 pixels of a picture, or a plot, may be off on another machine.")
    ] = 1e-3,
    quiet: Annotated[bool, typer.Option("--quiet", help="No estimate, no progress.")] = False,
) -> None:
    """Make a transfer, or figures, again from the report alone, and compare; exit code 1 where they differ."""
    validation.in_range(tolerance, "--tolerance", 0, 1)
    from ..runs.rerun import read, refuse_own_folder

    recorded = read(report)
    refuse_own_folder(report, out)
    if recorded["command"] == "figures":
        if origin is not None or target is not None:
            raise input_error("--origin and --target", "are of a transfer", report, "a transfer's report", "drop them")
        numbers = [number.strip() for number in only.split(",")] if only is not None else None
        _figures(recorded, out, numbers, weights, tolerance, quiet)
    else:
        if only is not None:
            raise input_error("--only", "is of figures", report, "the manifest.json of figures", "leave it out")
        _transfer(recorded, out, (origin, target, weights), tolerance, quiet)


def _transfer(
    recorded: Mapping[str, Any], out: str, given: tuple[str | None, ...], tolerance: float, quiet: bool
) -> None:
    began = time.perf_counter()
    from ..runs.execute import RunEndedError, execute
    from ..runs.progress import RunProgress
    from ..runs.rerun import compare_run, recorded_inputs, write_comparison
    from ..transfers.estimate import estimate_run

    inputs = recorded_inputs(recorded, *given)
    with writing(out) as folder:
        expected = None if quiet else estimate_run(inputs)
        if expected is not None:
            print(expected, file=sys.stderr)
        try:
            with RunProgress(expected) as progress:
                done = execute(inputs, folder, listen=progress.listen, began=began)
        except RunEndedError as ended:
            if ended.status == "interrupted":
                raise KeyboardInterrupt from None
            raise FaultError(str(ended)) from None
        comparison = compare_run(recorded, done.transfer, tolerance)
        write_comparison(folder, comparison)
    for name, off in comparison.off.items():
        print(f"{name:18}{_off(off)}")
    if not comparison.same:
        raise FaultError(f"the run is not the same as the one reported, made on {_where(comparison.alike)}")
    print("the same" + ("" if comparison.alike else f" within {tolerance:g}, on {_where(False)}"))


def _figures(
    recorded: Mapping[str, Any],
    out: str,
    only: list[str] | None,
    weights: str | None,
    tolerance: float,
    quiet: bool,
) -> None:
    from ..figures import redraw
    from ..runs.progress import PartsProgress
    from ..runs.rerun import with_weights

    chosen = redraw.select_entries(with_weights(recorded, weights, only), only)
    compared = {}
    with writing(out) as folder, PartsProgress({entry.title: entry.seconds for entry, _ in chosen}, quiet) as bar:
        for entry, comparison in redraw.redraw_figures(chosen, folder, tolerance, lambda entry: bar.begin(entry.title)):
            compared[entry.number] = comparison
            described = {number: each.describe() for number, each in compared.items()}
            write_text(folder / "comparison.json", json.dumps(described, indent=1) + "\n")
            judged = (
                comparison.off.values() if comparison.alike else [comparison.off[name] for name in comparison.judged]
            )
            said = "the same" if comparison.same else "NOT THE SAME"
            where = _where(comparison.alike)
            print(f"{entry.number:6} {said}: {_off(max(judged, default=0.0))}, made on {where}", flush=True)
    differ = [number for number, each in compared.items() if not each.same]
    if differ:
        raise FaultError(f"{len(differ)} of {len(compared)} figures are not the same: {', '.join(differ)}")
    print(f"{len(compared)} figures are the same")


def _off(off: float) -> str:
    return "equal to the bit" if off == 0 else f"off by {off:.2g}"


def _where(alike: bool) -> str:
    return "the same processor, threads and versions" if alike else "another machine or other versions"
