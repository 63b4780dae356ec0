"""Legs that are solved almost exactly, with all that their derivatives need."""

import numpy as np

from decoupling_lib.engine.features import FeatureMap
from decoupling_lib.engine.leg_derivative import SolvedLeg
from decoupling_lib.engine.leg_state import LegState
from decoupling_lib.engine.lift import Damping
from decoupling_lib.engine.ode import graded_grid
from decoupling_lib.engine.symmetric import follow_symmetric

GRID = graded_grid(4, 2.0, 1.5)


def solve(features: FeatureMap, x: np.ndarray, aim: np.ndarray, moving: slice, damping: Damping, rate=None):
    """Follow a leg to `aim`, or at a given rate; return it with all that its derivative needs, and the rate."""
    live = np.ones(len(aim), bool)
    fixed = rate is not None
    if not fixed:
        rate = np.zeros(len(aim))
        rate[moving] = (aim - features.values(x))[moving]
    points = [x]
    flow = follow_symmetric(
        features, LegState(x), rate, live, damping, GRID, 1e-13, on_step=lambda _, state: points.append(state.x)
    )
    assert flow.status == "reached" and flow.halvings == 0
    leg = SolvedLeg(features, tuple(points), flow.guide, moving, live, damping, not fixed, 1e-11)
    return leg, rate
