"""`decoupling zeros`: the channels that noise leaves dead."""

from __future__ import annotations

from typing import Annotated

import typer

from ..common import validation
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
    from ..networks.dead_channels import count_dead_channels, format_counts, write_counts
    from ..plotting.dead_channels import draw_dead_channels
    from ..plotting.style import save_figure
    from ..runs.progress import PartsProgress
    from ..transfers.network_source import choose_source

    reader = choose_source(network, weights).network(layers)
    smallest = max(validation.MIN_SIDE, reader.minimum_side)
    side = int(validation.integer_in_range(size, "--size", smallest, MAX_NOISE_SIDE))
    with open_output_folder(out) as folder:
        with PartsProgress(dict.fromkeys(NOISE_KINDS, 1.0), quiet) as bar:
            counts = count_dead_channels(reader, (side, side), range(draws), on_kind=bar.begin)
        save_figure(draw_dead_channels(counts), folder / "zeros.png")
        write_counts(counts, folder / "zeros.json")
    if not quiet:
        print(format_counts(counts))
        print(f"outputs in {folder}")
