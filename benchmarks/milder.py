"""Does more damping make better transfers between two images, at equal distance in style?

    python benchmarks/milder.py [--processes 2] [--report] [--out FILE]

The damping of two layers, 0.03, was chosen for self-transfers: as little as lets photographs return. Flows by noise
with a damping of 1 keep faces and petals that flows by the midpoint with 0.03 erase (`style_flows.json`). They also
impose less, so the question is whether they keep more where both impose equally much. ("Default" means the default of
that time, 0.03 in the metric of pixels; `sobolev` led to the present one.)

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

Written down before the second run, a control: is it the decoupling that gains, or the damping alone? One joint leg
moves all channel means of the target straight to those of the origin, with a damping of 1 and nothing held; it goes 60,
80 and 100 % of the way. If the damping alone gains, this leg gains as much over direct matching as the midpoint does
with the same damping; the result to report is then a fact about damping. Measure: the gain by the midpoint with a
damping of 1 minus the best of the three joint legs' gains in that pair, SSIM at equal Gram matrices, which favors the
control.

Intervals are bootstrap intervals over pictures, not pairs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import _experiments as experiments
from _intervals import Interval, bootstrap_over_pictures, correct_by_holm
from equal_style import CONTENT, STYLE, Curves, gain

from decoupling_lib.engine.context import Step
from decoupling_lib.engine.features import Block, Counted
from decoupling_lib.engine.normalization import normalize

if TYPE_CHECKING:
    from decoupling_lib.common.arrays import Floats
    from decoupling_lib.engine.context import Context
    from decoupling_lib.engine.features import FeatureMap, Linearization

SIZE = 64
DEFAULT, DAMPED = "midpoint", "midpoint, damping 1"
VARIANTS: dict[str, dict[str, Any]] = {
    DEFAULT: {"reference": "midpoint"},
    "midpoint, damping 0.3": {"reference": "midpoint", "damping": 0.3},
    DAMPED: {"reference": "midpoint", "damping": 1.0},
    "noise, damping 1": {"reference": "noise", "damping": 1.0},
}
JOINT = {f"joint, {share:.0%}": share for share in (0.6, 0.8, 1.0)}
"""The control, and which share of the way it goes."""
PRIMARY = (DAMPED, "gram", "ssim")
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
        for variant in (*VARIANTS, *JOINT)
    }


def measure(variant: str, origin: str, target: str, size: int, weights: str) -> Row:
    """Return the row of one transfer."""
    chosen = VARIANTS.get(variant, VARIANTS[DAMPED])
    _, row = judge_transfer(origin, target, chosen, size, weights, JOINT.get(variant))
    return {"variant": variant} | row


def judge_transfer(
    origin: str, target: str, chosen: dict[str, Any], size: int, weights: str, share: float | None
) -> tuple[Floats, Row]:
    """Return the result of a transfer with chosen options, and its row; with a share, that of one joint leg."""
    from _judges import judge

    from decoupling_lib.transfers.evaluation import observer_network
    from decoupling_lib.transfers.options import Options
    from decoupling_lib.transfers.setup import prepare

    fixed = {"size": (size, size), "weights": weights, "network": "vgg16", "refinements": 0, **experiments.PIXELS}
    experiment = prepare(origin, target, Options(**fixed | chosen))
    images = experiment.origin.array, experiment.target.array
    if share is None:
        result = experiment.run()
        x, passes, status, gaps = result.result, result.passes.total, result.status, result.style_gaps
    else:
        x, passes, status = move_jointly(experiment.context(), *images, share)
        gaps = {}
    row = {"origin": origin, "target": target, "size": size, "status": status}
    if status != "done":
        return x, row
    judged = judge(observer_network(experiment.network), x, *images)
    return x, row | {"passes": passes, "gaps": gaps} | judged


def move_jointly(context: Context, origin: Floats, target: Floats, share: float) -> tuple[Floats, int, str]:
    """Move all means of the target a share of the way to those of the origin in one damped leg.

    Returns
    -------
    tuple of ndarray, int and str
        The image, the network passes, and the status.
    """
    features = Counted(Joint(context.features.map))
    start, end = features.map.values(target), features.map.values(origin)
    reference = replace(context.reference, values=start + share * (end - start))
    route = normalize(replace(context, features=features, reference=reference, step=Step.TARGET), target)
    return route.x, features.passes.total, route.status


@dataclass(frozen=True)
class Joint:
    """All features of a map as a single block, which one leg moves together.

    Parameters
    ----------
    map : FeatureMap
        The map.
    """

    map: FeatureMap

    @property
    def blocks(self) -> tuple[Block, ...]:
        return (Block("joint", sum(block.size for block in self.map.blocks)),)

    def values(self, x: Floats) -> Floats:
        return self.map.values(x)

    def linearize(self, x: Floats) -> Linearization:
        return self.map.linearize(x)

    def prefix(self, count: int) -> Joint:
        return self


def print_tables(rows: list[Row], curves: Curves) -> None:
    """Print gains over direct at equal style, their differences from the default's, and what each variant reaches."""
    done = {(row["variant"], row["origin"], row["target"]): row for row in rows if row["status"] == "done"}
    gains = {
        (*key, style, content): gain(row, curves, style, content)
        for key, row in done.items()
        for style, content in product(STYLE, CONTENT)
    }
    print("gain over direct at equal style: mean [95 % interval over pictures], pairs won")
    for variant, style, content in product((*VARIANTS, *JOINT), STYLE, CONTENT):
        pairs = [key[1:] for key in done if key[0] == variant]
        own = [gains[variant, *pair, style, content] for pair in pairs]
        print(f"{variant:24} {style:7} {content:6} {bootstrap_over_pictures(own, pairs)}, {count_wins(own)}")
    print("\nminus the gain of the default, on the same pairs; p by Holm's method")
    found = compare_with_default(gains)
    adjusted = correct_by_holm({" ".join(name): interval.p for name, (interval, _) in found.items()})
    for name, (interval, won) in found.items():
        mark = "primary" if name == PRIMARY else ""
        print(f"{name[0]:24} {name[1]:7} {name[2]:6} {interval}, {won}, p {adjusted[' '.join(name)]:.3f} {mark}")
    print("\nminus the gain of the best joint leg of the pair, gram, ssim")
    for variant in VARIANTS:
        interval, won = compare_with_joint(gains, variant)
        print(f"{variant:24} {interval}, {won}")
    _print_medians(list(done.values()))


