"""What a leg needs besides the image: reference, settings, and how it is run and recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Protocol

from ..common.arrays import Floats, Mask
from .features import Counted
from .journal import NOWHERE, Arrays, Journal
from .leg_state import Guide
from .lift import Damping
from .newton import MAX_CORRECTIONS
from .ode import FlowResult


class Step(IntEnum):
    """The steps of the thesis (section 2.6), and the judging of the result, which is not one of them."""

    REFERENCE = 0
    ORIGIN = 1
    TARGET = 2
    TRANSFER = 3
    JUDGING = 4


@dataclass(frozen=True)
class Reference:
    """What Step 0 determines once for all legs of a run.

    Parameters
    ----------
    values : ndarray, shape (n,)
        v, the reference values of all features.
    live : ndarray of bool, shape (n,)
        False for channels that noise leaves dead (section 4.4 of the thesis).
    damping : Damping
        Δ.
    """

    values: Floats
    live: Mask
    damping: Damping


@dataclass(frozen=True)
class Settings:
    """How legs are followed.

    Parameters
    ----------
    rule : str
        A name in `ode.RULES`; "symmetric" is the rule of `symmetric`.
    steps : int
        Number of steps per leg; with error control, their maximum.
    tolerance : float
        See `ode.integrate` and `symmetric.follow_symmetric`. The equations of other rules than "symmetric" are solved
        to the same, and at least to `decoupled_leg.SOLVED`.
    threshold : float
        Relative error at which a leg counts as `reached`. Damped legs of Step 3 are corrected to it, undamped legs to
        a tenth of it.
    grading : tuple of float
        How much steps shrink toward the reference and toward the image; see `ode.graded_grid`. 1 means equal steps.
    first_grading : tuple of float
        The same for the first block, which is stiff at both ends: a flat image has hardly any gradients.
    refinements : int
        Maximum number of steps that close the gap to the imposed style; see `refinement`.
    corrections : int
        Maximum number of Newton steps at the end of a leg that imposes a style, and of every undamped leg; see
        `newton.correct`. They bring the features to their aim and lead off the way that is retraced.
    """

    rule: str = "symmetric"
    steps: int = 16
    tolerance: float = 2e-7
    threshold: float = 1e-3
    grading: tuple[float, float] = (3.0, 1.0)
    first_grading: tuple[float, float] = (2.0, 2.5)
    refinements: int = 16
    corrections: int = MAX_CORRECTIONS


Listener = Callable[[int, str, float, Floats | None], None]
"""Receives (step, layer, progress, x if it is available) at every accepted point."""


@dataclass(frozen=True)
class Task:
    """What one leg has to do.

    Parameters
    ----------
    step : Step
        The step to which the leg belongs.
    layer : str
        Name of the moving block.
    moving : slice
        Its place among the first `aim.size` features.
    start : ndarray
        The moving block's values at which its straight line begins: c_k, or v_k when a style is imposed.
    aim : ndarray, shape (n,)
        The target of the moving block, and the reference values of the held blocks before it.
    live : ndarray of bool, shape (n,)
        The live features.
    imposing : bool
        Whether the leg leads away from the reference and not toward it.
    kept : mapping of str to ndarray, optional
        The state in which an earlier run was interrupted in this leg. A mover that records no states need not look.
    """

    step: Step
    layer: str
    moving: slice
    start: Floats
    aim: Floats
    live: Mask
    imposing: bool = False
    kept: Arrays | None = None


class Record(Protocol):
    """A callback for the accepted points of a leg."""

    def __call__(self, progress: float, error: float, x: Floats | None, state: Arrays | None = None) -> None:
        """Take the progress, the relative error of the moving block, and if available x and a state to resume from."""
        ...


@dataclass(frozen=True)
class View:
    """By what the legs of one image are measured and followed.

    Parameters
    ----------
    features : Counted
        The feature map.
    reference : Reference
        What Step 0 determined for it.
    """

    features: Counted
    reference: Reference


@dataclass(frozen=True)
class Context:
    """Everything that the legs of one step share.

    Parameters
    ----------
    features : Counted
        The feature map, which counts its passes.
    reference : Reference
        What Step 0 determined.
    settings : Settings
        How legs are followed.
    step : Step
        The step that `normalize` writes into its legs. Those of `impose` always belong to Step 3.
    listen : callable, optional
        Receives every accepted point; see `Listener`.
    journal : Journal
        Keeps the legs by the names of their layers; those that it has already are not run again.
    move : callable, optional
        How a leg is followed, see `Mover`. Default: `decoupled_leg.follow_lift`, the decoupled method.
    grids : mapping of str to ndarray
        By layer, where the steps of the leg ended that a leg of Step 3 is to retrace; see `normalization.retracing`.
        Layers that are missing take the grid of the settings.
    guides : mapping of (Step, str) to Guide
        By step and layer, an earlier leg from a similar image, as a start; see `leg_state.Guide`.
    origin : View, optional
        How the origin is seen, if it is seen otherwise than the target; see `for_origin`.
    """

    features: Counted
    reference: Reference
    settings: Settings = field(default_factory=Settings)
    step: Step = Step.ORIGIN
    listen: Listener | None = None
    journal: Journal = NOWHERE
    move: Mover | None = None
    grids: Mapping[str, Floats] = field(default_factory=dict)
    guides: Mapping[tuple[Step, str], Guide] = field(default_factory=dict)
    origin: View | None = None

    def prefix(self, depth: int) -> Context:
        """Return the context of a leg that moves block number `depth`, counted from 1, and sees no deeper block."""
        return replace(self, features=self.features.prefix(depth))

    def for_origin(self) -> Context:
        """Return the context of the legs of the origin."""
        if self.origin is None:
            return self
        return replace(self, features=self.origin.features, reference=self.origin.reference, origin=None)


Mover = Callable[[Context, Floats, Task, Record], FlowResult]
"""Follows one leg: maps (context of the features up to the moving block, x, task, record) to a `FlowResult`."""
