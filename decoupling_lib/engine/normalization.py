"""Nested normalization, which measures a decoupled style on the way, and its reversal, which imposes a style.

Leg k moves block k to its reference values while blocks 1..k-1 are held at theirs. The values of block k before its leg
are its decoupled features c_k = f_k(x̌_{k-1}(x)) (equation 2.4 of the thesis, nested as in figure 2.2). To impose a
style, legs k = M..1 lead from the reference to c_k **while the lower blocks stay at their reference values**, as they
were when c_k was measured. The thesis asks for c in the lower blocks at the same time, which is a different point of
image space (it measured c_k with them at the reference).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..common.arrays import Floats
from .context import Context, Step
from .features import block_slices
from .leg_state import Guide
from .legs import BROKEN, Leg, LegEnd, run_leg


@dataclass(frozen=True)
class Route:
    """Where a sequence of legs led.

    Parameters
    ----------
    x : ndarray
        The image at the end.
    style : ndarray, shape (n,)
        c, the decoupled features that were measured (`normalize`) or asked for (`impose`).
    legs : tuple of Leg
        One entry per leg, in the order of running.
    status : str
        `done`, or the status that ended the route early: `stalled`, `diverged` or `interrupted`.
    initial, achieved : ndarray, shape (n,), optional
        The decoupled features of the image before and after a refinement, where there was one (`refinement.refine`).
    guides : mapping of str to Guide
        By layer, what the legs offer to similar ones as a start; empty for rules that solve for no multipliers.
    """

    x: Floats
    style: Floats
    legs: tuple[Leg, ...]
    status: str
    initial: Floats | None = None
    achieved: Floats | None = None
    guides: Mapping[str, Guide] = field(default_factory=dict)


def normalize(context: Context, x: Floats, measure_only: bool = False) -> Route:
    """Move an image to the reference, block by block, and measure its decoupled style on the way (Step 1).

    Parameters
    ----------
    context : Context
        Feature map, reference and settings.
    x : ndarray, shape (H, W, 3)
        The image, or any other shape that the map accepts.
    measure_only : bool
        Leave out the last leg, which measures nothing.

    Returns
    -------
    Route
        The normalized image and the style c. If a leg breaks off, the route ends there.

    Examples
    --------
    The mean and the mean square of two numbers, one after the other:

    >>> from decoupling_lib.engine.context import Reference, Settings
    >>> from decoupling_lib.engine.closed_form import ClosedForm
    >>> from decoupling_lib.engine.features import Block, Counted
    >>> from decoupling_lib.engine.lift import Damping
    >>> moments = ClosedForm(
    ...     (Block("mean", 1), Block("mean square", 1)),
    ...     lambda x: np.array([x.mean(), np.mean(x**2)]),
    ...     lambda x: np.stack([np.full(2, 0.5), x]),
    ... )
    >>> reference = Reference(np.array([0.0, 1.0]), np.ones(2, bool), Damping(0.0, np.ones(2)))
    >>> route = normalize(Context(Counted(moments), reference, Settings(steps=4)), np.array([1.0, 5.0]))
    >>> print(route.style.round(6), route.x.round(6))
    [3. 4.] [-1.  1.]
    """
    features, reference = context.features, context.reference
    style = np.zeros_like(reference.values)
    ends: list[LegEnd] = []
    for depth, block in enumerate(block_slices(features.blocks).values(), start=1):
        style[block] = features.prefix(depth).values(x)[block]
        if depth == len(features.blocks) and measure_only:
            break
        ends.append(run_leg(context, x, depth, style[block], reference.values[: block.stop]))
        x = ends[-1].x
        if ends[-1].leg.status in BROKEN:
            break
    return _join(x, style, ends)


def retracing(context: Context, route: Route) -> Context:
    """Return a context in which Step 3 takes the mirror image of the steps by which an image was normalized.

    Parameters
    ----------
    context : Context
        Feature map, reference and settings.
    route : Route
        What `normalize` returned for the image on which a style is to be imposed. Only the places where its steps ended
        are used, and its gradient Gram matrices: the way back begins where the way there ended.

    Returns
    -------
    Context
        The same with `grids`, and with Gram matrices in its `guides`. What these had before keeps its multipliers.
    """
    guides = dict(context.guides)
    for layer, guide in route.guides.items():
        place, back = (Step.TRANSFER, layer), guide.reversed()
        known = guides.get(place, back._replace(multipliers=back.multipliers[:0]))
        guides[place] = known._replace(grams=back.grams)
    grids = {leg.layer: np.array(leg.grid) for leg in route.legs if leg.grid}
    return replace(context, grids=grids, guides=guides)


def impose(context: Context, x: Floats, style: Floats) -> Route:
    """Run the legs backwards, deepest block first, from the reference to the style c (Step 3).

    It sees the normalized image, c, and what Step 0 determined: nothing of the image on which c was measured.

    Parameters
    ----------
    context : Context
        Feature map, reference and settings.
    x : ndarray, shape (H, W, 3)
        A normalized image.
    style : ndarray, shape (n,)
        c.

    Returns
    -------
    Route
        The image that has the style. If a leg breaks off, the route ends there.
    """
    context, reference = replace(context, step=Step.TRANSFER), context.reference
    ends: list[LegEnd] = []
    for depth, block in reversed(list(enumerate(block_slices(context.features.blocks).values(), start=1))):
        aim = reference.values[: block.stop].copy()
        aim[block] = style[block]
        ends.append(run_leg(context, x, depth, reference.values[block], aim, imposing=True))
        x = ends[-1].x
        if ends[-1].leg.status in BROKEN:
            break
    return _join(x, style, ends)


def _join(x: Floats, style: Floats, ends: Sequence[LegEnd]) -> Route:
    """Return the route of some legs, which ends with the first that breaks off."""
    broken = next((end.leg.status for end in ends if end.leg.status in BROKEN), "done")
    guides = {end.leg.layer: end.guide for end in ends if end.guide is not None}
    return Route(x, style, tuple(end.leg for end in ends), broken, guides=guides)
