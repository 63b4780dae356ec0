"""How a style flow is applied. No TensorFlow is loaded here."""

from __future__ import annotations

from dataclasses import dataclass

from ..common import validation
from ..common.errors import input_error

MAX_CORRECTIONS = 100
EXACT_PARTS = 4
"""Number of parts of an exact step. In two, the first step back from a larger image may have no solution in reach."""


@dataclass(frozen=True)
class FlowSettings:
    """How a flow is applied.

    Parameters
    ----------
    strength : float
        From 0, the image's own style, to 1, the style of the origin.
    undo : bool
        Whether to run everything backwards: from an image to which the flow was applied to what it was before.
    corrections : int
        Maximum number of quasi-Newton corrections at the end of each leg; they cannot be undone.
    exact : bool
        Whether steps are solved in double precision and to rounding, as the way back needs: it amplifies errors.
        `undo` implies it.
    tile : int, optional
        Longest side of a tile in pixels. Default: see `networks.tile_plan.default_side`.

    Raises
    ------
    InputError
        For a value out of range, and for corrections that were to be undone.
    """

    strength: float = 1.0
    undo: bool = False
    corrections: int = 0
    exact: bool = False
    tile: int | None = None

    def __post_init__(self) -> None:
        validation.in_range(self.strength, "strength", 0.0, 1.0)
        validation.integer_in_range(self.corrections, "corrections", 0, MAX_CORRECTIONS)
        if self.undo and self.corrections:
            step = "leave one of them out"
            raise input_error("corrections", "cannot be undone", self.corrections, "0 where a flow is undone", step)

    @property
    def precise(self) -> bool:
        """Whether steps are solved to rounding."""
        return self.exact or self.undo

    @property
    def parts(self) -> int:
        """Number of parts in which each step of the flow is taken."""
        return EXACT_PARTS if self.precise else 1
