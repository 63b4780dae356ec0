"""The annex's descent of one leg by each of eight Keras optimizers: error against iterations, each at its best rate.

    python benchmarks/optimizers.py [--size 64] [--only SGD] [--iterations 500] [--out FILE]

The leg is Step 1's first: from the picture, the first layer to noise's values, by `baselines.descend`, the whole budget
of iterations long. An optimizer's learning rate is the one that ends nearest, out of `--rates`; while that is the
first or the last of them a decade more is tried, at most `MOST_DECADES` times; then the two half a decade beside it.
All eight are treated alike. But the rates are chosen on the very leg that is shown, so the errors are the best of
several, not what a rate chosen elsewhere would give. All trials are in the rows.

Each optimizer runs in a fresh process. Iterations are a forward pass and a VJP each. `first_step` and `moved` are how
far the picture is from where it began after one iteration and at the end, root mean square, colors in [0, 1].
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
MOST_DECADES = 4
LEVELS = (1e-1, 1e-2)
CURVE_POINTS = 60


def main() -> None:
    parser = common.parser(__doc__, "optimizers", "china")
    parser.add_argument("--only", choices=baselines.OPTIMIZERS, action="append", help="keeps the others' rows")
    parser.add_argument("--iterations", type=int, default=500)
    parser.add_argument(
        "--rates", type=common.numbers, default=RATES, help="learning rates, a decade apart, with commas"
    )
    arguments = parser.parse_args()
    base, chosen = common.options(arguments), arguments.only or baselines.OPTIMIZERS
    made = asdict(base) | {"layers": 1, "iterations": arguments.iterations, "rates": arguments.rates}
    results = common.Results(arguments.out, "optimizer", dict.fromkeys(chosen, made))
    print("each at the best of its rates, chosen on this very leg; iterations to 0.1 and 0.01, - where not reached")
    titles = ("picture", "optimizer", "rate", "tried", "error", "to 0.1", "to 0.01", "1st step", "moved", "passes", "s")
    print("{:10} {:9} {:>8} {:>5} {:>9} {:>6} {:>7} {:>8} {:>6} {:>6} {:>5}".format(*titles))
    for picture in arguments.pictures:
        for optimizer in chosen:
            row = common.fresh(measure, base, picture, optimizer, arguments.iterations, arguments.rates)
            print(_line(results.add(row)), flush=True)


def measure(options: Options, picture: str, optimizer: str, iterations: int, rates: list[float]) -> dict[str, Any]:
    """The leg by one optimizer, as a row."""
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
    """Runs of a leg by learning rate: the grid, decades beyond it while the best is at an end, then beside the best."""
    trials = {rate: trial(leg, iterations, rate) for rate in rates}

    def best() -> float:
        return min(trials, key=lambda rate: trials[rate]["relative_error"])

    for _ in range(MOST_DECADES):
        if min(trials) < best() < max(trials):
            break
        beyond = float(f"{best() / 10 if best() == min(trials) else best() * 10:.3g}")
        trials[beyond] = trial(leg, iterations, beyond)
    for beside in (best() / np.sqrt(10), best() * np.sqrt(10)):
        trials[float(f"{beside:.3g}")] = trial(leg, iterations, float(f"{beside:.3g}"))
    return trials


def trial(leg: dict[str, Any], iterations: int, rate: float) -> dict[str, Any]:
    """One run of the whole budget; its error is infinite if it diverged."""
    errors: list[float] = []
    features = Counted(leg["feature_map"])
    began = time.perf_counter()
    run = baselines.descend(
        **leg | {"feature_map": features},
        learning_rate=rate,
        iterations=iterations,
        threshold=None,
        on_step=lambda _, error: errors.append(error),
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
