"""Where a self-transfer loses its way: errors of the way back after every step, and what makes them smaller.

    python benchmarks/error_growth.py [--pictures china,coffee] [--layers 3] [--out FILE]

Step 3 goes back through the points that Step 2 has passed, in the opposite order. The error of a step is the root mean
square difference between the image of Step 3 after it and the image of Step 2 before the same step. At the start of
Step 3 it is zero; what it becomes is the rounding of the arithmetic and the tolerance of the steps, times what the way
back makes of them. The cases:

softplus            the activation "softplus", equally soft in all convolutions; else the defaults: single precision
                    beyond one convolution; softness, tolerance and steps by the number of layers
float64             the same in double precision, to a tolerance of 1e-12
float64, 36 steps   and with twice the steps
softer              single precision, and a softness that grows by 1.2 from each convolution to the next
gaussian            the same, with the activation "gaussian", see `networks.primitives.activate`: the default for three
                    layers

A row has the errors by layer, the PSNR of the result, the passes, and how local the error is: the share of its energy
in the worst 1 % of the pixels, at the end of Step 3's first leg. `fidelity` is the relative difference of the channel
means to those of the network with ReLU and maximum pooling, the larger one of picture and reference, by layer.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import _common as common
import numpy as np

from decoupling_lib.images.quality import psnr
from decoupling_lib.transfers.options import Options

if TYPE_CHECKING:
    from decoupling_lib.common.arrays import Floats

SOFTPLUS: dict[str, Any] = {"activation": "softplus", "growth": 1.0}
PRECISE: dict[str, Any] = SOFTPLUS | {"precision": "float64", "tolerance": 1e-12}
CASES: dict[str, dict[str, Any]] = {
    "softplus": SOFTPLUS,
    "float64": PRECISE,
    "float64, 36 steps": PRECISE | {"steps": 36},
    "softer": SOFTPLUS | {"growth": 1.2},
    "gaussian": {"activation": "gaussian", "growth": 1.2},
}
WORST = 0.01
"""The share of the pixels that are called the worst."""


def main() -> None:
    parser = common.new_parser(__doc__, "error_growth", "china,coffee")
    parser.add_argument("--only", choices=tuple(CASES), action="append", help="measure this case only")
    parser.add_argument("--layers", type=int, default=3)
    arguments = parser.parse_args()
    base = replace(common.options(arguments), layers=arguments.layers, refinements=0)
    chosen = {case: replace(base, **CASES[case]) for case in arguments.only or CASES}
    results = common.Results(arguments.out, "case", {case: asdict(each) for case, each in chosen.items()})
    for case, options in chosen.items():
        for picture in arguments.pictures:
            row = results.add(common.run_in_new_process(measure, picture, options) | {"case": case})
            ends = ", ".join(f"{layer} {errors[-1]:.1e}" for layer, errors in row["errors"].items())
            back = "no way back" if row["psnr_db"] is None else f"{row['psnr_db']:5.1f} dB"
            told = f"at most {max(row['fidelity'].values()):.1%} off; "
            told += f"{row['worst_share']:.0%} of the first leg's in the worst {WORST:.0%} of the pixels"
            print(
                f"{case:18} {picture:10} {back}  {row['passes']['total']:,} passes; errors: {ends}; {told}", flush=True
            )


def measure(picture: str, options: Options) -> dict[str, Any]:
    """Return the row of one picture."""
    from decoupling_lib.transfers.setup import prepare

    ways: dict[tuple[int, str], list[Floats]] = {}

    def listen(step: int, layer: str, progress: float, x: Floats | None) -> None:
        if x is not None:
            ways.setdefault((step, layer), []).append(np.array(x))

    experiment, began = prepare(picture, picture, options), time.perf_counter()
    result = experiment.run(listen)
    # Origin and target are the same image, so the legs of Step 1 are those of Step 2, and are run once.
    there = {layer: points for (step, layer), points in ways.items() if step == 1}
    back = {layer: points for (step, layer), points in ways.items() if step == 3}
    first = next(iter(back))
    return {
        "picture": picture,
        "status": result.status,
        "fidelity": {layer: found["relative_difference"] for layer, found in experiment.fidelity.items()},
        "errors": {layer: compare(there[layer], points) for layer, points in back.items()},
        "worst_share": share_of_the_worst(back[first][-1] - there[first][0]),
        "psnr_db": psnr(result.result, result.target) if result.status == "done" else None,
        "passes": common.total(result.passes),
        "seconds": time.perf_counter() - began,
    }


def compare(there: list[Floats], back: list[Floats]) -> list[float]:
    """Return the root mean square differences along two ways through the same points, from the start of `back` on."""
    return [float(np.sqrt(np.mean((a - b) ** 2))) for a, b in zip(reversed(there), back, strict=True)]


def share_of_the_worst(difference: Floats) -> float:
    """Return the share of the energy of a difference, shape (H, W, 3), in the worst 1 % of its pixels, at least one."""
    energy = np.sort((difference**2).sum(axis=2), axis=None)
    return float(energy[-max(1, round(WORST * energy.size)) :].sum() / energy.sum())


if __name__ == "__main__":
    common.run(main)
