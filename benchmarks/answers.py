"""Draw the answers of four experiments with their intervals, from the committed results: `figures/answers.png`.

    python benchmarks/answers.py [--figure FILE]

Each line is a difference between a decoupled result and its rival, a mean with its 95 % bootstrap interval over
pictures; what lies right of 0 speaks for decoupling. Primary measures are drawn in black. Nothing is measured here.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import equal_style
import independent_control
import recognition
import undo
from _intervals import Interval, bootstrap_over_pictures

from decoupling_lib.plotting.settings import kit_settings
from decoupling_lib.plotting.style import new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RESULTS = Path(__file__).parent / "results"
JUDGES = {"gram": "Gram matrices", "bands": "differences of Gaussians", "colors": "colors"}
PARTS = {
    independent_control.PRIMARY: "weaker part",
    "colors": "part 1: colors",
    "texture": "part 2: texture",
    "bands": "part 2: differences of Gaussians",
}
Lines = dict[str, tuple[Interval, bool]]
"""By label: the interval, and whether it is a primary measure."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figure", type=Path, default=RESULTS.parents[1] / "figures" / "answers.png")
    arguments = parser.parse_args()
    print(save_figure(draw(), arguments.figure))


def draw() -> Figure:
    """Draw the four panels."""
    panels = (
        ("At equal style: SSIM kept", "SSIM, minus that of direct matching", list_equal_style()),
        ("Undone: SSIM recovered", "SSIM, minus that of direct matching", list_undone()),
        ("Two parts from two pictures", "logarithm of selectivity, minus direct's", list_parts()),
        ("Recognition under nuisance", "share of patches recognized, minus the rival's", list_recognized()),
    )
    return _draw(panels)


def list_equal_style() -> Lines:
    """Return gains in SSIM at equal style, by reference and judge of style, on the pairs of 64 pixels."""
    rows = [row for row in _read("equal_style").values() if row.get("size") == 64 and row["status"] == "done"]
    curves = {(row["origin"], row["target"]): row for row in rows if row["method"] == "direct"}
    lines: Lines = {}
    for reference in ("midpoint", "noise"):
        own = [row for row in rows if row["method"] == "decoupled" and row["reference"] == reference]
        single = {(row["origin"], row["target"]): row for row in reversed(own)}  # one seed for each pair
        for style, words in JUDGES.items():
            gains = [equal_style.gain(row, curves, style, "ssim") for row in single.values()]
            interval = bootstrap_over_pictures(gains, list(single))
            lines[f"{reference}, by {words}"] = interval, reference == "midpoint" and style == "gram"
    return lines


def list_undone() -> Lines:
    """Return gains in SSIM of chains there and back without corrections, by reference and judge of style."""
    rows = list(_read("undo").values())
    direct = {tuple(row["pictures"]): row["shares"] for row in rows if "shares" in row}
    lines: Lines = {}
    for reference in undo.ALL_CHAINS[::-1]:
        own = [row for row in rows if row.get("reference") == reference and len(row["pictures"]) == 2]
        done = [row for row in own if row.get("off", {}).get("status") == "done"]
        chains = {tuple(row["pictures"]): row["off"] for row in reversed(done)}  # one seed for each chain
        for style in undo.STYLE:
            gains = [undo.gain(found, direct[chain], style, "ssim") for chain, found in chains.items()]
            interval = bootstrap_over_pictures(gains, list(chains))
            lines[f"{reference}, by {JUDGES[style]}"] = interval, style == "gram"
    return lines


def list_parts() -> Lines:
    """Return differences in the selectivity of the two parts of a style, by reference."""
    rows, lines = list(_read("independent_control").values()), {}
    for reference in ("midpoint", "noise"):
        gains = independent_control.list_gains(rows, reference)
        for part, words in PARTS.items():
            interval = bootstrap_over_pictures([each[part] for each in gains.values()], list(gains))
            primary = (reference, part) == ("midpoint", independent_control.PRIMARY)
            lines[f"{reference}, {words}"] = interval, primary
    return lines


def list_recognized() -> Lines:
    """Return differences in the share of patches recognized under nuisance, with photographs as the reference."""
    rows, lines = _read("recognition"), {}
    for features, rivals in recognition.RIVALS.items():
        for rival in rivals[:3]:
            names = ((features, "photographs"), (rival, ""))
            own, other = (recognition.average(rows, *each, recognition.CONDITIONS[1:]) for each in names)
            gains = [own[name] - other[name] for name in own]
            interval = bootstrap_over_pictures(gains, [(name,) for name in own])
            lines[f"{features} − {rival}"] = interval, (features, rival) == ("c2", "f2")
    return lines


def _read(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text("utf-8"))["rows"]


@kit_settings
def _draw(panels: tuple[tuple[str, str, Lines], ...]) -> Figure:
    figure = new_figure(12.5, 6.4, dpi=110)
    for ax, (title, label, lines) in zip(figure.subplots(2, 2).flat, panels, strict=True):
        _draw_panel(ax, lines)
        ax.set_title(title)
        ax.set_xlabel(label)
    return figure


def _draw_panel(ax: Axes, lines: Lines) -> None:
    ax.axvline(0, color="0.5", linewidth=1)
    for at, (interval, primary) in enumerate(lines.values()):
        color = "black" if primary else "C0"
        ax.plot([interval.low, interval.high], [at, at], color=color, linewidth=2.5, solid_capstyle="butt")
        ax.plot(interval.mean, at, "o", color=color, markersize=7)
    ax.set_yticks(range(len(lines)), list(lines))
    ax.set_ylim(len(lines) - 0.5, -0.5)
    ax.grid(axis="x", alpha=0.3)


if __name__ == "__main__":
    main()
