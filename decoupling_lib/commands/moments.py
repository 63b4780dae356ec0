"""`decoupling moments`: the moments of a sample, coupled and decoupled."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ..common.errors import input_error


def moments_command(
    file: Annotated[
        str | None, typer.Argument(help="One sample: numbers as text or CSV, or an image.", show_default=False)
    ] = None,
    sample: Annotated[str | None, typer.Option(help="ten, gamma, or the name of a bundled picture.")] = None,
    column: Annotated[str | None, typer.Option(help="Name of a column, if FILE is CSV with a header.")] = None,
    max_side: Annotated[int, typer.Option(help="Maximum side of an image in pixels; a larger image is reduced.")] = 256,
    break_ties: Annotated[
        bool, typer.Option("--dequantize", help="Spread equal numbers over the smallest gap between values.")
    ] = False,
    seed: Annotated[
        int, typer.Option(help="Seed of the noise that spreads equal numbers; 8-bit images are always spread.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, in full precision.")] = False,
) -> None:
    """Print the coupled and the decoupled moments of a sample side by side."""
    from ..moments import samples
    from ..moments.coupled import MOMENT_NAMES, coupled_moments
    from ..moments.decoupling import decouple_moments

    if file is not None and sample is None:
        chosen = samples.read_sample(file, column, max_side, seed)
    elif sample is not None and file is None:
        chosen = samples.load_sample(sample, max_side, seed)
    else:
        received = "both" if file else "neither"
        raise input_error("moments", "needs one sample", received, "FILE or --sample NAME", "give one of them")
    x = samples.dequantize(chosen.values, seed) if break_ties else chosen.values
    coupled, decoupled = coupled_moments(x), decouple_moments(x).values
    if as_json:
        print(json.dumps({"n": x.size, "coupled": coupled.tolist(), "decoupled": decoupled.tolist()}))
        return
    print(f"{chosen.name}: {x.size} values")
    print(f"{'':16}{'coupled':>16}{'decoupled':>16}")
    for name, raw, own in zip(MOMENT_NAMES, coupled, decoupled, strict=True):
        print(f"{name:16}{raw:16.9g}{own:16.9g}")
    print("Coupled: standardized from the third on. Decoupled: each is measured after those before it are normalized.")
