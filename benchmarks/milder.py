"""Does more damping make better transfers between two images, at equal distance in style?

    python benchmarks/milder.py [--processes 2] [--report] [--out FILE]

The default damping of two layers, 0.03, was chosen for self-transfers: as little as lets photographs return. Flows by
noise with a damping of 1 keep faces and petals that flows by the default options of a transfer erase
(`style_flows.json`). They also impose less, so the question is whether they keep more where both impose equally much.

Written down before the first run:

Hypothesis. At equal Gram matrices (of four other layers), a transfer by the midpoint with a damping of 1 keeps more
SSIM to the target than one with the default damping.

Design. The 36 pairs of `equal_style`: twelve bundled pictures, 64 x 64 px, two layers, no refinement. The midpoint with
the default damping, with 0.3 and with 1; noise with 1. Each result is compared with direct matching at the same
distance in style, on the curves of `equal_style.json`: its gain. Primary measure: the gain with a damping of 1 minus
the gain with the default damping, by the midpoint, SSIM at equal Gram matrices, mean over pairs. Secondary: other
judges of style (statistics of differences of Gaussians, colors) and of content (edges), a damping of 0.3, and noise
with 1; p by Holm's method over all of them.

What would count against. An interval of the primary measure that includes 0; a gain in SSIM that is a loss in edges; a
gain under the judge with a network only; results that impose so little (more than 80 % of the distance in Gram matrices
left, in the median) that they are hardly transfers.

Intervals are bootstrap intervals over pictures, not pairs.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import _experiments as experiments
from _intervals import Interval, bootstrap_over_pictures, correct_by_holm
from equal_style import CONTENT, STYLE, Curves, gain

SIZE = 64
DEFAULT = "midpoint"
VARIANTS: dict[str, dict[str, Any]] = {
    DEFAULT: {"reference": "midpoint"},
    "midpoint, damping 0.3": {"reference": "midpoint", "damping": 0.3},
    "midpoint, damping 1": {"reference": "midpoint", "damping": 1.0},
    "noise, damping 1": {"reference": "noise", "damping": 1.0},
}
PRIMARY = ("midpoint, damping 1", "gram", "ssim")
DIRECT = Path(__file__).parent / "results" / "equal_style.json"

Row = dict[str, Any]


def main() -> None:
    rows = experiments.obtain_rows(__doc__, "milder", measure, list_tasks, size=SIZE)
    kept = json.loads(DIRECT.read_text("utf-8"))["rows"].values()
    direct = [row for row in kept if row["method"] == "direct" and row["size"] == SIZE]
    print_tables(list(rows.values()), {(row["origin"], row["target"]): row for row in direct})


def list_tasks(size: int, weights: str) -> dict[str, tuple[Any, ...]]:
    """Return all tasks by name: (variant, origin, target, size, weights)."""
    return {
        f"{origin} {target} {variant}": (variant, origin, target, size, weights)
        for origin, target in experiments.list_pairs()
        for variant in VARIANTS
    }


def measure(variant: str, origin: str, target: str, size: int, weights: str) -> Row:
    """Return the row of one transfer."""
    from _judges import judge

    from decoupling_lib.transfers.evaluation import observer_network
    from decoupling_lib.transfers.options import Options
    from decoupling_lib.transfers.setup import prepare

    options = Options(size=(size, size), weights=weights, network="vgg16", refinements=0, **VARIANTS[variant])
    experiment = prepare(origin, target, options)
    result = experiment.run()
    row = {"variant": variant, "origin": origin, "target": target, "size": size, "status": result.status}
    if result.status != "done":
        return row
    judged = judge(observer_network(experiment.network), result.result, result.origin, result.target)
    return row | {"passes": result.passes.total, "gaps": result.style_gaps} | judged


def print_tables(rows: list[Row], curves: Curves) -> None:
    """Print gains over direct at equal style, their differences from the default's, and what each variant reaches."""
    done = {(row["variant"], row["origin"], row["target"]): row for row in rows if row["status"] == "done"}
    gains = {
        (*key, style, content): gain(row, curves, style, content)
        for key, row in done.items()
        for style, content in product(STYLE, CONTENT)
    }
    print("gain over direct at equal style: mean [95 % interval over pictures], pairs won")
    for variant, style, content in product(VARIANTS, STYLE, CONTENT):
        pairs = [key[1:] for key in done if key[0] == variant]
        own = [gains[variant, *pair, style, content] for pair in pairs]
        print(f"{variant:24} {style:7} {content:6} {bootstrap_over_pictures(own, pairs)}, {_count_wins(own)}")
    print("\nminus the gain of the default, on the same pairs; p by Holm's method")
    found = compare_with_default(gains)
    adjusted = correct_by_holm({" ".join(name): interval.p for name, (interval, _) in found.items()})
    for name, (interval, won) in found.items():
        mark = "primary" if name == PRIMARY else ""
        print(f"{name[0]:24} {name[1]:7} {name[2]:6} {interval}, {won}, p {adjusted[' '.join(name)]:.3f} {mark}")
    _print_medians(list(done.values()))


def compare_with_default(gains: dict[tuple[str, ...], float]) -> dict[tuple[str, str, str], tuple[Interval, str]]:
    """Return, by (variant, style, content), the gain minus that of the default, and the pairs that are better.

    `gains` are by (variant, origin, target, style, content); pairs that the default lacks are left out.
    """
    found = {}
    for variant, style, content in product(list(VARIANTS)[1:], STYLE, CONTENT):
        own = {
            (origin, target): value - gains[DEFAULT, origin, target, style, content]
            for (name, origin, target, *judges), value in gains.items()
            if name == variant and judges == [style, content] and (DEFAULT, origin, target, *judges) in gains
        }
        interval = bootstrap_over_pictures(list(own.values()), list(own))
        found[variant, style, content] = interval, _count_wins(list(own.values()))
    return found


def _count_wins(gains: list[float]) -> str:
    return f"{sum(each > 0 for each in gains)}/{len(gains)}"


def _print_medians(rows: list[Row]) -> None:
    names = STYLE + CONTENT
    print(f"\n{'medians':24} pairs  passes  left of the gap: block 1, block 2 " + " ".join(f"{x:>7}" for x in names))
    for variant in VARIANTS:
        own = [row for row in rows if row["variant"] == variant]
        gaps = [(row["gaps"]["result"], row["gaps"]["untouched"]) for row in own]
        left = [[after[layer] / before[layer] for layer in after] for after, before in gaps]
        first, second = (median(each) for each in zip(*left, strict=True))
        judged = " ".join(f"{median(row[name] for row in own):7.2f}" for name in names)
        passes = median(row["passes"] for row in own)
        print(f"{variant:24} {len(own):5} {passes:7,.0f} {first:23.0%} {second:8.0%} {judged}")


if __name__ == "__main__":
    main()
