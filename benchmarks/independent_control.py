"""Do decoupled features let the two parts of a style be set independently, one from each of two pictures?

    python benchmarks/independent_control.py [--processes 2] [--report] [--out FILE]

Written down before the first run:

Hypothesis. A decoupled style has two parts: c1, the channel means of block 1 (color, contrast, fine detail), and c2,
those of block 2 after block 1 was moved to the reference. c1 of one picture and c2 of another can be imposed on a third
one, and each part of the result then follows its own giver. Direct matching of the mixed vector (f1 of one, f2 of the
other) asks for numbers that contradict each other, because f2 contains the effect of f1; its results follow their
givers less, and keep less of the target.

Design. Twelve bundled pictures; 24 triples of a target and two givers P and Q, in which each picture is the target
twice and a giver four times. On each target a square of four styles is imposed: (c1 of P, c2 of Q), (c1 of Q, c2 of P),
and, for comparison, (P, P) and (Q, Q). 64 x 64 px, two layers, VGG-16 with the weights `hed`, no refinement. Two
references: noise (three seeds in turn, and all three on six of the targets), and the midpoint of three pictures, whose
reference values are half the target's means plus a quarter of each giver's. It is the same for all four styles; the
scales of its damping are measured at the three pictures. Direct starts at the target and matches the mixed vector by
L-BFGS to 0.1 %, all the way and 0.6, 0.8 and 0.9 of it. All results are judged as saved, with 8 bits.

Two yardsticks: coupled (f1 and f2, at which direct aims) and decoupled (c1 and c2 with the reference, at which the legs
aim; c1 is f1). By each, what is left of the untouched distance to each giver's part, and cross-talk: how far a part of
the result moves when the giver of the other part is exchanged, over the distance between its own two givers. Each
method has the advantage by its own yardstick, so neither decides.

Primary measure. Selectivity by judges that nobody matches: the logarithm of how far a part of the result moves with its
own giver over how far it moves with the other one. Mean of the selectivity of colors (Wasserstein distance; should
follow the first giver) and of texture (Gram matrices of three other layers, of images whose colors are standardized;
should follow the second giver). Difference: decoupled with the midpoint minus direct all the way, mean over triples.
Secondary: the same of each judge alone (also the Gram matrix of block1_conv2 for the first giver, raw Gram matrices and
statistics of differences of Gaussians for the second), SSIM and correlation of edges to the target, selectivity against
direct at the share of the way at which it keeps as much SSIM, and all of this with noise: eighteen tests, adjusted by
Holm's method.

What would count against. An interval of the primary measure that includes 0. A gain that raw Gram matrices, which do
not take contrast and color out, do not confirm: then c2 is only what standardized pixels would show as well. Direct as
close to c2 as the legs are, or with no more cross-talk by the decoupled yardstick: then the control is not independent
but merely named so. Decoupled results that leave more than a third of the untouched distance: then little was imposed.
A gain that is gone at equal SSIM.

Intervals are bootstrap intervals over pictures: a triple counts as often as all of its three pictures were drawn,
which makes the intervals wide. Three seeds of the noise are averaged by target before. Passes are reported beside it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import _common as common
import _experiments as experiments
import numpy as np
from _parts import JUDGES, KEYS, cross_talk, log_distance, make_judges, nearer, selectivity, share_left
from _statistics import bootstrap_over_pictures, correct_by_holm

from decoupling_lib.common.arrays import Floats

SIZE = 64
SHIFTS = ((1, 5), (3, 10))
"""The places of the two givers after the target's."""
SEEDS, REPEATED = (0, 1, 2), 6
SHARES = (0.6, 0.8, 0.9, 1.0)
PRIMARY = "colors and texture"
CONTENT = ("ssim", "edges")
TESTS = (PRIMARY, *JUDGES, *CONTENT, "equal SSIM")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--report", action="store_true", help="print the tables of a complete file, and run nothing")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "independent_control.json")
    arguments = parser.parse_args()
    if arguments.report:
        rows = json.loads(arguments.out.read_text("utf-8"))["rows"]
    else:
        rows = experiments.run_tasks(arguments.out, measure, list_tasks(), arguments.processes)
    print_tables(list(rows.values()))


