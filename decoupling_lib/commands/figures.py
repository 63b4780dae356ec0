"""`decoupling figures`: the thesis's figures."""

from __future__ import annotations

from typing import Annotated

import typer

from .output import writing


def figures(
    only: Annotated[str | None, typer.Option(help="Numbers of the thesis's figures, as in 2.1,4.5.")] = None,
    out: Annotated[str, typer.Option(help="Folder for the figures, their manifest and their page.")] = "figures",
    network: Annotated[str | None, typer.Option(help="vgg19 or vgg16.")] = None,
    weights: Annotated[str | None, typer.Option(help="imagenet, hed, random, or a file.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Leave out what an earlier run has drawn.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Draw the thesis's figures anew."""
    from ..figures import gallery
    from ..runs.progress import PartsProgress
    from ..transfers.network_source import choose_source

    numbers = [number.strip() for number in only.split(",")] if only is not None else None
    chosen, source = gallery.select_figures(numbers), choose_source(network, weights)
    with (
        writing(out) as folder,
        PartsProgress({f"figure {entry.number}": entry.seconds for entry in chosen}, quiet) as bar,
    ):
        paths = gallery.draw_figures(folder, numbers, source, lambda entry: bar.begin(f"figure {entry.number}"), resume)
    for path in paths:
        print(path)
