"""What the decoupled self-transfer costs as layers, pictures and steps grow, and what it reaches.

    python benchmarks/growth.py [--only layers] [--pictures china] [--out FILE]

layers  1 to 5 at `--size`;  sizes  two layers, 48 to 256 pixels;  steps  two layers at `--size`, 4 to 32 steps a leg.

Each case runs in a fresh process. A row has passes by kind, seconds and errors for each leg, what one pass of each kind
takes at that size and depth (the median of several, compiled), PSNR, and the most memory held; and for the floor under
a forward pass the operations of its convolutions, and how many a second the same threads do in a large matrix product.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import _common as common
import numpy as np

from decoupling_lib.images.quality import psnr
from decoupling_lib.transfers.options import Options

if TYPE_CHECKING:
    from decoupling_lib.networks.channel_means import ChannelMeans
    from decoupling_lib.networks.vgg import Network

CASES = ("layers", "sizes", "steps")
KINDS = ("forward", "jvp", "vjp", "jacobian_rows")
REPEATS = 7
SIDE = 2048
"""Of the matrices whose product is timed."""


def main() -> None:
    parser = common.parser(__doc__, "growth", "china")
    parser.add_argument("--only", choices=CASES, action="append", help="keeps the others' rows in the file")
    parser.add_argument("--layers", type=common.integers, default=[1, 2, 3, 4, 5], help="with commas")
    parser.add_argument("--sizes", type=common.integers, default=[48, 64, 96, 128, 192, 256], help="with commas")
    parser.add_argument("--steps", type=common.integers, default=[4, 8, 16, 32], help="with commas")
    arguments = parser.parse_args()
    base, chosen = common.options(arguments), arguments.only or CASES
    results = common.Results(arguments.out, "case", {case: asdict(base) for case in chosen})
    titles = ("", "layers", "size", "steps", "error", "held", "PSNR", "seconds", "MiB")
    print("{:18}{:>7}{:>5}{:>6}{:>9}{:>9}{:>7}{:>9}{:>7}".format(*titles), end="  ")
    print("passes x milliseconds a pass: " + ", ".join(KINDS))
    for case in chosen:
        for options in _cases(case, base, arguments):
            for picture in arguments.pictures:
                print(_line(results.add(common.fresh(measure, case, picture, options))), flush=True)


def _cases(case: str, base: Options, arguments: Any) -> Iterator[Options]:
    if case == "layers":
        yield from (replace(base, layers=layers) for layers in arguments.layers)
    elif case == "sizes":
        yield from (replace(base, size=(size, size)) for size in arguments.sizes)
    else:
        yield from (replace(base, steps=steps) for steps in arguments.steps)


def measure(case: str, picture: str, options: Options) -> dict[str, Any]:
    """One self-transfer, as a row."""
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
        "psnr_db": psnr(list(result.paths.values())[min(2, len(result.paths) - 1)].x, result.origin),
        "passes": common.total(result.passes),
        "seconds": seconds,
        "seconds_a_pass": seconds_a_pass(experiment.features.map, experiment.origin.array),
        "convolution_operations": convolution_operations(experiment.network, result.origin.shape[:2]),
        "matrix_product_operations_a_second": 2 * SIDE**3 / seconds_of_a_matrix_product(),
    } | held


def convolution_operations(network: Network, shape: tuple[int, int]) -> int:
    """Multiplications and additions in the convolutions of one forward pass."""
    (height, width), inputs, total = shape, 3, 0
    for kind, name in network.operations:
        if kind == "pooling":
            height, width = height // 2, width // 2
        else:
            outputs = network.channels(name)
            total += 2 * 9 * inputs * outputs * height * width
            inputs = outputs
    return total


def seconds_of_a_matrix_product() -> float:
    """Of two square matrices in single precision, by TensorFlow."""
    import tensorflow as tf

    a = tf.random.stateless_normal((SIDE, SIDE), seed=(0, 1))
    return _median(lambda: tf.linalg.matmul(a, a).numpy())


def seconds_a_pass(features: ChannelMeans, x: np.ndarray) -> dict[str, float]:
    """What a pass of each kind takes at x, through all layers."""
    at = features.linearize(x)
    return {
        "forward": _median(lambda: features.linearize(x)),
        "jvp": _median(lambda: at.jvp(x)),
        "vjp": _median(lambda: at.vjp(at.values)),
        "jacobian_rows": _median(at.jacobian, 1) / len(at.values),
    }


def _median(call: Callable[[], object], repeats: int = REPEATS) -> float:
    call()  # compiles
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))


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
