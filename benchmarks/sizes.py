"""What a transfer of larger images costs by several methods: passes, seconds, memory, and the share of convolutions.

    python benchmarks/sizes.py [--sizes 64,128,256,512,1024,2048] [--only transfer] [--limit 600] [--out FILE]

The pictures (`--pictures`, origin:target) are resized to squares; bundled pictures are enlarged from what their files
have. Two layers and the defaults, unless a method has its own:

transfer   decoupled, by the midpoint: both pictures are solved at this size
self       the target to itself by noise: there and back
flow       a style flow that was solved at 96 px, applied to the target (the solving is not counted)
direct     the coupled means of both layers, by L-BFGS to 0.1 %
annex      the annex's descent, 25 iterations per leg: cost grows in proportion to their number
Gatys      Gram matrices of five layers and a content layer, 25 iterations of L-BFGS; likewise

Seconds are those of a whole run. The coupled methods do not measure decoupled style, so their results are judged by
more legs than those of `transfer`; `seconds_of_legs` is without the judging, as passes are.

Each case runs in a new process with all cores. A size is left out if the size before took so long, or so much memory,
that this one is expected to exceed the limits: cost is in proportion to pixels. For `transfer` and `self`, a row has
the time that the convolutions of all passes take by themselves (`convolution_seconds`): a forward pass and a JVP take a
network's convolutions from inputs to outputs, a VJP and a Jacobian row back. It is a lower bound on the time of such
passes on this machine with this library, whatever else they do. Rows of a layer reach no deeper than that layer.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import _common as common
import numpy as np
from _convolutions import convolution_operations, median_seconds, seconds_of_convolutions
from sheet import BETA, CONTENT_LAYER

from decoupling_lib.images.pictures import load_picture
from decoupling_lib.networks.compiled import resolve_precision
from decoupling_lib.transfers.options import AS_THESIS, Options

if TYPE_CHECKING:
    from decoupling_lib.transfers.setup import Experiment

METHODS = ("transfer", "self", "flow", "direct", "annex", "Gatys")
ITERATIONS = 25
FLOW_SIDE = 96
GROWTH = 4.4
"""By how much a size is expected to exceed the cost of the half: a little more than in proportion to pixels."""


def main() -> None:
    parser = common.new_parser(__doc__, "sizes", "coffee:china")
    parser.add_argument("--sizes", type=common.split_integers, default=[64, 128, 256, 512, 1024, 2048])
    parser.add_argument("--only", choices=METHODS, action="append", help="measure this method only")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds that a case is expected to take at most")
    parser.add_argument("--memory", type=int, default=3072, help="MiB that a case is expected to take at most")
    arguments = parser.parse_args()
    base, chosen = common.options(arguments), arguments.only or METHODS
    results = common.Results(arguments.out, "method", {method: asdict(base) for method in chosen})
    print(f"{'method':10}{'pair':18}{'size':>6}{'passes':>8}{'seconds':>9}{'MiB':>7}{'convolutions':>14}")
    for method in chosen:
        for pair in arguments.pictures:
            before = None
            for size in arguments.sizes:
                reason = _exceeds(before, size, arguments.limit, arguments.memory)
                if reason:
                    row = {"method": method, "pair": pair, "size": size, "status": "left out", "reason": reason}
                else:
                    row = common.run_in_new_process(measure, method, pair, size, base)
                    before = row
                print(_line(results.add(row)), flush=True)


def _exceeds(before: dict[str, Any] | None, size: int, limit: float, memory: int) -> str | None:
    """Return why a size is left out, by what the latest size took."""
    if before is None:
        return None
    if before["status"] != "done":
        return f"{before['size']} px: {before['status']}"
    ratio = (size / before["size"]) ** 2 * GROWTH / 4
    seconds = before["seconds"] * ratio
    own = before["peak_memory_mib"] - before["memory_before_mib"]
    most = before["memory_before_mib"] + own * ratio
    if seconds > limit:
        return f"expected to take {seconds:,.0f} s"
    return f"expected to take {most:,.0f} MiB" if most > memory else None


def measure(method: str, pair: str, size: int, options: Options) -> dict[str, Any]:
    """Return the row of one case."""
    origin, target = pair.split(":")
    options = replace(options, size=(size, size))
    case = {"method": method, "pair": pair, "size": size}
    if method == "flow":
        return case | _measure_flow(origin, target, options)
    if method == "Gatys":
        return case | _measure_gatys(origin, target, options)
    from decoupling_lib.transfers.setup import prepare

    kinks = {name: AS_THESIS[name] for name in ("activation", "pooling")}
    chosen = {
        "transfer": options,
        "self": options,
        "direct": replace(options, method="direct", threshold=1e-3),
        "annex": replace(options, method="descent", reference="noise", iterations=ITERATIONS, **kinks),
    }[method]
    memory, began = common.Memory(), time.perf_counter()
    experiment = prepare(target if method == "self" else origin, target, chosen)
    result = experiment.run()
    row = {
        "status": result.status,
        "passes": common.total(result.passes),
        "seconds": time.perf_counter() - began,
        "seconds_of_legs": sum(leg.seconds for leg in result.legs),
    } | memory.row()
    if method in ("transfer", "self"):
        precision = resolve_precision(experiment.network, experiment.options.precision)
        row["convolution_seconds"] = _convolution_seconds(experiment, precision, result.legs)
        row["relative_error"] = max(leg.relative_error for leg in result.legs if leg.step < 3)
        row |= _seconds_of_passes(experiment, precision)
    return case | row


def _measure_flow(origin: str, target: str, options: Options) -> dict[str, Any]:
    import decoupling_lib as dl

    flow = dl.make_flow(origin, target, replace(options, size=(FLOW_SIDE, FLOW_SIDE)))
    picture = load_picture(target, options.size).array
    memory, began = common.Memory(), time.perf_counter()
    applied = dl.apply_flow(flow, picture)
    seconds = time.perf_counter() - began
    passes = applied.legs[0].passes.copy()
    for leg in applied.legs[1:]:
        passes.add(leg.passes)
    return {
        "status": "done",
        "passes": common.total(passes),
        "seconds": seconds,
        "seconds_a_megapixel": seconds / (picture.shape[0] * picture.shape[1] / 1e6),
    } | memory.row()


def _measure_gatys(origin: str, target: str, options: Options) -> dict[str, Any]:
    from decoupling_lib.methods import gatys
    from decoupling_lib.networks.vgg import build_network
    from decoupling_lib.transfers.network_source import NetworkSource

    source = NetworkSource(options.network, options.weights)
    style, content = (load_picture(name, options.size).array for name in (origin, target))
    memory, began = common.Memory(), time.perf_counter()
    layers = sorted((*source.layers(5), CONTENT_LAYER))
    network = build_network(options.network, options.weights, layers, activation="relu", pooling="average")
    height, width = content.shape[:2]
    objective = gatys.objective(network, (height, width), style, content, content=CONTENT_LAYER, alpha=1.0, beta=BETA)
    gatys.synthesize(objective, content, ITERATIONS)
    seconds = time.perf_counter() - began
    return {"status": "done", "passes": common.total(objective.features.passes), "seconds": seconds} | memory.row()


def _convolution_seconds(experiment: Experiment, precision: str, legs: Any) -> float:
    """Return how long the convolutions of all passes take by themselves."""
    blocks, shape = experiment.features.blocks, experiment.target.array.shape[:2]
    alone = [
        seconds_of_convolutions(experiment.network.prefix(depth), shape, precision)
        for depth in range(1, len(blocks) + 1)
    ]
    counts = [block.size for block in blocks]
    total = 0.0
    for leg in legs:
        depth = 1 + [block.name for block in blocks].index(leg.layer.rpartition("+")[2])  # a refinement has all layers
        forward, backward = alone[depth - 1]
        of_row = np.average([back for _, back in alone[:depth]], weights=counts[:depth])
        passes = leg.passes
        total += (passes.forward + passes.jvp) * forward + passes.vjp * backward + passes.jacobian_rows * of_row
    return float(total)


def _seconds_of_passes(experiment: Experiment, precision: str) -> dict[str, Any]:
    features, x = experiment.features.map, experiment.target.array
    at = features.linearize(x)
    forward, backward = seconds_of_convolutions(experiment.network, x.shape[:2], precision)
    return {
        "seconds_a_pass": {
            "forward": median_seconds(lambda: features.linearize(x)),
            "jvp": median_seconds(lambda: at.jvp(x)),
            "vjp": median_seconds(lambda: at.vjp(at.values)),
            "convolutions_forward": forward,
            "convolutions_backward": backward,
        },
        "convolution_operations": convolution_operations(experiment.network, x.shape[:2]),
    }


def _line(row: dict[str, Any]) -> str:
    start = f"{row['method']:10}{row['pair']:18}{row['size']:6}"
    if row["status"] == "left out":
        return f"{start}  {row['reason']}"
    alone = row.get("convolution_seconds")
    share = "" if alone is None else f"{alone / row['seconds']:.0%}"
    numbers = f"{row['passes']['total']:8,}{row['seconds']:9.1f}{row['peak_memory_mib']:7,}"
    return f"{start}{numbers}{share:>14}  {row['status']}"


if __name__ == "__main__":
    common.run(main)
