"""How well the transfer explorer says how long a run will take, at the extremes of its sliders.

    python benchmarks/estimates.py [--cases 0,1] [--limit 900] [--out FILE]

Each run is in a new process. Noted are the estimate before the run, and from the accepted points the time that the run
was expected to take in total once a tenth of it and a half of it were over, all relative to what Steps 1 to 3 and the
judging took. A run that takes longer than the limit is stopped, and its time is missing.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import _common as common

CASES: tuple[dict[str, Any], ...] = (
    {},
    {"softness": 0.02, "steps": 4, "layers": 1, "size": 32},
    {"softness": 0.02, "steps": 48, "layers": 1, "size": 32},
    {"softness": 1.0, "steps": 4},
    {"softness": 1.0, "steps": 48, "layers": 1},
    {"layers": 5, "size": 32, "steps": 4, "softness": 1.0},
    {"layers": 1, "size": 192},
    {"method": "projected"},
    {"method": "projected", "layers": 5, "size": 32},
    {"method": "descent", "iterations": 10},
    {"method": "descent", "iterations": 2000, "layers": 1},
    {"method": "direct"},
    {"method": "direct", "iterations": 2000, "size": 96},
)
"""What differs from the explorer's first values."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=common.split_integers, default=list(range(len(CASES))), help="numbers, from 0")
    parser.add_argument("--limit", type=float, default=900.0, help="maximum seconds of a run")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "estimates.json")
    arguments = parser.parse_args()
    names = {number: f"case {number}" for number in arguments.cases}
    results = common.Results(arguments.out, "part", {name: CASES[number] for number, name in names.items()})
    print(f"{'':62} {'low':>7} {'high':>7} {'actual':>7} {'at 10 %':>8} {'at 50 %':>8}")
    for number, name in names.items():
        found = common.run_in_new_process(measure, CASES[number], arguments.limit)
        row = results.add({"part": name} | found)
        numbers = [row["low"], row["high"], row["seconds"], row["ratio_at_tenth"], row["ratio_at_half"]]
        text = " ".join(f"{'-':>7}" if each is None else f"{each:7.2f}" for each in numbers)
        print(f"{CASES[number]!s:62} {text}  {row['status']}", flush=True)


def measure(changes: dict[str, Any], limit: float) -> dict[str, Any]:
    """Return the estimates of one run, and what it took."""
    from decoupling_lib.explorers import transfer
    from decoupling_lib.runs.pace import Pace
    from decoupling_lib.transfers.estimate import estimate_run
    from decoupling_lib.transfers.setup import complete_setup, gather_inputs

    explorer = transfer.transfer_explorer()
    explorer.worker.wait(limit)
    values = {name: control.value for name, control in explorer.controls.items()} | changes
    inputs = gather_inputs(values["origin"], values["target"], transfer.options(values))
    expected = estimate_run(inputs)
    pace, experiment, totals = Pace(expected), complete_setup(inputs), []
    began = time.perf_counter()

    def listen(step: int, layer: str, progress: float, x: object) -> None:
        pace.move(step, layer, progress)
        spent = time.perf_counter() - began
        totals.append((spent, spent + pace.remaining))
        if spent > limit:
            raise KeyboardInterrupt

    status = experiment.run(listen).status
    seconds = time.perf_counter() - began
    legs = [part.seconds for part in expected.parts[1:]]
    row = {"low": sum(each.low for each in legs), "high": sum(each.high for each in legs), "status": status}
    if status != "done":
        return row | {"seconds": None, "ratio_at_tenth": None, "ratio_at_half": None}
    ratios = {
        name: next(total / seconds for spent, total in totals if spent >= share * seconds or spent == totals[-1][0])
        for name, share in (("ratio_at_tenth", 0.1), ("ratio_at_half", 0.5))
    }
    return row | {"seconds": seconds} | ratios


if __name__ == "__main__":
    common.run(main)
