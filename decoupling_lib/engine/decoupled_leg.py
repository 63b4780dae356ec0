"""The decoupled leg: the damped horizontal lift of a straight line in feature space."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..common.arrays import Floats
from .context import Context, Record, Task
from .distances import block_error
from .journal import Arrays
from .leg_state import LegState
from .lift import Lift
from .newton import correct
from .ode import FlowResult, graded_grid, integrate
from .symmetric import follow_symmetric

SOLVED = 1e-6
"""Largest relative residual of the equations of a lift, however coarse its steps are; see `lift.Lift`."""


def follow_lift(context: Context, x: Floats, task: Task, record: Record) -> FlowResult:
    """Follow the damped lift of the straight line from `task.start` to the aim.

    Parameters
    ----------
    context : Context
        Its features are the blocks up to the moving one.
    x : ndarray
        Where to begin.
    task : Task
        What the leg has to do.
    record : callable
        Receives the accepted points.

    Returns
    -------
    FlowResult
        Its status is `reached` if the moving block ends within `settings.threshold` of its aim; otherwise
        `damped_end`, or `max_steps` for an undamped leg.
    """
    features, settings, damping = context.features, context.settings, context.reference.damping
    flow = _follow(context, x, task, record)
    undamped = damping.delta == 0
    if flow.status == "reached" and settings.corrections and (undamped or task.imposing):
        aim = task.aim if undamped else features.values(flow.x)
        aim = np.concatenate([aim[: task.moving.start], task.aim[task.moving]])
        equal = damping.prefix(task.aim.size)  # here the held features have to stay where they are
        goal = 0.1 * settings.threshold if undamped else settings.threshold
        own = damping.leg(len(features.blocks) - 1, task.moving).scales
        ease = np.sqrt(own / equal.scales)
        gram = None if flow.guide is None else ease[:, None] * flow.guide.grams[-1] * ease
        end = correct(features, flow.x, aim, task.live, equal, goal, settings.corrections, gram)
        flow = replace(flow, x=end.x, corrections=end.steps, retraceable=flow.retraceable and end.steps == 0)
    if task.imposing and flow.halvings:  # the halves are not on the way that was to be retraced
        flow = replace(flow, retraceable=False)
    if flow.status == "reached":
        f = features.map.values(flow.x)[task.moving]
        if block_error(f, task.aim[task.moving], task.live[task.moving]) > settings.threshold:
            flow = replace(flow, status="max_steps" if undamped else "damped_end")
    return flow


def _follow(context: Context, x: Floats, task: Task, record: Record) -> FlowResult:
    """Follow the line by the rule of the settings, without a correction at its end.

    A leg that imposes a style takes the mirror image of the grid on which its layer's style was removed.
    """
    features, settings = context.features, context.settings
    rate = np.zeros(task.aim.size)
    rate[task.moving] = task.aim[task.moving] - task.start
    damping = context.reference.damping.leg(len(features.blocks) - 1, task.moving)
    grid = planned_grid(context, task)

    def on_step(progress: float, point: Floats, state: Arrays | None = None) -> None:
        f = features.map.values(point)[task.moving]  # a look for the record, not counted
        record(progress, block_error(f, task.aim[task.moving], task.live[task.moving]), point, state)

    if settings.rule == "symmetric":
        return follow_symmetric(
            features,
            LegState(x) if task.kept is None else LegState.from_arrays(task.kept),
            rate,
            task.live,
            damping,
            grid,
            settings.tolerance,
            lambda progress, state: on_step(progress, state.x, state.arrays()),
            context.guides.get((task.step, task.layer)),
        )
    lift = Lift(rate, task.live, damping, min(settings.tolerance, SOLVED))
    return integrate(
        lambda point: lift.velocity(features.linearize(point)),
        x,
        settings.rule,
        settings.steps,
        settings.tolerance,
        on_step,
        grid,
    )


def planned_grid(context: Context, task: Task) -> Floats:
    """Return where the steps of a leg are planned to end.

    Parameters
    ----------
    context : Context
        Settings, and the grids that are to be mirrored.
    task : Task
        What the leg has to do.

    Returns
    -------
    ndarray, shape (steps + 1,)
        From 0 to 1.
    """
    settings = context.settings
    grid = context.grids.get(task.layer) if task.imposing else None
    if grid is None:
        grid = graded_grid(settings.steps, *(settings.grading if task.moving.start else settings.first_grading))
    return 1.0 - grid[::-1] if task.imposing else grid