def compare_with_default(gains: dict[tuple[str, ...], float]) -> dict[tuple[str, str, str], tuple[Interval, str]]:
    """Return, by (variant, style, content), the gain minus that of the default, and the pairs that are better.

    `gains` are by (variant, origin, target, style, content); pairs that the default lacks are left out.
    """
    return {
        (variant, *judges): subtract_gains(gains, variant, DEFAULT, judges)
        for variant, judges in product(list(VARIANTS)[1:], product(STYLE, CONTENT))
    }


def subtract_gains(
    gains: dict[tuple[str, ...], float], variant: str, base: str, judges: tuple[str, str]
) -> tuple[Interval, str]:
    """Return the gain of a variant minus that of another one, and the pairs that are better.

    `gains` are by (variant, origin, target, style, content); pairs that one of them lacks are left out.
    """
    own = {
        tuple(pair): value - gains[base, *pair, *judges]
        for (name, *pair, style, content), value in gains.items()
        if (name, style, content) == (variant, *judges) and (base, *pair, *judges) in gains
    }
    return bootstrap_over_pictures(list(own.values()), list(own)), count_wins(list(own.values()))


def compare_with_joint(gains: dict[tuple[str, ...], float], variant: str) -> tuple[Interval, str]:
    """Return the gain in SSIM at equal Gram matrices minus that of the pair's best joint leg, and the pairs won."""
    own = {}
    for (name, origin, target, *judges), value in gains.items():
        rivals = [key for joint in JOINT if (key := (joint, origin, target, *judges)) in gains]
        if name == variant and judges == ["gram", "ssim"] and rivals:
            own[origin, target] = value - max(gains[key] for key in rivals)
    return bootstrap_over_pictures(list(own.values()), list(own)), count_wins(list(own.values()))


def count_wins(gains: list[float]) -> str:
    """Return how many gains are above 0, of how many."""
    return f"{sum(each > 0 for each in gains)}/{len(gains)}"


def _print_medians(rows: list[Row]) -> None:
    names = STYLE + CONTENT
    print(f"\n{'medians':24} pairs  passes  left of the gap: block 1, block 2 " + " ".join(f"{x:>7}" for x in names))
    for variant in (*VARIANTS, *JOINT):
        own = [row for row in rows if row["variant"] == variant]
        gaps = [(row["gaps"]["result"], row["gaps"]["untouched"]) for row in own if row["gaps"]]
        left = [[after[layer] / before[layer] for layer in after] for after, before in gaps]
        shares = "".join(f"{median(each):9.0%}" for each in zip(*left, strict=True)) or f"{'':18}"
        judged = " ".join(f"{median(row[name] for row in own):7.2f}" for name in names)
        passes = median(row["passes"] for row in own)
        print(f"{variant:24} {len(own):5} {passes:7,.0f} {shares:>32} {judged}")


if __name__ == "__main__":
    main()
