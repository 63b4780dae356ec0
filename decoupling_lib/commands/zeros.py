"""`decoupling zeros`: the channels that noise leaves dead."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import checks
from .faults import writing

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
    draws = int(checks.in_range(seeds, "--seeds", 1, 1000, integer=True))
    checks.layer_count(layers)
    from .. import census, plots
    from ..figures.entry import choose
    from ..noise_kinds import KINDS
    from ..progress import Parts

    read = choose(network, weights).network(layers)
    side = int(checks.in_range(size, "--size", max(checks.MIN_SIDE, read.minimum_side), MOST_NOISE, integer=True))
    with writing(out) as folder:
        with Parts(dict.fromkeys(KINDS, 1.0), quiet) as bar:
            counted = census.take(read, (side, side), range(draws), listen=bar.begin)
        plots.save(census.draw(counted), folder / "zeros.png")
        census.write(counted, folder / "zeros.json")
    if not quiet:
        print(census.table(counted))
        print(f"outputs in {folder}")
