"""Which part of Step 3 does what: the legs, the corrections at their ends, or the refinement?

    python benchmarks/ablation.py [--processes 2] [--report] [--out FILE]

Written down before the first run:

Design. Refinement (none, or up to 16 steps until every block is within 2 % of the style) x corrections at the ends of
Step 3's legs (on, off) x start (the legs of Step 3, or direct matching of the coupled means, which has no legs and so
nothing to correct): six combinations, on twelve pairs of the twelve bundled pictures, each once the origin and once the
target; 64 x 64 px; two layers; references noise (three seeds in turn) and midpoint, both with the same 16 steps at most
(the default with midpoint is none). The refinement after direct is the same function, with direct's result as its image
and the same c as its aim. Direct goes all the way to the origin's means, by L-BFGS to 0.1 %.

Measures. The style gap by block, ‖c(x) - c‖ of the image before it is saved as a share of ‖c(target) - c‖, by the
method's own measurement with the tolerance of the refinement (1e-5); `worst` is the larger of the two. Outside judges:
Gram matrices of four other layers, statistics of differences of Gaussians, colors; SSIM to the target and edges. `gain`
is the SSIM over that of direct at equal Gram matrices, where direct goes shares of the way (as in `equal_style`; it can
be less than 0 for direct itself where its curve is not monotone). Passes, with those of Steps 1 and 2 where a start
needs them.

Claims, each with its primary measure and what would count against it.

1. The refinement closes the style gap, not the legs: refined, both starts end equally close. Measure: `worst`, legs
   minus direct, both refined. Against it: a mean of more than .05 away from 0; refinements that reach 2 % from the legs
   and not from direct; a smaller gap of unrefined legs than of unrefined direct (interval below 0).
2. The refinement serves its own yardstick only. Measure: `gain`, refined minus unrefined, after legs with corrections.
   Against it: an interval above 0; Gram matrices that come closer without a loss in SSIM.
3. Corrections bring block 1 closer and take block 2 away. Measure: the gap of block 2, corrections on minus off,
   unrefined. Against it: an interval that includes 0, or lies below it. After a refinement they make no difference.
4. The start decides what is left of the target. Measure: `gain`, legs minus direct, both refined. Against it: an
   interval that includes 0, or lies below it; a gain at equal Gram matrices of legs whose statistics of differences of
   Gaussians are further away and whose SSIM is no higher.

Each claim is judged for each reference, so there are eight primary tests. They and all secondary ones that are printed
are one family, adjusted by Holm's method. Intervals are bootstrap intervals over pictures, not pairs.
"""

from __future__ import annotations

from statistics import median
from typing import Any

import _common as common
import _experiments as experiments
from _direct import SHARES, best_at, match_directly
from _intervals import bootstrap_over_pictures, correct_by_holm

REFERENCES = ("midpoint", "noise")
CORRECTIONS = {"legs on": 16, "legs off": 0}
STARTS = (*CORRECTIONS, "direct")
REFINEMENTS = 16
MEASURES = ("worst", "left 1", "left 2", "gram", "bands", "ssim", "gain")
CONTRASTS = {
    "refinement, after legs": (("legs on", "refined"), ("legs on", "unrefined")),
    "refinement, after direct": (("direct", "refined"), ("direct", "unrefined")),
    "corrections, unrefined": (("legs on", "unrefined"), ("legs off", "unrefined")),
    "corrections, refined": (("legs on", "refined"), ("legs off", "refined")),
    "legs, unrefined": (("legs on", "unrefined"), ("direct", "unrefined")),
    "legs, refined": (("legs on", "refined"), ("direct", "refined")),
}
"""By name the two cells whose difference is taken, (start, whether refined) each."""
PRIMARY = {
    ("legs, refined", "worst"): 1,
    ("refinement, after legs", "gain"): 2,
    ("corrections, unrefined", "left 2"): 3,
    ("legs, refined", "gain"): 4,
}
"""By contrast and measure the claim that they are the primary measure of."""


def main() -> None:
    rows = experiments.obtain_rows(__doc__, "ablation", measure, list_tasks, 64)
    print_tables(list(rows.values()))


def list_tasks(size: int = 64, weights: str = "hed") -> dict[str, tuple[Any, ...]]:
    """Return all tasks by name: (origin, target, size, weights, reference, seed)."""
    tasks: dict[str, tuple[Any, ...]] = {}
    for number, (origin, target) in enumerate(experiments.list_pairs((4,))):
        for reference in REFERENCES:
            seed = number % 3 if reference == "noise" else 0
            tasks[f"{origin} {target} {reference}"] = (origin, target, size, weights, reference, seed)
    return tasks


