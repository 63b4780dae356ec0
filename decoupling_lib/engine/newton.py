"""Newton corrections of least norm, which bring features to their target values."""

from __future__ import annotations

from ..common.arrays import Floats, Mask
from .distances import block_error
from .features import Counted, Linearization, block_slices
from .lift import Damping, Lift

MAX_CORRECTIONS = 8
"""Maximum number of Newton steps, unless the caller says otherwise."""


def correct(
    features: Counted,
    x: Floats,
    aim: Floats,
    live: Mask,
    damping: Damping,
    goal: float,
    solver_tolerance: float,
    most: int = MAX_CORRECTIONS,
) -> tuple[Floats, int]:
    """Bring the features to `aim` by Newton steps of least norm, halved where they overshoot.

    There are two uses. An undamped leg drifts off its straight line; the correction ends it on the reference, at the
    expense of the way back, since it is not part of the reversible field. A damped leg that imposes a style ends near
    it; the correction closes the gap of the moving block and leaves the held blocks where they are. In a self-transfer
    that gap is zero, so the way back loses nothing.

    Parameters
    ----------
    features : Counted
        The blocks that are held and moved.
    x : ndarray
        Where to begin; any shape that the map accepts.
    aim : ndarray, shape (n,)
        Target values of all features.
    live : ndarray of bool, shape (n,)
        Features that are False take no part.
    damping : Damping
        Damping of the steps.
    goal : float
        Relative error of the worst block at which the correction is done.
    solver_tolerance : float
        Tolerance of `lift.Lift`.
    most : int
        Maximum number of steps, at least 0.

    Returns
    -------
    x : ndarray
        The corrected point.
    steps : int
        Number of steps that led to it.
    """
    slices = block_slices(features.blocks).values()

    def worst(at: Linearization) -> float:
        return max(block_error(at.values[block], aim[block], live[block]) for block in slices)

    at = features.linearize(x)
    error, steps = worst(at), 0
    while error > goal and steps < most:
        move = Lift(aim - at.values, live, damping, solver_tolerance).velocity(at)
        for fraction in (1.0, 0.5, 0.25, 0.125):
            trial = features.linearize(x + fraction * move)
            if worst(trial) < error:
                break
        else:
            break
        x, at, error, steps = x + fraction * move, trial, worst(trial), steps + 1
    return x, steps