def list_triples() -> list[tuple[str, str, str]]:
    """Return triples (target, P, Q)."""
    n, pictures = len(experiments.PICTURES), experiments.PICTURES
    return [(pictures[k], pictures[(k + a) % n], pictures[(k + b) % n]) for a, b in SHIFTS for k in range(n)]


def list_tasks() -> dict[str, tuple[Any, ...]]:
    """Return all tasks by name: (method, target, P, Q, size, seed)."""
    tasks = {}
    for number, triple in enumerate(list_triples()):
        repeated = number < 2 * REPEATED and number % 2 == 0
        seeds = SEEDS if repeated else (SEEDS[number % 3],)
        wanted = [("direct", 0), ("midpoint", 0), *(("noise", seed) for seed in seeds)]
        tasks |= {f"{method} {seed} {' '.join(triple)}": (method, *triple, SIZE, seed) for method, seed in wanted}
    return tasks


def measure(method: str, target: str, first: str, second: str, size: int, seed: int) -> dict[str, Any]:
    """Return the row of one square of results; `method` is direct, or a reference."""
    from decoupling_lib.images.pictures import load_picture
    from decoupling_lib.transfers.options import Options
    from decoupling_lib.transfers.setup import prepare

    options = Options(size=(size, size), weights="hed", network="vgg16", refinements=0, seed=seed)
    names = (target, first, second)
    images = [load_picture(name, (size, size)).array for name in names]
    experiment = prepare(images[1], images[0], options)
    found = _match(experiment, images) if method == "direct" else _decouple(experiment, images, method)
    return {"method": method, "target": target, "first": first, "second": second, "seed": seed} | found


def _context(experiment: Any, images: list[Floats], reference: str) -> Any:
    """Return the context of the legs: noise as prepared, or the midpoint of the three pictures."""
    from decoupling_lib.engine.context import Context
    from decoupling_lib.engine.features import Counted
    from decoupling_lib.networks.dead_channels import find_dead_channels
    from decoupling_lib.transfers.steps import measure_reference

    chosen = experiment.reference
    if reference == "midpoint":
        target, *givers = images
        dead = find_dead_channels(experiment.network, images)
        live = np.concatenate([~dead[block.name] for block in experiment.features.blocks])
        delta, held = experiment.options.damping, experiment.options.tuning.held
        chosen = measure_reference(experiment.features, [target, *givers, target], live, delta, held, len(images))
    return Context(Counted(experiment.features.map), chosen, experiment.settings)


def _decouple(experiment: Any, images: list[Floats], reference: str) -> dict[str, Any]:
    """Impose all four styles by legs."""
    from decoupling_lib.engine.normalization import normalize, retracing
    from decoupling_lib.transfers.steps import impose_style, remove_style

    context = _context(experiment, images, reference)
    place = context.features.blocks[0].size
    styles = [normalize(context, giver, measure_only=True) for giver in images[1:]]
    bare = remove_style(context, images[0])
    routes = {"giver": styles[0], "other giver": styles[1], "target": bare}
    for a, b in KEYS:
        style = np.concatenate([styles[a].style[:place], styles[b].style[place:]])
        routes[f"result {a}{b}"] = impose_style(retracing(context, bare), bare.x, style)
    legs = [leg for route in routes.values() for leg in route.legs]
    row = {
        "status": next((f"{name}: {each.status}" for name, each in routes.items() if each.status != "done"), "done"),
        "passes": sum(leg.passes.total for leg in legs),
        "halvings": sum(leg.halvings for leg in legs),
    }
    if row["status"] != "done":
        return row
    results = {(a, b): routes[f"result {a}{b}"].x for a, b in KEYS}
    return row | examine(experiment, results, images, {"coupled": None, f"decoupled, {reference}": context})


