"""Descent of the last block's loss that leaves the blocks before it alone, by Gram–Schmidt.

The text of the thesis wants the gradient of the moving layer "projected on layer 1 so as not to change its MSE", and
names Gram–Schmidt as future work. `descend_projected` projects on what is orthogonal to the gradients of the held
*features*; `descend_loss_projected` follows the wording to the letter and uses those of the held *losses*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..common import validation
from ..common.arrays import Floats, Mask
from ..engine.features import FeatureMap, Linearization
from ..engine.ode import FlowResult
from ..engine.tangent import to_tangent
from .iteration import Goal, OnIteration, iterate, set_goal

HALVINGS = 12
"""How often a step may be halved before there is no way down."""
ROUNDING = 1e-6
"""A held error below this is not worth an iteration of its own."""
DRIFT = 0.01
"""How far a halved step may end above the smallest held error so far."""
RETRACTION = 1e-10
"""Smallest eigenvalue of the held Gram matrix JJᵀ, relative to the largest one, that the retraction inverts."""


def descend_projected(
    feature_map: FeatureMap,
    x: Floats,
    targets: Floats,
    *,
    live: Mask | None = None,
    learning_rate: float | None = None,
    refresh: int = 1,
    iterations: int = 1000,
    threshold: float = 0.01,
    on_step: OnIteration | None = None,
) -> FlowResult:
    """Descend ‖f_l - t_l‖² of the last block along P_{l-1}, and keep the other blocks' live features at their targets.

    An iteration is x ← R(x - η P ∇‖f_l - t_l‖²) with P = I - Jᵀ(JJᵀ)⁻¹J, where J is the Jacobian of the held features.
    A step of length h lets held features drift by O(h²). The retraction R(y) = y + J⁺(t_held - f_held(y)), one Newton
    step of least norm with the same J, reduces that to O(h³). It is used if it does not raise the held error, the root
    of Σ ‖f_j - t_j‖²/‖t_j‖² over the held blocks.

    A start that is not at the held targets is retracted first, in an iteration of its own. With Cauchy's step, the
    moving block's residual falls at every later iteration, and the held error grows by at most `DRIFT`.

    An iteration costs a forward pass and a VJP, and with Cauchy's step a JVP. Each step that is tried costs a forward
    pass, and one more for R if a block is held. A refresh costs a forward pass and the held Jacobian rows.

    Parameters
    ----------
    feature_map : FeatureMap
        The features.
    x : ndarray
        Where to begin, of any shape that the map accepts. It moves in float64.
    targets : ndarray, shape (n,)
        The targets t; those of the last block are not all 0.
    live : ndarray of bool, shape (n,), optional
        The channels that count. Default: all.
    learning_rate : float, optional
        η, for the sum of squares, above 0. Default: Cauchy's step, which minimizes the linearized residual along the
        line. It is halved until, at R's point or else without R, the moving block's residual has fallen and the held
        error is at most `DRIFT` above the smallest one so far. The next iteration begins with twice the fraction of
        Cauchy's step that succeeded.
    refresh : int
        J is computed again every `refresh` iterations, at least 1.
    iterations : int
        Maximum number of iterations, at least 0.
    threshold : float
        Relative error ‖f_l - t_l‖/‖t_l‖ of the last block at which to stop, at least 0.
    on_step : callable, optional
        Receives (iteration, relative error of the last block, x) at every iterate, including the start. An
        exception that it raises is passed on.

    Returns
    -------
    FlowResult
        See `iteration.Watch.end`. With status `diverged`, x is the last iterate before.

    Raises
    ------
    InputError
        If a number is out of range, or the targets do not fit the features.
    """
    validation.integer_in_range(refresh, "refresh", 1, np.inf)
    goal = set_goal(feature_map, targets, live, iterations, threshold, on_step)
    start = goal.slices[-1].start
    held = _HeldBlocks(feature_map.prefix(len(goal.slices) - 1), goal, start) if start else None
    descent = _Descent(goal, learning_rate)
    rows: Floats = np.empty((0, np.size(x)))
    smallest = np.inf

    def find_ends(y: Floats) -> Iterator[tuple[Floats, Floats]]:
        """Yield the points at which a step to y may end, best first, and the features there."""
        f = feature_map.values(y)
        for after, features in [(y, f)] if held is None else [held.retract(feature_map, y, f), (y, f)]:
            if held is None or learning_rate is not None or held.error(features) <= smallest + DRIFT:
                yield after, features

    def move(step: int, x: Floats, at: Linearization) -> Floats | None:
        nonlocal rows, smallest
        if held is not None and step % refresh == 0:
            rows = held.refresh(x)
        if held is not None and step == 0 and held.error(at.values) > ROUNDING:
            retracted, _ = held.retract(feature_map, x, at.values)
            if retracted is not x:
                return retracted
        smallest = smallest if held is None else min(smallest, held.error(at.values))
        return descent.next(x, at, rows, find_ends)

    return iterate(feature_map, x, goal, move)


def descend_loss_projected(
    feature_map: FeatureMap,
    x: Floats,
    targets: Floats,
    *,
    live: Mask | None = None,
    learning_rate: float | None = None,
    iterations: int = 1000,
    threshold: float = 0.01,
    on_step: OnIteration | None = None,
) -> FlowResult:
    """Descend ‖f_l - t_l‖² of the last block at right angles to the gradients of the held blocks' losses ‖f_j - t_j‖².

    An iteration is x ← x - η Q ∇‖f_l - t_l‖², where Q projects on what is orthogonal to each
    g_j = ∇‖f_j - t_j‖² = 2 J_jᵀ(f_j - t_j). A held block of n_j features thus takes away one direction, where
    `descend_projected` takes away n_j. This has two faults:

    - At the reference, g_j = 0. There is nothing to project on, and the step is that of a descent that holds nothing.
      Close to the reference, the direction of g_j is that of the error that happens to be left, down to rounding.
    - Away from it, the loss does not change to first order, but its features do. Where they are linear, each step h
      *raises* the loss, by exactly ‖J_j h‖², since h is at right angles to g_j. What has drifted does not come back.

    Shorter steps drift less, about in proportion: the drift turns g_j to the direction in which it holds best. But some
    drift is needed for that, and more steps.

    The function is here for comparison. An iteration costs a forward pass, a VJP per block, and with Cauchy's step a
    JVP; each step that is tried costs a forward pass.

    Parameters
    ----------
    feature_map : FeatureMap
        The features.
    x : ndarray
        Where to begin, of any shape that the map accepts. It moves in float64.
    targets : ndarray, shape (n,)
        The targets t; those of the last block are not all 0.
    live : ndarray of bool, shape (n,), optional
        The channels that count. Default: all.
    learning_rate : float, optional
        η, for the sum of squares, above 0. Default: Cauchy's step as in `descend_projected`, except that the held error
        does not limit its length.
    iterations : int
        Maximum number of iterations, at least 0.
    threshold : float
        Relative error ‖f_l - t_l‖/‖t_l‖ of the last block at which to stop, at least 0.
    on_step : callable, optional
        Receives (iteration, relative error of the last block, x) at every iterate, including the start. An
        exception that it raises is passed on.

    Returns
    -------
    FlowResult
        See `iteration.Watch.end`. With status `diverged`, x is the last iterate before.

    Raises
    ------
    InputError
        If a number is out of range, or the targets do not fit the features.
    """
    goal = set_goal(feature_map, targets, live, iterations, threshold, on_step)
    descent = _Descent(goal, learning_rate)

    def move(step: int, x: Floats, at: Linearization) -> Floats | None:
        return descent.next(x, at, _loss_gradients(goal, at, x.size), lambda y: iter([(y, feature_map.values(y))]))

    return iterate(feature_map, x, goal, move)


def _loss_gradients(goal: Goal, at: Linearization, size: int) -> Floats:
    """Return the gradients of the held losses, (k, size), scaled to length 1, without those that vanish."""
    missing = goal.live * (at.values - goal.targets)
    rows = []
    for block in goal.slices[:-1]:
        weights = np.zeros_like(missing)
        weights[block] = missing[block]
        row = np.ravel(at.vjp(weights)).astype(np.float64)
        if (length := np.linalg.norm(row)) > 0:
            rows.append(row / length)
    return np.reshape(rows, (len(rows), size))


@dataclass
class _Descent:
    """Steps that reduce ‖f_l - t_l‖² of the last block, at right angles to given rows.

    Parameters
    ----------
    goal : Goal
        What the run is for.
    learning_rate : float or None
        Of the gradient of the sum of squares; None is Cauchy's step, halved until it succeeds.
    fraction : float
        The fraction of Cauchy's step that succeeded last, in (0, 1].
    """

    goal: Goal
    learning_rate: float | None
    fraction: float = 1.0

    def __post_init__(self) -> None:
        if self.learning_rate is not None:
            validation.in_range(self.learning_rate, "learning rate", 0, np.inf, low_open=True)
        self.moving = self.goal.live & (np.arange(len(self.goal.live)) >= self.goal.slices[-1].start)

    def next(
        self,
        x: Floats,
        at: Linearization,
        rows: Floats,
        find_ends: Callable[[Floats], Iterator[tuple[Floats, Floats]]],
    ) -> Floats | None:
        """Return the next point, or None if there is no way down.

        Parameters
        ----------
        x : ndarray
            The latest point.
        at : Linearization
            The features there.
        rows : ndarray, shape (k, x.size)
            Directions of length 1 to which the step is orthogonal.
        find_ends : callable
            Maps y to the points at which a step to y may end, best first, with the features there.
        """
        residual = self.moving * (at.values - self.goal.targets)
        gradient = at.vjp(residual)
        direction = -to_tangent(rows, to_tangent(rows, gradient))  # twice, because of rounding
        if np.linalg.norm(direction) <= 1e-10 * np.linalg.norm(gradient):
            return None
        if self.learning_rate is not None:
            return next(find_ends(x + 2 * self.learning_rate * direction))[0]
        rate = self.moving * at.jvp(direction)
        cauchy = -(residual @ rate) / (rate @ rate)
        for fraction in min(1.0, 2 * self.fraction) * 0.5 ** np.arange(HALVINGS + 1):
            for after, f in find_ends(x + fraction * cauchy * direction):
                if np.linalg.norm(self.moving * (f - self.goal.targets)) < np.linalg.norm(residual):
                    self.fraction = fraction
                    return after
        return None


class _HeldBlocks:
    """The blocks before the moving one: their Jacobian's live rows, and the way back to their targets."""

    def __init__(self, feature_map: FeatureMap, goal: Goal, size: int):
        self.map, self.live = feature_map, goal.live[:size]
        self.targets, self.weights = goal.targets[:size], goal.weights[:size]

    def refresh(self, x: Floats) -> Floats:
        """Compute the live rows at x, scaled to length 1, and return them."""
        rows = self.map.linearize(x).jacobian(self.live)[self.live].astype(np.float64)
        self.lengths = np.maximum(np.linalg.norm(rows, axis=1), np.finfo(float).tiny)
        self.rows = rows / self.lengths[:, None]
        return self.rows

    def error(self, f: Floats) -> float:
        """Return the held error, the root of Σ ‖f_j - t_j‖²/‖t_j‖²."""
        return float(np.sqrt(self.weights @ (f[: len(self.targets)] - self.targets) ** 2))

    def retract(self, feature_map: FeatureMap, y: Floats, f: Floats) -> tuple[Floats, Floats]:
        """Return the point R(y) and its features, or y and f themselves if it would raise the held error."""
        missing = (self.targets - f[: len(self.targets)])[self.live] / self.lengths
        if not np.isfinite(missing).all():
            return y, f
        step = np.linalg.lstsq(self.rows @ self.rows.T, missing, rcond=RETRACTION)[0] @ self.rows
        after = y + step.reshape(y.shape)
        features = feature_map.values(after)
        return (after, features) if self.error(features) <= self.error(f) else (y, f)
