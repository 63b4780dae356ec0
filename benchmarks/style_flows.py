"""Style flows on pictures that are larger than those for which they were solved: what they cost, and what they reach.

    python benchmarks/style_flows.py [--only small] [--pictures coffee:chelsea,...] [--out FILE]

Two layers and the defaults. The parts:

small     what the small images should be. For each pair (origin, target), flows are solved on images of 96 px that are
          shrunk from pictures of 384 px, or cut from their middle at the pictures' own scale. They are applied to the
          target of 384 px, without corrections, and with four at the end of each leg. A row has, by block, what is left
          of the gap between the channel means of the origin and those of the target at full size
steps     flows of shrunk images with 16, 8 and 4 steps on each leg: what is left, and the structural similarity of the
          picture to the one made with 16 steps
workers   `decoupling apply` on 100 pictures of 256 px, by one process with one thread, by one with all threads, and
          by one worker per core: the seconds of the whole command
options   flows by options as transfers had them at that time (the midpoint, a damping of 0.03) and by those of a flow
          (noise, a damping of 1), on the target of 384 px: what is left, halvings, passes
undo      the same two kinds of flows by --exact on their own target at 96 px and at 256 px, and on another picture at
          96 px, and undone from the unrounded picture: PSNR, and what is left
large     `decoupling apply` with a flow of 8 steps on each leg, on a picture of 12 megapixels that was enlarged from a
          bundled one, with all threads: seconds per megapixel, and the peak memory of the command

Flows by the options of a transfer return for some pairs only: the last leg, which imposes the first layer's style,
contracts some directions so much that double precision loses them. Written down before the part `undo` was measured
with those of a flow, which were then an option: twelve pairs return at 60 dB or more at 96 px, and at 256 px those that
do worst at 64 px. (There reference and damping were chosen by hand: for one pair, neither a damping of 0.4 with noise
nor one of 1 with the midpoint was enough.) Any flow that returns at less than 60 dB counts against this, also on
another picture than its own target. Each row also has the price: what is left of the gap between the channel means.

Written down before the part `options` was measured: at full size, where nothing holds the image on its way, the options
of a flow, which make smaller multipliers, cost little style and spare halvings. Over twelve pairs, the median of what
is left is at most five points higher in either block, the picture keeps more of its structure in at least nine pairs,
and passes and halvings are fewer in sum. If that holds, they become the default of `decoupling flow`. Counts against
it: a higher median than that, a pair with more than twenty points more left in block 1, a picture that looks hardly
changed where the other has the style, and any step without solution.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _common as common
import numpy as np

from decoupling_lib.common.machine import usable_threads
from decoupling_lib.images.pictures import load_picture, save_png
from decoupling_lib.images.quality import psnr, ssim
from decoupling_lib.transfers.options import Options
from decoupling_lib.transfers.tuning import TUNING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from decoupling_lib.common.arrays import Floats
    from decoupling_lib.transfers.flow_application import AppliedFlow
    from decoupling_lib.transfers.style_flow import StyleFlow

PAIRS = "coffee:chelsea,china:flower,flower:astronaut,rocket:china"
SMALL, FULL = 96, 384
LARGE = (4000, 3000)
OF_TRANSFER, OF_FLOW = "options of a transfer", "options of a flow"
FLOWS: dict[str, dict[str, Any]] = {OF_TRANSFER: {"reference": "midpoint", "damping": TUNING[2].damping}, OF_FLOW: {}}
OTHERS = ("gravel", "camera", "coffee")
"""The other picture on which a flow is undone: the first that is not one of its own."""
MEDIUM, COPIES = 256, 100
"""Side of the pictures for the workers and for the way back, and number of those for the workers."""


def main() -> None:
    parser = common.new_parser(__doc__, "style_flows", PAIRS)
    parser.set_defaults(size=SMALL)
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part only")
    parser.add_argument("--full", type=int, default=FULL, help="side of the larger pictures, in pixels")
    parser.add_argument("--sides", type=common.split_integers, default=[SMALL, MEDIUM], help="of the part undo")
    parser.add_argument("--flows", type=common.split_names, default=list(FLOWS), help="of the parts options and undo")
    parser.add_argument("--images", type=Path, help="folder for the pictures of the part options")
    parser.add_argument("--large", type=common.split_integers, default=list(LARGE), help="width and height, in pixels")
    arguments = parser.parse_args()
    base, chosen = common.options(arguments), arguments.only or list(PARTS)
    results = common.Results(arguments.out, "part", {part: asdict(base) for part in chosen})
    for part in chosen:
        for pair in arguments.pictures if part in ("small", "steps", "options", "undo") else arguments.pictures[:1]:
            full = {"large": tuple(arguments.large), "undo": tuple(arguments.sides)}.get(part, (arguments.full,) * 2)
            more = {"undo": (arguments.flows,), "options": (arguments.flows, arguments.images)}.get(part, ())
            for row in common.run_in_new_process(PARTS[part], *pair.split(":"), full, base, *more):
                print(describe(results.add({"part": part, "pair": pair} | row)), flush=True)


def measure_small(origin: str, target: str, full: tuple[int, int], base: Options) -> list[dict[str, Any]]:
    """Return the rows of one pair: shrunk and cut images, without and with corrections."""
    import decoupling_lib as dl

    images = [load_picture(name, full).array for name in (origin, target)]
    shrunk = dl.make_flow(origin, target, base)
    side = base.size[0]
    cut = dl.make_flow(
        *(common.cut_middle(image, side, side) for image in images), replace(base, size=None, max_side=side)
    )
    plain, corrected = dl.FlowSettings(), dl.FlowSettings(corrections=4)
    variants = {
        "shrunk": (shrunk, plain),
        "shrunk, corrected": (shrunk, corrected),
        "cut": (cut, plain),
        "cut, corrected": (cut, corrected),
    }
    return [{"case": name} | _apply(flow, *images, setting)[0] for name, (flow, setting) in variants.items()]


def measure_steps(origin: str, target: str, full: tuple[int, int], base: Options) -> list[dict[str, Any]]:
    """Return the rows of one pair: 16, 8 and 4 steps on each leg."""
    import decoupling_lib as dl

    images = [load_picture(name, full).array for name in (origin, target)]
    rows, finest = [], None
    for steps in (16, 8, 4):
        flow = dl.make_flow(origin, target, replace(base, steps=steps))
        row, applied = _apply(flow, *images, dl.FlowSettings())
        x = np.clip(applied.x, 0, 1)
        finest = x if finest is None else finest
        rows.append({"case": f"{steps} steps"} | row | {"ssim_to_finest": ssim(x, finest)})
    return rows


def measure_options(
    origin: str, target: str, full: tuple[int, int], base: Options, kinds: Sequence[str], folder: Path | None
) -> list[dict[str, Any]]:
    """Return the rows of one pair: some of `FLOWS` on the target at full size; the pictures are saved in a folder."""
    import decoupling_lib as dl

    images, rows = [load_picture(name, full).array for name in (origin, target)], []
    for kind in kinds:
        flow = dl.make_flow(origin, target, replace(base, **FLOWS[kind]))
        try:
            row, applied = _apply(flow, *images, dl.FlowSettings())
        except ArithmeticError as error:
            rows.append({"case": kind, "status": str(error)})
            continue
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            save_png(picture_file(folder, f"{origin}:{target}", kind), applied.x)
        rows.append({"case": kind} | row | {"halvings": sum(leg.halvings for leg in applied.legs)})
    return rows


def picture_file(folder: Path, pair: str, kind: str) -> Path:
    """Return the file of a picture of the part options."""
    return folder / f"{pair.replace(':', '_')}_{kind.replace(' ', '_')}.png"


def measure_large(origin: str, target: str, full: tuple[int, int], base: Options) -> list[dict[str, Any]]:
    """Return the row of one large picture."""
    import decoupling_lib as dl

    with tempfile.TemporaryDirectory() as folder:
        file, picture, out = Path(folder, "style.npz"), Path(folder, "picture.png"), Path(folder, "out")
        dl.save_flow(dl.make_flow(origin, target, replace(base, steps=8)), file)
        save_png(picture, load_picture(target, full).array)
        _run_apply(file, picture, out)
        found = json.loads((out / "report.json").read_text("utf-8"))["images"][0]
    return [
        {
            "case": f"{found['megapixels']:.1f} megapixels",
            "passes": found["passes"],
            "halvings": sum(leg["halvings"] for leg in found["legs"]),
            "seconds": found["seconds"],
            "seconds_a_megapixel": found["seconds"] / found["megapixels"],
            "peak_memory_mib": found["peak_memory_mib"],
        }
    ]


def measure_workers(origin: str, target: str, full: tuple[int, int], base: Options) -> list[dict[str, Any]]:
    """Return the rows of the three ways to share the work."""
    import decoupling_lib as dl

    rows = []
    cores = usable_threads()
    with tempfile.TemporaryDirectory() as folder:
        file, frames = Path(folder, "style.npz"), Path(folder, "frames")
        dl.save_flow(dl.make_flow(origin, target, base), file)
        frames.mkdir()
        picture = load_picture(target, (MEDIUM, MEDIUM)).array
        for number in range(COPIES):
            save_png(frames / f"{number}.png", np.roll(picture, 16 * number, axis=1))
        cases = {"one thread": (1, 1), "all threads": (1, cores), "one worker per core": (cores, 1)}
        for name, (workers, threads) in cases.items():
            counts = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
            began, environment = time.perf_counter(), counts | {"TF_NUM_INTEROP_THREADS": "1"}
            _run_apply(file, frames, Path(folder, name), "--workers", str(workers), **environment)
            rows.append({"case": name, "workers": workers, "seconds": time.perf_counter() - began})
    return rows


def measure_undo(
    origin: str, target: str, sides: tuple[int, ...], base: Options, kinds: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the rows of one pair: some of `FLOWS` on pictures of some sides."""
    import decoupling_lib as dl

    rows = []
    other = next(name for name in OTHERS if name not in (origin, target))
    for kind in kinds:
        flow = dl.make_flow(origin, target, replace(base, **FLOWS[kind]))
        for side in sides:
            for name, case in ((target, ""), (other, f", on {other}"))[: 1 + (side == base.size[0])]:
                images = [load_picture(each, (side, side)).array for each in (origin, name)]
                rows.append({"case": f"{kind}, {side} px{case}"} | _undo(flow, *images))
    return rows


