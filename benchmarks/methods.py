"""The same legs by every method: passes, seconds and memory to relative errors of 0.1, 0.01 and 0.001.

    python benchmarks/methods.py [--size 64] [--only sgd] [--legs block1,both] [--iterations 50000] [--out FILE]

Legs of Step 1 with two layers. All methods begin a leg at the same image:

block1  from the image, the first layer to the values of noise
block2  from where the undamped lift ends block1, the second layer, with the first held
both    from the image, both layers: for the lift its two legs, for the others both targets at once
self    the self-transfer, Steps 1 to 3, for methods that have one: PSNR

Methods, all with one network, image and reference, each case in a new process with the same threads:

decoupled, undamped  the lift with its default damping, and without damping
few                  undamped, in `--few-steps` steps solved to 1e-3: enough to reach the target, not to come back
sgd, adam            the annex's descent, at learning rates of 5e-4 and `--adam-rate`
direct               L-BFGS on the coupled means of the layers
gatys                L-BFGS on the Gram matrices of the reference noise; like the others, judged by channel means

The error of a case is that of its worst layer, including held ones. Memory is the peak from the start of the method on.
A descent is judged at each point that it evaluates, and stopped at 0.001. The features of the lift follow a straight
line to the target, so the lift is judged where its leg ends: the passes it needs for any error are the passes of the
whole leg. The time of judging is not counted, and neither is compiling, except for the optimizer step of sgd and adam.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import _common as common
import numpy as np
from _watch import LEVELS, ArrivedError, Watch

from decoupling_lib.engine.context import Context
from decoupling_lib.engine.features import Counted, Passes, block_slices
from decoupling_lib.engine.legs import run_leg
from decoupling_lib.engine.normalization import normalize
from decoupling_lib.images.quality import psnr
from decoupling_lib.methods import baselines
from decoupling_lib.transfers.options import Options

if TYPE_CHECKING:
    from decoupling_lib.transfers.setup import Experiment

METHODS = ("decoupled", "undamped", "few", "sgd", "adam", "direct", "gatys")
LEGS = ("block1", "block2", "both")


@dataclass(frozen=True)
class Limits:
    """Maximum iterations: of the descents, of L-BFGS, and per leg of the annex's self-transfer."""

    iterations: int
    lbfgs_iterations: int
    self_iterations: int


def main() -> None:
    parser = common.new_parser(__doc__, "methods", "china,flower")
    parser.add_argument(
        "--only", choices=METHODS, action="append", help="measure these methods only; the rows of the others stay"
    )
    parser.add_argument("--legs", type=common.split_names, default=[*LEGS, "self"])
    parser.add_argument("--iterations", type=int, default=50_000, help="maximum for sgd and adam")
    parser.add_argument("--lbfgs-iterations", type=int, default=5000, help="maximum for direct and gatys")
    parser.add_argument(
        "--self-iterations", type=int, default=1000, help="maximum for sgd and adam per leg of a self-transfer"
    )
    parser.add_argument("--few-steps", type=int, default=3, help="steps per leg of few")
    parser.add_argument(
        "--adam-rate", type=float, default=1e-3, help="learning rate of adam; the default of Keras is 1e-3"
    )
    arguments = parser.parse_args()
    limits = Limits(arguments.iterations, arguments.lbfgs_iterations, arguments.self_iterations)
    base, chosen = common.options(arguments), arguments.only or METHODS
    by_method = {method: _options(base, method, arguments) for method in chosen}
    parts = {
        f"{method} {leg}": asdict(each) | {"limits": asdict(limits)}
        for (method, each), leg in product(by_method.items(), arguments.legs)
    }
    results = common.Results(arguments.out, "case", parts)
    print(f"threads: {common.machine()['threads']}; passes and seconds to each error; - where it was not reached")
    print(f"{'picture':10} {'leg':7} {'method':10}" + "".join(f"{level:>17g}" for level in LEVELS), end="")
    print(f" {'error':>9} {'passes':>8} {'seconds':>8} {'MiB':>6}")
    for picture, leg in product(arguments.pictures, arguments.legs):
        start = common.run_in_new_process(end_of_block1, base, picture) if leg == "block2" else None
        for method, options in by_method.items():
            if leg != "self":
                row = common.run_in_new_process(measure, options, method, leg, picture, start, limits)
            elif method in ("direct", "gatys"):
                continue  # without a normalization the image is its own transfer
            else:
                row = common.run_in_new_process(measure_self, options, method, picture, limits)
            print(_line(results.add({"case": f"{method} {leg}"} | row)), flush=True)
    for line in _comparisons(results.rows):
        print(line)


