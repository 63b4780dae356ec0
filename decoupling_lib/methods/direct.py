"""The direct method: the coupled means of all layers at once, without normalization."""

from __future__ import annotations

from dataclasses import dataclass

from ..common.arrays import Floats
from ..engine.context import Context, Step
from ..engine.distances import relative_error
from ..engine.features import block_slices
from ..engine.journal import Arrays, Tally
from ..engine.legs import LegEnd, Outcome, describe_leg, find_finished_leg, keep_leg
from ..engine.normalization import Route
from ..engine.ode import FlowResult
from . import baselines
from .course import Course
from .method import MethodSettings


@dataclass(frozen=True)
class Direct:
    """L-BFGS on the coupled means of all layers.

    Parameters
    ----------
    settings : MethodSettings
        When to stop.
    """

    settings: MethodSettings
    measures_decoupled_style = False

    def normalize(self, context: Context, x: Floats) -> Route:
        """Measure the coupled means and leave the image as it is; see `Method.normalize`."""
        return Route(x, context.features.values(x), (), "done")

    def impose(self, context: Context, x: Floats, style: Floats) -> Route:
        """Move all layers to c in one leg, which bears the names of all layers; see `Method.impose`."""
        features, listen, journal = context.features, context.listen, context.journal
        iterations, live = self.settings.iterations, context.reference.live
        name = "+".join(block.name for block in features.blocks)
        if (finished := find_finished_leg(features, journal.find(name))) is not None:
            if listen is not None:
                listen(Step.TRANSFER, name, 1.0, finished.x)
            return Route(finished.x, style, (finished.leg,), "done")
        tally, first, start = Tally(features), features.map.values(x), x

        def record(progress: float, error: float, x: Floats | None, state: Arrays | None = None) -> None:
            tally.note(progress, error)
            if listen is not None:
                listen(Step.TRANSFER, name, progress, x if progress > 0 else start)

        try:
            flow = baselines.descend_lbfgs(
                features,
                x,
                style,
                live=live,
                iterations=iterations,
                threshold=self.settings.threshold,
                on_step=Course(record, iterations, self.settings.threshold),
            )
        except KeyboardInterrupt:
            flow = FlowResult(x, 0.0, 0, "interrupted", "interrupted")
        f = features.map.values(flow.x)
        error = max(relative_error(f[at], style[at], live[at]) for at in block_slices(features.blocks).values())
        leg = describe_leg(Outcome(Step.TRANSFER, name, first, f, style, live, error), tally, flow)
        # L-BFGS that finds no further descent has done what it can; the error says how far that is.
        status = flow.status if flow.status in ("diverged", "interrupted") else "done"
        if status == "done":
            if listen is not None:
                listen(Step.TRANSFER, name, 1.0, flow.x)
            keep_leg(journal, LegEnd(flow.x, leg))
        return Route(flow.x, style, (leg,), status)
