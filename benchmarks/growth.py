"""What the decoupled self-transfer costs, and what it achieves, as layers and steps grow; see `sizes` for image sizes.

    python benchmarks/growth.py [--only layers] [--pictures china] [--out FILE]

Cases:

layers  1 to 5 layers at `--size`
steps   two layers at `--size`, with 4 to 32 steps per leg

Each case runs in a new process. A row has passes by kind, seconds and errors of each leg; the time of one pass of each
kind at that size and depth (the median of several compiled calls); PSNR; and the peak memory. For a lower bound on the
time of a forward pass it also has the number of operations in its convolutions, and how many operations per second
the same threads do in a large matrix product.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import _common as common
import numpy as np
from _convolutions import convolution_operations, median_seconds

from decoupling_lib.images.quality import psnr
from decoupling_lib.transfers.options import Options

if TYPE_CHECKING:
    from decoupling_lib.networks.channel_means import ChannelMeans

CASES = ("layers", "steps")
KINDS = ("forward", "jvp", "vjp", "jacobian_rows")
SIDE = 2048
"""Side of the matrices whose product is timed."""


def main() -> None:
    parser = common.new_parser(__doc__, "growth", "china")
    parser.add_argument(
        "--only", choices=CASES, action="append", help="measure this case only; the rows of the others stay"
    )
    parser.add_argument("--layers", type=common.split_integers, default=[1, 2, 3, 4, 5], help="comma-separated")
    parser.add_argument("--steps", type=common.split_integers, default=[4, 8, 16, 32], help="comma-separated")
    arguments = parser.parse_args()
    base, chosen = common.options(arguments), arguments.only or CASES
    results = common.Results(arguments.out, "case", {case: asdict(base) for case in chosen})
    titles = ("", "layers", "size", "steps", "error", "held", "PSNR", "seconds", "MiB")
    print("{:18}{:>7}{:>5}{:>6}{:>9}{:>9}{:>7}{:>9}{:>7}".format(*titles), end="  ")
    print("passes x milliseconds per pass: " + ", ".join(KINDS))
    for case in chosen:
        for options in _cases(case, base, arguments):
            for picture in arguments.pictures:
                print(_line(results.add(common.run_in_new_process(measure, case, picture, options))), flush=True)


def _cases(case: str, base: Options, arguments: Any) -> Iterator[Options]:
    if case == "layers":
        yield from (replace(base, layers=layers) for layers in arguments.layers)
    else:
        yield from (replace(base, steps=steps) for steps in arguments.steps)


def measure(case: str, picture: str, options: Options) -> dict[str, Any]:
    """Return the row of one self-transfer."""
    from decoupling_lib.transfers.setup import prepare

    experiment = prepare(picture, picture, options)
    memory, began = common.Memory(), time.perf_counter()
    result = experiment.run()
    seconds, held = time.perf_counter() - began, memory.row()
    return {
        "case": case,
        "picture": picture,
        "layers": options.layers,
        "size": list(result.origin.shape[:2]),
        "steps": experiment.settings.steps,
        "status": result.status,
        "legs": [
            {
                "step": leg.step,
                "layer": leg.layer,
                "status": leg.status,
                "relative_error": leg.relative_error,
                "held_relative_error": leg.held_relative_error,
                "passes": common.total(leg.passes),
                "seconds": leg.seconds,
            }
            for leg in result.legs
        ],
        "style_relative_error": result.style_relative_error,
        "psnr_db": psnr(list(result.routes.values())[min(2, len(result.routes) - 1)].x, result.origin),
        "passes": common.total(result.passes),
        "seconds": seconds,
        "seconds_a_pass": seconds_a_pass(experiment.features.map, experiment.origin.array),
        "convolution_operations": convolution_operations(experiment.network, result.origin.shape[:2]),
        "matrix_product_operations_a_second": 2 * SIDE**3 / seconds_of_a_matrix_product(),
    } | held


def seconds_of_a_matrix_product() -> float:
    """Time the product of two square matrices in single precision, by TensorFlow."""
    import tensorflow as tf

    a = tf.random.stateless_normal((SIDE, SIDE), seed=(0, 1))
    return median_seconds(lambda: tf.linalg.matmul(a, a).numpy())


def seconds_a_pass(features: ChannelMeans, x: np.ndarray) -> dict[str, float]:
    """Return the seconds that a pass of each kind takes at x, through all layers."""
    at = features.linearize(x)
    return {
        "forward": median_seconds(lambda: features.linearize(x)),
        "jvp": median_seconds(lambda: at.jvp(x)),
        "vjp": median_seconds(lambda: at.vjp(at.values)),
        "jacobian_rows": median_seconds(at.jacobian, 1) / len(at.values),
    }


def _line(row: dict[str, Any]) -> str:
    first = [leg for leg in row["legs"] if leg["step"] == 1]
    error, held = (max(leg[name] for leg in first) for name in ("relative_error", "held_relative_error"))
    passes = ", ".join(f"{row['passes'][kind]:,} x {1e3 * row['seconds_a_pass'][kind]:.2f}" for kind in KINDS)
    decibels = "equal" if row["psnr_db"] is None else f"{row['psnr_db']:.1f}"
    return (
        f"{row['case']:7} {row['picture']:10}{row['layers']:7}{row['size'][0]:5}{row['steps']:6}{error:9.1e}{held:9.1e}"
        f"{decibels:>7}{row['seconds']:9.1f}{row['peak_memory_mib']:7,}  {passes}  {row['status']}"
    )


if __name__ == "__main__":
    common.run(main)
