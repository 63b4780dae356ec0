"""Can an imposed style be undone from the saved 8-bit image, and better by decoupled transfers than by direct matching?

    python benchmarks/undo.py [--processes 2] [--report] [--out FILE]

Written down before the first run:

Hypothesis. A decoupled leg is reversible, so a decoupled transfer T -> O (the style of O on the picture T) whose result
is saved and given the style of T again (T -> O -> T) comes closer to T than direct matching does that was as close to
the style of O in between. The corrections at the ends of legs lead off the way that is retraced, so the undoing is
better without them.

Design. Twelve bundled pictures; T -> O -> T on twelve pairs in which each picture is once T and once O, and
T -> O -> P -> T on six triples; 64 x 64 px, two layers, no refinement, end-of-leg corrections on (the default) and off.
References noise, midpoint, photographs and target on all pairs, noise and midpoint on all triples. Chains take three
seeds of the noise in turn; three pairs are run with all three. Every image that is passed on is clipped and rounded to
8 bits. Direct goes a share of the way from the means of the image to those of O (and of P), by L-BFGS to 0.1 %, and
then all the way back to those of T; the shares make a curve of what the undoing recovers against the style of the first
result. A decoupled chain is compared with this curve at its own style distance, as in `equal_style`: linearly between
shares, at direct's best where the curve passes there more than once. The curve begins with nothing imposed and nothing
lost. In a triple the style distance is the mean of those of its first two results, to O and to P.

What each step may see. Step 1 of the way to O sees O alone; Step 2 and Step 3 see T, Step 3 also c of O. The way back
is a transfer of its own: Step 1 sees T alone and measures its c, which whoever undoes has to have kept; Step 2 sees the
saved image alone, not how it was made: no trajectory, grid, multiplier or unrounded value; Step 3 sees what Step 2 left
of it, the grid of that Step 2, and c of T. Step 0 is measured for each transfer on its own. Noise and photographs give
it the same values each time (the mean of photographs includes the pictures themselves, as some of twelve). With
midpoint it sees the two images of the transfer: T and O there, the saved image and T back. With target it sees T there
and the saved image back. So with midpoint the way back knows the mean features of T besides its c. (It is another way
than the one there even without damping, rounding and corrections: the first result has O's decoupled features of block
2, not O's mean features, so the second midpoint differs from the first in that block. With noise the two references
are the same, and without those three the undoing is exact.) Since c depends on the reference, with midpoint and
target it cannot be kept from the way there: Step 1 of the way back needs T itself. That makes them a check of the
method, not a use of it; noise and photographs need c alone. Direct knows the mean features of T, and nothing else.

Primary measure. Difference in SSIM to T after T -> O -> T, decoupled minus direct, at equal Gram matrices (of four
other layers) of the first result, without corrections, mean over pairs: two tests, for noise and midpoint. Secondary:
the same with corrections, with the other references, with statistics of differences of Gaussians as the judge of style,
and in dB of PSNR; without corrections minus with them, each over direct; and the triples. All tests that are printed
are one family, adjusted by Holm's method.

What would count against. An interval of the primary measure that includes 0; a gain in SSIM that is a loss in PSNR; a
gain at equal Gram matrices that is none at equal statistics of differences of Gaussians; a gain of a chain that hardly
changed the style at all (the styles attained are printed: shares of the untouched gap, and Gram left); transfers that
stall. Against the second sentence: corrections that change nothing, or help.

Intervals are bootstrap intervals over pictures, not pairs. Passes are reported beside each gain; Step 1 of the way back
costs none where Step 2 of the way there has measured the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import mean, median
from typing import TYPE_CHECKING, Any

import _common as common
import _experiments as experiments
import numpy as np
from _direct import SHARES, best_at, match_directly
from _intervals import bootstrap_over_pictures, correct_by_holm

if TYPE_CHECKING:
    from decoupling_lib.common.arrays import Floats
    from decoupling_lib.transfers.setup import Inputs

ALL_CHAINS, PAIRS_ONLY = ("noise", "midpoint"), ("photographs", "target")
CORRECTIONS = {"off": 0, "on": 16}
STYLE = ("gram", "bands")
CONTENT = {"ssim": ("SSIM", 1.0), "negative_rmse": ("dB", 0.0)}
"""What the undoing recovers: its name in the tables, and its value where nothing was lost."""


def main() -> None:
    rows = experiments.obtain_rows(__doc__, "undo", measure, list_tasks, 64)
    print_tables(list(rows.values()))


def list_tasks(size: int = 64, weights: str = "hed") -> dict[str, tuple[Any, ...]]:
    """Return all tasks by name: (method, pictures, size, weights, reference, seed)."""
    names = experiments.PICTURES
    pairs = [(target, origin) for origin, target in experiments.list_pairs((1,))]
    triples = [(names[k], names[(k + 4) % 12], names[(k + 7) % 12]) for k in range(0, 12, 2)]
    tasks: dict[str, tuple[Any, ...]] = {}

    def add(method: str, chain: tuple[str, ...], reference: str = "noise", seed: int = 0) -> None:
        name = " ".join((*chain, method)) + (f" {reference} {seed}" if method == "decoupled" else "")
        tasks[name] = (method, list(chain), size, weights, reference, seed)

    for number, chain in enumerate((*pairs, *triples)):
        add("direct", chain)
        for reference in ALL_CHAINS + PAIRS_ONLY * (len(chain) == 2):
            add("decoupled", chain, reference, number % 3 if reference == "noise" else 0)
    for chain in pairs[::4]:
        for seed in range(3):
            add("decoupled", chain, "noise", seed)
    return tasks


def measure(method: str, pictures: Sequence[str], size: int, weights: str, reference: str, seed: int) -> dict[str, Any]:
    """Return the row of one chain, whose first picture is T and whose others give their styles in turn."""
    from decoupling_lib.transfers.options import Options
    from decoupling_lib.transfers.setup import gather_inputs

    fixed = {"size": (size, size), "weights": weights, "network": "vgg16", "refinements": 0, **experiments.LEGS}
    options = Options(**fixed, reference=reference, seed=seed)
    inputs = [gather_inputs(name, pictures[0], options) for name in pictures[1:]]
    first = inputs[0]  # its network serves the whole chain
    images = [first.target.array, *(each.origin.array for each in inputs)]
    row = {"method": method, "pictures": list(pictures), "reference": reference, "seed": seed, "status": "done"}
    if method == "direct":
        return row | {"shares": [_undo_directly(first, images, share) for share in SHARES]}
    return row | _undo_decoupled(first, images)


def _undo_directly(first: Inputs, images: list[Floats], share: float) -> dict[str, Any]:
    """Return the row of direct matching a share of the way to each style, and all the way back."""
    from _steps import save

    from decoupling_lib.engine.features import Counted
    from decoupling_lib.transfers.setup import complete_setup

    live, features = complete_setup(first).reference.live, Counted(first.features.map)
    saved, x = [], images[0]
    for origin in images[1:]:
        x = save(match_directly(features, x, origin, share, live))
        saved.append(x)
    undone = save(match_directly(features, x, images[0], 1.0, live))
    return {"share": share, "passes": features.passes.total} | _judge_chain(first, images, saved, undone)


def _undo_decoupled(first: Inputs, images: list[Floats]) -> dict[str, Any]:
    """Return what decoupled chains with and without corrections recovered, each with all of its passes."""
    from _steps import Transfers, run_chain

    transfers, found = Transfers(first, first.options.reference in ("noise", "photographs")), {}
    for name, corrections in CORRECTIONS.items():
        saved, rows = run_chain(transfers, images, corrections)
        found[name] = {"transfers": rows, "status": rows[-1]["status"], "passes": sum(row["passes"] for row in rows)}
        if rows[-1]["status"] == "done":
            found[name] |= _judge_chain(first, images, saved[:-1], saved[-1])
    return found


def _judge_chain(first: Inputs, images: list[Floats], saved: list[Floats], undone: Floats) -> dict[str, Any]:
    """Return the styles of the saved images, each by its own origin, and how close the last one is to T."""
    from _judges import judge
    from skimage.metrics import structural_similarity

    from decoupling_lib.transfers.evaluation import observer_network

    look, target = observer_network(first.network), images[0]
    judged = [judge(look, x, origin, target) for x, origin in zip(saved, images[1:], strict=True)]
    return {name: mean(each[name] for each in judged) for name in STYLE} | {
        "ssim": float(structural_similarity(undone, target, channel_axis=2, data_range=1.0)),
        "negative_rmse": -float(np.sqrt(np.mean((undone - target) ** 2))),
        "ssim_before": judged[-1]["ssim"],
    }


def gain(row: dict[str, Any], shares: Sequence[dict[str, Any]], style: str, content: str) -> float:
    """Return the gain of a chain over direct chains at equal style, in SSIM or in dB."""
    curve = ([each[style] for each in shares], [each[content] for each in shares])
    equal = best_at(*curve, row[style], CONTENT[content][1])
    if content == "ssim":
        return float(row[content] - equal)
    return 20 * math.log10(max(-equal, 1e-6) / max(-row[content], 1e-6))


def print_tables(rows: list[dict[str, Any]]) -> None:
    """Print gains over direct by length of chain, reference, corrections and judge, and what they cost."""
    direct = {tuple(row["pictures"]): row["shares"] for row in rows if "shares" in row}
    kept = [row for row in rows if row.get("method") == "decoupled" and tuple(row["pictures"]) in direct]
    chains = {(*row["pictures"], row["reference"]): row for row in reversed(kept)}  # one seed for each chain
    found, shown = {}, {}
    for length in (2, 3):
        for reference in ALL_CHAINS + PAIRS_ONLY:
            own = [row for key, row in chains.items() if len(key) == length + 1 and key[-1] == reference]
            for style in STYLE:
                for content, (unit, _) in CONTENT.items():
                    values: dict[str, dict[tuple[str, ...], float]] = {"off": {}, "on": {}}
                    for row in own:
                        chain = tuple(row["pictures"])
                        for name in CORRECTIONS:
                            if row.get(name, {}).get("status") == "done":
                                values[name][chain] = gain(row[name], direct[chain], style, content)
                    both = [chain for chain in values["off"] if chain in values["on"]]
                    values["off - on"] = {chain: values["off"][chain] - values["on"][chain] for chain in both}
                    for name, gains in values.items():
                        if gains:
                            title = (
                                f"{'T-O-T' if length == 2 else 'T-O-P-T':8} {reference:12} {name:9} {style:6} {unit:5}"
                            )
                            found[title] = bootstrap_over_pictures(list(gains.values()), list(gains))
                            shown[title] = f"{found[title]}, {sum(g > 0 for g in gains.values())}/{len(gains)}"
    print("Gain over direct at equal style: mean [95 % interval over pictures], chains won, p by Holm")
    adjusted = correct_by_holm({title: each.p for title, each in found.items()})
    for title, text in shown.items():
        print(f"{title} {text}, p {adjusted[title]:.3f}")
    _print_costs(list(chains.values()), kept, direct)


def _print_costs(
    chains: list[dict[str, Any]], seeds: list[dict[str, Any]], direct: dict[tuple[str, ...], list[dict[str, Any]]]
) -> None:
    print("\nMedians. Left: of the untouched gap after the first transfer, saved; before: SSIM to T before the undoing")
    print(
        "chain    reference    corrections  broken  halvings  passes  left 1  left 2  clipped  Gram  before  SSIM    dB"
    )
    for length in (2, 3):
        label = "T-O-T" if length == 2 else "T-O-P-T"
        for reference in ALL_CHAINS + PAIRS_ONLY:
            for name in CORRECTIONS:
                every = [
                    row[name] for row in chains if row["reference"] == reference and len(row["pictures"]) == length
                ]
                done = [row for row in every if row["status"] == "done"]
                if not done:
                    continue
                halvings = sum(each["halvings"] for row in every for each in row["transfers"])
                left = [median(row["transfers"][0]["left"][k] for row in done) for k in (0, 1)]
                clipped = median(row["transfers"][0]["clipped"] for row in done)
                numbers = [median(row[key] for row in done) for key in ("gram", "ssim_before", "ssim")]
                decibels = median(-20 * math.log10(-row["negative_rmse"]) for row in done)
                print(
                    f"{label:8} {reference:12} {name:11} {len(every) - len(done):7} {halvings:9} "
                    f"{median(row['passes'] for row in done):7,.0f} {left[0]:7.1%} {left[1]:7.1%} {clipped:8.1%} "
                    f"{numbers[0]:5.2f} {numbers[1]:7.2f} {numbers[2]:5.2f} {decibels:5.1f}"
                )
        for k, share in enumerate(SHARES):
            own = [shares[k] for chain, shares in direct.items() if len(chain) == length]
            if own:
                numbers = [median(row[key] for row in own) for key in ("gram", "ssim_before", "ssim")]
                decibels = median(-20 * math.log10(-row["negative_rmse"]) for row in own)
                print(
                    f"{label:8} direct, {share:4.2f} {'':37} {median(row['passes'] for row in own):7,.0f} {'':24} "
                    f"{numbers[0]:5.2f} {numbers[1]:7.2f} {numbers[2]:5.2f} {decibels:5.1f}"
                )
    by_chain: dict[tuple[str, ...], list[float]] = {}
    for row in seeds:
        if row["reference"] == "noise" and row.get("off", {}).get("status") == "done":
            by_chain.setdefault(tuple(row["pictures"]), []).append(row["off"]["ssim"])
    spread = [max(each) - min(each) for each in by_chain.values() if len(each) == 3]
    if spread:
        print(f"noise, off: SSIM differs by {max(spread):.3f} at most between three seeds ({len(spread)} pairs)")


if __name__ == "__main__":
    common.run(main)
