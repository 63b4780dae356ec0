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

import argparse
import json
from pathlib import Path
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--report", action="store_true", help="print the tables of a complete file, and run nothing")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "equal_style.json")
    arguments = parser.parse_args()
    if arguments.report:
        rows = json.loads(arguments.out.read_text("utf-8"))["rows"]
    else:
        rows = experiments.run_tasks(arguments.out, measure, list_tasks(), arguments.processes)
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

    options = Options(size=(size, size), weights="hed", network="vgg16", refinements=0, reference=reference, seed=seed)
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


def print_tables(rows: list[dict[str, Any]], size: int) -> None:
    """Print gains over direct by reference and judge, and what they cost."""
    curves = {(row["origin"], row["target"]): row for row in rows if row["method"] == "direct" and "shares" in row}
    decoupled = [row for row in rows if row["method"] == "decoupled"]
    references = list(dict.fromkeys(row["reference"] for row in decoupled))
    print(f"\n{size} px. Gain over direct at equal style: mean [95 % interval over pictures], p by Holm, pairs won")
    found, shown = {}, {}
    for reference in references:
        own = [row for row in decoupled if row["reference"] == reference and row["status"] == "done"]
        own = [row for row in own if (row["origin"], row["target"]) in curves]
        own = list({(row["origin"], row["target"]): row for row in reversed(own)}.values())  # one seed for each pair
        for style in STYLE:
            for content in CONTENT:
                gains = []
                for row in own:
                    curve = curves[row["origin"], row["target"]]
                    gains.append(row[content] - best_at(curve[style], curve[content], row[style]))
                if gains:
                    name = f"{reference:12} {style:7} {content:6}"
                    interval = bootstrap_over_pictures(gains, [(row["origin"], row["target"]) for row in own])
                    found[name] = interval
                    shown[name] = f"{interval}, {sum(g > 0 for g in gains)}/{len(gains)}"
    adjusted = correct_by_holm({name: each.p for name, each in found.items()})
    for name, text in shown.items():
        print(f"{name} {text}, p {adjusted[name]:.3f}")
    print("\nreference     passes  halvings  stalled  of the untouched gap left: block 1, block 2   Gram left")
    for reference in references:
        own = [row for row in decoupled if row["reference"] == reference]
        done = [row for row in own if row["status"] == "done"]
        left = [
            [row["gaps"]["result"][layer] / row["gaps"]["untouched"][layer] for layer in row["gaps"]["result"]]
            for row in done
        ]
        first, second = (median(each) for each in zip(*left, strict=True))
        print(
            f"{reference:12} {median(row['passes'] for row in done):7,.0f} {sum(row['halvings'] for row in own):9} "
            f"{len(own) - len(done):8} {first:33.1%} {second:8.1%} {median(row['gram'] for row in done):15.2f}"
        )
    gram, ssim = (median(row[name][-1] for row in curves.values()) for name in ("gram", "ssim"))
    print(f"direct, all the way: Gram left {gram:.2f}, SSIM {ssim:.2f}")


if __name__ == "__main__":
    common.run(main)
