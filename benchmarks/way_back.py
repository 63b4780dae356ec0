"""The self-transfer of bundled photographs: fidelity, closeness to the reference, the way back and its cost.

    python benchmarks/way_back.py [--size 64] [--layers 2] [--only default] [--iterations 1000] [--out FILE]

Four variants: the default network and damping; the same run with ReLU and max-pooling; undamped legs; and the annex's
descent, with ReLU and max-pooling.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path

import _common as common

from decoupling_lib.images.quality import psnr
from decoupling_lib.transfers.options import AS_THESIS
from decoupling_lib.transfers.setup import prepare

VARIANTS = {
    "default": {},
    "relu_max": {"activation": "relu", "pooling": "max"},
    "undamped": {"damping": 0.0},
    "annex": AS_THESIS,
}


def main() -> None:
    parser = common.new_parser(__doc__, "way_back", "china,flower,astronaut,coffee,chelsea")
    parser.add_argument(
        "--only",
        choices=tuple(VARIANTS),
        action="append",
        help="measure this variant only; the rows of the others stay",
    )
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--iterations", type=int, default=1000, help="per leg of the annex")
    arguments = parser.parse_args()
    base = replace(common.options(arguments), layers=arguments.layers, iterations=arguments.iterations)
    chosen = {variant: replace(base, **VARIANTS[variant]) for variant in arguments.only or VARIANTS}
    results = common.Results(arguments.out, "variant", {variant: asdict(each) for variant, each in chosen.items()})
    titles = ("variant", "picture", "fidelity", "left", "PSNR", "passes")
    print("{:9} {:10} {:>8} {:>6} {:>7} {:>7}".format(*titles), "  relative errors of the legs of Step 1")
    for variant, options in chosen.items():
        for name in arguments.pictures:
            experiment = prepare(name, name, options)
            memory, began = common.Memory(), time.perf_counter()
            result = experiment.run()
            row = _row(variant, Path(name).stem, experiment.fidelity, result, time.perf_counter() - began)
            row = results.add(row | memory.row())
            errors = " ".join(f"{error:.1e}" for error in row["relative_error"])
            psnr = "     -" if row["psnr_db"] is None else f"{row['psnr_db']:6.1f}"
            print(
                f"{variant:9} {row['picture']:10} {row['fidelity_worst']:8.1%} "
                f"{max(row['remaining_fraction'], default=1.0):6.3f} {psnr}  "
                f"{sum(row['passes'].values()):7,}   {errors}; {row['seconds']:.0f} s, {row['status']}",
                flush=True,
            )


def _row(variant: str, name: str, fidelity: dict, result: object, seconds: float) -> dict:
    legs = result.routes["step1"].legs
    last = result.routes[list(result.routes)[min(2, len(result.routes) - 1)]].x
    return {
        "variant": variant,
        "picture": name,
        "status": result.status,
        "fidelity_worst": max(entry["relative_difference"] for entry in fidelity.values()),
        "correlation_worst": min(entry["correlation"] for entry in fidelity.values()),
        "relative_error": [leg.relative_error for leg in legs],
        "held_relative_error": [leg.held_relative_error for leg in legs],
        "remaining_fraction": [leg.remaining_fraction for leg in legs],
        "remaining_fraction_worst_channel": [leg.remaining_fraction_worst_channel for leg in legs],
        "psnr_db": psnr(last, result.origin) if result.status == "done" else None,
        "style_relative_error": result.style_relative_error,
        "passes": asdict(result.passes),
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    common.run(main)
