"""Do gradients in a Sobolev metric make better transfers between two images, at equal distance in style?

    python benchmarks/sobolev.py [--processes 2] [--report] [--out FILE]

By default, transfers between two images drew ripples of a few pixels into skies. In the pixel metric such a ripple is
as short a motion as a change of brightness; in a Sobolev metric it is longer (`engine/sobolev.py`).

Written down before the first run, after trials by hand on seven of these pairs with a length of 1.6 pixels, in which
every measure but one (differences of Gaussians) spoke for it:

Hypothesis. At equal Gram matrices (of four other layers), a transfer by the midpoint in the metric with ℓ = 2 pixels
keeps more SSIM to the target than one in the pixel metric with the same damping, 0.03.

Design. Twenty-four pairs of `equal_style`: twelve bundled pictures, shifted by 1 and 4, 64 x 64 px, two layers, no
refinement. Both metrics with a damping of 0.03 and of 0.3, the Sobolev metric with 1 too. Each result is compared with
direct matching at the same distance in style, on the curves of `equal_style.json`: its gain. Primary measure: the gain
in the Sobolev metric minus the gain in the pixel metric, damping 0.03, SSIM at equal Gram matrices, mean over pairs.
Secondary: the same with a damping of 0.3; other judges of style (differences of Gaussians, colors) and of content
(edges); p by Holm's method over all of them. Ripple: the root mean square of what a Gaussian of 1 pixel removes from
the result, in the quarter of the target where that is least in the target; in levels of 8 bits.

What would count against. An interval of the primary measure that includes 0; a gain in SSIM that is a loss in edges;
more than 5 points more of a block's gap left, in the median; ripples that are no smaller in two pairs of three, since
they are what it is for.

Control: one joint leg in the Sobolev metric, which moves all channel means straight to those of the origin, damping
0.3. If it gains more than the midpoint with the same damping and metric, decoupling is not what gains.

Intervals are bootstrap intervals over pictures, not pairs.
"""

from __future__ import annotations

import json
from itertools import product
from statistics import median
from typing import TYPE_CHECKING, Any

import _experiments as experiments
import numpy as np
from _intervals import bootstrap_over_pictures, correct_by_holm
from equal_style import CONTENT, STYLE, gain
from milder import DIRECT, SIZE, count_wins, judge_transfer, subtract_gains
from scipy.ndimage import gaussian_filter

from decoupling_lib.images.pictures import load_picture

if TYPE_CHECKING:
    from equal_style import Curves

    from decoupling_lib.common.arrays import Floats

LENGTH = 2.0
VARIANTS: dict[str, tuple[float, float]] = {
    "pixels, damping 0.03": (0.032, 0.0),
    "Sobolev, damping 0.03": (0.032, LENGTH),
    "pixels, damping 0.3": (0.3, 0.0),
    "Sobolev, damping 0.3": (0.3, LENGTH),
    "Sobolev, damping 1": (1.0, LENGTH),
    "Sobolev, joint": (0.3, LENGTH),
}
"""Damping and ℓ."""
JOINT = "Sobolev, joint"
COMPARED = {
    "Sobolev, damping 0.03": "pixels, damping 0.03",
    "Sobolev, damping 0.3": "pixels, damping 0.3",
    "Sobolev, damping 1": "pixels, damping 0.03",
    JOINT: "Sobolev, damping 0.3",
}
"""Each variant and the one whose gain is subtracted. The first one is the primary comparison."""
PRIMARY = ("Sobolev, damping 0.03", "gram", "ssim")

Row = dict[str, Any]


def main() -> None:
    rows = experiments.obtain_rows(__doc__, "sobolev", measure, list_tasks, size=SIZE)
    kept = json.loads(DIRECT.read_text("utf-8"))["rows"].values()
    direct = [row for row in kept if row["method"] == "direct" and row["size"] == SIZE]
    print_tables(list(rows.values()), {(row["origin"], row["target"]): row for row in direct})


def list_tasks(size: int, weights: str) -> dict[str, tuple[Any, ...]]:
    """Return all tasks by name: (variant, origin, target, size, weights)."""
    return {
        f"{origin} {target} {variant}": (variant, origin, target, size, weights)
        for origin, target in experiments.list_pairs((1, 4))
        for variant in VARIANTS
    }