def measure(origin: str, target: str, size: int, weights: str, reference: str, seed: int) -> dict[str, Any]:
    """Return the row of one pair and one reference: its cells by start, unrefined and refined."""
    from dataclasses import replace

    from _judges import judge
    from _steps import gap_left, impose_style, measure_style, remove_style, set_up

    from decoupling_lib.engine.features import Counted
    from decoupling_lib.engine.normalization import Route
    from decoupling_lib.engine.refinement import refine
    from decoupling_lib.transfers.evaluation import observer_network
    from decoupling_lib.transfers.options import Options
    from decoupling_lib.transfers.setup import gather_inputs

    fixed = {
        "size": (size, size),
        "weights": weights,
        "network": "vgg16",
        "refinements": REFINEMENTS,
        **experiments.LEGS,
    }
    options = Options(**fixed, reference=reference, seed=seed)
    inputs = gather_inputs(origin, target, options)
    images, look = (inputs.origin.array, inputs.target.array), observer_network(inputs.network)
    context = set_up(inputs, *images)
    passes = context.features.passes
    spent = passes.total
    wanted = measure_style(context, images[0])
    cost1 = passes.total - spent
    bare = remove_style(context, images[1])
    cost2 = passes.total - spent - cost1
    row = {"origin": origin, "target": target, "reference": reference, "seed": seed}
    if not wanted.status == bare.status == "done":
        return row | {"status": f"{wanted.status}, {bare.status}"}

    curve: dict[str, list[float]] = {"gram": [], "ssim": []}
    for share in SHARES:
        counted = Counted(context.features.map)
        direct = match_directly(counted, images[1], images[0], share, context.reference.live)
        judged = judge(look, direct, *images)
        for name, values in curve.items():
            values.append(judged[name])
    direct_cost = counted.passes.total

    def describe(x: Any, style: Any, cost: int) -> dict[str, Any]:
        left = gap_left(context, style, bare.style, wanted.style)
        cell = {"passes": cost, "worst": max(left), "left 1": left[0], "left 2": left[1]} | judge(look, x, *images)
        return cell | {"gain": cell["ssim"] - best_at(curve["gram"], curve["ssim"], cell["gram"])}

    cells: dict[str, Any] = {}
    for start in STARTS:
        spent = passes.total
        if start == "direct":
            route, needed = Route(direct, wanted.style, (), "done"), cost1
            cost = direct_cost
        else:
            route, needed = impose_style(context, bare, wanted.style, CORRECTIONS[start]), 0
            cost = cost1 + cost2 + passes.total - spent
        if route.status != "done":
            cells[start] = {"status": route.status}
            continue
        corrections = CORRECTIONS.get(start, 0)
        refined = refine(replace(context, settings=replace(context.settings, corrections=corrections)), route)
        leg = refined.legs[-1]
        cells[start] = {
            "status": leg.status,
            "steps": leg.steps,
            "unrefined": describe(route.x, refined.initial, cost),
            "refined": describe(refined.x, refined.achieved, cost + needed + leg.passes.total),
        }
    return row | {"status": "done", "curve": curve, "cells": cells}


def contrasts(rows: list[dict[str, Any]]) -> dict[str, dict[tuple[str, str], float]]:
    """Return differences of cells by contrast and measure, and in them by (origin, target), without missing cells."""
    found: dict[str, dict[tuple[str, str], float]] = {}
    for name, (more, less) in CONTRASTS.items():
        for measured in MEASURES:
            values = found.setdefault(f"{name}: {measured}", {})
            for row in rows:
                first, second = (_look_up(row, *each, measured) for each in (more, less))
                if first is not None and second is not None:
                    values[row["origin"], row["target"]] = first - second
    return found


def _look_up(row: dict[str, Any], start: str, stage: str, measured: str) -> float | None:
    cell = row.get("cells", {}).get(start, {}).get(stage)
    return None if cell is None else cell[measured]


def print_tables(rows: list[dict[str, Any]]) -> None:
    """Print the contrasts with their intervals, and medians of all cells."""
    found, shown = {}, {}
    for reference in REFERENCES:
        for title, values in contrasts([row for row in rows if row.get("reference") == reference]).items():
            if values:
                name, measured = title.split(": ")
                claim = PRIMARY.get((name, measured))
                key = f"{reference:9} {name:25} {measured:7}"
                found[key] = bootstrap_over_pictures(list(values.values()), list(values))
                below = sum(value < 0 for value in values.values())
                shown[key] = f"{found[key]}, below 0: {below}/{len(values)}", claim
    print("Differences: mean [95 % interval over pictures], p by Holm; the number of a claim marks its primary measure")
    adjusted = correct_by_holm({key: each.p for key, each in found.items()})
    for key, (text, claim) in shown.items():
        print(f"{key} {text}, p {adjusted[key]:.3f}{f'   claim {claim}' if claim else ''}")
    _print_medians(rows)


def _print_medians(rows: list[dict[str, Any]]) -> None:
    shown = ("worst", "left 1", "left 2", "gram", "bands", "colors", "ssim", "edges", "gain")
    print(f"\nMedians\n{'reference start     ':31}" + "".join(f"{name:>8}" for name in shown) + "  passes  pairs")
    for reference in REFERENCES:
        for start in STARTS:
            cells = [row.get("cells", {}).get(start) for row in rows if row.get("reference") == reference]
            whole = [cell for cell in cells if cell is not None and "refined" in cell]
            for stage in ("unrefined", "refined"):
                done = [cell[stage] for cell in whole if cell[stage]["worst"] is not None]
                if done:
                    numbers = "".join(f"{median(each[name] for each in done):8.3f}" for name in shown)
                    cost = median(each["passes"] for each in done)
                    print(f"{reference:9} {start:9} {stage:10} {numbers} {cost:7,.0f} {len(done):6}")
            if whole:
                reached = sum(cell["status"] == "reached" for cell in whole)
                steps = median(cell["steps"] for cell in whole)
                print(
                    f"{reference:9} {start:9} the refinement reached 2 % on {reached} of {len(cells)}; {steps:g} steps"
                )


if __name__ == "__main__":
    common.run(main)
