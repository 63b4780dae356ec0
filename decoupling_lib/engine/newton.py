"""Newton's steps to given features, and the error by which blocks are judged."""

from __future__ import annotations

import numpy as np

from .distances import block_error
from .features import Counted, Linearization, block_slices
from .lift import Damping, Lift

CORRECTIONS = 8
"""At most so many steps."""


def correct(
    features: Counted,
    x: np.ndarray,
    aim: np.ndarray,
    live: np.ndarray,
    damping: Damping,
    goal: float,
    solver_tolerance: float,
) -> np.ndarray:
    """Brings the features to `aim` by least-norm Newton steps, halved where they overshoot.

    `goal` is the worst block's relative error at which it is done; `solver_tolerance` is that of `lift.Lift`.

    Two uses. An undamped leg drifts off its straight line; this ends it on the reference, and costs the way back,
    since it is not part of the reversible field. A damped imposing leg ends near the style; this closes the gap of
    the moving block and leaves the held ones where they are. On a self-transfer that gap is nil, so the way back
    loses nothing.
    """
    slices = block_slices(features.blocks).values()

    def worst(at: Linearization) -> float:
        return max(block_error(at.values[block], aim[block], live[block]) for block in slices)

    at = features.linearize(x)
    error = worst(at)
    for _ in range(CORRECTIONS):
        if error <= goal:
            break
        move = Lift(aim - at.values, live, damping, solver_tolerance).velocity(at)
        for fraction in (1.0, 0.5, 0.25, 0.125):
            trial = features.linearize(x + fraction * move)
            if worst(trial) < error:
                break
        else:
            break
        x, at, error = x + fraction * move, trial, worst(trial)
    return x