def _options(base: Options, method: str, arguments: argparse.Namespace) -> Options:
    own = {
        "undamped": {"damping": 0.0},
        "few": {"damping": 0.0, "steps": arguments.few_steps, "tolerance": 1e-3},
        "sgd": {"method": "descent", "learning_rate": 5e-4},
        "adam": {"method": "descent", "optimizer": "Adam", "learning_rate": arguments.adam_rate},
        "direct": {"method": "direct"},
    }
    return replace(base, **own.get(method, {}))


def end_of_block1(options: Options, picture: str) -> np.ndarray:
    """Return where the undamped lift ends its first leg, (H, W, 3): there the first layer is at the reference."""
    from decoupling_lib.transfers.setup import prepare

    experiment = prepare(picture, picture, replace(options, damping=0.0))
    return normalize(
        Context(experiment.features.prefix(1), experiment.reference, experiment.settings), experiment.origin.array
    ).x


def measure(
    options: Options, method: str, leg: str, picture: str, start: np.ndarray | None, limits: Limits
) -> dict[str, Any]:
    """Return the row of one leg by one method, from `start` or from the image."""
    from decoupling_lib.transfers.setup import prepare

    experiment = prepare(picture, picture, options)
    features = Counted(experiment.features.prefix(1 if leg == "block1" else 2).map)
    x = experiment.origin.array if start is None else start
    _compile(features, x)
    watch, memory = Watch(features, experiment), common.Memory()
    move = _descend if method in ("sgd", "adam") else _lbfgs if method in ("direct", "gatys") else _lift
    watch.begin(x)
    try:
        status = move(experiment, watch, x, leg, method, limits)
    except ArrivedError:
        status = "reached"
    return {
        "picture": picture,
        "leg": leg,
        "method": method,
        "status": status,
        "to": {f"{level:g}": watch.reached.get(level) for level in LEVELS},
        "relative_error_at_start": watch.first,
        "relative_error": watch.errors,
        "passes": common.total(watch.features.passes),
        "seconds": watch.seconds,
    } | memory.row()


def measure_self(options: Options, method: str, picture: str, limits: Limits) -> dict[str, Any]:
    """Return the row of the self-transfer by one method."""
    from decoupling_lib.transfers.setup import prepare

    experiment = prepare(picture, picture, replace(options, iterations=limits.self_iterations))
    memory, began = common.Memory(), time.perf_counter()
    result = experiment.run()
    return {
        "picture": picture,
        "leg": "self",
        "method": method,
        "status": result.status,
        "psnr_db": psnr(list(result.routes.values())[min(2, len(result.routes) - 1)].x, result.origin),
        "relative_error": {leg.layer: leg.relative_error for leg in result.legs if leg.step == 1},
        "passes": common.total(result.passes),
        "seconds": time.perf_counter() - began,
    } | memory.row()


def _compile(features: Counted, x: np.ndarray) -> None:
    """Compile what the methods call, uncounted; the lift also calls the maps of fewer layers."""
    for depth in range(1, len(features.blocks) + 1):
        part = features.map.prefix(depth)
        part.values(x)
        at = part.linearize(x)
        at.vjp(at.values)
        at.jvp(x)
        at.jacobian()


def _lift(experiment: Experiment, watch: Watch, x: np.ndarray, leg: str, method: str, limits: Limits) -> str:
    context = Context(watch.features, experiment.reference, experiment.settings)
    if leg == "block2":
        moving = list(block_slices(watch.blocks).values())[1]
        c = watch.features.map.values(x)[moving]
        x, last, _ = run_leg(context, x, 2, c, experiment.reference.values)
    else:
        route = normalize(context, x)
        x, last = route.x, route.legs[-1]
    watch.judge(x)
    return last.status


