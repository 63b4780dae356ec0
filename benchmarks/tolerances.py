"""How finely the steps of a transfer between two images have to be solved, and in which precision.

    python benchmarks/tolerances.py [--size 64] [--pictures coffee:chelsea,...] [--out FILE]

Each pair is transferred with several tolerances in mixed precision, where the first layer's legs are computed in double
precision, and with the defaults for two images: 20 times the tolerance of a self-transfer, in single precision. The
finest tolerance is the yardstick. For each: passes, seconds, what is left of the style gap of every block, and by how
much the result differs from that of the finest tolerance, root mean square and at most, in levels of 8 bits.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from statistics import median
from typing import Any

import _common as common
import numpy as np
from _experiments import PIXELS

from decoupling_lib.transfers.setup import prepare
from decoupling_lib.transfers.tuning import TUNING

CASES = ((1.0, "mixed"), (20.0, "mixed"), (20.0, "float32"), (200.0, "mixed"))
"""Tolerances, as multiples of that of a self-transfer, and precisions."""
PAIRS = "coffee:chelsea,china:flower,flower:astronaut,chelsea:grass,rocket:china,brick:flower"


def main() -> None:
    parser = common.new_parser(__doc__, "tolerances", PAIRS)
    arguments = parser.parse_args()
    base = replace(common.options(arguments), **PIXELS)
    finest_tolerance = TUNING[base.layers].tolerance
    chosen = {
        f"{factor * finest_tolerance:g}, {precision}": replace(
            base, tolerance=factor * finest_tolerance, precision=precision
        )
        for factor, precision in CASES
    }
    results = common.Results(arguments.out, "case", {name: asdict(each) for name, each in chosen.items()})
    titles = ("passes", "seconds", "left 1", "left 2", "rms", "max")
    print(f"{'pair':24}{'tolerance':>16}" + "".join(f"{each:>8}" for each in titles))
    for pair in arguments.pictures:
        origin, _, target = pair.partition(":")
        finest = None
        for name, options in chosen.items():
            began = time.perf_counter()
            result = prepare(origin, target, options).run()
            seconds = time.perf_counter() - began
            finest = result.result if finest is None else finest
            row = results.add({"pair": pair, "case": name, "seconds": seconds} | describe(result, finest))
            first, second, *_ = (*row["left"].values(), 0.0)
            numbers = f"{seconds:8.1f}{first:8.1%}{second:8.1%}{row['rms_levels']:8.3f}{row['max_levels']:8.3f}"
            print(f"{pair:24}{name:>16}{row['passes']['total']:8,}{numbers}", flush=True)
    for name in chosen:
        own = [row for row in results.rows if row["case"] == name]
        passes, most = median(row["passes"]["total"] for row in own), max(row["max_levels"] for row in own)
        print(f"{name}: median {passes:,.0f} passes, differs by at most {most:.3f} levels")


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
