"""At equal distance in style, does a decoupled transfer keep more of the target than direct matching?

    python benchmarks/equal_style.py [--processes 2] [--report] [--out FILE]

Written down before the first run:

Hypothesis. At equal distance to the origin's style, by judges that no method matches, a decoupled transfer whose
reference is halfway between the two images (`midpoint`) keeps more of the target's structure than direct matching of
coupled means, because short legs move each layer along its own directions only. With noise as the reference there is no
such gain.

Design. Twelve bundled pictures; 36 pairs in which each picture is three times the origin and three times the target;
64 x 64 px, two layers, no refinement. Decoupled with the references noise, midpoint and target on all pairs, natural
noise and the mean of photographs on twelve of them. (That mean includes the two pictures themselves, as two of
twelve.) Pairs take three seeds of the noise in turn; six pairs are run with all three. Direct goes a share of the way
from the target's means to the origin's, by L-BFGS to 0.1 %; the shares make a curve of structure against style. A
decoupled result is compared with direct's curve at the same distance in style, linearly between shares, at direct's
best where the curve passes there more than once. A result that is closer than direct ever comes is compared with direct
at its closest; one that is further away than the target was is compared with the target itself. Both favor direct. Six
pairs are run again at 128 x 128 px.

Primary measure. Difference in SSIM to the target at equal Gram matrices (of four other layers), midpoint minus direct,
mean over pairs. Secondary: the same with statistics of differences of Gaussians (no network) and of colors as the judge
of style, correlation of edges as the judge of content, and the other references: thirty tests, adjusted by Holm's
method.

What would count against. An interval of the primary measure that includes 0; a gain under the judge with a network
only; a gain in SSIM that is a loss in edges; pairs that stall; noise that gains as much as midpoint does.

Intervals are bootstrap intervals over pictures, not pairs. Style gaps and passes are reported beside each gain.
"""

from __future__ import annotations

from itertools import product
from statistics import median
from typing import Any

import _common as common
import _experiments as experiments
from _direct import SHARES, best_at, match_directly
from _intervals import bootstrap_over_pictures, correct_by_holm

ALL_PAIRS, SOME_PAIRS = ("noise", "midpoint", "target"), ("natural", "photographs")
LARGE = 128
STYLE, CONTENT = ("gram", "bands", "colors"), ("ssim", "edges")


def main() -> None:
    rows = experiments.obtain_rows(__doc__, "equal_style", measure, list_tasks)
    for size in (64, LARGE):
        print_tables([row for row in rows.values() if row.get("size") == size], size)


def list_tasks() -> dict[str, tuple[Any, ...]]:
    """Return all tasks by name: (method, origin, target, size, reference, seed)."""
    pairs, tasks = experiments.list_pairs(), {}

    def add(method: str, pair: tuple[str, str], size: int, reference: str = "noise", seed: int = 0) -> None:
        name = f"{size} {pair[0]} {pair[1]} {method}" + (f" {reference} {seed}" if method == "decoupled" else "")
        tasks[name] = (method, *pair, size, reference, seed)

    for number, pair in enumerate(pairs):
        add("direct", pair, 64)
        for reference in ALL_PAIRS + SOME_PAIRS * (number < 12):
            add("decoupled", pair, 64, reference, number % 3 if reference in ("noise", "natural") else 0)
    for pair in pairs[:12:2]:
        for seed in range(3):
            add("decoupled", pair, 64, "noise", seed)
        add("direct", pair, LARGE)
        for reference in ("midpoint", "noise"):
            add("decoupled", pair, LARGE, reference)
    return tasks


def measure(method: str, origin: str, target: str, size: int, reference: str, seed: int) -> dict[str, Any]:
    """Return the row of one task."""
    from decoupling_lib.transfers.options import Options
    from decoupling_lib.transfers.setup import prepare

    fixed = {"size": (size, size), "weights": "hed", "network": "vgg16", "refinements": 0, **experiments.LEGS}
    options = Options(**fixed, reference=reference, seed=seed)
    row = {"method": method, "origin": origin, "target": target, "size": size, "reference": reference, "seed": seed}
    experiment = prepare(origin, target, options)
    return row | (_direct(experiment) if method == "direct" else _decoupled(experiment))


def _decoupled(experiment: Any) -> dict[str, Any]:
    from _judges import judge

    from decoupling_lib.transfers.evaluation import observer_network

    result = experiment.run()
    row = {
        "status": result.status,
        "passes": result.passes.total,
        "halvings": sum(leg.halvings for leg in result.legs),
        "gaps": result.style_gaps,
    }
    if result.status != "done":
        return row
    return row | judge(observer_network(experiment.network), result.result, result.origin, result.target)


