"""The decoupled method: damped horizontal lifts, and a refinement at the end of Step 3."""

from __future__ import annotations

from ..common.arrays import Floats
from ..engine import normalization
from ..engine.context import Context
from ..engine.normalization import Route
from ..engine.refinement import refine


class Decoupled:
    """The damped horizontal lift, leg by leg."""

    measures_decoupled_style = True

    def normalize(self, context: Context, x: Floats) -> Route:
        """Move an image to the reference, block by block; see `Method.normalize`."""
        return normalization.normalize(context, x)

    def impose(self, context: Context, x: Floats, style: Floats) -> Route:
        """Impose c, deepest layer first, and close the gap that damping leaves; see `Method.impose`.

        A single layer has no gap to close: its decoupled features are the raw ones.
        """
        route = normalization.impose(context, x, style)
        if route.status != "done" or context.settings.refinements == 0 or len(context.features.blocks) == 1:
            return route
        return refine(context, route)
