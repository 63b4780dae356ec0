"""Other ways to the same targets, to compare the horizontal lift with: the thesis's own and the obvious one.

`descend` is a leg of the thesis's annex A, `projected` what its text describes, done right, and `direct` L-BFGS on
all blocks at once, without normalization. What they have in common:

- `feature_map` : any `FeatureMap`; `x` : the start, of any shape that the map takes; it moves in float64.
- `targets` : t, shape (n,), not all 0 over the watched block; `live` : bool, shape (n,): the channels that
  count (default: all). The watched block is the last one (`direct`: each).
- `iterations` : at most so many; `threshold` : the watched block's ‖f - t‖/‖t‖ at which to stop. `on_step`
  hears (iteration, that error) at every iterate, the start included; what it raises passes on.
- The result's `progress` is the share of the first error that is gone, 1 when reached; its status `reached`,
  `max_steps`, `stalled` (no way down) or `diverged` (x is then the point before).
- `InputError` is raised for an unknown name, a number out of range, or targets that do not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from . import checks
from .features import FeatureMap, Linearization, block_slices
from .flow import FlowResult, Status
from .lift import to_tangent
from .metrics import relative_error

OPTIMIZERS = ("Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "RMSprop", "SGD")  # of Keras
ANNEX_THRESHOLDS = {1: 1.0, 2: 0.05, 3: None}
"""The annex's stop rules by step: the moving block's mean squared error, in squared units of the features."""
HALVINGS = 12
ROUNDING = 1e-6  # of a held error: not worth an iteration
DRIFT = 0.01  # held error that Cauchy's halved step may end at
RETRACTION = 1e-10  # of the largest eigenvalue: weaker directions are left where they are
DIVERGED = 1e3  # growth of the relative error, counted from 0.1 % at least

Listener = Callable[[int, float], None]


def descend(
    feature_map: FeatureMap,
    x: np.ndarray,
    targets: np.ndarray,
    *,
    live: np.ndarray | None = None,
    optimizer: str = "SGD",
    learning_rate: float = 5e-4,
    iterations: int = 50_000,
    threshold: float | None = 0.01,
    absolute: bool = False,
    on_step: Listener | None = None,
) -> FlowResult:
    """Descends Σ_j mean((f_j - t_j)²) over all blocks with a fresh Keras optimizer, one of `OPTIMIZERS`.

    The mean is over a block's channels, as in the annex's code (the text has a sum). A dead channel's term
    is 0 and counts in the mean: a learning rate means the same with and without a mask. `absolute` : the
    threshold is one on the last block's mean; None for none. A forward pass and a VJP an iteration.
    """
    checks.choice(optimizer, OPTIMIZERS, "optimizer")
    checks.in_range(learning_rate, "learning rate", 0, np.inf, low_open=True)
    goal = _Goal(feature_map, targets, live, iterations, threshold, on_step, absolute)
    weights = goal.live / np.concatenate([np.full(block.size, block.size) for block in feature_map.blocks])
    update = _optimizer(optimizer, learning_rate, x)

    def move(step: int, x: np.ndarray, at: Linearization) -> np.ndarray | None:
        gradient = at.vjp(2 * weights * (at.values - goal.targets))
        return update(gradient) if gradient.any() else None

    return _follow(feature_map, x, goal, move)


def projected(
    feature_map: FeatureMap,
    x: np.ndarray,
    targets: np.ndarray,
    *,
    live: np.ndarray | None = None,
    learning_rate: float | None = None,
    refresh: int = 1,
    iterations: int = 1000,
    threshold: float = 0.01,
    on_step: Listener | None = None,
) -> FlowResult:
    """Descends ‖f_l - t_l‖² of the last block along P_{l-1}, and keeps the other blocks' live features at their t.

    x <- R(x - η P ∇‖f_l - t_l‖²), P = I - Jᵀ(JJᵀ)⁻¹J, J the held Jacobian, renewed each `refresh` iterations. (The
    thesis projects on the held *loss*, whose gradient vanishes at the reference.) A step h long lets held features
    drift by O(h²); the retraction R(y) = y + J⁺(t_held - f_held(y)), one least-norm Newton step by the same J, takes it
    back to O(h³). It is kept if it does not raise the held error, the root of Σ ‖f_j - t_j‖²/‖t_j‖² over held blocks.

    `learning_rate` : η, for the sum of squares, as it is. None starts from Cauchy's step, the least linearized
    residual along the line, halved until, at R's point or else without R, the moving block's residual has fallen and
    the held error is at most `DRIFT` above its least so far; the next iteration starts with twice the share of
    Cauchy's step that did. A start that is not at the held targets is retracted first, as an iteration of its own;
    from there on the residual falls at every iteration, and the held error grows by `DRIFT` at most.

    Passes: forward, VJP, and JVP for Cauchy, an iteration; for each step tried a forward, and one more for R if
    anything is held; forward and held Jacobian rows a refresh.
    """
    checks.in_range(1 if learning_rate is None else learning_rate, "learning rate", 0, np.inf, low_open=True)
    checks.in_range(refresh, "refresh", 1, np.inf, integer=True)
    goal = _Goal(feature_map, targets, live, iterations, threshold, on_step)
    start = goal.slices[-1].start
    held = _Held(feature_map.prefix(len(goal.slices) - 1), goal, start) if start else None
    moving = goal.live & (np.arange(len(goal.live)) >= start)
    rows, scale, least = np.empty((0, np.size(x))), 1.0, np.inf

    def arrive(y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Where a step to y may end, best first, and the features there."""
        f = feature_map.values(y)
        return [(y, f)] if held is None else [held.retract(feature_map, y, f), (y, f)]

    def move(step: int, x: np.ndarray, at: Linearization) -> np.ndarray | None:
        nonlocal rows, scale, least
        if held is not None and step % refresh == 0:
            rows = held.renew(x)
        if held is not None and step == 0 and held.error(at.values) > ROUNDING:
            retracted, _ = held.retract(feature_map, x, at.values)
            if retracted is not x:
                return retracted
        least = least if held is None else min(least, held.error(at.values))
        residual = moving * (at.values - goal.targets)
        gradient = at.vjp(residual)
        direction = -to_tangent(rows, to_tangent(rows, gradient))  # rows of length 1, and twice: rounding
        if np.linalg.norm(direction) <= 1e-10 * np.linalg.norm(gradient):
            return None
        if learning_rate is not None:
            return arrive(x + 2 * learning_rate * direction)[0][0]
        rate = moving * at.jvp(direction)
        cauchy = -(residual @ rate) / (rate @ rate)
        for trial in min(1.0, 2 * scale) * 0.5 ** np.arange(HALVINGS + 1):
            for after, f in arrive(x + trial * cauchy * direction):
                holds = held is None or held.error(f) <= least + DRIFT
                if holds and np.linalg.norm(moving * (f - goal.targets)) < np.linalg.norm(residual):
                    scale = trial
                    return after
        return None

    return _follow(feature_map, x, goal, move)


