"""Does a leg get cheaper if a smaller copy of the image is solved first, and its solution is the start?

    python benchmarks/pyramid.py [--size 128] [--layers 2] [--starts half,own] [--pictures coffee:chelsea] [--out FILE]

For each pair (origin, target) the target's legs of Step 2 are run toward the midpoint and toward noise, and then back
to its own style by Step 3. Each leg needs a first guess of its multipliers, and a Gram matrix of the gradients, which
costs a Jacobian row per feature. The starts:

one size      neither is known: what transfers do
half          multipliers and matrices of the legs of the image shrunk to half its size
half, cut     the same of the middle of the image, cut at the image's own scale
half matrix   only the matrices of the shrunk image
half rows     nothing is solved before; wherever a leg needs a matrix, its Jacobian rows are those of the image at that
              point, shrunk to half its size
own matrix    multipliers of the shrunk image, and the matrices that the leg of this size has found before, for nothing
own           multipliers and matrices that the leg of this size has found before, for nothing: no start can be better

Multipliers of unscaled features per pixel do not depend on the image's size, so those of the small image are multiplied
by the ratio of pixels. A row has the passes of Step 2's legs at this size, those at half the size, which take a
quarter of the time each, how far the legs end from the reference, and the PSNR of the way there and back. Any start
gives the same result to within the tolerance of the steps; only passes, and rounding on the way back, can differ.

With two layers a start from half the size does not pay. With five, written down before it was measured: there are
eight times as many features, so Jacobian rows are a larger share of the passes, and a start that spares them may pay.
Against it: the passes from half the size, with a quarter of those of the half, are no fewer than those from nothing. It
did not pay (2 pairs), so "half rows" was tried: it should pay if matrices of a shrunk image serve as well.

With `--of-pairs` legs have the damping and the metric of transfers between two images (on half the size, half the
length). Written down before these were measured at 256 px, by "half rows" alone: matrices serve as well, so the rows, a
third of the passes, cost a quarter. It pays if that saves a tenth of the seconds in the median of four pairs; a row
costs less than other passes, so it may not. Against it: more iterations than rows are saved, or a way back that is
more than 3 dB worse. It did not pay: a sixth more iterations took longer than the rows that were saved.

Last, "half" and "own" with the same damping and metric. Written down before: if even "own", which knows everything for
nothing, spares less than a quarter of the passes other than rows, no start from a smaller copy can pay. It spared a
tenth of them (2 pairs). But that rule forgot the rows, which "own" spares as well: in all it takes 46 and 38 % fewer
passes, 22 and 14 % with what the half costs. So a better start than "half", which saves nothing, could pay.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

import _common as common
import numpy as np
from PIL import Image

from decoupling_lib.engine.features import Counted
from decoupling_lib.engine.sobolev import Smoothed
from decoupling_lib.images.pictures import load_picture
from decoupling_lib.images.quality import psnr
from decoupling_lib.transfers.setup import prepare
from decoupling_lib.transfers.tuning import PAIR_DAMPING, PAIR_SMOOTHING, TUNING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from decoupling_lib.common.arrays import Floats, Mask
    from decoupling_lib.engine.context import Context
    from decoupling_lib.engine.features import Block, FeatureMap, Passes
    from decoupling_lib.engine.leg_state import Guide
    from decoupling_lib.engine.normalization import Route
    from decoupling_lib.transfers.options import Options

PAIRS = "coffee:chelsea,china:flower,flower:astronaut,rocket:china"
REFERENCES = ("midpoint", "noise")
STARTS = ("one size", "half", "half, cut", "half matrix", "half rows", "own matrix", "own")


def main() -> None:
    parser = common.new_parser(__doc__, "pyramid", PAIRS)
    parser.set_defaults(size=128)
    parser.add_argument(
        "--references", type=common.split_known_names(REFERENCES), default=list(REFERENCES), help="comma-separated"
    )
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument(
        "--of-pairs", action="store_true", help="with the damping and the metric of transfers between two"
    )
    parser.add_argument(
        "--starts",
        type=common.split_known_names(STARTS[1:]),
        default=STARTS[1:],
        help="besides one size, which is always measured",
    )
    arguments = parser.parse_args()
    base, size = replace(common.options(arguments), layers=arguments.layers), arguments.size
    depth = "" if arguments.layers == 2 else f", {arguments.layers} layers"
    if arguments.of_pairs:
        base, depth = replace(base, damping=PAIR_DAMPING, smoothing=PAIR_SMOOTHING), f"{depth}, smoothed"
    else:  # those of self-transfers
        base = replace(base, damping=TUNING[base.layers].damping, smoothing=0.0)
    parts = {f"{each}, {size} px{depth}": replace(base, reference=each) for each in arguments.references}
    starts = [start for start in STARTS if start == STARTS[0] or start in arguments.starts]
    results = common.Results(arguments.out, "part", {part: asdict(options) for part, options in parts.items()})
    titles = ("passes", "rows", "at half", "error", "PSNR", "seconds")
    print("{:30}{:20}{:13}".format("part", "pair", "start") + "".join(f"{each:>9}" for each in titles))
    for part, options in parts.items():
        for pair in arguments.pictures:
            for row in measure(part, pair, options, starts):
                print(_line(results.add(row)), flush=True)
        print_medians(part, results.rows)


def measure(part: str, pair: str, options: Options, starts: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of one pair, one for each start; the first is from nothing."""
    origin, target = (load_picture(name, options.size).array for name in pair.split(":"))
    context = prepare(origin, target, options).context()
    halved = replace(context, features=Counted(HalfRows(context.features.map)))
    small, shape = replace(options, size=None, smoothing=options.smoothing / 2), target.shape
    half = [np.clip(_shrink(image), 0, 1) for image in (origin, target)]
    cut = [common.cut_middle(image, *(side // 2 for side in image.shape[:2])) for image in (origin, target)]
    smaller = {"half": half} if set(starts) & {"half", "half matrix", "own matrix", "own"} else {}
    smaller |= {"half, cut": cut} if "half, cut" in starts else {}
    below = {}
    for name, images in smaller.items():
        under = prepare(*images, small).context()
        below[name] = under, _run(under, images[1], {})[0], images[1].shape
    rows, own = [], None
    for start in starts:
        guides, cost = {}, 0
        if start not in ("one size", "half rows"):
            known = below["half, cut" if start == "half, cut" else "half"]
            guides = adapt_guides(*known, context, shape)
            cost = 0 if start == "own" else common.total(_passes(known[1]))["total"]
            assert own is not None
            for layer, guide in guides.items():
                if start == "half matrix":
                    guides[layer] = guide._replace(multipliers=guide.multipliers[:0])
                elif start == "own matrix":
                    guides[layer] = guide._replace(grams=own.guides[layer].grams)
                elif start == "own":
                    guides[layer] = own.guides[layer]
        route, back, seconds = _run(halved if start == "half rows" else context, target, guides)
        there, again = (common.total(_passes(each)) for each in (route, back))
        if start == "half rows":
            cost = there["jacobian_rows"]
            for passes in (there, again):
                passes["total"] -= passes["jacobian_rows"]
                passes["jacobian_rows"] = 0
        own = route if start == "one size" else own
        done = route.status == back.status == "done"
        rows.append(
            {
                "part": part,
                "pair": pair,
                "start": start,
                "status": "done" if done else f"{route.status}, {back.status}",
                "passes": there,
                "passes_below": cost,
                "passes_back": again,
                "relative_error": max(leg.relative_error for leg in route.legs),
                "psnr_db": psnr(back.x, target) if done else None,
                "seconds": seconds,
            }
        )
    return rows


@dataclass(frozen=True)
class HalfRows:
    """A feature map whose Jacobian rows are those of the image at half its size, scaled to the same gradient norms.

    Parameters
    ----------
    map : FeatureMap
        The features.
    """

    map: FeatureMap

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Blocks of the map."""
        return self.map.blocks

    def values(self, x: Floats) -> Floats:
        """Return the features at x."""
        return self.map.values(x)

    def linearize(self, x: Floats) -> _HalfRowsAt:
        """Return the linearization at x."""
        return _HalfRowsAt(self.map, x)

    def prefix(self, count: int) -> HalfRows:
        """Return the map of the first blocks."""
        return HalfRows(self.map.prefix(count))


class _HalfRowsAt:
    def __init__(self, features: FeatureMap, x: Floats):
        at = features.linearize(x)
        self._map, self._x, self.values, self.jvp, self.vjp, self.hvp = features, x, at.values, at.jvp, at.vjp, at.hvp

    def jacobian(self, wanted: Mask | None = None) -> Floats:
        """Return the rows; a mean's gradient has a norm that shrinks with the root of the number of pixels."""
        small = _shrink(self._x).astype(self._x.dtype)
        halved = self._map
        if isinstance(halved, Smoothed):
            halved = replace(halved, length=halved.length / 2)
        rows = halved.linearize(small).jacobian(wanted)
        rows *= np.sqrt(small.size / self._x.size)
        return rows


def adapt_guides(
    under: Context, route: Route, shape: tuple[int, ...], context: Context, full: tuple[int, ...]
) -> dict[str, Guide]:
    """Return the guides of an image of one shape, by layer, in the scaled features of another one's legs.

    Parameters
    ----------
    under : Context
        The context of the legs that were solved.
    route : Route
        Those legs.
    shape : tuple
        (H, W, 3) of their image.
    context : Context
        The context of the legs that are to be solved.
    full : tuple
        (H, W, 3) of their image.
    """
    from decoupling_lib.engine.features import block_slices

    share, adapted = np.prod(shape[:2]) / np.prod(full[:2]), {}
    for place, (layer, moving) in enumerate(block_slices(context.features.blocks).items()):
        scales = (each.reference.damping.leg(place, moving).scales for each in (under, context))
        ratio = np.sqrt(next(scales) / next(scales))
        guide = route.guides[layer]
        grams = guide.grams * np.outer(ratio, ratio) * share
        adapted[layer] = guide._replace(multipliers=guide.multipliers / ratio / share, grams=grams.astype(np.float32))
    return adapted


def _run(context: Context, x: Floats, guides: dict[str, Guide]) -> tuple[Route, Route, float]:
    from decoupling_lib.engine.context import Step
    from decoupling_lib.engine.normalization import impose, normalize, retracing

    began = time.perf_counter()
    starts = {(Step.TARGET, layer): guide for layer, guide in guides.items()}
    there = normalize(replace(context, step=Step.TARGET, guides=starts), x)
    seconds = time.perf_counter() - began
    return there, impose(retracing(context, there), there.x, there.style), seconds


def _passes(route: Route) -> Passes:
    from decoupling_lib.engine.features import Passes

    total = Passes()
    for leg in route.legs:
        total.add(leg.passes)
    return total


def _shrink(image: Floats) -> Floats:
    """Return an image at half its size, by Lanczos's filter in floating point."""
    height, width = image.shape[:2]
    channels = [
        Image.fromarray(image[..., c].astype(np.float32)).resize((width // 2, height // 2), Image.Resampling.LANCZOS)
        for c in range(3)
    ]
    return np.stack([np.asarray(each) for each in channels], axis=-1, dtype=float)


def print_medians(part: str, rows: list[dict[str, Any]]) -> None:
    """Print, for each start, the median of what the pairs of a part took."""
    for start in STARTS:
        own = [row for row in rows if row["part"] == part and row["start"] == start and row["status"] == "done"]
        if own:
            there, below = (
                median(each)
                for each in zip(*((row["passes"]["total"], row["passes_below"]) for row in own), strict=True)
            )
            print(f"{part}, {start}: median {there:,.0f} passes, and {below / 4:,.0f} of this size's for the half")


def _line(row: dict[str, Any]) -> str:
    decibels = "" if row["psnr_db"] is None else f"{row['psnr_db']:.0f}"
    return (
        f"{row['part']:30}{row['pair']:20}{row['start']:13}{row['passes']['total']:9,}{row['passes']['jacobian_rows']:9,}"
        f"{row['passes_below']:9,}{row['relative_error']:9.2%}{decibels:>9}{row['seconds']:9.1f}  {row['status']}"
    )


if __name__ == "__main__":
    common.run(main)
