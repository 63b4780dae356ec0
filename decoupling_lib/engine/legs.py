"""One leg: a block of features moves to its target while the blocks below are held, measured and recorded."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..common.arrays import Floats, Mask
from .context import Context, Step, Task
from .decoupled_leg import follow_lift
from .distances import block_error, remaining_fraction
from .features import Counted, Passes, block_slices
from .journal import Arrays, Journal, Tally, pack, unpack
from .leg_state import Guide
from .ode import FlowResult

BROKEN = ("stalled", "diverged", "interrupted")
"""The statuses of a leg that end the run."""


@dataclass(frozen=True)
class Leg:
    """What one leg did; the fields of an entry of `stages` in report.json.

    Parameters
    ----------
    step : Step
        The step to which it belongs.
    layer : str
        Name of the moving block.
    relative_error : float
        ‖f - t‖/‖t‖ of the moving block against the leg's target t, over live channels.
    held_relative_error : float
        The same of the worst held block against the reference.
    remaining_fraction, remaining_fraction_worst_channel : float
        ‖f - t‖/‖f₀ - t‖, the share of the way that remains, for the block and for its worst channel.
    mse : float
        Mean squared error of the moving block (the thesis's loss).
    passes : Passes
        Network passes.
    seconds : float
        Duration.
    live_channels : int
        Number of live channels of the moving block.
    status : str
        See `ode.FlowResult`.
    steps : int
        Number of accepted steps.
    halvings : int
        How often a planned step, or a part of one, was halved because it had no solution.
    corrections : int
        Number of Newton steps at the end.
    retraceable : bool
        Whether the steps are symmetric and nothing was corrected at their end. A leg of Step 3 must also have kept to
        the mirror image of the grid of Step 2. If all legs of a self-transfer are retraceable, it is exact up to the
        tolerance of the steps and the growth of errors.
    grid : tuple of float
        Where the steps ended, from 0 on; empty for methods that have no grid.
    curve : tuple of tuple
        Pairs (passes so far, relative error) at the accepted points.
    """

    step: Step
    layer: str
    relative_error: float
    held_relative_error: float
    remaining_fraction: float
    remaining_fraction_worst_channel: float
    mse: float
    passes: Passes
    seconds: float
    live_channels: int
    status: str
    steps: int
    halvings: int = 0
    corrections: int = 0
    retraceable: bool = False
    grid: tuple[float, ...] = field(repr=False, default=())
    curve: tuple[tuple[int, float], ...] = field(repr=False, default=())


@dataclass(frozen=True)
class Outcome:
    """The features that a leg moved: where they began, where they ended, and where they were to end.

    Parameters
    ----------
    step : Step
        The step of the leg.
    layer : str
        Name of the moving block, or of several.
    first, last, target : ndarray, shape (n,)
        The features at the start and at the end, and their target.
    live : ndarray of bool, shape (n,)
        The live features.
    error, held_error : float
        Relative errors of the moving block and of the worst held block.
    """

    step: Step
    layer: str
    first: Floats
    last: Floats
    target: Floats
    live: Mask
    error: float
    held_error: float = 0.0


class LegEnd(NamedTuple):
    """Where a leg ended.

    Parameters
    ----------
    x : ndarray
        The image.
    leg : Leg
        What the leg did.
    guide : Guide or None
        What it offers to a similar leg as a start, if its rule solves for multipliers.
    """

    x: Floats
    leg: Leg
    guide: Guide | None = None


def run_leg(context: Context, x: Floats, depth: int, start: Floats, aim: Floats, imposing: bool = False) -> LegEnd:
    """Run one leg and measure it; its own measurements are not counted as passes.

    A leg that the journal has as finished is not run again. One that it has as begun continues from there if its mover
    can. Either way the outcome is that of an uninterrupted leg.

    Parameters
    ----------
    context : Context
        What the legs of the step share.
    x : ndarray
        Where to begin.
    depth : int
        Number of the moving block, counted from 1.
    start : ndarray
        The moving block's values at which its straight line begins.
    aim : ndarray, shape (n,)
        Targets of the features up to the moving block.
    imposing : bool
        Whether the leg leads away from the reference.

    Returns
    -------
    LegEnd
        Where it ended and what it did.
    """
    leg_context = context.prefix(depth)
    features, listen, journal = leg_context.features, context.listen, context.journal
    layer = features.blocks[-1].name
    kept = journal.find(layer)
    if (finished := find_finished_leg(context.features, kept)) is not None:
        if listen is not None:
            listen(context.step, layer, 1.0, finished.x)
        return finished
    *held, moving = block_slices(features.blocks).values()
    task = Task(context.step, layer, moving, start, aim, context.reference.live[: aim.size], imposing, kept)
    live, tally = task.live[moving], Tally(context.features, kept)

    def record(progress: float, error: float, x: Floats | None, state: Arrays | None = None) -> None:
        tally.note(progress, error)
        if state is not None:
            journal.keep(layer, {**state, **tally.arrays()})
        if listen is not None:
            listen(context.step, layer, progress, x)

    first = features.map.values(x)[moving]
    try:
        if kept is None:
            record(0.0, block_error(first, aim[moving], live), x)
        elif listen is not None:
            listen(context.step, layer, tally.progress, kept["x"])
        flow = (context.move or follow_lift)(leg_context, x, task, record)
    except KeyboardInterrupt:  # outside the flow itself, which keeps its last accepted point
        flow = FlowResult(x, 0.0, 0, "interrupted", "interrupted")
    f = features.map.values(flow.x)
    error = block_error(f[moving], aim[moving], live)
    held_error = max((block_error(f[b], aim[b], task.live[b]) for b in held), default=0.0)
    leg = describe_leg(
        Outcome(context.step, layer, first, f[moving], aim[moving], live, error, held_error), tally, flow
    )
    end = LegEnd(flow.x, leg, flow.guide)
    if leg.status not in BROKEN:
        keep_leg(journal, end)
    return end


def describe_leg(outcome: Outcome, tally: Tally, flow: FlowResult) -> Leg:
    """Return what a leg did.

    Parameters
    ----------
    outcome : Outcome
        The features that it moved.
    tally : Tally
        What it cost, and its curve.
    flow : FlowResult
        How it ended.
    """
    f, target, live = outcome.last, outcome.target, outcome.live
    fraction, worst = remaining_fraction(f, target, outcome.first, live)
    return Leg(
        step=outcome.step,
        layer=outcome.layer,
        relative_error=outcome.error,
        held_relative_error=outcome.held_error,
        remaining_fraction=fraction,
        remaining_fraction_worst_channel=worst,
        mse=float(np.mean(np.square(f - target)[live])) if live.any() else 0.0,
        passes=tally.passes,
        seconds=tally.seconds,
        live_channels=int(live.sum()),
        status=flow.status,
        steps=flow.steps,
        halvings=flow.halvings,
        corrections=flow.corrections,
        retraceable=flow.retraceable,
        grid=() if flow.grid is None else tuple(float(place) for place in flow.grid),
        curve=tuple(tally.curve),
    )


def keep_leg(journal: Journal, end: LegEnd, **more: NDArray[np.floating]) -> None:
    """Write the end of a finished leg into a journal, under the name of its layer.

    Parameters
    ----------
    journal : Journal
        Where to write.
    end : LegEnd
        Where the leg ended and what it did.
    **more : ndarray
        Further arrays to keep with it.
    """
    guide = {} if end.guide is None else end.guide._asdict()
    journal.keep(end.leg.layer, {"x": end.x, "leg": pack(asdict(end.leg)), **guide, **more}, finished=True)


def find_finished_leg(features: Counted, kept: Arrays | None) -> LegEnd | None:
    """Return the end of a leg as `keep_leg` wrote it, or None; its passes are counted again.

    Parameters
    ----------
    features : Counted
        The map whose counter receives the passes.
    kept : mapping of str to ndarray or None
        What the journal found under the leg's name.
    """
    if kept is None or "leg" not in kept:
        return None
    entry = unpack(kept["leg"])
    passes, curve = Passes(**entry["passes"]), tuple((count, error) for count, error in entry["curve"])
    features.passes.add(passes)
    grid = tuple(entry["grid"])
    leg = Leg(**entry | {"step": Step(entry["step"]), "passes": passes, "grid": grid, "curve": curve})
    guide = Guide(*(kept[name] for name in Guide._fields)) if Guide._fields[0] in kept else None
    return LegEnd(kept["x"], leg, guide)
