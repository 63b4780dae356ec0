"""Two other ways to the same targets, with which the horizontal lift is compared.

`descend` is a leg of the thesis's annex A. `descend_lbfgs` is the obvious method: L-BFGS on all blocks at once, without
normalization. What the text of the thesis describes is in `projected`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from ..common import validation
from ..common.arrays import Floats, Mask
from ..engine.features import DifferentiableFeatures, FeatureMap, Linearization
from ..engine.ode import FlowResult, Status
from ..networks.keras_settings import keras_settings
from .iteration import Goal, OnIteration, Watch, iterate, set_goal

OPTIMIZERS = ("Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "RMSprop", "SGD")
"""The Keras optimizers that `descend` accepts, by name."""
ANNEX_THRESHOLDS = {1: 1.0, 2: 0.05, 3: None}
"""The annex's stop rules by step: the moving block's mean squared error, in squared units of the features."""


def descend(
    feature_map: FeatureMap,
    x: Floats,
    targets: Floats,
    *,
    live: Mask | None = None,
    optimizer: str = "SGD",
    learning_rate: float = 5e-4,
    iterations: int = 50_000,
    threshold: float | None = 0.01,
    absolute: bool = False,
    on_step: OnIteration | None = None,
) -> FlowResult:
    """Descend Σ_j mean((f_j - t_j)²) over all blocks j with a fresh Keras optimizer.

    The mean over a block's channels is that of the annex's code; the text of the thesis has a sum. The term of a dead
    channel is 0 and counts in the mean, so a learning rate means the same with and without a mask. An iteration costs a
    forward pass and a VJP.

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
    optimizer : str
        A name in `OPTIMIZERS`.
    learning_rate : float
        Learning rate of the optimizer, above 0.
    iterations : int
        Maximum number of iterations, at least 0.
    threshold : float or None
        Error of the last block at which to stop, at least 0; None for no such end.
    absolute : bool
        Whether the threshold is one on the last block's mean squared error, and not on its relative error ‖f - t‖/‖t‖.
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
        If the optimizer is unknown, a number is out of range, or the targets do not fit the features.
    """
    validation.choice(optimizer, OPTIMIZERS, "optimizer")
    validation.in_range(learning_rate, "learning rate", 0, np.inf, low_open=True)
    goal = set_goal(feature_map, targets, live, iterations, threshold, on_step, absolute=absolute)
    weights = goal.live / np.concatenate([np.full(block.size, block.size) for block in feature_map.blocks])
    update = _create_optimizer(optimizer, learning_rate, x)

    def move(step: int, x: Floats, at: Linearization) -> Floats | None:
        gradient = at.vjp(2 * weights * (at.values - goal.targets))
        return update(gradient) if gradient.any() else None

    return iterate(feature_map, x, goal, move)


def descend_lbfgs(
    feature_map: DifferentiableFeatures,
    x: Floats,
    targets: Floats,
    *,
    live: Mask | None = None,
    weights: Floats | None = None,
    iterations: int = 500,
    threshold: float = 0.01,
    on_step: OnIteration | None = None,
) -> FlowResult:
    """Minimize Σ_l ‖f_l - t_l‖²/‖t_l‖² over all blocks l at once by SciPy's L-BFGS-B, without bounds.

    It stops when every block is at `threshold`. An evaluation costs a forward pass and a VJP, and most iterations take
    one evaluation; one more forward pass is made at the start.

    Parameters
    ----------
    feature_map : DifferentiableFeatures
        The features.
    x : ndarray
        Where to begin, of any shape that the map accepts. It moves in float64.
    targets : ndarray, shape (n,)
        The targets t; those of no block are all 0.
    live : ndarray of bool, shape (n,), optional
        The channels that count. Default: all.
    weights : ndarray, shape (n,), optional
        Weights of the squares, at least 0. Default: 1/‖t_l‖².
    iterations : int
        Maximum number of iterations, at least 0.
    threshold : float
        Relative error ‖f_l - t_l‖/‖t_l‖ of the worst block at which to stop, at least 0.
    on_step : callable, optional
        Receives (iteration, relative error of the worst block, x) at every iterate, including the start. An
        exception that it raises is passed on.

    Returns
    -------
    FlowResult
        See `iteration.Watch.end`.

    Raises
    ------
    InputError
        If a number is out of range, or the targets do not fit the features.
    """
    goal = set_goal(feature_map, targets, live, iterations, threshold, on_step, every_block=True)
    weights = goal.weights if weights is None else np.where(goal.live, weights, 0.0)
    run = _LbfgsRun(feature_map, goal, weights, np.array(x, dtype=np.float64))
    if run.status is None:
        limits = {"maxiter": goal.iterations, "maxfun": 20 * goal.iterations, "ftol": 0.0, "gtol": 0.0}
        start = run.x.ravel()
        found = minimize(run.loss, start, jac=True, method="L-BFGS-B", callback=run.accept, options=limits)
        if run.status is None:
            run.status = "max_steps" if found.status == 1 else "stalled"
    return run.watch.end(run.x, run.steps, run.status)


class _LbfgsRun:
    """The latest accepted point of a minimization, and how the run ends."""

    def __init__(self, feature_map: DifferentiableFeatures, goal: Goal, weights: Floats, x: Floats):
        self._map, self._targets, self._weights = feature_map, goal.targets, weights
        self.watch, self.x, self.steps = Watch(goal), x, 0
        self._latest = feature_map.values(x)
        self.status: Status | None = self.watch.judge(0, x, self._latest)

    def loss(self, flat: Floats) -> tuple[float, Floats]:
        """Return the weighted sum of squares and its gradient."""
        at = self._map.linearize(flat.reshape(self.x.shape))
        self._latest = at.values
        residual = self._latest - self._targets
        return float(self._weights @ residual**2), at.vjp(2 * self._weights * residual).ravel()

    def accept(self, intermediate_result: OptimizeResult) -> None:
        """Take a point that SciPy has accepted; SciPy recognizes this kind of callback by the argument's name."""
        self.x, self.steps = intermediate_result.x.reshape(self.x.shape).copy(), self.steps + 1
        self.status = self.watch.judge(self.steps, self.x, self._latest)  # an accepted point is the one last evaluated
        if self.status is not None:
            raise StopIteration


@keras_settings()
def _create_optimizer(name: str, learning_rate: float, x: Floats) -> Callable[[Floats], Floats]:
    """Return a function from a gradient to the next x, with an optimizer and a compiled step of its own."""
    from ..networks.tensorflow import tf  # not at the top: the other methods do not need TensorFlow

    variable = tf.Variable(np.asarray(x), dtype=tf.float64)
    optimizer = getattr(tf.keras.optimizers, name)(learning_rate=float(learning_rate))
    optimizer.build([variable])

    @tf.function(input_signature=[tf.TensorSpec(variable.shape, tf.float64)])
    def update(gradient: tf.Tensor) -> tf.Tensor:
        optimizer.apply([gradient], [variable])
        return variable.read_value()

    update.get_concrete_function()  # traced here, under the kit's settings of Keras
    return lambda gradient: update(tf.constant(gradient, dtype=tf.float64)).numpy()