def _match(experiment: Any, images: list[Floats]) -> dict[str, Any]:
    """Match all four mixed vectors directly, shares of the way."""
    from decoupling_lib.engine.features import Counted
    from decoupling_lib.methods.baselines import descend_lbfgs

    features = Counted(experiment.features.map)
    place, live = features.blocks[0].size, experiment.reference.live
    start, *givers = (features.map.values(image) for image in images)
    row: dict[str, Any] = {"status": "done", "halvings": 0, "shares": {}}
    for share in SHARES:
        results, before = {}, features.passes.total
        for a, b in KEYS:
            wanted = np.concatenate([givers[a][:place], givers[b][place:]])
            aim = start + share * (wanted - start)
            results[a, b] = descend_lbfgs(features, images[0], aim, live=live, iterations=600, threshold=1e-3).x
        yardsticks = {"coupled": None}
        if share == 1.0:
            yardsticks |= {f"decoupled, {name}": _context(experiment, images, name) for name in ("noise", "midpoint")}
        row["shares"][str(share)] = examine(experiment, results, images, yardsticks)
        row["passes"] = features.passes.total - before
    return row | row["shares"][str(SHARES[-1])]


def examine(experiment: Any, results: dict[Any, Floats], images: list[Floats], yardsticks: Any) -> dict[str, Any]:
    """Return what all judges and yardsticks say of a square of results, as saved with 8 bits.

    A yardstick is None (coupled means) or the context of the legs that measure the decoupled style.
    """
    from _steps import save
    from skimage.metrics import structural_similarity

    from decoupling_lib.images.pictures import out_of_range_fraction
    from decoupling_lib.transfers.evaluation import edge_strength, observer_network

    target, *givers = images
    saved = {key: save(x) for key, x in results.items()}
    row: dict[str, Any] = {"selectivity": {}, "nearer": {}, "left": {}, "cross_talk": {}}
    row["clipped"] = float(np.mean([out_of_range_fraction(x) for x in results.values()]))
    for name, describe in make_judges(observer_network(experiment.network)).items():
        part, square = JUDGES[name], {key: describe(x) for key, x in saved.items()}
        both = (describe(givers[0]), describe(givers[1]))
        row["selectivity"][name] = selectivity(square, part)
        row["nearer"][name] = nearer(square, part, both)
        row["left"][name] = share_left(square, part, both, describe(target))
    for name, context in yardsticks.items():
        look = _make_yardstick(experiment, context)
        vectors = {key: look(x) for key, x in saved.items()}
        before, *own = (look(image) for image in images)
        for part in (0, 1):
            square = {key: [each[part]] for key, each in vectors.items()}
            both = ([own[0][part]], [own[1][part]])
            row["left"][f"{name}, part {part + 1}"] = share_left(square, part, both, [before[part]])
            row["cross_talk"][f"{name}, part {part + 1}"] = cross_talk(square, part, both)
    similar = [structural_similarity(x, target, channel_axis=2, data_range=1.0) for x in saved.values()]
    edges = edge_strength(target).ravel()
    alike = [np.corrcoef(edge_strength(x).ravel(), edges)[0, 1] for x in saved.values()]
    return row | {"ssim": float(np.mean(similar)), "edges": float(np.mean(alike))}


def _make_yardstick(experiment: Any, context: Any) -> Callable[[Floats], tuple[Floats, Floats]]:
    from decoupling_lib.engine.normalization import normalize

    place = experiment.features.blocks[0].size
    live = (experiment if context is None else context).reference.live

    def look(x: Floats) -> tuple[Floats, Floats]:
        if context is None:
            values = experiment.features.map.values(x)
        else:
            route = normalize(context, x, measure_only=True)
            if route.status != "done":
                raise RuntimeError(f"a result cannot be measured: {route.status}")
            values = route.style
        return values[:place][live[:place]], values[place:][live[place:]]

    return look
