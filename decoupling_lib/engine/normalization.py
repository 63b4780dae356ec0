"""Nested normalization, measuring a decoupled style on the way, and imposing a style by the same legs backwards.

Leg k moves block k to its reference values with blocks 1..k-1 held at theirs; what block k shows before its leg is
its decoupled feature c_k = f_k(x̌_{k-1}(x)) (equation 2.4 of the thesis, nested as in figure 2.2). Imposing runs legs
k = M..1, each from the reference to c_k **while the lower blocks stay at their reference values**, as they were when
c_k was measured. The thesis asks the lower blocks for c at the same time, which is a different point of the image
space (it measured c_k with them at the reference).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .features import Counted, block_slices
from .journal import NOWHERE, Journal
from .legs import BROKEN, Leg, Listener, Mover, Reference, Settings, follow_lift, run_leg


@dataclass(frozen=True)
class Route:
    """Where a sequence of legs led.

    Parameters
    ----------
    x : the image at the end.
    style : c, (n,): the decoupled features that were measured (normalize) or asked for (impose).
    legs : one entry a leg, in the order of running.
    status : `done`, or the status that ended it: `stalled`, `diverged`, `interrupted`.
    shown : the decoupled features of x, (n,), where the path measured them at its end (`refinement`).
    """

    x: np.ndarray
    style: np.ndarray
    legs: tuple[Leg, ...]
    status: str
    shown: np.ndarray | None = None


def normalize(
    features: Counted,
    x: np.ndarray,
    reference: Reference,
    settings: Settings,
    step: int = 1,
    listen: Listener | None = None,
    move: Mover | None = None,
    to_the_end: bool = True,
    journal: Journal = NOWHERE,
) -> Route:
    """Moves an image to the reference, block by block, and measures its decoupled style on the way (Step 1).

    Parameters
    ----------
    features : the feature map, counting its passes.
    x : (H, W, 3), or any shape that the map takes.
    step : the number to write into the legs: 1 for the origin, 2 for the target.
    listen : see `Listener`.
    move : how a leg is made; default `follow_lift`, the decoupled method.
    to_the_end : False leaves out the last leg, which measures nothing: for who wants the style alone.
    journal : keeps the legs, by the names of their layers; those it has already are taken from it.
    """
    style = np.zeros_like(reference.values)
    legs: list[Leg] = []
    for depth, block in enumerate(block_slices(features.blocks).values(), start=1):
        style[block] = features.prefix(depth).values(x)[block]
        if depth == len(features.blocks) and not to_the_end:
            break
        aim = reference.values[: block.stop]
        x, leg = run_leg(
            features,
            x,
            depth,
            style[block],
            aim,
            reference,
            settings,
            step,
            listen,
            move or follow_lift,
            journal=journal,
        )
        legs.append(leg)
        if leg.status in BROKEN:
            return Route(x, style, tuple(legs), leg.status)
    return Route(x, style, tuple(legs), "done")


def impose(
    features: Counted,
    x: np.ndarray,
    style: np.ndarray,
    reference: Reference,
    settings: Settings,
    step: int = 3,
    listen: Listener | None = None,
    move: Mover | None = None,
    journal: Journal = NOWHERE,
) -> Route:
    """Runs the legs backwards, deepest block first, from the reference to the style c (Step 3).

    It sees the normalized image, c and what Step 0 made: nothing of the image that c was measured on.
    Parameters as for `normalize`; `style` is c, (n,).
    """
    legs: list[Leg] = []
    for depth, block in reversed(list(enumerate(block_slices(features.blocks).values(), start=1))):
        aim = reference.values[: block.stop].copy()
        aim[block] = style[block]
        start = reference.values[block]
        x, leg = run_leg(
            features,
            x,
            depth,
            start,
            aim,
            reference,
            settings,
            step,
            listen,
            move or follow_lift,
            imposing=True,
            journal=journal,
        )
        legs.append(leg)
        if leg.status in BROKEN:
            return Route(x, style, tuple(legs), leg.status)
    return Route(x, style, tuple(legs), "done")
