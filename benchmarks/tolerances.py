"""How finely the steps of a transfer between two images have to be solved.

    python benchmarks/tolerances.py [--size 64] [--pictures coffee:chelsea,...] [--out FILE]

Each pair is transferred with the defaults and several tolerances; the finest, that of self-transfers, is the yardstick.
For each: passes, what is left of the style gap of every block, and by how much the result differs from that of the
finest tolerance, root mean square and at most, in levels of 8 bits.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from statistics import median
from typing import Any

import _common as common
import numpy as np

from decoupling_lib.transfers.setup import prepare
from decoupling_lib.transfers.tuning import TUNING

FACTORS = (1.0, 20.0, 200.0)
"""Tolerances, as multiples of that of a self-transfer."""
PAIRS = "coffee:chelsea,china:flower,flower:astronaut,chelsea:grass,rocket:china,brick:flower"


def main() -> None:
    parser = common.new_parser(__doc__, "tolerances", PAIRS)
    arguments = parser.parse_args()
    base = common.options(arguments)
    tolerances = [factor * TUNING[base.layers].tolerance for factor in FACTORS]
    chosen = {f"{tolerance:g}": replace(base, tolerance=tolerance) for tolerance in tolerances}
    results = common.Results(arguments.out, "tolerance", {name: asdict(each) for name, each in chosen.items()})
    print(f"{'pair':24}{'tolerance':>10}{'passes':>8}{'left 1':>8}{'left 2':>8}{'rms':>8}{'max':>8}")
    for pair in arguments.pictures:
        origin, _, target = pair.partition(":")
        finest = None
        for name, options in chosen.items():
            result = prepare(origin, target, options).run()
            finest = result.result if finest is None else finest
            row = results.add({"pair": pair, "tolerance": name} | describe(result, finest))
            first, second, *_ = (*row["left"].values(), 0.0)
            numbers = f"{first:8.1%}{second:8.1%}{row['rms_levels']:8.3f}{row['max_levels']:8.3f}"
            print(f"{pair:24}{name:>10}{row['passes']['total']:8,}{numbers}", flush=True)
    for name in chosen:
        own = [row for row in results.rows if row["tolerance"] == name]
        passes, most = median(row["passes"]["total"] for row in own), max(row["max_levels"] for row in own)
        print(f"tolerance {name}: median {passes:,.0f} passes, differs by at most {most:.3f} levels")


def describe(result: Any, finest: np.ndarray) -> dict[str, Any]:
    """Return the row of a transfer, which is compared with the image of the finest tolerance."""
    gaps, levels = result.style_gaps, 255.0 * np.abs(result.result - finest)
    return {
        "status": result.status,
        "passes": common.total(result.passes),
        "left": {layer: gap / gaps["untouched"][layer] for layer, gap in gaps["result"].items()},
        "rms_levels": float(np.sqrt(np.mean(levels**2))),
        "max_levels": float(levels.max()),
    }


if __name__ == "__main__":
    common.run(main)
