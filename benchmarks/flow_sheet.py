"""Style flows side by side, to look at: origin, target, and what flows by two sets of options make of the target.

    python benchmarks/style_flows.py --only options --images out/flows
    python benchmarks/flow_sheet.py [--pictures china:flower,...] [--images out/flows] [--figure FILE]

The first command solves flows at 96 px and applies them at 384 px, the second draws some of its pictures. Below each
stands what is left of the gap between the channel means of origin and target, by block.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _common as common
from style_flows import FLOWS, FULL, picture_file

from decoupling_lib.images.pictures import load_picture
from decoupling_lib.plotting.settings import kit_settings
from decoupling_lib.plotting.style import new_figure, save_figure, show_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
PAIRS = "china:flower,flower:astronaut,camera:chelsea,chelsea:coffee"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=common.split_names, default=common.split_names(PAIRS), help="pairs")
    parser.add_argument("--full", type=int, default=FULL, help="side of the pictures, in pixels")
    parser.add_argument("--images", type=Path, default=ROOT / "out" / "flows", help="folder of the pictures")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results" / "style_flows.json")
    parser.add_argument("--figure", type=Path, default=ROOT / "figures" / "flows.png")
    arguments = parser.parse_args()
    rows = json.loads(arguments.results.read_text("utf-8"))["rows"]
    found = {(row["pair"], row["case"]): row for row in rows if row["part"] == "options"}
    print(save_figure(draw(found, arguments.pictures, arguments.full, arguments.images), arguments.figure))


@kit_settings
def draw(found: dict[tuple[str, str], dict[str, Any]], pairs: list[str], side: int, folder: Path) -> Figure:
    """Draw the sheet: one line per pair."""
    figure = new_figure(10.0, 2.7 * len(pairs), dpi=110)
    grid = figure.subplots(len(pairs), 2 + len(FLOWS), squeeze=False)
    for line, pair in zip(grid, pairs, strict=True):
        origin, target = pair.split(":")
        show_picture(line[0], load_picture(origin, (side, side)).array, f"style of {origin}")
        show_picture(line[1], load_picture(target, (side, side)).array, f"on {target}")
        for ax, kind in zip(line[2:], FLOWS, strict=True):
            left = ", ".join(f"{each:.0%}" for each in found[pair, kind]["left"])
            image = load_picture(str(picture_file(folder, pair, kind))).array
            show_picture(ax, image, f"{kind}: {left} left")
    for ax in grid.flat:
        ax.title.set_fontsize(8)
    return figure


if __name__ == "__main__":
    main()
