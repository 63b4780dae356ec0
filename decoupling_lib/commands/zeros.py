"""`decoupling zeros`: the channels that noise leaves dead."""

from __future__ import annotations

from typing import Annotated

import typer

from ..common import validation
from .output import writing

MOST_NOISE = 1024
"""Longest side in pixels of the noise: a larger one takes more than 1 GiB, and counts alike."""


def zeros(
    out: Annotated[str, typer.Option(help="Folder for zeros.json and zeros.png.")],
    layers: Annotated[int, typer.Option(help="How many style layers, 1 to 5.")] = 5,
    size: Annotated[int, typer.Option(help="Side of the noise in pixels.")] = 128,
    seeds: Annotated[int, typer.Option(help="How many draws, seeds 0, 1, and so on.")] = 8,
    network: Annotated[str | None, typer.Option(help="vgg19 or vgg16.", show_default="the best at hand")] = None,
    weights: Annotated[str | None, typer.Option(help="imagenet, hed, random, or a weights file.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no summary.")] = False,
) -> None:
    """Count the channels that noise leaves dead, for several kinds of noise and seeds."""
    draws = validation.integer_in_range(seeds, "--seeds", 1, 1000)
    validation.layer_count(layers)
    from ..images.noise import NOISE_KINDS
    from ..networks.dead_channels import count_dead_channels, format_counts, write_counts
    from ..plotting.dead_channels import draw_census
    from ..plotting.style import save_figure
    from ..runs.progress import PartsProgress
    from ..transfers.network_source import choose_source

    read = choose_source(network, weights).network(layers)
    side = int(validation.integer_in_range(size, "--size", max(validation.MIN_SIDE, read.minimum_side), MOST_NOISE))
    with writing(out) as folder:
        with PartsProgress(dict.fromkeys(NOISE_KINDS, 1.0), quiet) as bar:
            counted = count_dead_channels(read, (side, side), range(draws), on_kind=bar.begin)
        save_figure(draw_census(counted), folder / "zeros.png")
        write_counts(counted, folder / "zeros.json")
    if not quiet:
        print(format_counts(counted))
        print(f"outputs in {folder}")
