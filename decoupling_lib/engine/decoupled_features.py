"""The decoupled features as a feature map of their own: c(x), and its derivative carried through the legs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..common.arrays import Floats
from ..common.errors import input_error
from .context import Context, Mover, Record, Task
from .decoupled_leg import follow_lift
from .features import Block, Counted, block_slices
from .journal import NOWHERE, Arrays
from .leg_derivative import SolvedLeg
from .normalization import normalize
from .ode import FlowResult


def record_legs(context: Context, legs: list[SolvedLeg]) -> Context:
    """Return a context whose legs are appended to a list, with all that their derivatives need.

    Parameters
    ----------
    context : Context
        Its rule has to be the symmetric one. Legs end where their steps end, without a correction.
    legs : list of SolvedLeg
        Receives each leg that is followed to its end.

    Returns
    -------
    Context
        The same without a journal, which would leave out legs that it has.

    Raises
    ------
    InputError
        Another rule, which does not solve for multipliers.
    """
    if context.settings.rule != "symmetric":
        step = "use the symmetric rule"
        raise input_error("step rule", "has no derivative of its legs", context.settings.rule, "symmetric", step)

    def move(leg_context: Context, x: Floats, task: Task, record: Record) -> FlowResult:
        points: list[Floats] = []

        def keep(progress: float, error: float, x: Floats | None, state: Arrays | None = None) -> None:
            record(progress, error, x, state)
            if x is not None:
                points.append(x)

        flow = follow_lift(leg_context, x, task, keep)
        if flow.guide is not None and flow.progress == 1.0:
            place = len(leg_context.features.blocks) - 1
            legs.append(
                SolvedLeg(
                    leg_context.features,
                    (x, *points),
                    flow.guide,
                    task.moving,
                    task.live,
                    context.reference.damping.leg(place, task.moving),
                    aims_at_values=not task.imposing,
                )
            )
        return flow

    mover: Mover = move
    return replace(context, settings=replace(context.settings, corrections=0), journal=NOWHERE, move=mover)


@dataclass(frozen=True)
class DecoupledFeatures:
    """The decoupled features c, measured by the legs of Step 1.

    Parameters
    ----------
    context : Context
        Feature map with second derivatives, reference and settings. Its settings decide how exactly legs are solved.

    Notes
    -----
    Its VJP is exact for the legs as they are solved: on the way through each leg the equations of every step are solved
    again, in their transposed form (the adjoint of the step). One product costs several times as much as the legs.
    """

    context: Context

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks of the raw features."""
        return self.context.features.blocks

    def values(self, x: Floats) -> Floats:
        """Return c(x), shape (n,)."""
        return self.linearize(x).values

    def linearize(self, x: Floats) -> DecoupledLinearization:
        """Return c(x) and its derivative.

        Parameters
        ----------
        x : ndarray
            The image.

        Raises
        ------
        InputError
            A leg did not reach its end.
        """
        legs: list[SolvedLeg] = []
        route = normalize(record_legs(self.context, legs), x, measure_only=True)
        if route.status != "done":
            step = "use more damping or a softer network"
            raise input_error("decoupled features", "cannot be measured", route.status, "legs that end", step)
        return DecoupledLinearization(self.context.features, x, route.style, tuple(legs))


@dataclass(frozen=True)
class DecoupledLinearization:
    """The decoupled features at one image, and their derivative.

    Parameters
    ----------
    features : Counted
        The raw features.
    x : ndarray
        The image.
    values : ndarray, shape (n,)
        c(x).
    legs : tuple of SolvedLeg
        The legs that measured it: one fewer than blocks.
    """

    features: Counted
    x: Floats
    values: Floats
    legs: tuple[SolvedLeg, ...]

    @property
    def starts(self) -> tuple[Floats, ...]:
        """The points at which the blocks were measured: x, and the end of each leg."""
        return (self.x, *(leg.points[-1] for leg in self.legs))

    def jvp(self, dx: Floats) -> Floats:
        """Return the rate at which each decoupled feature changes along `dx`, shape (n,)."""
        rates: Floats = np.zeros_like(self.values)
        for depth, block in enumerate(block_slices(self.features.blocks).values(), start=1):
            rates[block] = self.features.prefix(depth).linearize(self.starts[depth - 1]).jvp(dx)[block]
            if depth <= len(self.legs):
                dx = self.legs[depth - 1].push(dx)
        return rates

    def vjp(self, w: Floats) -> Floats:
        """Return the gradient of the sum of the decoupled features, weighted by w of shape (n,)."""
        gradient: Floats = np.zeros_like(self.x)
        blocks = list(block_slices(self.features.blocks).values())
        for depth in range(len(blocks), 0, -1):
            if depth <= len(self.legs):
                gradient = self.legs[depth - 1].pull(gradient)
            own = np.zeros(blocks[depth - 1].stop)
            own[blocks[depth - 1]] = w[blocks[depth - 1]]
            gradient = gradient + self.features.prefix(depth).linearize(self.starts[depth - 1]).vjp(own)
        return gradient
