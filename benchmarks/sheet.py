"""Twelve pairs of pictures side by side, to look at: origin, target, and what three methods make of them.

    python benchmarks/sheet.py [--size 256] [--methods default,direct] [--processes 2] [--draw-only] [--out FILE]

Each of the twelve bundled pictures is once the origin and once the target. Two layers, VGG-16 with the weights `hed`,
and otherwise the defaults of a transfer between two images. The methods:

default   decoupled, by the midpoint of the two images
direct    the coupled means of both layers at once, by L-BFGS to 0.1 %
Gatys     the FFᵀ Gram matrices of the thesis's five layers and the content of block4_conv2, with the weights of figure
          2.7, 100 iterations of L-BFGS

Above each result stands what is left of the target's distance from the origin by the Gram matrices of four other
layers, a judge that no method has matched. Judging takes no legs, and its passes are not counted. A sheet is for the
eye; the experiments have the intervals. Results are kept as PNG files in `out/sheet`, the sheet is drawn to
`figures/pairs_SIZE.png`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import _common as common
import _experiments as experiments

from decoupling_lib.common.arrays import Floats
from decoupling_lib.images.pictures import load_picture, save_png
from decoupling_lib.plotting.settings import kit_settings
from decoupling_lib.plotting.style import new_figure, save_figure, show_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from decoupling_lib.transfers.setup import Experiment

ROOT = Path(__file__).parents[1]
MOST_DPI = 100
"""At which pictures of 256 px are drawn at three quarters of their size, so that the file stays small."""
JUDGES = ("gram", "colors", "ssim", "edges")
METHODS = ("default", "direct", "Gatys")
CONTENT_LAYER, BETA, ITERATIONS = "block4_conv2", 3e2, 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256, help="side of the square images, in pixels")
    parser.add_argument("--weights", default="hed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--methods", type=common.split_known_names(METHODS), default=list(METHODS), help="comma-separated"
    )
    parser.add_argument("--pairs", type=int, default=12, help="run only so many pairs")
    parser.add_argument("--draw-only", action="store_true", help="draw the sheet from results that are there")
    parser.add_argument("--images", type=Path, default=ROOT / "out" / "sheet", help="folder for the results")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/sheet_SIZE.json")
    parser.add_argument("--figure", type=Path, help="default: figures/pairs_SIZE.png")
    arguments = parser.parse_args()
    size, pairs = arguments.size, experiments.list_pairs((1,))[: arguments.pairs]
    out = arguments.out or ROOT / "benchmarks" / "results" / f"sheet_{size}.json"
    arguments.images.mkdir(parents=True, exist_ok=True)
    tasks = {
        f"{origin} {target} {method}": (origin, target, method, size, arguments.weights, str(arguments.images))
        for method in arguments.methods
        for origin, target in pairs
    }
    if arguments.draw_only:
        rows = json.loads(out.read_text("utf-8"))["rows"]
    else:
        rows = experiments.run_tasks(out, measure, tasks, arguments.processes)
    print_table(rows, arguments.methods)
    figure = draw(rows, pairs, arguments.methods, size, arguments.images)
    print(save_figure(figure, arguments.figure or ROOT / "figures" / f"pairs_{size}.png"))


def measure(origin: str, target: str, method: str, size: int, weights: str, folder: str) -> dict[str, Any]:
    """Return the row of one method and pair, and save its result."""
    from _judges import judge

    from decoupling_lib.transfers.evaluation import observer_network
    from decoupling_lib.transfers.options import Options
    from decoupling_lib.transfers.setup import prepare

    options = Options(size=(size, size), weights=weights, network="vgg16", reference="midpoint")
    experiment = prepare(origin, target, options)
    images = experiment.origin.array, experiment.target.array
    if method == "Gatys":
        x, passes = _gatys(weights, *images)
    elif method == "direct":
        x, passes = _match(experiment, *images)
    else:
        x, passes = _transfer(experiment)
    row = {"origin": origin, "target": target, "method": method, "size": size, "status": "done", "passes": passes}
    if x is None:
        return row | {"status": "not done"}
    save_png(Path(folder) / _name(method, origin, target, size), x)
    return row | judge(observer_network(experiment.network), x, *images)


def _transfer(experiment: Experiment) -> tuple[Floats | None, int]:
    """Return the result of Steps 1 to 3, without the judging by legs that a transfer ends with, and the passes."""
    from _steps import impose_style, measure_style, remove_style

    context = experiment.context()
    wanted, bare = measure_style(context, experiment.origin.array), remove_style(context, experiment.target.array)
    routes = [wanted, bare]
    if wanted.status == bare.status == "done":
        routes.append(impose_style(context, bare, wanted.style, experiment.options.corrections))
    done = all(route.status == "done" for route in routes)
    return routes[-1].x if done else None, context.features.passes.total


def _match(experiment: Experiment, style: Floats, content: Floats) -> tuple[Floats, int]:
    from _direct import match_directly

    from decoupling_lib.engine.features import Counted

    features = Counted(experiment.features.map)
    x = match_directly(features, content, style, 1.0, experiment.reference.live)
    return x, features.passes.total


def _gatys(weights: str, style: Floats, content: Floats) -> tuple[Floats, int]:
    from decoupling_lib.methods import gatys
    from decoupling_lib.networks.vgg import build_network
    from decoupling_lib.transfers.network_source import NetworkSource

    source = NetworkSource("vgg16", weights)
    layers = sorted((*source.layers(5), CONTENT_LAYER))
    network = build_network("vgg16", weights, layers, activation="relu", pooling="average")
    height, width = content.shape[:2]
    objective = gatys.objective(network, (height, width), style, content, content=CONTENT_LAYER, alpha=1.0, beta=BETA)
    found = gatys.synthesize(objective, content, ITERATIONS)
    return found.x, objective.features.passes.total


def print_table(rows: dict[str, dict[str, Any]], methods: list[str]) -> None:
    """Print medians by method."""
    print(f"{'medians':10} pairs  passes    Gram  colors   SSIM  edges")
    for method in methods:
        own = [row for row in rows.values() if row["method"] == method and row["status"] == "done"]
        if not own:
            continue
        judged = " ".join(f"{median(row[name] for row in own):6.2f}" for name in JUDGES)
        passes = median(row["passes"] for row in own)
        print(f"{method:10} {len(own):5} {passes:7,.0f}  {judged}")


@kit_settings
def draw(
    rows: dict[str, dict[str, Any]], pairs: list[tuple[str, str]], methods: list[str], size: int, folder: Path
) -> Figure:
    """Draw the sheet: one line per pair."""
    columns = ["origin", "target", *methods]
    figure = new_figure(2.0 * len(columns), 2.22 * len(pairs), dpi=min(max(100, size), MOST_DPI))
    grid = figure.subplots(len(pairs), len(columns), squeeze=False)
    for line, (origin, target) in zip(grid, pairs, strict=True):
        show_picture(line[0], load_picture(origin, (size, size)).array, f"style of {origin}"[:26])
        show_picture(line[1], load_picture(target, (size, size)).array, f"on {target}"[:26])
        for ax, method in zip(line[2:], methods, strict=True):
            found = rows[f"{origin} {target} {method}"]
            if found["status"] != "done":
                show_picture(ax, None, f"{method}: {found['status']}")
                continue
            image = load_picture(str(folder / _name(method, origin, target, size))).array
            show_picture(ax, image, f"{method}: {found['gram']:.0%} left")
    for ax in grid.flat:
        ax.title.set_fontsize(8)
    return figure


def _name(method: str, origin: str, target: str, size: int) -> str:
    return f"{size}_{origin}_{target}_{method}.png"


if __name__ == "__main__":
    main()
