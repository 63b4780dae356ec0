"""A style flow on an image of any size: Step 2's legs and Step 3's, with the multipliers of the flow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..common.arrays import Floats, Mask
from ..engine.context import Step
from ..engine.distances import block_error
from ..engine.features import Passes, block_slices
from ..engine.fixed_curve import Curve, CurveError, carry
from ..engine.newton import correct
from ..networks.tiles import TiledMeans
from ..networks.vgg import Network
from .flow_network import find_network
from .flow_settings import FlowSettings
from .style_flow import StyleFlow

TOLERANCE = 1e-4
"""Root mean square change of the image at which a step is solved: a fortieth of a level of 8 bits."""
EXACT_TOLERANCE = 1e-15
"""The same for exact steps: about the rounding of a pixel. With 1e-13 a flow came back at 57 dB, with this at 96."""
MAX_HALVINGS = 3
"""How often any other step may be halved. Exact ones may not: the way back would have to know of it."""


@dataclass(frozen=True)
class AppliedLeg:
    """What one leg did to an image.

    Parameters
    ----------
    step : int
        2 or 3, as in a transfer.
    layer : str
        The moving layer.
    start_error, relative_error : float or None
        ‖f - t‖/‖t‖ of the moving layer at the start and at the end, over live channels. Its target t is the reference
        in Step 2, and the style that was asked for in Step 3. None where a flow is undone: there is no target.
    held_relative_error : float or None
        The same of the worst held layer against the reference, at the end.
    corrections : int
        Number of corrections.
    halvings : int
        How often a step was halved, because the whole one had no solution within reach.
    passes : Passes
        Network passes.
    seconds : float
        Duration.
    """

    step: int
    layer: str
    start_error: float | None
    relative_error: float | None
    held_relative_error: float | None
    corrections: int
    halvings: int
    passes: Passes
    seconds: float


class AppliedFlow(NamedTuple):
    """An image to which a flow was applied.

    Parameters
    ----------
    x : ndarray, shape (H, W, 3)
        The image, unclipped; float32, or float64 where steps were solved to rounding.
    legs : tuple of AppliedLeg
        In the order of running.
    seconds : float
        Duration.
    """

    x: Floats
    legs: tuple[AppliedLeg, ...]
    seconds: float


class _Course(NamedTuple):
    """A leg that is to be run: its step, its depth from 1 on, its curve per pixel, and its target."""

    step: Step
    depth: int
    curve: Curve
    aim: Floats | None


def apply_flow(
    flow: StyleFlow,
    image: Floats,
    settings: FlowSettings | None = None,
    network: Network | None = None,
    on_step: Callable[[int], None] | None = None,
) -> AppliedFlow:
    """Apply a flow to an image of any size, or undo it.

    Parameters
    ----------
    flow : StyleFlow
        The flow.
    image : ndarray of float, shape (H, W, 3)
        RGB, nominally in [0, 1].
    settings : FlowSettings, optional
        Default: full strength, without corrections.
    network : Network, optional
        From `find_network`. Default: found by the flow's description.
    on_step : callable, optional
        Receives the number of steps done, after each; there are `flow.steps` times `settings.parts`.

    Returns
    -------
    AppliedFlow
        The image, and what its legs did.

    Raises
    ------
    InputError
        For an image that does not fit the network, or weights that are not available.
    CurveError
        If a step has no solution: the image is too unlike those for which the flow was made.
    """
    began, settings = time.perf_counter(), FlowSettings() if settings is None else settings
    network = find_network(flow) if network is None else network
    x: Floats = np.asarray(image, np.float64 if settings.precise else np.float32)
    del image  # which may be held by nobody else
    means = TiledMeans(network, "float64" if settings.precise else "float32", settings.tile)
    tolerance = EXACT_TOLERANCE if settings.precise else TOLERANCE
    pixels, done, legs = x.shape[0] * x.shape[1], 0, []
    for course in _plan(flow, settings):
        start, passes = time.perf_counter(), Passes()
        features, curve = means.prefix(course.depth), course.curve.scale(pixels).subdivide(settings.parts)
        *held, moving = block_slices(features.blocks).values()
        live = flow.live[: moving.stop]
        before = _error(features, x, course.aim, moving, live, passes)
        halvings = 0 if settings.precise else MAX_HALVINGS
        try:
            carried = carry(features.pullback, x, curve, tolerance, _counter(on_step, done), halvings)
        except CurveError as error:
            if settings.precise and not flow.reversible:
                raise CurveError(
                    f"{error}; make the flow with fewer layers, or the default reference and damping"
                ) from None
            raise
        x, done = carried.x, done + curve.steps
        passes.add(Passes(forward=carried.pullbacks, vjp=carried.pullbacks))
        corrections = 0
        if course.aim is not None and settings.corrections:
            leg = flow.legs[course.depth - 1]
            gram = leg.there_gram if course.step == Step.TARGET else leg.back_gram
            damping = flow.damping(moving.stop, pixels)
            most = settings.corrections
            corrected = correct(features, x, course.aim, live, damping, 0.0, most, gram, recompute=False)
            x, corrections = corrected.x, corrected.steps
            passes.add(Passes(forward=corrected.forward, vjp=corrected.steps))
        after, worst = None, None
        if course.aim is not None:
            f = features.values(x)
            passes.forward += 1
            after = block_error(f[moving], course.aim[moving], live[moving])
            worst = max((block_error(f[each], course.aim[each], live[each]) for each in held), default=0.0)
        layer, seconds = features.blocks[-1].name, time.perf_counter() - start
        counts = corrections, carried.halvings, passes
        legs.append(AppliedLeg(int(course.step), layer, before, after, worst, *counts, seconds))
    return AppliedFlow(x, tuple(legs), time.perf_counter() - began)


def _plan(flow: StyleFlow, settings: FlowSettings) -> Iterator[_Course]:
    """Yield the legs in the order of running."""
    style, courses = flow.style(settings.strength), []
    slices = list(block_slices(flow.blocks).values())
    for depth, leg in enumerate(flow.legs, start=1):
        courses.append(_Course(Step.TARGET, depth, leg.there, flow.values[: slices[depth - 1].stop]))
    for depth, leg in reversed(list(enumerate(flow.legs, start=1))):
        moving = slices[depth - 1]
        aim = flow.values[: moving.stop].copy()
        aim[moving] = style[moving]
        courses.append(_Course(Step.TRANSFER, depth, leg.way_back(settings.strength), aim))
    if not settings.undo:
        yield from courses
        return
    for course in reversed(courses):
        yield course._replace(curve=course.curve.reverse(), aim=None)


def _error(
    features: TiledMeans, x: Floats, aim: Floats | None, moving: slice, live: Mask, passes: Passes
) -> float | None:
    if aim is None:
        return None
    passes.forward += 1
    return block_error(features.values(x)[moving], aim[moving], live[moving])


def _counter(on_step: Callable[[int], None] | None, done: int) -> Callable[[int], None] | None:
    return None if on_step is None else lambda count: on_step(done + count)
