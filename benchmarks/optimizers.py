"""The annex's descent of one leg by each of eight Keras optimizers at its best rate: error against iterations.

    python benchmarks/optimizers.py [--size 64] [--only SGD] [--iterations 500] [--out FILE]

The leg is the first of Step 1: from the image, the first layer moves to the values of noise, by `baselines.descend`,
for the whole budget of iterations. The learning rate of an optimizer is the one of `--rates` that ends nearest to the
target. While that is the first or the last of them, one more decade is tried, at most `MAX_DECADES` times; then the two
rates half a decade on either side. All eight optimizers are treated the same way. But the rates are chosen on the very
leg that is shown, so the errors are the best of several, not what a rate chosen elsewhere would give. All trials are in
the rows.

Each optimizer runs in a new process. An iteration is one forward pass and one VJP. `first_step` and `moved` are the
distances of the image from its start after one iteration and at the end: root mean square, with colors in [0, 1].
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import _common as common
import numpy as np

from decoupling_lib.engine.features import Counted, Passes
from decoupling_lib.methods import baselines
from decoupling_lib.transfers.options import Options

RATES = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
MAX_DECADES = 4
LEVELS = (1e-1, 1e-2)
CURVE_POINTS = 60


def main() -> None:
    parser = common.new_parser(__doc__, "optimizers", "china")
    parser.add_argument("--only", choices=baselines.OPTIMIZERS, action="append", help="measure this one only")
    parser.add_argument("--iterations", type=int, default=500)
    parser.add_argument(
        "--rates", type=common.split_numbers, default=RATES, help="learning rates a decade apart, comma-separated"
    )
    arguments = parser.parse_args()
    base, chosen = common.options(arguments), arguments.only or baselines.OPTIMIZERS
    settings = asdict(base) | {"layers": 1, "iterations": arguments.iterations, "rates": arguments.rates}
    results = common.Results(arguments.out, "optimizer", dict.fromkeys(chosen, settings))
    print("each at the best of its rates, chosen on this very leg; iterations to 0.1 and 0.01; - where not reached")
    titles = ("picture", "optimizer", "rate", "tried", "error", "to 0.1", "to 0.01", "1st step", "moved", "passes", "s")
    print("{:10} {:9} {:>8} {:>5} {:>9} {:>6} {:>7} {:>8} {:>6} {:>6} {:>5}".format(*titles))
    for picture in arguments.pictures:
        for optimizer in chosen:
            row = common.run_in_new_process(measure, base, picture, optimizer, arguments.iterations, arguments.rates)
            print(_line(results.add(row)), flush=True)


def measure(options: Options, picture: str, optimizer: str, iterations: int, rates: list[float]) -> dict[str, Any]:
    """Return the row of the leg by one optimizer."""
    from decoupling_lib.transfers.setup import prepare

    began = time.perf_counter()
    experiment = prepare(picture, picture, options)
    size = experiment.features.blocks[0].size
    leg = {
        "feature_map": experiment.features.prefix(1).map,
        "x": experiment.origin.array,
        "targets": experiment.reference.values[:size],
        "live": experiment.reference.live[:size],
        "optimizer": optimizer,
    }
    trials = tune(leg, iterations, rates)
    best = min(trials, key=lambda rate: trials[rate]["relative_error"])
    first = baselines.descend(**leg, learning_rate=best, iterations=1, threshold=None).x
    chosen, total = trials[best], Passes()
    for trial in trials.values():
        total.add(trial["passes"])
    errors = chosen["errors"]
    shown = np.unique(np.geomspace(1, len(errors), CURVE_POINTS).astype(int)) - 1
    return {
        "picture": picture,
        "optimizer": optimizer,
        "learning_rate": best,
        "status": chosen["status"],
        "relative_error": chosen["relative_error"],
        "to": {f"{level:g}": next((k for k, e in enumerate(errors) if e <= level), None) for level in LEVELS},
        "curve": [[int(k), errors[k]] for k in shown],
        "first_step": _distance(first, leg["x"]),
        "moved": _distance(chosen["x"], leg["x"]),
        "trials": [
            {"learning_rate": rate} | {name: trials[rate][name] for name in ("status", "relative_error")}
            for rate in sorted(trials)
        ],
        "passes": common.total(chosen["passes"]),
        "passes_of_all_trials": common.total(total),
        "seconds": chosen["seconds"],
        "seconds_of_all_trials": time.perf_counter() - began,
    }


def tune(leg: dict[str, Any], iterations: int, rates: list[float]) -> dict[float, dict[str, Any]]:
    """Run a leg at the rates of the grid, beyond the grid while its end is best, and on both sides of the best."""
    trials = {rate: trial(leg, iterations, rate) for rate in rates}

    def best() -> float:
        return min(trials, key=lambda rate: trials[rate]["relative_error"])

    for _ in range(MAX_DECADES):
        if min(trials) < best() < max(trials):
            break
        beyond = float(f"{best() / 10 if best() == min(trials) else best() * 10:.3g}")
        trials[beyond] = trial(leg, iterations, beyond)
    for beside in (best() / np.sqrt(10), best() * np.sqrt(10)):
        trials[float(f"{beside:.3g}")] = trial(leg, iterations, float(f"{beside:.3g}"))
    return trials


def trial(leg: dict[str, Any], iterations: int, rate: float) -> dict[str, Any]:
    """Run the whole budget once; the error is infinite if the run diverged."""
    errors: list[float] = []
    features = Counted(leg["feature_map"])
    began = time.perf_counter()
    run = baselines.descend(
        **leg | {"feature_map": features},
        learning_rate=rate,
        iterations=iterations,
        threshold=None,
        on_step=lambda _iteration, error, _x: errors.append(error),
    )
    return {
        "x": run.x,
        "status": run.status,
        "errors": errors,
        "relative_error": np.inf if run.status == "diverged" else errors[-1],
        "passes": features.passes,
        "seconds": time.perf_counter() - began,
    }


def _distance(x: np.ndarray, start: np.ndarray) -> float:
    return float(np.sqrt(np.mean((x - start) ** 2)))


def _line(row: dict[str, Any]) -> str:
    reached = ["-" if row["to"][f"{level:g}"] is None else row["to"][f"{level:g}"] for level in LEVELS]
    error = "diverged" if row["relative_error"] is None else f"{row['relative_error']:.2e}"
    return (
        f"{row['picture']:10} {row['optimizer']:9} {row['learning_rate']:8.3g} {len(row['trials']):5} {error:>9} "
        f"{reached[0]:>6} {reached[1]:>7} {row['first_step']:8.1e} {row['moved']:6.3f} {row['passes']['total']:6,} "
        f"{row['seconds']:5.1f}"
    )


if __name__ == "__main__":
    common.run(main)