def direct(
    feature_map: FeatureMap,
    x: np.ndarray,
    targets: np.ndarray,
    *,
    live: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    iterations: int = 500,
    threshold: float = 0.01,
    on_step: Listener | None = None,
) -> FlowResult:
    """Minimizes Σ_l ‖f_l - t_l‖²/‖t_l‖² over all blocks at once by SciPy's L-BFGS-B, without bounds.

    `weights` : (n,), of the squares, where they are not to be 1/‖t_l‖². It stops when every block is at `threshold`;
    `on_step` hears the worst error. A forward pass and a VJP an evaluation, mostly one evaluation an iteration; one
    forward pass more at the start.
    """
    goal = _Goal(feature_map, targets, live, iterations, threshold, on_step, every_block=True)
    weights = goal.weights if weights is None else np.where(goal.live, weights, 0.0)
    x = np.array(x, dtype=np.float64)
    shape, steps, latest = x.shape, 0, feature_map.values(x)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal latest
        at = feature_map.linearize(flat.reshape(shape))
        latest = at.values
        residual = latest - goal.targets
        return float(weights @ residual**2), at.vjp(2 * weights * residual).ravel()

    def accept(intermediate_result: OptimizeResult) -> None:  # SciPy goes by the argument's name
        nonlocal x, steps, status
        x, steps = intermediate_result.x.reshape(shape).copy(), steps + 1
        status = goal.judge(steps, latest)  # an accepted point is the one last evaluated
        if status is not None:
            raise StopIteration

    status = goal.judge(0, latest)
    if status is None:
        limits = {"maxiter": goal.iterations, "maxfun": 20 * goal.iterations, "ftol": 0.0, "gtol": 0.0}
        found = minimize(loss, x.ravel(), jac=True, method="L-BFGS-B", callback=accept, options=limits)
        status = status or ("max_steps" if found.status == 1 else "stalled")
    return goal.end(x, steps, status)


