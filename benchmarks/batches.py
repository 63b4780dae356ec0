"""Whether several small images in one network call are cheaper than one image per call.

    python benchmarks/batches.py [--sizes 32,64,96] [--batches 1,2,4,8,16] [--rounds 15] [--out FILE]

Sweeps and the experiments on recognition run thousands of passes on small images, one image per call, in one process
per core with one thread each. This script times the forward pass of such a process (two layers, the default network,
one thread) for batches of several sizes: milliseconds per image. Each round calls all batches of one size of image in
turn, so that a machine that slows down slows all of them down; a row has the median over the rounds, and the quartiles
of its ratio to one image per call in the same round.

What it says is an upper bound on what batches could save: the images of a batch would also have to take their steps
together, and the one with the most iterations decides for all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import _common as common
import numpy as np

from decoupling_lib.transfers.options import Options

if TYPE_CHECKING:
    import tensorflow as tf

    from decoupling_lib.networks.vgg import Network

THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


def main() -> None:
    parser = common.new_parser(__doc__, "batches", "coffee")
    parser.add_argument("--sizes", type=common.split_integers, default=[32, 64, 96])
    parser.add_argument("--batches", type=common.split_integers, default=[1, 2, 4, 8, 16], help="the first one is 1")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    base = common.options(arguments)
    os.environ.update(dict.fromkeys(THREADS, "1"))  # for the new processes
    chosen = {size: replace(base, size=(size, size)) for size in arguments.sizes}
    results = common.Results(arguments.out, "size", {size: asdict(options) for size, options in chosen.items()})
    print("size  batch  ms per image  ratio to one image per call (quartiles)")
    for size, options in chosen.items():
        for row in common.run_in_new_process(measure, arguments.batches, arguments.rounds, options):
            kept = results.add({"size": size} | row)
            low, middle, high = kept["ratio_quartiles"]
            print(
                f"{size:4}{kept['batch']:7}{kept['milliseconds_per_image']:14.2f}  {middle:.2f} [{low:.2f}, {high:.2f}]"
            )


def measure(batches: list[int], rounds: int, options: Options) -> list[dict[str, Any]]:
    """Return the rows of one size of images."""
    import tensorflow as tf

    from decoupling_lib.networks.compiled import compile_function
    from decoupling_lib.transfers.setup import prepare

    experiment = prepare("coffee", "coffee", options)
    forward, shape = forward_pass(experiment.network), experiment.target.array.shape
    images = [tf.random.stateless_uniform((count, *shape), (0, count)) for count in batches]
    calls = [compile_function(forward) for _ in batches]  # one each, for TensorFlow warns of many shapes
    for call, image in zip(calls, images, strict=True):
        call(image)
    seconds = np.array([[_time(*pair) for pair in zip(calls, images, strict=True)] for _ in range(rounds)]) / batches
    ratios = np.quantile(seconds / seconds[:, :1], (0.25, 0.5, 0.75), axis=0)
    return [
        {"batch": count, "milliseconds_per_image": 1e3 * float(np.median(own)), "ratio_quartiles": ratio.tolist()}
        for count, own, ratio in zip(batches, seconds.T, ratios.T, strict=True)
    ]


def forward_pass(network: Network) -> Callable[[tf.Tensor], tuple[tf.Tensor, list[tf.Tensor]]]:
    """Return the function that maps a batch of images, shape (B, H, W, 3), to channel means and residuals."""
    from decoupling_lib.networks.compiled import CompiledNetwork
    from decoupling_lib.networks.tensorflow import tf

    compiled = CompiledNetwork(network, "float32")

    def forward(images: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        maps, residuals = compiled.run_batch(images)
        return tf.concat([tf.reduce_mean(tf.cast(h, tf.float64), [1, 2]) for h in maps], 1), residuals

    return forward


def _time(call: Callable[..., Any], image: tf.Tensor) -> float:
    began = time.perf_counter()
    call(image)[0].numpy()
    return time.perf_counter() - began


if __name__ == "__main__":
    common.run(main)
