"""Other ways to the same targets, to compare the horizontal lift with: the thesis's own and the obvious one.

`descend` is a leg of the thesis's annex A, `direct` L-BFGS on all blocks at once, without normalization; what the
thesis's text describes is in `projected`. Arguments, results and errors that they share: see `goals`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from ..common import validation
from ..engine.features import FeatureMap, Linearization
from ..engine.ode import FlowResult
from .iteration import OnIteration, Watch, iterate, set_goal

OPTIMIZERS = ("Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "RMSprop", "SGD")  # of Keras
ANNEX_THRESHOLDS = {1: 1.0, 2: 0.05, 3: None}
"""The annex's stop rules by step: the moving block's mean squared error, in squared units of the features."""


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
    on_step: OnIteration | None = None,
) -> FlowResult:
    """Descends Σ_j mean((f_j - t_j)²) over all blocks with a fresh Keras optimizer, one of `OPTIMIZERS`.

    The mean is over a block's channels, as in the annex's code (the text has a sum). A dead channel's term
    is 0 and counts in the mean: a learning rate means the same with and without a mask. `absolute` : the
    threshold is one on the last block's mean; None for none. A forward pass and a VJP an iteration.
    """
    validation.choice(optimizer, OPTIMIZERS, "optimizer")
    validation.in_range(learning_rate, "learning rate", 0, np.inf, low_open=True)
    goal = set_goal(feature_map, targets, live, iterations, threshold, on_step, absolute=absolute)
    weights = goal.live / np.concatenate([np.full(block.size, block.size) for block in feature_map.blocks])
    update = _optimizer(optimizer, learning_rate, x)

    def move(step: int, x: np.ndarray, at: Linearization) -> np.ndarray | None:
        gradient = at.vjp(2 * weights * (at.values - goal.targets))
        return update(gradient) if gradient.any() else None

    return iterate(feature_map, x, goal, move)


def direct(
    feature_map: FeatureMap,
    x: np.ndarray,
    targets: np.ndarray,
    *,
    live: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    iterations: int = 500,
    threshold: float = 0.01,
    on_step: OnIteration | None = None,
) -> FlowResult:
    """Minimizes Σ_l ‖f_l - t_l‖²/‖t_l‖² over all blocks at once by SciPy's L-BFGS-B, without bounds.

    `weights` : (n,), of the squares, where they are not to be 1/‖t_l‖². It stops when every block is at `threshold`;
    `on_step` hears the worst error. A forward pass and a VJP an evaluation, mostly one evaluation an iteration; one
    forward pass more at the start.
    """
    goal = set_goal(feature_map, targets, live, iterations, threshold, on_step, every_block=True)
    watch = Watch(goal)
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
        status = watch.judge(steps, latest)  # an accepted point is the one last evaluated
        if status is not None:
            raise StopIteration

    status = watch.judge(0, latest)
    if status is None:
        limits = {"maxiter": goal.iterations, "maxfun": 20 * goal.iterations, "ftol": 0.0, "gtol": 0.0}
        found = minimize(loss, x.ravel(), jac=True, method="L-BFGS-B", callback=accept, options=limits)
        status = status or ("max_steps" if found.status == 1 else "stalled")
    return watch.end(x, steps, status)


def _optimizer(name: str, learning_rate: float, x: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """gradient -> the next x, by an optimizer and a compiled step of this run alone."""
    from ..networks.tensorflow import tf  # here and not above: the other methods do without it

    variable = tf.Variable(np.asarray(x), dtype=tf.float64)
    optimizer = getattr(tf.keras.optimizers, name)(learning_rate=float(learning_rate))
    optimizer.build([variable])

    @tf.function(input_signature=[tf.TensorSpec(variable.shape, tf.float64)])
    def update(gradient: tf.Tensor) -> tf.Tensor:
        optimizer.apply([gradient], [variable])
        return variable.read_value()

    return lambda gradient: update(tf.constant(gradient, dtype=tf.float64)).numpy()
