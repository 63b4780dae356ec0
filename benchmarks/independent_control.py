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
references: noise (three seeds on half of the triples, one of them in turn on the others), and the midpoint of three
pictures, whose reference values are half the target's means plus a quarter of each giver's. It is the same for all four
styles; the scales of its damping are measured at the three pictures. Direct starts at the target and matches the mixed
vector by L-BFGS to 0.1 %, all the way, and half and three quarters of it. All results are judged as saved, with 8 bits.

Two yardsticks: coupled (f1 and f2, at which direct aims) and decoupled (c1 and c2 with the reference, at which the legs
aim; c1 is f1). By each, what is left of the untouched distance to each giver's part, and cross-talk: how far a part of
the result moves when the giver of the other part is exchanged, over the distance between its own two givers. Each
method has the advantage by its own yardstick, so neither decides.

Primary measure. Selectivity by judges that nobody matches: the logarithm of how far a part of the result moves with its
own giver over how far it moves with the other one. The smaller one of the selectivity of colors (Wasserstein distance;
should follow the first giver) and of texture (Gram matrices of three other layers, of images whose colors are
standardized; should follow the second giver), for a control of one part alone is not independent. Difference: decoupled
with the midpoint minus direct all the way, mean over triples.

Secondary: the same of each judge alone (also the Gram matrix of block1_conv2 for the first giver, raw Gram matrices and
statistics of differences of Gaussians for the second), SSIM and correlation of edges to the target, selectivity against
direct at the share of the way at which it keeps as much SSIM, and all of this with noise: eighteen tests, adjusted by
Holm's method.

What would count against. An interval of the primary measure that includes 0. A selectivity of the second part
below 0 (a factor of 1): then it follows the wrong giver, and only the first part is controlled. A gain that raw Gram
matrices, which do not take contrast and color out, do not confirm: then c2 is only what standardized pixels would show
as well. Direct as close to c2 as the legs are, or with no more cross-talk by the decoupled yardstick. Decoupled results
that leave more than a third of the untouched distance: then little was imposed. A gain that is gone at equal SSIM.

What was known. The code was tried on two squares at 32 px and one at 64 px, of other triples. The first part followed
its own giver far better than direct's; the second part followed the wrong one, and direct's neither. The primary
measure, in a first version the mean of both parts, was therefore made stricter: the first part alone would have
carried the mean. No run of the design had been made. The hypothesis is left as it was, though it may well fail.

Changed before the first run: legs end without corrections, which leave more of the target (`benchmarks/ablation.py`).
Their steps are solved to 1e-6, the default of transfers between two images, and in single precision, for half the time:
with the midpoint two trial pairs changed by 0.02 levels of 8 bits at most by single precision, with noise one by 0.07;
the other one's legs amplify any difference, so that no two settings agree there.

Intervals are bootstrap intervals over pictures: a triple counts as often as all of its three pictures were drawn,
which makes the intervals wide. Three seeds of the noise are averaged by target before. Passes are reported beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

import _common as common
import _experiments as experiments
import numpy as np
from _intervals import bootstrap_over_pictures, correct_by_holm
from _parts import JUDGES, KEYS, examine

from decoupling_lib.common.arrays import Floats

SIZE = 64
SHIFTS = ((1, 5), (3, 10))
"""The places of the two givers after the target's."""
SEEDS = (0, 1, 2)
REPEATED = 12
"""Number of triples on which noise takes all seeds."""
SHARES = (0.5, 0.75, 1.0)
PRIMARY = "weaker part"
CONTENT = ("ssim", "edges")
TESTS = (PRIMARY, *JUDGES, *CONTENT, "equal SSIM")


def main() -> None:
    rows = experiments.obtain_rows(__doc__, "independent_control", measure, list_tasks)
    print_tables(list(rows.values()))


def list_triples() -> list[tuple[str, str, str]]:
    """Return triples (target, P, Q)."""
    n, pictures = len(experiments.PICTURES), experiments.PICTURES
    return [(pictures[k], pictures[(k + a) % n], pictures[(k + b) % n]) for a, b in SHIFTS for k in range(n)]


def list_tasks() -> dict[str, tuple[Any, ...]]:
    """Return all tasks by name: (method, target, P, Q, size, seed)."""
    tasks = {}
    for number, triple in enumerate(list_triples()):
        seeds = SEEDS if number < REPEATED else (SEEDS[number % 3],)
        wanted = [("direct", 0), ("midpoint", 0), *(("noise", seed) for seed in seeds)]
        tasks |= {f"{method} {seed} {' '.join(triple)}": (method, *triple, SIZE, seed) for method, seed in wanted}
    return tasks


