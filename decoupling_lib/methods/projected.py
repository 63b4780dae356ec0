"""Descent of one block's loss that is to leave the blocks before it alone: Gram–Schmidt with features, and with losses.

The thesis's text wants the moving layer's gradient "projected on layer 1 so as not to change its MSE", and names
Gram–Schmidt as future work. `projected` takes the held *features'* gradients for that, `descend_loss_projected` the held
*losses'*, to the letter. Arguments, results and errors that they share: see `goals`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..common import validation
from ..engine.features import FeatureMap, Linearization
from ..engine.lift import to_tangent
from ..engine.ode import FlowResult
from .iteration import Goal, OnIteration, iterate, set_goal

HALVINGS = 12
ROUNDING = 1e-6  # of a held error: not worth an iteration
DRIFT = 0.01  # held error that Cauchy's halved step may end at
RETRACTION = 1e-10  # of the largest eigenvalue: weaker directions are left where they are


def descend_projected(
    feature_map: FeatureMap,
    x: np.ndarray,
    targets: np.ndarray,
    *,
    live: np.ndarray | None = None,
    learning_rate: float | None = None,
    refresh: int = 1,
    iterations: int = 1000,
    threshold: float = 0.01,
    on_step: OnIteration | None = None,
) -> FlowResult:
    """Descends ‖f_l - t_l‖² of the last block along P_{l-1}, and keeps the other blocks' live features at their t.

    x <- R(x - η P ∇‖f_l - t_l‖²), P = I - Jᵀ(JJᵀ)⁻¹J, J the held Jacobian, renewed each `refresh` iterations. A step
    h long lets held features drift by O(h²); the retraction R(y) = y + J⁺(t_held - f_held(y)), one least-norm Newton
    step by the same J, takes it back to O(h³). It is kept if it does not raise the held error, the root of
    Σ ‖f_j - t_j‖²/‖t_j‖² over held blocks.

    `learning_rate` : η, for the sum of squares, as it is. None starts from Cauchy's step, the least linearized
    residual along the line, halved until, at R's point or else without R, the moving block's residual has fallen and
    the held error is at most `DRIFT` above its least so far; the next iteration starts with twice the share of
    Cauchy's step that did. A start that is not at the held targets is retracted first, as an iteration of its own;
    from there on the residual falls at every iteration, and the held error grows by `DRIFT` at most.

    Passes: forward, VJP, and JVP for Cauchy, an iteration; for each step tried a forward, and one more for R if
    anything is held; forward and held Jacobian rows a refresh.
    """
    validation.integer_in_range(refresh, "refresh", 1, np.inf)
    goal = set_goal(feature_map, targets, live, iterations, threshold, on_step)
    start = goal.slices[-1].start
    held = _Held(feature_map.prefix(len(goal.slices) - 1), goal, start) if start else None
    descent = _Descent(goal, learning_rate)
    rows, least = np.empty((0, np.size(x))), np.inf

    def ends(y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Where a step to y may end, best first, and the features there."""
        f = feature_map.values(y)
        for after, features in [(y, f)] if held is None else [held.retract(feature_map, y, f), (y, f)]:
            if held is None or learning_rate is not None or held.error(features) <= least + DRIFT:
                yield after, features

    def move(step: int, x: np.ndarray, at: Linearization) -> np.ndarray | None:
        nonlocal rows, least
        if held is not None and step % refresh == 0:
            rows = held.renew(x)
        if held is not None and step == 0 and held.error(at.values) > ROUNDING:
            retracted, _ = held.retract(feature_map, x, at.values)
            if retracted is not x:
                return retracted
        least = least if held is None else min(least, held.error(at.values))
        return descent.next(x, at, rows, ends)

    return iterate(feature_map, x, goal, move)