def measure(variant: str, origin: str, target: str, size: int, weights: str) -> Row:
    """Return the row of one transfer."""
    damping, length = VARIANTS[variant]
    chosen = {"reference": "midpoint", "damping": damping, "smoothing": length}
    x, row = judge_transfer(origin, target, chosen, size, weights, 1.0 if variant == JOINT else None)
    seen = load_picture(target, (size, size)).array
    return {"variant": variant} | row | ({"ripple": measure_ripple(x, seen)} if row["status"] == "done" else {})


def measure_ripple(x: Floats, target: Floats) -> float:
    """Return how rough an image is where another one is smooth.

    Parameters
    ----------
    x : ndarray, shape (H, W, 3)
        The image.
    target : ndarray, shape (H, W, 3)
        The other one. Its smooth part is the quarter of its pixels around which a Gaussian of 1 pixel removes least;
        what it removes is averaged by a Gaussian of 3 pixels.

    Returns
    -------
    float
        Root mean square of what a Gaussian of 1 pixel removes there, in levels of 8 bits.
    """

    def fine(image: Floats) -> Floats:
        removed: Floats = np.clip(image, 0, 1)
        return ((removed - gaussian_filter(removed, (1, 1, 0))) ** 2).mean(axis=-1)

    around = gaussian_filter(fine(target), 3)
    return float(255 * np.sqrt(fine(x)[around <= np.quantile(around, 0.25)].mean()))


def print_tables(rows: list[Row], curves: Curves) -> None:
    """Print gains over direct at equal style, the differences of `COMPARED`, ripples, and what each variant reaches."""
    done = {(row["variant"], row["origin"], row["target"]): row for row in rows if row["status"] == "done"}
    judges = list(product(STYLE, CONTENT))
    gains = {(*key, *each): gain(row, curves, *each) for key, row in done.items() for each in judges}
    print("gain over direct at equal style: mean [95 % interval over pictures], pairs won")
    for variant, (style, content) in product(VARIANTS, judges):
        pairs = [key[1:] for key in done if key[0] == variant]
        own = [gains[variant, *pair, style, content] for pair in pairs]
        print(f"{variant:22} {style:7} {content:6} {bootstrap_over_pictures(own, pairs)}, {count_wins(own)}")
    print("\nminus the gain of another variant, on the same pairs; p by Holm's method")
    found = {
        (variant, base, *each): subtract_gains(gains, variant, base, each)
        for (variant, base), each in product(COMPARED.items(), judges)
    }
    adjusted = correct_by_holm({" ".join(name): interval.p for name, (interval, _) in found.items()})
    for name, (interval, won) in found.items():
        variant, base, style, content = name
        mark = "primary" if (variant, style, content) == PRIMARY else ""
        p = f"p {adjusted[' '.join(name)]:.3f}"
        print(f"{variant:22} - {base:22} {style:7} {content:6} {interval}, {won}, {p} {mark}")
    for variant, base in COMPARED.items():
        both = [pair for name, *pair in done if name == variant and (base, *pair) in done]
        less = sum(done[variant, *pair]["ripple"] < done[base, *pair]["ripple"] for pair in both)
        print(f"{variant:22} ripples less than {base:22} in {less}/{len(both)} pairs")
    _print_medians(list(done.values()))


def _print_medians(rows: list[Row]) -> None:
    names = STYLE + CONTENT
    print(f"\n{'medians':22} pairs  passes  left of the gap: block 1, block 2" + "".join(f"{x:>8}" for x in names))
    for variant in VARIANTS:
        own = [row for row in rows if row["variant"] == variant]
        gaps = [(row["gaps"]["result"], row["gaps"]["untouched"]) for row in own if row["gaps"]]
        left = [[after[layer] / before[layer] for layer in after] for after, before in gaps]
        shares = "".join(f"{median(each):9.0%}" for each in zip(*left, strict=True)) or f"{'':18}"
        judged = "".join(f"{median(row[name] for row in own):8.2f}" for name in names)
        passes, ripple = (median(row[name] for row in own) for name in ("passes", "ripple"))
        print(f"{variant:22} {len(own):5} {passes:7,.0f} {shares:>33} {judged}  ripple {ripple:.1f}")


if __name__ == "__main__":
    main()
