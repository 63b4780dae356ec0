"""Nested normalization, measuring a decoupled style on the way, and imposing a style by the same legs backwards.

Leg k moves block k to its reference values with blocks 1..k-1 held at theirs; what block k shows before its leg is
its decoupled feature c_k = f_k(x̌_{k-1}(x)) (equation 2.4 of the thesis, nested as in figure 2.2). Imposing runs legs
k = M..1, each from the reference to c_k **while the lower blocks stay at their reference values**, as they were when
c_k was measured. The thesis asks the lower blocks for c at the same time, which is a different point of the image
space (it measured c_k with them at the reference).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from .features import Counted, Linearization, Passes, block_slices
from .flow import FlowResult, integrate
from .lift import Damping, Lift
from .metrics import relative_error, remaining_fraction

CORRECTIONS = 8


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
    rule, steps, tolerance : see `flow.integrate`.
    solver_tolerance : see `lift.Lift`.
    threshold : the relative error at which a leg counts as `reached`; undamped legs are corrected to a tenth of it.
    """

    rule: str = "adaptive"
    steps: int = 400
    tolerance: float = 1e-5
    solver_tolerance: float = 1e-6
    threshold: float = 1e-3


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


@dataclass(frozen=True)
class Path:
    """Where a sequence of legs led.

    Parameters
    ----------
    x : the image at the end.
    style : c, (n,): the decoupled features that were measured (normalize) or asked for (impose).
    legs : one entry a leg, in the order of running.
    status : `done`, or the status that ended it: `stalled`, `diverged`, `interrupted`.
    """

    x: np.ndarray
    style: np.ndarray
    legs: tuple[Leg, ...]
    status: str


Listener = Callable[[int, str, float, np.ndarray], None]


def normalize(
    features: Counted, x: np.ndarray, reference: Reference, settings: Settings, step: int = 1, listen: Listener | None = None
) -> Path:
    """Moves an image to the reference, block by block, and measures its decoupled style on the way (Step 1).

    Parameters
    ----------
    features : the feature map, counting its passes.
    x : (H, W, 3) or any shape the map takes.
    step : the number to write into the legs, 1 for the origin and 2 for the target.
    listen : called with (step, layer, progress, x) at every accepted point.
    """
    style = np.zeros_like(reference.values)
    legs: list[Leg] = []
    for depth, block in enumerate(block_slices(features.blocks).values(), start=1):
        style[block] = features.prefix(depth).values(x)[block]
        flow, leg = _leg(features, x, depth, style[block], reference.values[block], reference, settings, step, listen)
        x, legs = flow.x, [*legs, leg]
        if flow.progress < 1:
            return Path(x, style, tuple(legs), flow.status)
    return Path(x, style, tuple(legs), "done")


def impose(
    features: Counted,
    x: np.ndarray,
    style: np.ndarray,
    reference: Reference,
    settings: Settings,
    step: int = 3,
    listen: Listener | None = None,
) -> Path:
    """Runs the legs backwards, deepest block first, from the reference to the style c (Step 3).

    It sees the normalized image, c and what Step 0 made: nothing of the image that c was measured on.
    """
    legs: list[Leg] = []
    blocks = list(block_slices(features.blocks).values())
    for depth in range(len(blocks), 0, -1):
        block = blocks[depth - 1]
        flow, leg = _leg(features, x, depth, reference.values[block], style[block], reference, settings, step, listen)
        x, legs = flow.x, [*legs, leg]
        if flow.progress < 1:
            return Path(x, style, tuple(legs), flow.status)
    return Path(x, style, tuple(legs), "done")


def _leg(
    features: Counted,
    x: np.ndarray,
    depth: int,
    start: np.ndarray,
    end: np.ndarray,
    reference: Reference,
    settings: Settings,
    step: int,
    listen: Listener | None,
) -> tuple[FlowResult, Leg]:
    """Moves block `depth` along the lift of the straight line start -> end, all lower blocks held."""
    began, before = time.perf_counter(), features.passes.copy()
    shallow = features.prefix(depth)
    moving = list(block_slices(shallow.blocks).values())[-1]
    name, size = shallow.blocks[-1].name, moving.stop
    live = reference.live[:size]
    rate = np.zeros(size)
    rate[moving] = end - start
    lift = Lift(rate, live, reference.damping.prefix(size), settings.solver_tolerance)
    seen: dict[str, np.ndarray] = {}
    curve: list[tuple[int, float]] = []

    def velocity(point: np.ndarray) -> np.ndarray:
        at = shallow.linearize(point)
        seen.setdefault("first", at.values)
        return lift.velocity(at)

    def on_step(progress: float, point: np.ndarray) -> None:
        error = relative_error(shallow.map.values(point)[moving], end, live[moving])
        curve.append((features.passes.since(before).total, error))
        if listen is not None:
            listen(step, name, progress, point)

    flow = integrate(velocity, x, settings.rule, settings.steps, settings.tolerance, on_step)
    undamped = reference.damping.delta == 0
    if flow.progress == 1 and (undamped or step == 3):
        aim = reference.values[:size].copy() if undamped else shallow.values(flow.x)
        aim[moving] = end
        flow = replace(flow, x=_correct(shallow, flow.x, aim, live, reference.damping.prefix(size), settings))
    f = shallow.values(flow.x)
    block_live = live[moving]
    error = relative_error(f[moving], end, block_live)
    held = [
        relative_error(f[block], reference.values[block], live[block])
        for block in list(block_slices(shallow.blocks).values())[:-1]
    ]
    fraction, worst = remaining_fraction(f[moving], end, seen.get("first", f)[moving], block_live)
    leg = Leg(
        step=step,
        layer=name,
        relative_error=error,
        held_relative_error=max(held, default=0.0),
        remaining_fraction=fraction,
        remaining_fraction_worst_channel=worst,
        mse=float(np.mean(np.square(f[moving] - end)[block_live])),
        passes=features.passes.since(before),
        seconds=time.perf_counter() - began,
        live_channels=int(block_live.sum()),
        status=_judge(flow, error, reference, settings),
        steps=flow.steps,
        curve=tuple(curve),
    )
    return flow, leg


def _judge(flow: FlowResult, error: float, reference: Reference, settings: Settings) -> str:
    if flow.progress < 1:
        return flow.status
    if error <= settings.threshold:
        return "reached"
    return "damped_end" if reference.damping.delta > 0 else "max_steps"


def _correct(
    features: Counted, x: np.ndarray, aim: np.ndarray, live: np.ndarray, damping: Damping, settings: Settings
) -> np.ndarray:
    """Brings the features to `aim` by least-norm Newton steps, halved where they overshoot.

    Two uses. An undamped leg drifts off its straight line; this ends it on the reference, and costs the way back,
    since it is not part of the reversible field. A damped imposing leg ends near the style; this closes the gap of
    the moving block and leaves the held ones where they are. On a self-transfer that gap is nil, so the way back
    loses nothing.
    """
    slices = block_slices(features.blocks).values()

    def worst(at: Linearization) -> float:
        return max(relative_error(at.values[block], aim[block], live[block]) for block in slices)

    at = features.linearize(x)
    error = worst(at)
    for _ in range(CORRECTIONS):
        if error <= 0.1 * settings.threshold:
            break
        move = Lift(aim - at.values, live, damping, settings.solver_tolerance).velocity(at)
        for fraction in (1.0, 0.5, 0.25, 0.125):
            trial = features.linearize(x + fraction * move)
            if worst(trial) < error:
                break
        else:
            break
        x, at, error = x + fraction * move, trial, worst(trial)
    return x
