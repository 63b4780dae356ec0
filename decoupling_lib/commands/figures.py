"""`decoupling figures`: the thesis's figures."""

from __future__ import annotations

from typing import Annotated

import typer

from .groups import BASIC, NetworkOption, WeightsOption
from .output import open_output_folder


def figures_command(
    only: Annotated[
        str | None,
        typer.Option(help="Numbers of figures, such as 2.1,4.5.", show_default="all", rich_help_panel=BASIC),
    ] = None,
    out: Annotated[
        str, typer.Option(help="Folder for the figures, their manifest and their page.", rich_help_panel=BASIC)
    ] = "figures",
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Skip what an earlier run has drawn; use what it has computed.", rich_help_panel=BASIC
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.", rich_help_panel=BASIC)] = False,
    network: NetworkOption = None,
    weights: WeightsOption = None,
) -> None:
    """Draw the figures of the thesis again."""
    from ..figures import gallery
    from ..runs.progress import PartsProgress
    from ..transfers.network_source import choose_source

    numbers = [number.strip() for number in only.split(",")] if only is not None else None
    selected, source = gallery.select_figures(numbers), choose_source(network, weights)
    with (
        open_output_folder(out) as folder,
        PartsProgress({f"figure {spec.number}": spec.seconds for spec in selected}, quiet) as bar,
    ):
        paths = gallery.draw_figures(folder, numbers, source, lambda spec: bar.begin(f"figure {spec.number}"), resume)
    for path in paths:
        print(path)
