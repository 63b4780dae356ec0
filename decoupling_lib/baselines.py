"""Other ways to the same targets, to compare the horizontal lift with: the thesis's own and the obvious one.

`annex` (stages of `descend`) is annex A of the thesis, `projected` what its text describes, done right, and `direct`
L-BFGS on all blocks at once, without normalization. All see features only as a `FeatureMap` with n values. In common:

- `x` : the start, of any shape that the map takes; it moves in float64.
- `targets` : t, shape (n,), not all 0 over a watched block's live channels; `live` : bool, shape (n,): the channels
  that count (default: all). The watched block is the last one (`direct`: each).
- `iterations` : at most so many; `threshold` : ‖f - t‖/‖t‖ of the watched block at which to stop.
- `on_step(iteration, error)` hears that relative error at every iterate, the start included; what it raises
  (KeyboardInterrupt) passes through.
- The result is a `FlowResult`; its `progress` is the share of the first relative error that is gone (1 when reached),
  its status `reached`, `max_steps`, `stalled` (no direction of descent is left) or `diverged` (x is then the last
  point before). Every function raises `InputError` for a number out of range or targets that do not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Literal

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from . import checks
from .features import FeatureMap, Linearization, block_slices
from .flow import FlowResult, Status
from .metrics import relative_error

OPTIMIZERS = ("Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "RMSprop", "SGD")
"""The optimizers that the thesis compared, by their names in Keras."""
ANNEX_THRESHOLDS = {1: 1.0, 2: 0.05, 3: None}
"""The annex's stop rules by step: the moving block's mean squared error, in squared units of the features."""
DIVERGED = 1e3
"""A descent diverged when its relative error grew so many times, counted from 0.1 % at least."""

Listener = Callable[[int, float], None]


@dataclass(frozen=True)
class AnnexOptions:
    """How the annex's descent is run; the defaults repair what in the annex is a slip.

    Parameters
    ----------
    optimizer, learning_rate, iterations : of each stage; the annex's (chapter 3 of the thesis has a rate of 1e-4).
        Every stage has a fresh optimizer: the annex carries its state over to the next stage and the next image.
    threshold : a stage ends when the moving block's ‖f - t‖/‖t‖ over live channels is at most this.
    absolute_thresholds : True for the annex's `ANNEX_THRESHOLDS` instead: another in each step, none in Step 3.
    step3_targets : 'decoupled' moves f_l to c_l with the lower blocks at their reference v, as they were when c_l
        was measured. 'annex' asks blocks 1..l for c all at once, which is another point of the image space.
    """

    optimizer: str = "SGD"
    learning_rate: float = 5e-4
    iterations: int = 50_000
    threshold: float = 0.01
    absolute_thresholds: bool = False
    step3_targets: Literal["decoupled", "annex"] = "decoupled"


AS_ANNEX = AnnexOptions(absolute_thresholds=True, step3_targets="annex")


@dataclass(frozen=True, eq=False)
class AnnexStage:
    """A finished stage: the layer that moved, its features where the stage began (in Step 1: c_l), the result."""

    layer: str
    began: np.ndarray
    result: FlowResult


def annex(
    feature_map: FeatureMap,
    x: np.ndarray,
    reference: np.ndarray,
    style: np.ndarray | None = None,
    options: AnnexOptions = AnnexOptions(),  # noqa: B008 - frozen
    *,
    step: Literal[1, 2, 3],
    live: np.ndarray | None = None,
    on_step: Callable[[str, int, float], None] | None = None,
) -> Iterator[AnnexStage]:
    """Runs a step of annex A, yielding its stages; one that diverged is the last.

    Steps 1 and 2, shallowest block first: stage l descends Σ_{j≤l} mean((f_j - v_j)²). Step 3, deepest first: the same
    sum with the targets of `options.step3_targets`; blocks above l are no longer asked for anything. The annex takes
    the gradient of a *list* of losses, which is that of their sum, so nothing is projected. It measures a style up to
    199 iterations late; here it is measured where the stage begins.

    Parameters
    ----------
    reference, style : v and, for Step 3, c; shape (n,).
    on_step : called with (layer, iteration, relative error).
    """
    checks.choice(options.step3_targets, ("decoupled", "annex"), "targets of Step 3")
    stages = list(enumerate(block_slices(feature_map.blocks).items(), start=1))
    for depth, (layer, block) in stages if step < 3 else reversed(stages):
        targets = np.array(reference[: block.stop], dtype=np.float64)
        if step == 3:
            changed = slice(block.stop) if options.step3_targets == "annex" else block
            targets[changed] = np.asarray(style)[changed]
        shallow = feature_map.prefix(depth)
        began = shallow.values(x)[block]
        result = descend(
            shallow,
            x,
            targets,
            live=None if live is None else live[: block.stop],
            optimizer=options.optimizer,
            learning_rate=options.learning_rate,
            iterations=options.iterations,
            threshold=None if options.absolute_thresholds else options.threshold,
            mse_threshold=ANNEX_THRESHOLDS[step] if options.absolute_thresholds else None,
            on_step=None if on_step is None else partial(on_step, layer),
        )
        x = result.x
        yield AnnexStage(layer, began, result)
        if result.status == "diverged":
            return


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
    mse_threshold: float | None = None,
    on_step: Listener | None = None,
) -> FlowResult:
    """Descends Σ_j mean((f_j - t_j)²) over all blocks with a fresh Keras optimizer; a forward pass and a VJP a step.

    The mean is over a block's channels, as in the annex's code (the thesis's text has a sum). A dead channel's term
    is 0 and counts in the mean, so that a learning rate means the same with and without a mask.

    `optimizer` is a name in `OPTIMIZERS`. `mse_threshold` : also stop when the last block's mean is below this;
    either threshold may be None.
    """
    checks.choice(optimizer, OPTIMIZERS, "optimizer")
    checks.in_range(learning_rate, "learning rate", 0, np.inf, low_open=True)
    goal = _Goal(feature_map, targets, live, iterations, threshold, on_step, mse_threshold=mse_threshold)
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
    """Descends ‖f_l - t_l‖² of the last block along P_{l-1}, which holds the live features of the blocks before it.

    x <- x - η P ∇‖f_l - t_l‖², P = I - Jᵀ(J Jᵀ)⁻¹J, J the held blocks' Jacobian. (The thesis projects on the gradient
    of the held block's *loss*, which vanishes at the reference, where it is needed.) A step of length h lets the held
    features drift by O(h²), uncorrected. An iteration costs a forward pass and a VJP, a JVP for Cauchy's step, and
    where P is renewed a forward pass and a Jacobian row (8 bytes x its values) for each channel of the held blocks.

    `learning_rate` : η, for the sum of squares; None for Cauchy's step, the least residual of the linearization along
    the direction. `refresh` : iterations from one P to the next. Of `targets` only the last block's are used.
    """
    if learning_rate is not None:
        checks.in_range(learning_rate, "learning rate", 0, np.inf, low_open=True)
    checks.in_range(refresh, "refresh", 1, np.inf, integer=True)
    goal = _Goal(feature_map, targets, live, iterations, threshold, on_step)
    moving = goal.slices[-1]
    held = feature_map.prefix(len(goal.slices) - 1) if moving.start else None
    mask = goal.live & (np.arange(len(goal.live)) >= moving.start)
    project: Callable[[np.ndarray], np.ndarray] = np.copy

    def move(step: int, x: np.ndarray, at: Linearization) -> np.ndarray | None:
        nonlocal project
        if held is not None and step % refresh == 0:
            project = _projection(held.linearize(x).jacobian()[goal.live[: moving.start]])
        residual = mask * (at.values - goal.targets)
        gradient = at.vjp(residual)
        direction = -project(gradient)
        if np.linalg.norm(direction) <= 1e-10 * np.linalg.norm(gradient):
            return None
        if learning_rate is not None:
            return x + 2 * learning_rate * direction
        rate = mask * at.jvp(direction)
        return x - (residual @ rate) / (rate @ rate) * direction

    return _follow(feature_map, x, goal, move)


def direct(
    feature_map: FeatureMap,
    x: np.ndarray,
    targets: np.ndarray,
    *,
    live: np.ndarray | None = None,
    iterations: int = 500,
    threshold: float = 0.01,
    on_step: Listener | None = None,
) -> FlowResult:
    """Minimizes Σ_l ‖f_l - t_l‖²/‖t_l‖² over all blocks at once by SciPy's L-BFGS-B (without bounds).

    It stops when every block is at its `threshold`. A forward pass and a VJP an evaluation, mostly one an iteration.
    """
    goal = _Goal(feature_map, targets, live, iterations, threshold, on_step, every_block=True)
    squares = goal.live * goal.targets**2
    weights = np.concatenate([goal.live[s] / (squares[s].sum() or 1.0) for s in goal.slices])
    x = np.array(x, dtype=np.float64)
    shape, steps, latest = x.shape, 0, feature_map.values(x)
    status = goal.judge(0, latest)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal latest
        at = feature_map.linearize(flat.reshape(shape))
        latest = at.values
        residual = latest - goal.targets
        return float(weights @ residual**2), at.vjp(2 * weights * residual).ravel()

    def accept(intermediate_result: OptimizeResult) -> None:  # SciPy goes by the argument's name
        nonlocal x, steps, status  # an accepted point is the one last evaluated
        x, steps = intermediate_result.x.reshape(shape).copy(), steps + 1
        status = goal.judge(steps, latest)
        if status is not None:
            raise StopIteration

    if status is None:
        limits = {"maxiter": goal.iterations, "maxfun": 20 * goal.iterations, "ftol": 0.0, "gtol": 0.0}
        found = minimize(loss, x.ravel(), jac=True, method="L-BFGS-B", callback=accept, options=limits)
        if status is None:
            status = "max_steps" if found.status == 1 else "stalled"
    return goal.end(x, steps, status)


class _Goal:
    """The targets of a run and the judgement on each of its iterates."""

    def __init__(
        self,
        feature_map: FeatureMap,
        targets: np.ndarray,
        live: np.ndarray | None,
        iterations: int,
        threshold: float | None,
        on_step: Listener | None,
        *,
        mse_threshold: float | None = None,
        every_block: bool = False,
    ):
        self.slices = list(block_slices(feature_map.blocks).values())
        self.targets = np.asarray(targets, dtype=np.float64)
        self.live = np.ones(len(self.targets), dtype=bool) if live is None else np.asarray(live, dtype=bool)
        self.iterations = int(checks.in_range(iterations, "iterations", 0, np.inf, integer=True))
        self.threshold = None if threshold is None else checks.in_range(threshold, "threshold", 0, np.inf)
        self.mse_threshold, self.on_step = mse_threshold, on_step
        self.watched = self.slices if every_block else self.slices[-1:]
        self.first = self.error = np.nan
        size = (self.slices[-1].stop,)
        if not self.targets.shape == self.live.shape == size:
            raise checks.problem("targets", "do not fit the features", targets, f"shape {size}", "give one each")
        if any(self.live[s].any() and not (self.live * self.targets)[s].any() for s in self.watched):
            accepted = "a number other than 0 in every block that moves"
            raise checks.problem("targets", "are all 0, so no error is relative to them", targets, accepted, "shift f")

    def judge(self, step: int, f: np.ndarray) -> Status | None:
        """Report the error at an iterate; say how the run ends there, or None to go on."""
        with np.errstate(over="ignore", invalid="ignore"):
            self.error = float(np.max([relative_error(f[s], self.targets[s], self.live[s]) for s in self.watched]))
            last = self.slices[-1]
            mse = np.mean((self.live * (f - self.targets))[last] ** 2)
        self.first = self.error if step == 0 else self.first
        if self.on_step is not None:
            self.on_step(step, self.error)
        if not np.isfinite(self.error) or self.error > DIVERGED * max(self.first, 1e-3):
            return "diverged"
        if self.threshold is not None and self.error <= self.threshold:
            return "reached"
        if self.mse_threshold is not None and mse < self.mse_threshold:
            return "reached"
        return "max_steps" if step >= self.iterations else None

    def end(self, x: np.ndarray, steps: int, status: Status) -> FlowResult:
        gone = 1 - self.error / self.first if self.first > 0 and status != "diverged" else 0.0
        progress = 1.0 if status == "reached" else min(max(gone, 0.0), 1.0)
        return FlowResult(x, progress, steps, status, f"{status} after {steps} iterations, {self.error:.3g} left")


Move = Callable[[int, np.ndarray, Linearization], np.ndarray | None]


def _follow(feature_map: FeatureMap, x: np.ndarray, goal: _Goal, move: Move) -> FlowResult:
    """Repeats x <- move(step, x, linearization) until the goal says how it ends; None from `move` is a stall."""
    x = before = np.array(x, dtype=np.float64)
    for step in count():
        if not np.isfinite(x).all():
            return goal.end(before, step - 1, "diverged")
        at = feature_map.linearize(x)
        status = goal.judge(step, at.values)
        if status == "diverged":
            return goal.end(before, max(step - 1, 0), status)
        after = move(step, x, at) if status is None else None
        if after is None:
            return goal.end(x, step, status or "stalled")
        before, x = x, after
    raise AssertionError("counting does not end")


def _optimizer(name: str, learning_rate: float, x: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """gradient -> the next x, by an optimizer and a compiled step of this run alone."""
    import keras  # here and not above: the other two methods do without TensorFlow
    import tensorflow as tf

    variable = tf.Variable(np.asarray(x), dtype=tf.float64)
    optimizer = getattr(keras.optimizers, name)(learning_rate=float(learning_rate))
    optimizer.build([variable])

    @tf.function(input_signature=[tf.TensorSpec(variable.shape, tf.float64)])
    def update(gradient: tf.Tensor) -> tf.Tensor:
        optimizer.apply([gradient], [variable])
        return variable.read_value()

    return lambda gradient: update(tf.constant(gradient, dtype=tf.float64)).numpy()


def _projection(rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """P off the row space of J; rows are brought to length 1, so that a weak channel is held like a strong one."""
    rows = np.asarray(rows, dtype=np.float64)
    lengths = np.linalg.norm(rows, axis=1)
    rows = rows[lengths > 0] / lengths[lengths > 0, None]
    if not len(rows):
        return np.copy
    squares, vectors = np.linalg.eigh(rows @ rows.T)
    kept = squares > squares[-1] * max(rows.shape) * np.finfo(float).eps
    inverse = (vectors[:, kept] / squares[kept]) @ vectors[:, kept].T

    def project(direction: np.ndarray) -> np.ndarray:
        flat = direction.ravel()
        for _ in range(2):  # the second time removes the first one's rounding
            flat = flat - rows.T @ (inverse @ (rows @ flat))
        return flat.reshape(direction.shape)

    return project
