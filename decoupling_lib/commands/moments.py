"""`decoupling moments`: the moments of a sample, coupled and decoupled."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ..common.errors import input_error


def moments(
    file: Annotated[
        str | None, typer.Argument(help="Numbers (text or CSV, all of them one sample), or a picture.")
    ] = None,
    sample: Annotated[str | None, typer.Option(help="ten, gamma, or the name of a bundled picture.")] = None,
    column: Annotated[str | None, typer.Option(help="Of a CSV file that names its columns.")] = None,
    max_side: Annotated[int, typer.Option(help="Longest side of a picture; a larger one is shrunk.")] = 256,
    break_ties: Annotated[
        bool, typer.Option("--dequantize", help="Spread tied numbers over the smallest gap between values.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the noise that breaks ties; always done for 8-bit pictures.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, at full precision.")] = False,
) -> None:
    """Coupled and decoupled moments of a sample, side by side."""
    from ..moments import samples
    from ..moments.coupled import MOMENT_NAMES, coupled_moments
    from ..moments.decoupling import decouple_moments

    if (file is None) == (sample is None):
        given = "both" if file else "neither"
        raise input_error("moments", "needs one sample", given, "FILE or --sample NAME", "give one of them")
    chosen = samples.load_sample(sample, max_side, seed) if file is None else samples.read_sample(file, column, max_side, seed)
    x = samples.dequantize(chosen.values, seed) if break_ties else chosen.values
    coupled, decoupled = coupled_moments(x), decouple_moments(x).values
    if as_json:
        print(json.dumps({"n": x.size, "coupled": coupled.tolist(), "decoupled": decoupled.tolist()}))
        return
    print(f"{chosen.name}: {x.size} values")
    print(f"{'':16}{'coupled':>16}{'decoupled':>16}")
    for name, raw, own in zip(MOMENT_NAMES, coupled, decoupled, strict=True):
        print(f"{name:16}{raw:16.9g}{own:16.9g}")
    print("Coupled: standardized moments from the third on. Decoupled: each measured with those before it normalized.")
