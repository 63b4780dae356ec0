"""Do decoupled features recognize pictures better under nuisance than coupled channel means do?

    python benchmarks/recognition.py [--processes 2] [--report] [--out FILE] [--features FILE]

Written down before the first run:

Hypothesis. f1 and f2 are the channel means of blocks 1 and 2. Moving f1 to fixed reference values before block 2 is
measured (that gives c2) takes the effect of contrast, light and color out of block 2. A classifier on c2 therefore
errs less under such nuisances than one on f2, and so does one on (f1, c2) than one on (f1, f2). It gains more than
standardizing the pixels of each patch does, which takes out the same nuisances and costs nothing.

Design. The classes are the twelve bundled pictures. The central square of each is resized to 256 x 256 px and cut into
patches of 32 x 32 px; patches whose gray values have a standard deviation under 0.02 are left out. A classifier learns
12 clean patches per picture from its left half, and is tested on 5 from its right half, clean and under six nuisances
in two strengths each: contrast, dimming, color cast, noise, blur, shift (see `_patches.disturb`; the noise of each
patch has a seed of its own). Two layers, VGG-16 with the weights `hed`. c2 is measured by Step 1 of the decoupled
method with two references: uniform noise (three seeds; a picture's accuracy is the mean over them), and photographs:
the mean of all training patches. So the second reference has seen the left halves of the classes, as the classifier
has, and nothing of the right halves. Steps of legs are solved to 1e-4. The features that compete:

- f2, (f1, f2): the channel means.
- c2, (f1, c2): decoupled; c1 is f1.
- f2 residual: f2 without what a ridge regression on f1 explains, fitted to the training patches alone. This is what a
  linear method does instead of a leg.
- standardized f2, standardized (f1, f2): the means of the patch with mean 0.5 and standard deviation 0.2.
- standardized colors f2, standardized colors (f1, f2): the same, with each color standardized by itself.

The classifier is linear discriminant analysis with the covariance shrunk by Ledoit and Wolf's rule, for all features
alike. A test patch whose leg does not end counts as not recognized.

Primary measure. Share of test patches that are recognized, mean over the twelve nuisances, c2 with the reference
photographs minus f2. Secondary: for both references c2 against the other features and (f1, c2) against its rivals over
all nuisances, and c2 against f2 without nuisance and under each one: 30 tests, adjusted by Holm's method.

What would count against. An interval of the primary measure that includes 0. A gain over f2 that standardized f2 has
too: then c2 is an expensive standardization. A gain over f2 that the residual has too: then no leg is needed.
(f1, c2) no better than (f1, f2): then decoupling throws away what f1 could have told, and gains nothing that a
classifier with both blocks does not have. Losses on clean patches, or under noise and blur, beside the gains.

What was known. Earlier, of seven pictures with six training patches each, c2 had 33 % errors under three nuisances
(noise as the reference: 42 %) and f had 47 %; no plain competitor was tried. The code was tried on three pictures with
three training patches each and two test patches: c2 did worse there than f2. After that only the residual's ridge was
changed: it now finds a strength for each feature, which makes that rival stronger.

Intervals are bootstrap intervals over pictures. The classifiers are not trained again for each draw, so the intervals
cover other test pictures of this kind, not other sets of classes. Patches of one picture are not independent; those
of the two halves touch in the middle. The softness of the network was scaled by the same twelve pictures.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import _common as common
import _experiments as experiments
import numpy as np
from _classifier import Table, recognize, regress_out, select
from _intervals import bootstrap_over_pictures, correct_by_holm
from _patches import PATCH, STRENGTHS, choose_places, cut, disturb, load_square, standardize

from decoupling_lib.common.arrays import Floats
from decoupling_lib.common.atomic_files import write_text
from decoupling_lib.images.noise import uniform_noise

ROOT = Path(__file__).resolve().parents[1]
TRAINED, TESTED = 12, 5
SEEDS = (0, 1, 2)
TOLERANCE = 1e-4
CLEAN = "clean"
CONDITIONS = (CLEAN, *(f"{name} {strength}" for name, both in STRENGTHS.items() for strength in both))
"""What test patches undergo."""
VERSIONS = {"plain": "", "standardized": "standardized ", "by color": "standardized colors "}
"""The versions of a patch of which coupled means are taken, and the beginning of the names of their features."""
RIVALS = {
    "c2": ("f2", "f2 residual", "standardized f2", "standardized colors f2"),
    "(f1, c2)": ("(f1, f2)", "standardized (f1, f2)", "standardized colors (f1, f2)", "f2"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--report", action="store_true", help="print the tables of a complete file, and run nothing")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "recognition.json")
    parser.add_argument(
        "--features", type=Path, default=ROOT / "out" / "recognition_features.json", help="all features"
    )
    arguments = parser.parse_args()
    if not arguments.report:
        rows = experiments.run_tasks(arguments.features, measure, list_tasks(), arguments.processes)
        failed = [name for name, row in rows.items() if row["status"] != "done"]
        if failed:
            raise SystemExit(f"These tasks failed; read why in {arguments.features}, and take them out: {failed}")
        content = {"machine": common.machine(), "rows": recognize_all(rows), "costs": list_costs(rows)}
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        write_text(arguments.out, json.dumps(content, indent=1) + "\n")
    print_tables(**{name: json.loads(arguments.out.read_text("utf-8"))[name] for name in ("rows", "costs")})


def list_tasks() -> dict[str, tuple[Any, ...]]:
    """Return all tasks by name: (picture, version of the patches or reference, seed)."""
    kinds = [(version, 0) for version in VERSIONS] + [("noise", seed) for seed in SEEDS] + [("photographs", 0)]
    return {f"{kind} {seed} {name}": (name, kind, seed) for kind, seed in kinds for name in experiments.PICTURES}


def gather_patches(name: str) -> dict[str, list[Floats]]:
    """Return a picture's patches by condition; "train" are those of the left half."""
    picture = load_square(name)
    patches = {"train": [cut(picture, place) for place in choose_places(picture, "left", TRAINED)]}
    places = choose_places(picture, "right", TESTED)
    patches[CLEAN] = [cut(picture, place) for place in places]
    for nuisance, both in STRENGTHS.items():
        for strength in both:
            seeds = (1000 * experiments.PICTURES.index(name) + place[0] * 8 + place[1] // PATCH for place in places)
            patches[f"{nuisance} {strength}"] = [
                disturb(picture, place, nuisance, strength, seed) for place, seed in zip(places, seeds, strict=True)
            ]
    return patches


def measure(picture: str, kind: str, seed: int) -> dict[str, Any]:
    """Return the features of a picture's patches: coupled ones of a version, or decoupled ones with a reference."""
    from decoupling_lib.engine.context import Context
    from decoupling_lib.engine.features import Counted
    from decoupling_lib.engine.normalization import normalize
    from decoupling_lib.transfers.options import Options
    from decoupling_lib.transfers.setup import prepare

    patches = gather_patches(picture)
    fixed = {"size": (PATCH, PATCH), "weights": "hed", "network": "vgg16", "refinements": 0, **experiments.LEGS}
    options = Options(**fixed, seed=seed)
    experiment = prepare(*patches["train"][:2], options)
    row: dict[str, Any] = {"picture": picture, "kind": kind, "seed": seed, "status": "done", "features": {}}
    if kind in VERSIONS:
        versions = {"plain": lambda x: x, "standardized": lambda x: standardize(x, False)}
        version = versions.get(kind, lambda x: standardize(x, True))
        for condition, group in patches.items():
            row["features"][condition] = [_shorten(experiment.features.map.values(version(x))) for x in group]
        return row
    reference = _measure_reference(experiment, kind, seed)
    settings = replace(experiment.settings, tolerance=TOLERANCE)
    row |= {"passes": [], "ends": [], "halvings": 0, "broken": 0}
    for condition, group in patches.items():
        row["features"][condition] = []
        for x in group:
            features = Counted(experiment.features.map)
            route = normalize(Context(features, reference, settings), x, measure_only=True)
            row["passes"].append(features.passes.total)
            row["ends"].append(round(route.legs[0].relative_error, 4))
            row["halvings"] += route.legs[0].halvings
            row["broken"] += route.status != "done"
            row["features"][condition].append(_shorten(route.style) if route.status == "done" else None)
    return row


def _measure_reference(experiment: Any, kind: str, seed: int) -> Any:
    """Take Step 0 on noise, or on the training patches of all pictures, the first of each at the beginning."""
    from decoupling_lib.networks.dead_channels import find_dead_channels
    from decoupling_lib.transfers.steps import measure_reference

    images = [uniform_noise((PATCH, PATCH), seed)]
    if kind == "photographs":
        trained = [gather_patches(name)["train"] for name in experiments.PICTURES]
        images = [group[k] for k in range(TRAINED) for group in trained if k < len(group)]
    dead = find_dead_channels(experiment.network, images)
    live = np.concatenate([~dead[block.name] for block in experiment.features.blocks])
    held, scaled = experiment.options.tuning.held, min(len(images), len(experiments.PICTURES))
    return measure_reference(experiment.features, images, live, experiment.options.damping, held, scaled)


def _shorten(values: Floats) -> list[float]:
    return [float(f"{value:.6g}") for value in values]


def recognize_all(rows: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return, for each set of features, the share of recognized patches by condition and picture."""
    found = []

    def add(features: str, table: Table, reference: str = "", seed: int = 0) -> None:
        row = {"features": features, "reference": reference, "seed": seed}
        found.append(row | {"right": recognize(table)})

    tables = {
        kind: tabulate(rows, *kind) for kind in dict.fromkeys((row["kind"], row["seed"]) for row in rows.values())
    }
    for (kind, seed), table in tables.items():
        if kind in VERSIONS:
            add(f"{VERSIONS[kind]}f2", select(table, slice(64, None)))
            add(f"{VERSIONS[kind]}(f1, f2)", table)
        else:
            add("c2", select(table, slice(64, None)), kind, seed)
            add("(f1, c2)", table, kind, seed)
        if kind == "plain":
            add("f2 residual", regress_out(table))
    return found


def tabulate(rows: Mapping[str, Mapping[str, Any]], kind: str, seed: int) -> Table:
    """Return the features of one kind; those of a patch whose leg did not end are NaN."""
    own = {row["picture"]: row["features"] for row in rows.values() if (row["kind"], row["seed"]) == (kind, seed)}
    size = max(len(each) for each in next(iter(own.values()))["train"] if each is not None)
    dead = [float("nan")] * size
    return {
        picture: {name: np.array([dead if each is None else each for each in group]) for name, group in groups.items()}
        for picture, groups in own.items()
    }


def list_costs(rows: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the decoupled features cost, by reference."""
    costs = []
    for reference in ("noise", "photographs"):
        own = [row for row in rows.values() if row["kind"] == reference]
        passes, ends = ([value for row in own for value in row[name]] for name in ("passes", "ends"))
        counts = {name: sum(row[name] for row in own) for name in ("halvings", "broken")}
        costs.append(
            {"reference": reference, "patches": len(passes), "passes": median(passes), "end": median(ends)} | counts
        )
    return costs


def average(rows: list[dict[str, Any]], features: str, reference: str, conditions: tuple[str, ...]) -> dict[str, float]:
    """Return the share of recognized patches by picture, mean over seeds and conditions."""
    own = [row["right"] for row in rows if (row["features"], row["reference"]) == (features, reference)]
    pictures = own[0][conditions[0]]
    return {name: float(np.mean([right[each][name] for right in own for each in conditions])) for name in pictures}


def print_tables(rows: list[dict[str, Any]], costs: list[dict[str, Any]]) -> None:
    """Print how much is recognized, the tests, and what it cost."""
    groups = {"nuisances": CONDITIONS[1:], CLEAN: CONDITIONS[:1]}
    groups |= {name: tuple(each for each in CONDITIONS if each.startswith(name)) for name in STRENGTHS}
    print("Recognized patches (%), chance 8.3;", " ".join(f"{name:>10}" for name in groups))
    for features, reference in dict.fromkeys((row["features"], row["reference"]) for row in rows):
        shares = [100 * np.mean(list(average(rows, features, reference, group).values())) for group in groups.values()]
        print(f"{features + ' ' + reference:34}", " ".join(f"{share:10.1f}" for share in shares))
    found, shown = {}, {}
    for reference in ("photographs", "noise"):
        tests = [(features, rival, "nuisances") for features, rivals in RIVALS.items() for rival in rivals]
        tests += [("c2", "f2", group) for group in groups if group != "nuisances"]
        for features, rival, group in tests:
            own, other = (average(rows, *each, groups[group]) for each in ((features, reference), (rival, "")))
            gains = [own[name] - other[name] for name in own]
            name = f"{features + ' ' + reference:22}- {rival:30} {group:10}"
            found[name] = bootstrap_over_pictures(gains, [(each,) for each in own])
            shown[name] = f"{found[name]}, {sum(g > 0 for g in gains)} won, {sum(g < 0 for g in gains)} lost"
    adjusted = correct_by_holm({name: each.p for name, each in found.items()})
    print("\nGain in the share of recognized patches: mean [95 % interval over pictures], pictures, p by Holm")
    for name, text in shown.items():
        print(f"{name} {text}, p {adjusted[name]:.3f}")
    print()
    for cost in costs:
        print(
            f"{cost['reference']}: {cost['patches']} patches, {cost['passes']:,.0f} passes each (median), legs end "
            f"{cost['end']:.1%} from the reference, {cost['halvings']} halvings, {cost['broken']} broken off"
        )


if __name__ == "__main__":
    common.run(main)