def _undo(flow: StyleFlow, origin: Floats, image: Floats) -> dict[str, Any]:
    """Return a row: the flow applied exactly to an image, and undone."""
    import decoupling_lib as dl

    try:
        row, applied = _apply(flow, origin, image, dl.FlowSettings(exact=True))
        undone = dl.apply_flow(flow, applied.x, dl.FlowSettings(undo=True))
    except ArithmeticError as error:
        return {"status": str(error)}
    return row | {"psnr_db": psnr(undone.x, image), "passes_back": _passes(undone)}


PARTS = {
    "small": measure_small,
    "steps": measure_steps,
    "workers": measure_workers,
    "options": measure_options,
    "undo": measure_undo,
    "large": measure_large,
}


def _run_apply(flow: Path, images: Path, out: Path, *options: str, **environment: str) -> None:
    """Run the command `decoupling apply`."""
    command = [sys.executable, "-m", "decoupling_lib", "apply", str(flow), str(images), "--out", str(out), "--quiet"]
    subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL, env=os.environ | environment)


def _apply(flow: StyleFlow, origin: Floats, target: Floats, settings: Any) -> tuple[dict[str, Any], AppliedFlow]:
    """Return a row, and the picture: what is left of the gap between channel means at full size, by block."""
    import decoupling_lib as dl
    from decoupling_lib.engine.features import block_slices
    from decoupling_lib.networks.channel_means import ChannelMeans
    from decoupling_lib.transfers.flow_network import find_network

    features, began = ChannelMeans(find_network(flow)), time.perf_counter()
    applied = dl.apply_flow(flow, target, settings)
    seconds = time.perf_counter() - began
    wanted, untouched, reached = (features.values(np.clip(x, 0, 1)) for x in (origin, target, applied.x))
    left = [
        float(np.linalg.norm(reached[block] - wanted[block]) / np.linalg.norm(untouched[block] - wanted[block]))
        for block in block_slices(features.blocks).values()
    ]
    row = {
        "left": left,
        "ssim_to_target": ssim(np.clip(applied.x, 0, 1), target),
        "clipped": float(np.mean((applied.x < 0) | (applied.x > 1))),
        "reference_error": [leg.relative_error for leg in applied.legs if leg.step == 2],
        "passes": _passes(applied),
        "seconds": seconds,
    }
    return row, applied


def _passes(applied: AppliedFlow) -> int:
    return sum(leg.passes.total for leg in applied.legs)


def describe(row: dict[str, Any]) -> str:
    """Return a line about a row."""
    line = f"{row['part']:8}{row['pair']:18}{row['case']:32}"
    if "left" in row:
        left = ", ".join(f"{each:.0%}" for each in row["left"])
        line += f"left {left}; SSIM to the target {row['ssim_to_target']:.2f}"
    if "ssim_to_finest" in row:
        line += f", to the finest {row['ssim_to_finest']:.3f}"
    if "status" in row:
        line += row["status"]
    if "psnr_db" in row:
        line += f"; undone {row['psnr_db']:.0f} dB"
    if "passes" in row:
        line += f"; {row['passes']:,} passes"
    if "halvings" in row:
        line += f", {row['halvings']} halvings"
    if "seconds" in row:
        line += f"; {row['seconds']:.1f} s"
    if "seconds_a_megapixel" in row:
        line += f", {row['seconds_a_megapixel']:.0f} s per megapixel, {row['peak_memory_mib']:,} MiB"
    return line


if __name__ == "__main__":
    common.run(main)
