"""`decoupling apply`: a style flow on images of any size."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ..common import validation
from ..common.errors import input_error
from ..networks.tile_plan import TILE_SIDE, validate_side
from .groups import BASIC, EXPERT, INPUTS, STYLE
from .output import FaultError, offer_to_resume, open_output_folder

MAX_WORKERS = 1024


def apply_command(
    flow: Annotated[str, typer.Argument(help="The file that `decoupling flow` has written.")],
    images: Annotated[
        list[str],
        typer.Argument(help="Image files, names of bundled pictures, or folders of images (the frames of a film)."),
    ],
    out: Annotated[str, typer.Option(help="Folder for one .png per image, and report.json.", rich_help_panel=BASIC)],
    workers: Annotated[
        int | None,
        typer.Option(
            help="Number of processes on this machine, each with one thread; 1 uses all threads.",
            show_default="one per core, as far as there are images and memory",
            rich_help_panel=BASIC,
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Address of a Dask scheduler, such as tls://host:8786.",
            show_default="this machine",
            rich_help_panel=BASIC,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Keep the images that an earlier run with the same flow and options has finished.",
            rich_help_panel=BASIC,
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Show no progress and no summary.", rich_help_panel=BASIC)
    ] = False,
    strength: Annotated[
        float,
        typer.Option(
            help="How far to go from the image's own style, 0, to that of the origin, 1.", rich_help_panel=STYLE
        ),
    ] = 1.0,
    corrections: Annotated[
        int,
        typer.Option(
            help="Maximum number of steps at the end of each leg that bring channel means closer to those of the small "
            "images.",
            rich_help_panel=STYLE,
        ),
    ] = 0,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Solve every step to rounding, and keep the unrounded image as .npy too, for --undo. It takes several "
            "times as long.",
            rich_help_panel=STYLE,
        ),
    ] = False,
    undo: Annotated[
        bool,
        typer.Option(
            "--undo",
            help="Run everything backwards, with the same --strength: IMAGE is the .npy of a run with --exact. Flows "
            "with another reference or less damping than by default, or with more than three layers, may not "
            "return.",
            rich_help_panel=STYLE,
        ),
    ] = False,
    weights: Annotated[
        str | None,
        typer.Option(help="File of the weights, if they came from a file that has moved.", rich_help_panel=INPUTS),
    ] = None,
    tile: Annotated[
        int | None,
        typer.Option(
            help="Longest side in pixels of the tiles in which an image is computed; smaller ones take less memory.",
            show_default=f"{TILE_SIDE}, or more for deep layers",
            rich_help_panel=EXPERT,
        ),
    ] = None,
) -> None:
    """Apply a style flow to images of any size, on this machine or a Dask cluster."""
    if workers is not None:
        validation.integer_in_range(workers, "--workers", 1, MAX_WORKERS)
        if scheduler is not None:
            step = "leave one of them out"
            raise input_error("--workers", "is given with a scheduler", workers, "one of the two", step)
    from ..runs.flow_images import list_images
    from ..runs.flow_job import FlowJob
    from ..runs.flow_progress import FlowProgress
    from ..runs.flow_run import apply_to_images, choose_workers
    from ..runs.sweep_job import JobResult
    from ..transfers.flow_file import checksum, load_flow
    from ..transfers.flow_network import find_network
    from ..transfers.flow_settings import FlowSettings

    settings = FlowSettings(strength, undo, corrections, exact, tile)
    content = load_flow(flow)
    inputs = list_images(images, Path(out))
    network = find_network(content, weights)  # here, so that a flow without weights writes nothing
    if tile is not None:
        validate_side(tile, network.operations)
    file = str(validation.path(flow, "file of the flow").absolute())
    own = None if weights is None else _absolute_weights(weights)
    jobs = [FlowJob(image, file, checksum(content), own, settings) for image in inputs]
    if workers is None:
        workers = 1 if len(jobs) == 1 else choose_workers(_estimate(content, inputs[0].source, settings), len(jobs))
    with (
        open_output_folder(out) as folder,
        offer_to_resume(folder),
        FlowProgress(len(jobs), content.steps * settings.parts, quiet) as bar,
    ):

        def listen(job: FlowJob, result: JobResult, fresh: bool) -> None:
            if fresh:
                bar.end(job.image.stem, result.status == "failed")
            else:
                bar.keep()

        def move(job: FlowJob, count: int) -> None:
            bar.step(job.image.stem, count)

        report = apply_to_images(content, jobs, folder, scheduler, workers, resume, listen, move)
    failed = [entry for entry in report["images"] if entry["status"] == "failed"]
    if not quiet:
        _print_summary(report, folder)
    for entry in failed:
        print(f"{entry['name']}: {entry['message']}", file=sys.stderr)
    if failed:
        step = "repeat the command with --resume to try them again"
        raise FaultError(f"{len(failed)} of {len(jobs)} images failed; {step}")


def _absolute_weights(weights: str) -> str:
    from ..networks.weights import SOURCES

    return weights if weights in SOURCES else str(validation.path(weights, "weights").absolute())


def _estimate(flow: Any, image: str, settings: Any) -> int:
    """Return the estimated memory of a worker in MiB, if all images are as large as the first."""
    from ..images.pictures import load_picture
    from ..transfers.flow_memory import estimate_flow_mib

    return estimate_flow_mib(flow, load_picture(image).array.shape, settings)


def _print_summary(report: Mapping[str, Any], folder: Path) -> None:
    """Print what each image took and how close its channel means came, and where the outputs are."""
    done = [entry for entry in report["images"] if entry["status"] == "done"]
    for note in dict.fromkeys(note for entry in done for note in entry["notes"]):
        print(note, file=sys.stderr)
    for entry in done:
        gaps = ", ".join(f"{layer} {gap:.1%}" for layer, gap in entry["style_relative_error"].items())
        line = f"{entry['name']}: {entry['size'][1]}x{entry['size'][0]} px, {entry['seconds']:.1f} s"
        line += f" ({entry['seconds_per_megapixel']:.0f} s per megapixel, {entry['passes']} passes)"
        print(line + (f"; from the style of the flow: {gaps}" if gaps else ""))
    print(f"outputs in {folder} ({report['wall_seconds']:.0f} s)")
