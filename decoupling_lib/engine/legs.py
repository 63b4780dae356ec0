"""One leg: a block of features moves to its target while the blocks below are held, and what that did is measured.

How a leg is made is a `Mover`: `follow_lift`, the decoupled method, here; the baselines make theirs in `transfer`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Protocol

import numpy as np

from .distances import block_error, remaining_fraction
from .features import Counted, Passes, block_slices
from .journal import NOWHERE, Arrays, Journal, Tally, pack, unpack
from .lift import Damping, Lift
from .newton import correct
from .ode import FlowResult, graded_grid, integrate
from .symmetric import LegState, follow_symmetric

BROKEN = ("stalled", "diverged", "interrupted")
"""How a leg ends that ends the run."""


@dataclass(frozen=True)
class Reference:
    """All that a leg needs to know besides the image: made once in Step 0.

    Parameters
    ----------
    values : v, (n,), the reference values of every feature.
    live : (n,) bool, False for channels that noise leaves dead (section 4.4 of the thesis).
    damping : Δ.
    """

    values: np.ndarray
    live: np.ndarray
    damping: Damping


@dataclass(frozen=True)
class Settings:
    """How legs are followed.

    Parameters
    ----------
    rule, steps, tolerance : see `flow.integrate`; the rule "symmetric" is that of `retracing`.
    rows : about how many Jacobian rows the symmetric rule may spend on a leg's preconditioner; twice n is the least.
    refinements : how many steps close the gap to the imposed style at most, see `refinement`.
    grading : how much steps shrink toward the reference and how much toward the picture, see `flow.graded_grid`;
        1 is equal steps.
    first_grading : the same for the first block, which is stiff at both ends: a flat picture has hardly any gradients.
    solver_tolerance : see `lift.Lift`.
    threshold : the relative error at which a leg counts as `reached`. Damped legs of Step 3 are corrected to it,
        undamped legs to a tenth of it.
    """

    rule: str = "symmetric"
    steps: int = 16
    tolerance: float = 2e-7
    solver_tolerance: float = 1e-7
    threshold: float = 1e-3
    grading: tuple[float, float] = (3.0, 1.0)
    first_grading: tuple[float, float] = (2.0, 2.5)
    rows: int = 400
    refinements: int = 16

    def gram_matrices(self, size: int) -> int:
        """How often a leg of `size` features may make its Gram matrix."""
        return max(2, self.rows // size)


@dataclass(frozen=True)
class Leg:
    """What one leg did; the fields of report.json's `stages`.

    `relative_error` is ‖f - t‖/‖t‖ of the moving block against the leg's target t over live channels,
    `held_relative_error` the worst held block's against the reference, `remaining_fraction` ‖f - t‖/‖f₀ - t‖ over
    the block and for its worst channel, `mse` the mean squared error of the moving block (the thesis's loss),
    `curve` the pairs (passes so far, relative error) at accepted points.
    """

    step: int
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
    curve: tuple[tuple[int, float], ...] = field(repr=False, default=())


Listener = Callable[[int, str, float, np.ndarray | None], None]
"""Called with (step, layer, progress, x where it is at hand) at every accepted point."""


@dataclass(frozen=True)
class Task:
    """What a leg is asked to do.

    Parameters
    ----------
    step : 1, 2 or 3.
    layer, moving : the moving block's name and its place among the first `aim.size` features.
    start : the moving block's values at which its straight line begins: c_k, or v_k when imposing.
    aim : (n,), the moving block's target, and the reference values of the held blocks before it.
    live : (n,) bool.
    imposing : away from the reference, not toward it.
    kept : the state in which an earlier run broke this leg off; a mover that tells no states need not look.
    """

    step: int
    layer: str
    moving: slice
    start: np.ndarray
    aim: np.ndarray
    live: np.ndarray
    imposing: bool = False
    kept: Arrays | None = None


class Record(Protocol):
    """Hears a leg's accepted points."""

    def __call__(self, progress: float, error: float, x: np.ndarray | None, state: Arrays | None = None) -> None:
        """Takes the relative error of the moving block, and where at hand x and a state from which to go on."""


Mover = Callable[[Counted, np.ndarray, Task, Reference, Settings, Record], FlowResult]
"""Makes one leg: (features up to the moving block, x, task, reference, settings, record) -> FlowResult."""


def run_leg(
    features: Counted,
    x: np.ndarray,
    depth: int,
    start: np.ndarray,
    aim: np.ndarray,
    reference: Reference,
    settings: Settings,
    step: int,
    listen: Listener | None,
    move: Mover,
    imposing: bool = False,
    journal: Journal = NOWHERE,
) -> tuple[np.ndarray, Leg]:
    """Runs one leg and measures it; its own measurements are not counted as passes.

    A leg that `journal` knows to be finished is not run again, one that it knows begun goes on from there if its
    mover can; either way the outcome is that of a leg run at one go.
    """
    shallow = features.prefix(depth)
    layer = shallow.blocks[-1].name
    kept = journal.find(layer)
    if (finished := finished_leg(features, kept)) is not None:
        if listen is not None:
            listen(step, layer, 1.0, finished[0])
        return finished
    *held, moving = block_slices(shallow.blocks).values()
    task = Task(step, layer, moving, start, aim, reference.live[: aim.size], imposing, kept)
    live, tally = task.live[moving], Tally(features, kept)

    def record(progress: float, error: float, x: np.ndarray | None, state: Arrays | None = None) -> None:
        tally.note(progress, error)
        if state is not None:
            journal.keep(layer, {**state, **tally.arrays()})
        if listen is not None:
            listen(step, layer, progress, x)

    first = shallow.map.values(x)[moving]
    try:
        if kept is None:
            record(0.0, block_error(first, aim[moving], live), x)
        elif listen is not None:
            listen(step, layer, tally.progress, kept["x"])
        flow = move(shallow, x, task, reference, settings, record)
    except KeyboardInterrupt:  # outside the flow itself, which keeps its last accepted point
        flow = FlowResult(x, 0.0, 0, "interrupted", "interrupted")
    f = shallow.map.values(flow.x)
    error = block_error(f[moving], aim[moving], live)
    held_error = max((block_error(f[b], aim[b], task.live[b]) for b in held), default=0.0)
    leg = judge_leg(step, layer, error, held_error, f[moving], aim[moving], first, live, tally, flow)
    if leg.status not in BROKEN:
        keep_leg(journal, flow.x, leg)
    return flow.x, leg


def keep_leg(journal: Journal, x: np.ndarray, leg: Leg, **more: np.ndarray) -> None:
    """Writes the end of a finished leg down, under its layer's name."""
    journal.keep(leg.layer, {"x": x, "leg": pack(asdict(leg)), **more}, finished=True)


def finished_leg(features: Counted, kept: Arrays | None) -> tuple[np.ndarray, Leg] | None:
    """The end of a leg as `keep_leg` wrote it, or None; its passes are counted again."""
    if kept is None or "leg" not in kept:
        return None
    entry = unpack(kept["leg"])
    passes, curve = Passes(**entry["passes"]), tuple((count, error) for count, error in entry["curve"])
    features.passes.add(passes)
    return kept["x"], Leg(**entry | {"passes": passes, "curve": curve})


def judge_leg(
    step: int,
    layer: str,
    error: float,
    held_error: float,
    f: np.ndarray,
    target: np.ndarray,
    first: np.ndarray,
    live: np.ndarray,
    tally: Tally,
    flow: FlowResult,
) -> Leg:
    """What a leg did, from the moving features `f`, where they began (`first`) and what they were to be (`target`)."""
    fraction, worst = remaining_fraction(f, target, first, live)
    return Leg(
        step=step,
        layer=layer,
        relative_error=error,
        held_relative_error=held_error,
        remaining_fraction=fraction,
        remaining_fraction_worst_channel=worst,
        mse=float(np.mean(np.square(f - target)[live])) if live.any() else 0.0,
        passes=tally.passes,
        seconds=tally.seconds,
        live_channels=int(live.sum()),
        status=flow.status,
        steps=flow.steps,
        curve=tuple(tally.curve),
    )


def follow_lift(
    features: Counted,
    x: np.ndarray,
    task: Task,
    reference: Reference,
    settings: Settings,
    record: Record,
) -> FlowResult:
    """The decoupled leg: the damped horizontal lift of the straight line from `task.start` to the aim."""
    rate = np.zeros(task.aim.size)
    rate[task.moving] = task.aim[task.moving] - task.start
    damping = reference.damping.leg(len(features.blocks) - 1, task.moving)
    grid = graded_grid(settings.steps, *(settings.grading if task.moving.start else settings.first_grading))
    if task.imposing:
        grid = 1.0 - grid[::-1]

    def on_step(progress: float, point: np.ndarray, state: Arrays | None = None) -> None:
        f = features.map.values(point)[task.moving]  # looked at for the record: not counted
        record(progress, block_error(f, task.aim[task.moving], task.live[task.moving]), point, state)

    if settings.rule == "symmetric":
        flow = follow_symmetric(
            features,
            LegState(x) if task.kept is None else LegState.of(task.kept),
            rate,
            task.live,
            damping,
            grid,
            settings.tolerance,
            settings.gram_matrices(len(rate)),
            lambda progress, state: on_step(progress, state.x, state.arrays()),
        )
    else:
        lift = Lift(rate, task.live, damping, settings.solver_tolerance)
        flow = integrate(
            lambda point: lift.velocity(features.linearize(point)),
            x,
            settings.rule,
            settings.steps,
            settings.tolerance,
            on_step,
            grid,
        )
    undamped = damping.delta == 0
    if flow.status == "reached" and (undamped or task.imposing):
        aim = task.aim if undamped else features.values(flow.x)
        aim = np.concatenate([aim[: task.moving.start], task.aim[task.moving]])
        alike = reference.damping.prefix(task.aim.size)  # here what is held is to stay where it is
        goal = 0.1 * settings.threshold if undamped else settings.threshold
        flow = replace(flow, x=correct(features, flow.x, aim, task.live, alike, goal, settings.solver_tolerance))
    if flow.status == "reached":
        f = features.map.values(flow.x)[task.moving]
        if block_error(f, task.aim[task.moving], task.live[task.moving]) > settings.threshold:
            flow = replace(flow, status="max_steps" if undamped else "damped_end")
    return flow
