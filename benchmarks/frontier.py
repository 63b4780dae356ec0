"""Fidelity, exactness, the way back and cost against each other: self-transfers over a grid of settings.

    python benchmarks/frontier.py [--size 64] [--pictures china] [--damping 0,0.027] [--draw-only] [--out FILE]

Softness and growth determine how far the network is from the same network with ReLU and max-pooling (fidelity); damping
determines how far from the reference a leg ends (exactness). Both buy the way back (PSNR) and save passes. The script
draws figures/frontier.png from the rows of the file.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _common as common

from decoupling_lib.common.errors import DrawingError, InputError
from decoupling_lib.images.quality import psnr
from decoupling_lib.plotting.frontier import DEFAULT, show_frontier
from decoupling_lib.plotting.settings import kit_settings
from decoupling_lib.plotting.style import new_figure, save_figure, try_to_draw
from decoupling_lib.transfers.options import Options, resolve_options

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURE = Path(__file__).parents[1] / "figures" / "frontier.png"


def main() -> None:
    usual = resolve_options(Options(), self_transfer=True)
    default = (usual.softness, usual.growth, usual.damping)
    grid = {
        "softness": sorted({0.1, 0.2, 0.4, default[0]}),
        "growth": sorted({1.0, 2.0, default[1]}),
        "damping": sorted({0.0, 0.01, 0.07, 0.2, default[2]}),
    }
    parser = common.new_parser(__doc__, "frontier", "china,flower,coffee")
    for name, values in grid.items():
        parser.add_argument(f"--{name}", type=common.split_numbers, default=values, help="comma-separated")
    parser.add_argument("--figure", type=Path, default=FIGURE)
    parser.add_argument("--draw-only", action="store_true", help="only draw the figure")
    arguments = parser.parse_args()
    base = common.options(arguments)
    grid = {name: getattr(arguments, name) for name in grid}
    chosen = [] if arguments.draw_only else arguments.pictures
    results = common.Results(arguments.out, "picture", {picture: asdict(base) | grid for picture in chosen})
    titles = ("picture", "softness", "growth", "damping", "fidelity", "error", "PSNR", "passes", "seconds")
    print("{:10} {:>8} {:>6} {:>7} {:>8} {:>8} {:>7} {:>8} {:>8}".format(*titles))
    for picture, softness, growth in product(chosen, arguments.softness, arguments.growth):
        options = replace(base, softness=softness, growth=growth)
        for row in common.run_in_new_process(measure, picture, options, arguments.damping):
            print(_line(results.add(row)), flush=True)
    if not results.rows:
        raise InputError(f"{arguments.out} has no rows to draw")
    reason = try_to_draw(lambda: print(save_figure(draw(results.rows, results.options, default), arguments.figure)))
    if reason:
        step = f"all rows are in {arguments.out}; repeat the command with --draw-only"
        raise DrawingError(f"could not draw {arguments.figure} ({reason}); {step}")


def measure(picture: str, options: Options, dampings: list[float]) -> list[dict[str, Any]]:
    """Return the rows of self-transfers in one network, one row per damping."""
    from decoupling_lib.transfers.setup import prepare

    rows = []
    for damping in dampings:
        experiment = prepare(picture, picture, replace(options, damping=damping))
        began = time.perf_counter()
        result = experiment.run()
        legs = result.routes["step1"].legs
        rows.append(
            {
                "picture": picture,
                "softness": options.softness,
                "growth": options.growth,
                "damping": damping,
                "status": result.status,
                "fidelity": max(entry["relative_difference"] for entry in experiment.fidelity.values()),
                "relative_error": max(max(leg.relative_error, leg.held_relative_error) for leg in legs),
                "psnr_db": psnr(result.routes["step3"].x, result.origin) if "step3" in result.routes else None,
                "passes": common.total(result.passes),
                "seconds": time.perf_counter() - began,
            }
        )
    return rows


@kit_settings
def draw(rows: list[dict[str, Any]], options: dict[str, Any], default: tuple[float, float, float]) -> Figure:
    """Draw one column per image: the way back above, its passes below, each against the exactness.

    The fidelity of a network is its worst value over all images.
    """
    worst: dict[tuple[float, float], float] = {}
    for row in rows:
        network = (row["softness"], row["growth"])
        worst[network] = max(worst.get(network, 0.0), row["fidelity"])
    points = [
        row | {"passes": row["passes"]["total"], "fidelity": worst[row["softness"], row["growth"]]}
        for row in rows
        if row["psnr_db"] is not None  # a run that stopped early cost less, but achieved nothing
    ]
    pictures = list(dict.fromkeys(row["picture"] for row in rows))
    figure = new_figure(1.5 + 3.6 * len(pictures), 7.6)
    axes = figure.subplots(2, len(pictures), sharex=True, sharey="row", squeeze=False)
    for column, picture in zip(axes.T, pictures, strict=True):
        own, settings = [point for point in points if point["picture"] == picture], options[picture]
        for ax, value in zip(column, ("psnr_db", "passes"), strict=True):
            show_frontier(ax, own, value, default, points)
            ax.label_outer()
        column[0].set_title(f"{Path(picture).stem}, {settings['size'][0]} px, {settings['weights']}", fontsize=10)
    handles = {handle.get_label(): handle for ax in axes[0] for handle in ax.get_legend_handles_labels()[0]}
    shown = sorted(handles.values(), key=lambda handle: handle.get_label() == DEFAULT)  # the default last
    look = {"ncols": min(2, len(pictures)), "frameon": False, "fontsize": 8, "handlelength": 4.5}
    figure.legend(handles=shown, loc="outside lower center", **look)
    return figure


def _line(row: dict[str, Any]) -> str:
    decibels = "-" if row["psnr_db"] is None else f"{row['psnr_db']:.1f}"
    return (
        f"{row['picture']:10} {row['softness']:8g} {row['growth']:6g} {row['damping']:7g} {row['fidelity']:8.1%} "
        f"{row['relative_error']:8.1e} {decibels:>7} {row['passes']['total']:8,} {row['seconds']:8.1f} {row['status']}"
    )


if __name__ == "__main__":
    common.run(main)