def descend_loss_projected(
    feature_map: FeatureMap,
    x: np.ndarray,
    targets: np.ndarray,
    *,
    live: np.ndarray | None = None,
    learning_rate: float | None = None,
    iterations: int = 1000,
    threshold: float = 0.01,
    on_step: OnIteration | None = None,
) -> FlowResult:
    """Descends ‖f_l - t_l‖² of the last block at right angles to the gradients of the held blocks' losses ‖f_j - t_j‖².

    x <- x - η Q ∇‖f_l - t_l‖², Q the projection on what is orthogonal to each g_j = ∇‖f_j - t_j‖² = 2 J_jᵀ(f_j - t_j):
    a block of n_j features takes one direction away, `projected` takes n_j. Two faults come of that:

    - At the reference g_j = 0. There is nothing to project on, and the step is that of descent that holds nothing.
      Close to it g_j points where the error that happens to be left does, down to rounding.
    - Away from it the loss does not change to first order, but its features do, and where they are linear each step h
      *raises* the loss, by ‖J_j h‖² exactly: h is at right angles to g_j. What drifted does not come back.

    Short steps drift less, about in proportion: what has drifted turns g_j to where it holds best. It has to drift for
    that, and short steps are many.

    Here to be compared with; `learning_rate` as in `projected`, but held features have no say in the length of a step.
    Passes: forward, a VJP a block, and JVP for Cauchy, an iteration; a forward for each step tried.
    """
    goal = set_goal(feature_map, targets, live, iterations, threshold, on_step)
    descent = _Descent(goal, learning_rate)

    def move(step: int, x: np.ndarray, at: Linearization) -> np.ndarray | None:
        return descent.next(x, at, _loss_gradients(goal, at, x.size), lambda y: iter([(y, feature_map.values(y))]))

    return iterate(feature_map, x, goal, move)


def _loss_gradients(goal: Goal, at: Linearization, size: int) -> np.ndarray:
    """The held losses' gradients, (k, size), scaled to length 1; those that vanish are left out."""
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
    """Steps down ‖f_l - t_l‖² of the last block, at right angles to given rows.

    `learning_rate` : of the gradient of the sum of squares; None is Cauchy's step, halved until it is good.
    `share` : of Cauchy's step, the last that was.
    """

    goal: Goal
    learning_rate: float | None
    share: float = 1.0

    def __post_init__(self) -> None:
        if self.learning_rate is not None:
            validation.in_range(self.learning_rate, "learning rate", 0, np.inf, low_open=True)
        self.moving = self.goal.live & (np.arange(len(self.goal.live)) >= self.goal.slices[-1].start)

    def next(
        self,
        x: np.ndarray,
        at: Linearization,
        rows: np.ndarray,
        ends: Callable[[np.ndarray], Iterator[tuple[np.ndarray, np.ndarray]]],
    ) -> np.ndarray | None:
        """The next point; None if there is no way down.

        `rows` : (k, x.size), each of length 1. `ends` : where a step to y may end, best first, with the features there.
        """
        residual = self.moving * (at.values - self.goal.targets)
        gradient = at.vjp(residual)
        direction = -to_tangent(rows, to_tangent(rows, gradient))  # twice: rounding
        if np.linalg.norm(direction) <= 1e-10 * np.linalg.norm(gradient):
            return None
        if self.learning_rate is not None:
            return next(ends(x + 2 * self.learning_rate * direction))[0]
        rate = self.moving * at.jvp(direction)
        cauchy = -(residual @ rate) / (rate @ rate)
        for share in min(1.0, 2 * self.share) * 0.5 ** np.arange(HALVINGS + 1):
            for after, f in ends(x + share * cauchy * direction):
                if np.linalg.norm(self.moving * (f - self.goal.targets)) < np.linalg.norm(residual):
                    self.share = share
                    return after
        return None


class _Held:
    """The blocks before the moving one: their Jacobian's live rows, and the way back to their targets."""

    def __init__(self, feature_map: FeatureMap, goal: Goal, size: int):
        self.map, self.live = feature_map, goal.live[:size]
        self.targets, self.weights = goal.targets[:size], goal.weights[:size]

    def renew(self, x: np.ndarray) -> np.ndarray:
        """Return the live rows at x, scaled to length 1."""
        rows = self.map.linearize(x).jacobian(self.live)[self.live].astype(np.float64)
        self.lengths = np.maximum(np.linalg.norm(rows, axis=1), np.finfo(float).tiny)
        self.rows = rows / self.lengths[:, None]
        return self.rows

    def error(self, f: np.ndarray) -> float:
        return float(np.sqrt(self.weights @ (f[: len(self.targets)] - self.targets) ** 2))

    def retract(self, feature_map: FeatureMap, y: np.ndarray, f: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the point R(y) and its features, or y and f themselves if it would raise the held error."""
        missing = (self.targets - f[: len(self.targets)])[self.live] / self.lengths
        if not np.isfinite(missing).all():
            return y, f
        step = np.linalg.lstsq(self.rows @ self.rows.T, missing, rcond=RETRACTION)[0] @ self.rows
        after = y + step.reshape(y.shape)
        features = feature_map.values(after)
        return (after, features) if self.error(features) <= self.error(f) else (y, f)