@dataclass
class _Goal:
    """The targets of a run and the judgement on each of its iterates."""

    feature_map: FeatureMap
    targets: np.ndarray
    live: np.ndarray | None
    iterations: int
    threshold: float | None
    on_step: Listener | None
    absolute: bool = False
    every_block: bool = False

    def __post_init__(self) -> None:
        self.slices = list(block_slices(self.feature_map.blocks).values())
        self.watched = self.slices if self.every_block else self.slices[-1:]
        self.targets = np.asarray(self.targets, dtype=np.float64)
        self.live = np.ones(self.targets.shape, bool) if self.live is None else np.asarray(self.live, bool)
        checks.in_range(self.iterations, "iterations", 0, np.inf, integer=True)
        checks.in_range(0 if self.threshold is None else self.threshold, "threshold", 0, np.inf)
        size = (self.slices[-1].stop,)
        odd = not self.targets.shape == self.live.shape == size
        if odd or any(self.live[s].any() > (self.live * self.targets)[s].any() for s in self.watched):
            accepted = f"shape {size}, as the mask; not all 0 in a block that moves"
            raise checks.problem("targets", "do not fit the features", self.targets, accepted, "change them")

    @property
    def weights(self) -> np.ndarray:
        """1/‖t_l‖² on the live features of block l, 1 where t_l is 0."""
        return np.concatenate([self.live[s] / (self.targets[s] ** 2 @ self.live[s] or 1) for s in self.slices])

    def judge(self, step: int, f: np.ndarray) -> Status | None:
        """Tell the error at an iterate; return how the run ends there, or None to go on."""
        with np.errstate(over="ignore", invalid="ignore"):
            errors = [relative_error(f[s], self.targets[s], self.live[s]) for s in self.watched]
            mse = np.mean(np.square(self.live * (f - self.targets))[self.slices[-1]])
        self.error = float(np.max(errors))
        self.first = self.first if step else self.error
        if self.on_step is not None:
            self.on_step(step, self.error)
        if not np.isfinite(self.error) or self.error > DIVERGED * max(self.first, 1e-3):
            return "diverged"
        if self.threshold is not None and (mse if self.absolute else self.error) <= self.threshold:
            return "reached"
        return "max_steps" if step >= self.iterations else None

    def end(self, x: np.ndarray, steps: int, status: Status) -> FlowResult:
        gone = 1 - self.error / self.first if np.isfinite(self.error) and self.first > 0 else 0.0
        progress = 1.0 if status == "reached" else max(gone, 0.0)
        return FlowResult(x, progress, steps, status, f"{steps} iterations, relative error {self.error:.3g}")


class _Held:
    """The blocks before the moving one: their Jacobian's live rows, and the way back to their targets."""

    def __init__(self, feature_map: FeatureMap, goal: _Goal, size: int):
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


def _follow(feature_map: FeatureMap, x: np.ndarray, goal: _Goal, move: Callable) -> FlowResult:
    """Repeats x <- move(step, x, linearization) until the goal says how it ends; None is a stall."""
    x = before = np.array(x, dtype=np.float64)
    for step in count():
        if not np.isfinite(x).all():
            break
        at = feature_map.linearize(x)
        if (status := goal.judge(step, at.values)) == "diverged":
            break
        after = None if status else move(step, x, at)
        if after is None:
            return goal.end(x, step, status or "stalled")
        before, x = x, after
    return goal.end(before, max(step - 1, 0), "diverged")


def _optimizer(name: str, learning_rate: float, x: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """gradient -> the next x, by an optimizer and a compiled step of this run alone."""
    from .backend import tf  # here and not above: the other methods do without it

    variable = tf.Variable(np.asarray(x), dtype=tf.float64)
    optimizer = getattr(tf.keras.optimizers, name)(learning_rate=float(learning_rate))
    optimizer.build([variable])

    @tf.function(input_signature=[tf.TensorSpec(variable.shape, tf.float64)])
    def update(gradient: tf.Tensor) -> tf.Tensor:
        optimizer.apply([gradient], [variable])
        return variable.read_value()

    return lambda gradient: update(tf.constant(gradient, dtype=tf.float64)).numpy()
