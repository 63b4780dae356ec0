"""`decoupling moments`: the moments of a sample, coupled and decoupled."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated, Any

import typer

from ..common.errors import input_error
from .groups import BASIC, EXPERT, INPUTS
from .output import print_notes

TABLE = "Table"
"""The group of options that say what a text or CSV file is."""


def moments_command(
    file: Annotated[
        str | None,
        typer.Argument(help="One sample: numbers as text or CSV, a 1-D .npy array, or an image.", show_default=False),
    ] = None,
    sample: Annotated[
        str | None, typer.Option(help="ten, gamma, or the name of a bundled picture.", rich_help_panel=INPUTS)
    ] = None,
    column: Annotated[
        str | None,
        typer.Option(help="Column by its name, or else by its number, counted from 1.", rich_help_panel=TABLE),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(
            help="comma, semicolon, tab, pipe, blanks, none (one number per line), or the character itself.",
            show_default="what fits",
            rich_help_panel=TABLE,
        ),
    ] = None,
    decimal: Annotated[
        str | None, typer.Option(help="point or comma.", show_default="what fits", rich_help_panel=TABLE)
    ] = None,
    thousands: Annotated[
        str | None,
        typer.Option(
            help="comma, point, space, apostrophe, underscore or none.",
            show_default="what fits",
            rich_help_panel=TABLE,
        ),
    ] = None,
    header: Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header",
            help="Whether the first line names the columns.",
            show_default="what fits",
            rich_help_panel=TABLE,
        ),
    ] = None,
    max_side: Annotated[
        int,
        typer.Option(help="Maximum side of an image in pixels; a larger image is reduced.", rich_help_panel=INPUTS),
    ] = 256,
    break_ties: Annotated[
        bool,
        typer.Option(
            "--dequantize", help="Spread equal numbers over the smallest gap between values.", rich_help_panel=EXPERT
        ),
    ] = False,
    seed: Annotated[
        int,
        typer.Option(
            help="Seed of the noise that spreads equal numbers; 8-bit images are always spread.",
            rich_help_panel=EXPERT,
        ),
    ] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, in full precision.", rich_help_panel=BASIC)
    ] = False,
) -> None:
    """Print the coupled and the decoupled moments of a sample side by side.

    The output says what a file was taken for. What can be read in several ways is refused: the message says which
    options choose one.
    """
    from ..moments import samples
    from ..moments.coupled import MOMENT_NAMES, coupled_moments
    from ..moments.decoupling import decouple_moments

    table: dict[str, Any] = {"column": column, "delimiter": delimiter, "decimal": decimal}
    table |= {"thousands": thousands, "header": header}
    stated = [name for name, value in table.items() if value is not None]
    if file is not None and sample is None:
        chosen = samples.read_sample(file, max_side=max_side, seed=seed, **table)
    elif stated:
        step = "leave it out"
        raise input_error(f"--{stated[0]}", "is given without a file", table[stated[0]], "options of a FILE", step)
    elif sample is not None and file is None:
        chosen = samples.load_sample(sample, max_side, seed)
    else:
        received = "both" if file else "neither"
        raise input_error("moments", "needs one sample", received, "FILE or --sample NAME", "give one of them")
    x = samples.dequantize(chosen.values, seed) if break_ties else chosen.values
    coupled, decoupled = coupled_moments(x), decouple_moments(x).values
    if as_json:
        answer = {
            "n": x.size,
            "coupled": coupled.tolist(),
            "decoupled": decoupled.tolist(),
            "description": chosen.description,
        }
        answer["notes"] = list(chosen.notes)
        answer["reading"] = None if chosen.reading is None else dataclasses.asdict(chosen.reading)
        print(json.dumps(answer, allow_nan=False))
        return
    print_notes(chosen)
    print(f"{chosen.name}: {x.size} values")
    print(f"read as: {chosen.description}")
    print(f"{'':16}{'coupled':>16}{'decoupled':>16}")
    for name, raw, own in zip(MOMENT_NAMES, coupled, decoupled, strict=True):
        print(f"{name:16}{raw:16.9g}{own:16.9g}")
    print("Coupled: standardized from the third on. Decoupled: each is measured after those before it are normalized.")
