"""Does a leg's growth of small changes say how well it can be retraced, and how well a style can be imposed?

    python benchmarks/amplification.py [--processes 2] [--report] [--out FILE]

Written down before the first run:

Theory. M is the derivative of a leg toward the reference: the change of the image at its end by a change at its start.
The style gap of a real transfer follows the largest growth there, sigma_max(M): the result leaves for the reference by
another way than the one it came, and what is a little off at the start of the leg is more off at its end, where the
next block is measured. The error of a self-transfer follows the largest growth back, 1/sigma_min(M): rounding and the
tolerance of the steps are amplified on the way back.

Design. Twelve bundled pictures as targets, each with one origin: twelve pairs; 32 x 32 px, two layers, no refinement,
no corrections at the ends of legs. References noise, the mean of photographs (of which the two pictures are two of
twelve) and midpoint. With the first two the legs of a target do not depend on the origin, and their growth is measured
once; with midpoint it is measured for each pair. Growth along both legs of Step 2, there and back, by at most six
products of a power iteration, which gives lower bounds, and of white noise (one draw); the equations of the derivative
are solved to 1 %, which changed moderate growth by less than 1 % in trials. The same for leg 1 from the result of each
transfer, the very leg by which its block 2 is judged. Self-transfers of one layer (leg 1 there and back) and of two
layers (legs 1, 2, 2, 1). With the reference midpoint, too, a self-transfer gives the target its own style back, by the
reference of the pair.

Primary measures, both mean rank correlations within references (so that differences between references play no part).
1. The gap of block 2 as a share of the untouched gap, against the growth there along leg 1 from the target. (Block 1 is
   judged before any leg: its gap cannot follow a growth there.)
2. The root mean square error of the self-transfer of two layers, against the product of the growths back along both
   legs.
Secondary: the same by reference; with the growth of white noise; with leg 1 from the result; the self-transfer of one
layer against the growth back along leg 1. Controls: each error against the growth in the other direction. All that are
printed are one family, adjusted by Holm's method. The order of the references is reported by medians, without a test.

What would count against. An interval of a primary measure that includes 0 or lies below it; a control that correlates
as much; references whose order in growth is not their order in error; a growth that explains the errors of one
reference only.

Intervals are bootstrap intervals over pictures, of origins and targets. Noise has one seed for each target, three in
turn. A power iteration of few products understates the largest growth, and the more so the larger it is, which may
weaken correlations. In trials the rate k of a direction in flat areas (an eigenvalue of the leg's second derivative)
times the step h was -2.7 for several of sixteen steps toward photographs, so growth back of 1e12 is that of the flow.
The symmetric rule takes such a direction by (1 + hk/2)/(1 - hk/2) instead of exp(hk), has several solutions there, and
the equations of its derivative are solved to some percent only: growth of more than 1e6 is an order at best. It enters
as its rank; how often it occurs is reported. (Four times as many steps did not bring such a self-transfer back: 25 dB
instead of 24.)

Changed before the first run, to halve its time: twelve pairs instead of 24, which share their pictures and so have told
little more, and six products instead of ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

import _common as common
import _experiments as experiments
import numpy as np
from _intervals import correct_by_holm
from _ranks import mean_rank_correlation, rank_correlation

REFERENCES = ("noise", "photographs", "midpoint")
SHIFTS = (1,)
PRODUCTS = 6
TOLERANCE = 1e-2
LARGE = 1e6
"""Growth along a leg beyond which it has a rank rather than a value; see the top of the module."""


def main() -> None:
    rows = experiments.obtain_rows(__doc__, "amplification", measure, list_tasks, 32)
    print_tables(list(rows.values()))


def list_tasks(size: int = 32, weights: str = "hed") -> dict[str, tuple[Any, ...]]:
    """Return all tasks by name: (target, its origins, size, weights, reference, seed)."""
    tasks: dict[str, tuple[Any, ...]] = {}
    for number, target in enumerate(experiments.PICTURES):
        origins = [origin for origin, other in experiments.list_pairs(SHIFTS) if other == target]
        for reference in REFERENCES:
            seed = number % 3 if reference == "noise" else 0
            for own in [[origin] for origin in origins] if reference == "midpoint" else [origins]:
                name = " ".join((target, *own, reference))
                tasks[name] = (target, own, size, weights, reference, seed)
    return tasks


def measure(target: str, origins: Sequence[str], size: int, weights: str, reference: str, seed: int) -> dict[str, Any]:
    """Return the row of a target and a reference, with a transfer from each origin."""
    from dataclasses import replace

    from _steps import gap_left, impose_style, measure_style, set_up

    from decoupling_lib.engine.decoupled_features import record_legs
    from decoupling_lib.engine.leg_derivative import SolvedLeg
    from decoupling_lib.engine.normalization import impose, normalize, retracing
    from decoupling_lib.transfers.options import Options
    from decoupling_lib.transfers.setup import gather_inputs

    fixed = {"size": (size, size), "weights": weights, "network": "vgg16", "refinements": 0, **experiments.LEGS}
    options = Options(**fixed, reference=reference, seed=seed)
    inputs = [gather_inputs(origin, target, options) for origin in origins]
    x = inputs[0].target.array
    context = set_up(inputs[0], inputs[0].origin.array, x)  # the only origin of the reference midpoint
    row: dict[str, Any] = {"target": target, "reference": reference, "seed": seed, "status": "done"}
    legs: list[SolvedLeg] = []
    bare = normalize(record_legs(context, legs), x)
    if bare.status != "done":
        return row | {"status": bare.status}
    row["legs"] = [_amplify(leg) for leg in legs]
    row["self"] = []
    for depth, end in ((1, legs[0].points[-1]), (2, bare.x)):
        there = replace(bare, x=end, legs=bare.legs[:depth])
        back = impose(retracing(context.prefix(depth), there), there.x, there.style)
        error = float(np.sqrt(np.mean((back.x - x) ** 2)))
        row["self"].append(error if back.status == "done" else None)
    row["transfers"] = []
    for origin, each in zip(origins, inputs, strict=True):
        wanted = measure_style(context, each.origin.array)
        result = impose_style(context, bare, wanted.style, corrections=0) if wanted.status == "done" else wanted
        if result.status != "done":
            row["transfers"].append({"origin": origin, "status": result.status})
            continue
        own: list[SolvedLeg] = []
        reached = measure_style(record_legs(context, own), result.x)
        left = gap_left(context, reached.style, bare.style, wanted.style) if reached.status == "done" else None
        row["transfers"].append(
            {
                "origin": origin,
                "status": reached.status,
                "left": left,
                "leg 1": _amplify(own[0]) if own else None,
                "passes": sum(leg.passes.total for route in (wanted, bare, result) for leg in route.legs),
            }
        )
    return row | {"passes": context.features.passes.total}


def _amplify(leg: Any) -> dict[str, float]:
    from dataclasses import replace

    from decoupling_lib.engine.amplification import amplification

    return dict(vars(amplification(replace(leg, tolerance=TOLERANCE), PRODUCTS)))


def list_transfers(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return an entry for each real transfer: its gap of block 2, and growths of leg 1."""
    return [
        {
            "reference": row["reference"],
            "pictures": (row["target"], each["origin"]),
            "gap": each["left"][1],
            "there 1": row["legs"][0]["there"],
            "back 1": row["legs"][0]["back"],
            "white there 1": row["legs"][0]["white_there"],
            "there 1 from the result": each["leg 1"]["there"],
            "white there 1 from the result": each["leg 1"]["white_there"],
        }
        for row in rows
        for each in row.get("transfers", [])
        if each["status"] == "done" and each["leg 1"] is not None
    ]


