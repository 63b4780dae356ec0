"""Methods that take the same legs as the decoupled method, each by iterations of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..common.arrays import Floats
from ..engine import normalization
from ..engine.context import Context, Record, Task
from ..engine.normalization import Route
from ..engine.ode import FlowResult
from .baselines import ANNEX_THRESHOLDS, descend
from .course import Course
from .method import MethodSettings
from .projected import descend_projected

ANNEX_RATE = 5e-4


@dataclass(frozen=True)
class Descent:
    """The annex's method: descent of the summed losses.

    Parameters
    ----------
    settings : MethodSettings
        Optimizer, learning rate, and when to stop.
    """

    settings: MethodSettings
    measures_decoupled_style = False

    def normalize(self, context: Context, x: Floats) -> Route:
        """Move an image to the reference, block by block; see `Method.normalize`."""
        return normalization.normalize(replace(context, move=self._move), x)

    def impose(self, context: Context, x: Floats, style: Floats) -> Route:
        """Impose c, deepest layer first; see `Method.impose`.

        With `annex_slips`, all layers up to the moving one are asked for c.
        """
        if not self.settings.annex_slips:
            return normalization.impose(replace(context, move=self._move), x, style)

        def move(leg_context: Context, x: Floats, task: Task, record: Record) -> FlowResult:
            return self._move(leg_context, x, replace(task, aim=style[: task.aim.size]), record)

        return normalization.impose(replace(context, move=move), x, style)

    def _move(self, context: Context, x: Floats, task: Task, record: Record) -> FlowResult:
        settings = self.settings
        threshold = ANNEX_THRESHOLDS[task.step] if settings.annex_slips else settings.threshold
        flow = descend(
            context.features,
            x,
            task.aim,
            live=task.live,
            optimizer=settings.optimizer,
            learning_rate=settings.learning_rate or ANNEX_RATE,
            iterations=settings.iterations,
            threshold=threshold,
            absolute=settings.annex_slips,
            on_step=Course(record, settings.iterations, None if settings.annex_slips else threshold),
        )
        return _show_end(context, task, flow)


@dataclass(frozen=True)
class Projected:
    """Explicit descent along the tangent space of the held features, as the text of the thesis asks for.

    Parameters
    ----------
    settings : MethodSettings
        Learning rate, and when to stop.
    """

    settings: MethodSettings
    measures_decoupled_style = False

    def normalize(self, context: Context, x: Floats) -> Route:
        """Move an image to the reference, block by block; see `Method.normalize`."""
        return normalization.normalize(replace(context, move=self._move), x)

    def impose(self, context: Context, x: Floats, style: Floats) -> Route:
        """Impose c, deepest layer first; see `Method.impose`."""
        return normalization.impose(replace(context, move=self._move), x, style)

    def _move(self, context: Context, x: Floats, task: Task, record: Record) -> FlowResult:
        settings = self.settings
        flow = descend_projected(
            context.features,
            x,
            task.aim,
            live=task.live,
            learning_rate=settings.learning_rate,
            iterations=settings.iterations,
            threshold=settings.threshold,
            on_step=Course(record, settings.iterations, settings.threshold),
        )
        return _show_end(context, task, flow)


def _show_end(context: Context, task: Task, flow: FlowResult) -> FlowResult:
    """Let the listener see where a leg ended, and return the flow."""
    if context.listen is not None and flow.status != "diverged":
        context.listen(task.step, task.layer, 1.0, flow.x)
    return flow