def measure(method: str, target: str, first: str, second: str, size: int, seed: int) -> dict[str, Any]:
    """Return the row of one square of results; `method` is direct, or a reference."""
    from decoupling_lib.images.pictures import load_picture
    from decoupling_lib.transfers.options import Options
    from decoupling_lib.transfers.setup import prepare

    fixed = {"size": (size, size), "weights": "hed", "network": "vgg16", "refinements": 0, **experiments.PIXELS}
    options = Options(**fixed, corrections=0, tolerance=1e-6, precision="float32", seed=seed)
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
    return row | examine(experiment, results, images, {f"decoupled, {reference}": context})


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
        names = ("noise", "midpoint") if share == SHARES[-1] else ()
        yardsticks = {f"decoupled, {name}": _context(experiment, images, name) for name in names}
        row["shares"][str(share)] = examine(experiment, results, images, yardsticks)
        row["passes"] = features.passes.total - before
    return row | row["shares"][str(SHARES[-1])]


def measure_outcomes(row: dict[str, Any]) -> dict[str, float]:
    """Return the numbers of a row that are compared between methods."""
    chosen = row["selectivity"]
    primary = min(chosen["colors"], chosen["texture"])
    return {PRIMARY: primary} | {name: chosen[name] for name in JUDGES} | {name: row[name] for name in CONTENT}


def read_at_equal_ssim(direct: dict[str, Any], ssim: float) -> float:
    """Return direct's primary measure at the share of the way at which it keeps as much SSIM.

    It is linear between shares. Where no share keeps as much, or as little, the nearest one counts.
    """
    curve = sorted((row["ssim"], measure_outcomes(row)[PRIMARY]) for row in direct["shares"].values())
    return float(np.interp(ssim, *zip(*curve, strict=True)))


def list_gains(rows: list[dict[str, Any]], method: str) -> dict[tuple[str, str, str], dict[str, float]]:
    """Return the differences to direct by triple and name of the test, averaged over seeds."""
    triple = ("target", "first", "second")
    direct = {tuple(row[each] for each in triple): row for row in rows if row["method"] == "direct"}
    found: dict[Any, list[dict[str, float]]] = {}
    for row in rows:
        key = tuple(row[each] for each in triple)
        if row["method"] != method or row["status"] != "done" or direct.get(key, {}).get("status") != "done":
            continue
        own, other = measure_outcomes(row), measure_outcomes(direct[key])
        gains = {name: own[name] - other[name] for name in own}
        gains["equal SSIM"] = own[PRIMARY] - read_at_equal_ssim(direct[key], row["ssim"])
        found.setdefault(key, []).append(gains)
    return {key: {name: float(np.mean([each[name] for each in all_])) for name in TESTS} for key, all_ in found.items()}


def print_tables(rows: list[dict[str, Any]]) -> None:
    """Print the differences to direct, then what each method does by itself."""
    methods = [name for name in ("midpoint", "noise", "direct") if any(row["method"] == name for row in rows)]
    print("Decoupled minus direct: mean [95 % interval over pictures], triples, p by Holm")
    found, shown = {}, {}
    for method in methods[:-1]:
        gains = list_gains(rows, method)
        for test in TESTS if gains else ():
            values = [each[test] for each in gains.values()]
            found[f"{method:9} {test:20}"] = interval = bootstrap_over_pictures(values, list(gains))
            shown[f"{method:9} {test:20}"] = f"{interval}, {sum(value > 0 for value in values)}/{len(values)}"
    adjusted = correct_by_holm({name: each.p for name, each in found.items()})
    for name, text in shown.items():
        print(f"{name} {text}, p {adjusted[name]:.3f}")
    print("\nmedians                                          ", *(f"{name:>10}" for name in methods))
    done = {name: [row for row in rows if row["method"] == name and row["status"] == "done"] for name in methods}
    names = dict.fromkeys(name for row in rows if row["status"] == "done" for name in row["left"])
    table: dict[str, Callable[[dict[str, Any]], Any]] = {}
    for kind in ("mixed", "whole"):
        for name in names:
            table[f"left of the way, {kind}: {name}"] = lambda row, kind=kind, name=name: (
                row["left"].get(name, {}).get(kind)
            )
    for name in (name for name in names if name not in JUDGES):
        table[f"cross-talk: {name}"] = lambda row, name=name: row["cross_talk"].get(name)
    for name in (PRIMARY, *JUDGES, *CONTENT):
        table[name if name in CONTENT else f"selectivity: {name}"] = lambda row, name=name: measure_outcomes(row)[name]
    for name in JUDGES:
        table[f"nearer to its own giver (mean): {name}"] = lambda row, name=name: row["nearer"][name]
    table |= {"clipped": lambda row: row["clipped"], "passes for four results": lambda row: row["passes"]}
    for title, look in table.items():
        cells = []
        for name in methods:
            values = [value for row in done[name] if (value := look(row)) is not None]
            middle = (np.mean if "(mean)" in title else median)(values) if values else None
            cells.append(f"{'' if middle is None else f'{middle:,.0f}' if middle > 100 else f'{middle:.3f}':>10}")
        print(f"{title:50}", *cells)
    for name in methods:
        own = [row for row in rows if row["method"] == name]
        broken = [f"{row['target']} ({row['status']})" for row in own if row["status"] != "done"]
        print(
            f"{name}: {len(own)} squares, {sum(row.get('halvings', 0) for row in own)} halvings, broken off: {broken}"
        )


if __name__ == "__main__":
    common.run(main)