def list_self_transfers(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return an entry for each target and reference: the errors of its self-transfers, and growths of its legs."""
    entries = []
    for row in rows:
        if row["status"] == "done" and None not in row["self"]:
            first, second = row["legs"]
            origins = [each["origin"] for each in row["transfers"]] if row["reference"] == "midpoint" else []
            entries.append(
                {
                    "reference": row["reference"],
                    "pictures": (row["target"], *origins),
                    "error 1": row["self"][0],
                    "error": row["self"][1],
                    "there 1": first["there"],
                    "back 1": first["back"],
                    "back 2": second["back"],
                    "there": first["there"] * second["there"],
                    "back": first["back"] * second["back"],
                    "white back": first["white_back"] * second["white_back"],
                }
            )
    return entries


TESTS = (
    ("transfers", "gap", "there 1", "primary 1"),
    ("transfers", "gap", "there 1 from the result", ""),
    ("transfers", "gap", "white there 1", ""),
    ("transfers", "gap", "white there 1 from the result", ""),
    ("transfers", "gap", "back 1", "control"),
    ("self", "error", "back", "primary 2"),
    ("self", "error", "white back", ""),
    ("self", "error", "there", "control"),
    ("self", "error 1", "back 1", ""),
    ("self", "error 1", "there 1", "control"),
)
"""Entries, error, growth, and what the test is; each is made for all references together and for each."""


def print_tables(rows: list[dict[str, Any]]) -> None:
    """Print rank correlations and the medians by reference."""
    entries = {"transfers": list_transfers(rows), "self": list_self_transfers(rows)}
    found, notes = {}, {}
    for kind, error, growth, note in TESTS:
        for chosen in ("all", *REFERENCES):
            own = [each for each in entries[kind] if chosen in ("all", each["reference"])]
            if len({each["pictures"] for each in own}) >= 4:
                title = f"{kind:9} {error:7} {growth:30} {chosen:11}"
                found[title] = mean_rank_correlation(
                    [each[growth] for each in own],
                    [each[error] for each in own],
                    [each["reference"] for each in own],
                    [each["pictures"] for each in own],
                )
                notes[title] = note
    print(
        "Rank correlation of an error with a growth, within references: mean [95 % interval over pictures], p by Holm"
    )
    adjusted = correct_by_holm({title: each.p for title, each in found.items()})
    for title, each in found.items():
        print(f"{title} {each}, {each.count} values, p {adjusted[title]:.3f} {notes[title]}")
    print("\nMedians. Growth of leg 1 there and back, of leg 2; gap of block 2; PSNR of one layer, of two")
    print("reference       1 there   1 back  2 there   2 back     gap  1 layer  2 layers  passes  large  broken")
    for reference in REFERENCES:
        own = [row for row in rows if row.get("reference") == reference]
        done = [row for row in own if "self" in row and None not in row["self"]]
        transfers = [each for row in own for each in row.get("transfers", [{"status": row["status"]}])]
        gaps = [each["left"][1] for each in transfers if each["status"] == "done"]
        if done and gaps:
            growths = [median(row["legs"][k][way] for row in done) for k in (0, 1) for way in ("there", "back")]
            decibels = [-20 * np.log10(max(median(row["self"][k] for row in done), 1e-12)) for k in (0, 1)]
            passes = median(each["passes"] for row in done for each in row["transfers"] if "passes" in each)
            large = sum(max(leg["there"], leg["back"]) > LARGE for row in done for leg in row["legs"])
            print(
                f"{reference:13} {growths[0]:9.1e} {growths[1]:8.1e} {growths[2]:8.1e} {growths[3]:8.1e} "
                f"{median(gaps):7.1%} {decibels[0]:8.1f} {decibels[1]:9.1f} {passes:7,.0f} "
                f"{f'{large}/{2 * len(done)}':>6} {len(transfers) - len(gaps):7}"
            )
    if entries["transfers"]:
        pooled = [np.array([each[name] for each in entries["transfers"]]) for name in ("there 1", "gap")]
        print(f"over all references at once, differences between them included: {rank_correlation(*pooled):+.2f}")


if __name__ == "__main__":
    common.run(main)
