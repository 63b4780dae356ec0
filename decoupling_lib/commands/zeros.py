"""`decoupling zeros`: the channels that noise leaves dead."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ..common import validation
from ..common.errors import DrawingError
from .groups import BASIC, NetworkOption, WeightsOption
from .output import open_output_folder

MAX_NOISE_SIDE = 1024
"""Maximum side of the noise in pixels. Larger noise needs more than 1 GiB, and gives the same counts."""


def zeros_command(
    out: Annotated[str, typer.Option(help="Folder for zeros.json and zeros.png.", rich_help_panel=BASIC)],
    layers: Annotated[int, typer.Option(help="Number of style layers, 1 to 5.", rich_help_panel=BASIC)] = 5,
    size: Annotated[int, typer.Option(help="Side of the noise in pixels.", rich_help_panel=BASIC)] = 128,
    seeds: Annotated[
        int, typer.Option(help="Number of draws of each kind of noise: seeds 0, 1 and so on.", rich_help_panel=BASIC)
    ] = 8,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Draw zeros.png from the zeros.json of an earlier run of the same command, without counting again.",
            rich_help_panel=BASIC,
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Show no progress and no summary.", rich_help_panel=BASIC)
    ] = False,
    network: NetworkOption = None,
    weights: WeightsOption = None,
) -> None:
    """Count the channels that noise leaves dead, for several kinds of noise and several seeds."""
    draws = validation.integer_in_range(seeds, "--seeds", 1, 1000)
    validation.layer_count(layers)
    from ..images.noise import NOISE_KINDS
    from ..networks.dead_channels import count_dead_channels, describe_draws, format_counts, write_counts
    from ..plotting.dead_channels import draw_dead_channels
    from ..plotting.style import save_figure, try_to_draw
    from ..runs.progress import PartsProgress
    from ..transfers.network_source import choose_source

    reader = choose_source(network, weights).network(layers)
    smallest = max(validation.MIN_SIDE, reader.minimum_side)
    side = int(validation.integer_in_range(size, "--size", smallest, MAX_NOISE_SIDE))
    with open_output_folder(out) as folder:
        picture, file, table = folder / "zeros.png", folder / "zeros.json", ""
        content = _read_counts(file, describe_draws(reader, (side, side), range(draws))) if resume else None
        if content is None:
            with PartsProgress(dict.fromkeys(NOISE_KINDS, 1.0), quiet) as bar:
                counts = count_dead_channels(reader, (side, side), range(draws), on_kind=bar.begin)
            if picture.is_file():  # of an earlier run: it would show other counts
                picture.unlink()
            write_counts(counts, file)
            content, table = counts.describe(), f"{format_counts(counts)}\n"
        reason = try_to_draw(lambda: save_figure(draw_dead_channels(content), picture))
    if not quiet:
        print(f"{table}outputs in {folder}")
    if reason:
        step = "zeros.json is complete; repeat the command with --resume to draw it, without counting again"
        raise DrawingError(f"could not draw zeros.png ({reason}); {step}")


def _read_counts(file: Path, draws: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the content of an earlier zeros.json; None if there is none of the same network, size and seeds."""
    try:
        content = json.loads(validation.regular_file(file, "counts").read_text("utf-8"))
        kinds = content.pop("kinds")
        return {**content, "kinds": kinds} if content == draws and kinds else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