def _direct(experiment: Any) -> dict[str, Any]:
    """Return the judgements of direct results that go shares of the way, by share."""
    from _judges import judge

    from decoupling_lib.engine.features import Counted
    from decoupling_lib.transfers.evaluation import observer_network

    origin, target, live = experiment.origin.array, experiment.target.array, experiment.reference.live
    features, look = experiment.features.map, observer_network(experiment.network)
    row: dict[str, Any] = {"status": "done", "shares": list(SHARES), "passes": []}
    curves: dict[str, list[float]] = {name: [] for name in STYLE + CONTENT}
    for share in SHARES:
        counted = Counted(features)
        found = match_directly(counted, target, origin, share, live)
        row["passes"].append(counted.passes.total)
        for name, value in judge(look, found, origin, target).items():
            curves[name].append(value)
    return row | curves


Row = dict[str, Any]
Curves = dict[tuple[str, str], Row]


def print_tables(rows: list[Row], size: int) -> None:
    """Print gains over direct by reference and judge, the seeds' part in them, and what they cost."""
    curves = {(row["origin"], row["target"]): row for row in rows if row["method"] == "direct" and "shares" in row}
    done = [row for row in rows if row["method"] == "decoupled" and row["status"] == "done"]
    done = [row for row in done if (row["origin"], row["target"]) in curves]
    references = list(dict.fromkeys(row["reference"] for row in done))
    if not references:
        return
    # The first seed of each pair; `reversed`, because the last entry of a key stays.
    single = {(row["reference"], row["origin"], row["target"]): row for row in reversed(done)}
    _print_gains(list(single.values()), curves, references, size)
    if {"noise", "midpoint"} <= set(references):
        _print_difference(single, curves)
    _print_seeds(done, curves)
    _print_costs(rows, curves, references)


def gain(row: Row, curves: Curves, style: str, content: str) -> float:
    """Return how much more of the target a decoupled result keeps than direct at the same distance in style."""
    curve = curves[row["origin"], row["target"]]
    found: float = row[content] - best_at(curve[style], curve[content], row[style])
    return found


def _print_gains(rows: list[Row], curves: Curves, references: list[str], size: int) -> None:
    print(f"\n{size} px. Gain over direct at equal style: mean [95 % interval over pictures], pairs won, p by Holm")
    found, won = {}, {}
    for reference, style, content in product(references, STYLE, CONTENT):
        own = [row for row in rows if row["reference"] == reference]
        gains = [gain(row, curves, style, content) for row in own]
        name = f"{reference:12} {style:7} {content:6}"
        found[name] = bootstrap_over_pictures(gains, [(row["origin"], row["target"]) for row in own])
        won[name] = f"{sum(each > 0 for each in gains)}/{len(gains)}"
    adjusted = correct_by_holm({name: each.p for name, each in found.items()})
    for name, interval in found.items():
        print(f"{name} {interval}, {won[name]}, p {adjusted[name]:.3f}")


def _print_difference(single: dict[tuple[str, str, str], Row], curves: Curves) -> None:
    print("\nmidpoint minus noise, the same gains on the same pairs (not planned before the run)")
    pairs = [pair for pair in curves if {("noise", *pair), ("midpoint", *pair)} <= single.keys()]
    for style, content in product(STYLE, CONTENT):
        near, far = (
            [gain(single[reference, *pair], curves, style, content) for pair in pairs]
            for reference in ("midpoint", "noise")
        )
        differences = [one - two for one, two in zip(near, far, strict=True)]
        won = f"{sum(each > 0 for each in differences)}/{len(pairs)}"
        print(f"{style:7} {content:6} {bootstrap_over_pictures(differences, pairs)}, {won}")


def _print_seeds(done: list[Row], curves: Curves) -> None:
    seeds: dict[tuple[str, str], list[float]] = {}
    for row in done:
        if row["reference"] == "noise":
            seeds.setdefault((row["origin"], row["target"]), []).append(gain(row, curves, "gram", "ssim"))
    spans = [max(each) - min(each) for each in seeds.values() if len(each) == 3]
    if spans:
        extent = f"{min(spans):.3f} to {max(spans):.3f}"
        print(f"\nnoise, pairs with three seeds: {len(spans)}; their gains (gram, ssim) differ by {extent}")


def _print_costs(rows: list[Row], curves: Curves, references: list[str]) -> None:
    print("\nmedians       passes  halvings  stalled  of the untouched gap left: block 1, block 2   Gram left")
    for reference in references:
        own = [row for row in rows if row["method"] == "decoupled" and row["reference"] == reference]
        done = [row for row in own if row["status"] == "done"]
        gaps = [(row["gaps"]["result"], row["gaps"]["untouched"]) for row in done]
        left = [[after[layer] / before[layer] for layer in after] for after, before in gaps]
        first, second = (median(each) for each in zip(*left, strict=True))
        print(
            f"{reference:12} {median(row['passes'] for row in done):7,.0f} {sum(row['halvings'] for row in own):9} "
            f"{len(own) - len(done):8} {first:33.1%} {second:8.1%} {median(row['gram'] for row in done):15.2f}"
        )
    gram, ssim = (median(row[name][-1] for row in curves.values()) for name in ("gram", "ssim"))
    passes = median(row["passes"][-1] for row in curves.values())
    print(f"direct, all the way: {passes:,.0f} passes, Gram left {gram:.2f}, SSIM {ssim:.2f}")


if __name__ == "__main__":
    common.run(main)