def _descend(experiment: Experiment, watch: Watch, x: np.ndarray, leg: str, method: str, limits: Limits) -> str:
    options, n = experiment.options, sum(block.size for block in watch.blocks)
    goal: dict[str, Any] = {
        "targets": experiment.reference.values[:n],
        "live": experiment.reference.live[:n],
        "optimizer": options.optimizer,
        "learning_rate": options.learning_rate,
        "threshold": None,
    }
    baselines.descend(watch.means.map, x, **goal, iterations=1)  # loads Keras
    watch.begin(x)
    return baselines.descend(watch, x, **goal, iterations=limits.iterations).status


def _lbfgs(experiment: Experiment, watch: Watch, x: np.ndarray, leg: str, method: str, limits: Limits) -> str:
    n = sum(block.size for block in watch.blocks)
    goal: dict[str, Any] = {"targets": experiment.reference.values[:n], "live": experiment.reference.live[:n]}
    if method == "gatys":
        from decoupling_lib.images.noise import noise_draws
        from decoupling_lib.methods import gatys

        options, size = experiment.options, x.shape[:2]
        noise = noise_draws(size, options.seed, options.noise_draws)[0]
        aim = gatys.objective(watch.means.map.network, size, noise)
        at = replace(aim.features, passes=Passes()).linearize(x)
        at.vjp(at.values)  # compiles, uncounted
        watch.features, goal = aim.features, {"targets": aim.targets, "weights": aim.weights}
        watch.begin(x)
    return baselines.descend_lbfgs(watch, x, **goal, iterations=limits.lbfgs_iterations, threshold=0.0).status


def _line(row: dict[str, Any]) -> str:
    def cell(reached: dict[str, Any] | None) -> str:
        return f"{reached['passes']['total']:8,} {reached['seconds']:6.1f} s" if reached else f"{'-':>17}"

    head = f"{row['picture']:10} {row['leg']:7} {row['method']:10}"
    if row["leg"] == "self":
        decibels = "equal" if row["psnr_db"] is None else f"{row['psnr_db']:.1f} dB"
        middle = f"{decibels:>{17 * len(LEVELS)}}"
    else:
        middle = "".join(f"{cell(reached):>17}" for reached in row["to"].values())
    worst = max(np.inf if error is None else error for error in row["relative_error"].values())
    return (
        f"{head}{middle} {worst:9.2e} {row['passes']['total']:8,} {row['seconds']:8.1f} "
        f"{row['peak_memory_mib']:6,} {row['status']}"
    )


def _comparisons(rows: list[dict[str, Any]]) -> list[str]:
    """Compare the passes of the lift with those of the annex and of L-BFGS, where both were measured."""
    found = {(row["picture"], row["leg"], row["method"]): row for row in rows}

    def passes(picture: str, leg: str, method: str, level: str) -> tuple[int, bool] | None:
        """Return the passes to an error and True; if it was not reached, all passes and False."""
        row = found.get((picture, leg, method))
        if row is None or "to" not in row:
            return None
        reached = row["to"][level]
        return (reached or row)["passes"]["total"], reached is not None

    lines: list[str] = []
    for picture, leg in dict.fromkeys((row["picture"], row["leg"]) for row in rows):
        for lift in ("decoupled", "undamped", "few"):
            annex, ours = passes(picture, leg, "sgd", "0.1"), passes(picture, leg, lift, "0.01")
            if annex and ours and ours[1]:
                least = "" if annex[1] else "more than "
                ratio = f"{least}{annex[0] / ours[0]:.2g} times the passes of {lift} to 0.01"
                lines.append(f"{picture} {leg}: sgd to 0.1 takes {ratio}")
        for lift in ("undamped", "few"):
            theirs, ours = passes(picture, leg, "direct", "0.001"), passes(picture, leg, lift, "0.001")
            if theirs and ours and theirs[1] and ours[1]:
                ratio = f"{ours[0] / theirs[0]:.2g} times the passes of direct"
                lines.append(f"{picture} {leg}: {lift} to 0.001 takes {ratio}")
    return lines


if __name__ == "__main__":
    common.run(main)
