"""What a user can choose for a transfer, with the defaults; the command line shows these and no others."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..common import validation
from ..common.errors import input_error
from ..engine.ode import RULES
from ..methods.baselines import OPTIMIZERS
from ..networks.architectures import ACTIVATIONS, ARCHITECTURES, LAYER_SETS, POOLINGS, PRECISIONS
from .run import METHODS


@dataclass(frozen=True)
class Tuning:
    """Defaults that go with a number of layers.

    Parameters
    ----------
    softness, growth : of `networks.build`; as soft as keeps the channel means of most photographs within 10 % of the
        thesis's. With five layers the first ones are the softer, for their legs amplify what the later ones err by.
    damping : δ of `lift.Damping`; as little as lets most photographs come back. Each layer more amplifies what the
        legs behind it err by on the way back, so more layers take more damping and a finer tolerance.
    held : of `lift.Damping`, by leg.
    steps, tolerance, grading : of `legs.Settings`, with the symmetric rule.
    refinements : see `refinement`. A step measures the picture through all layers, which at five takes minutes.
    """

    softness: float
    growth: float
    damping: float
    held: tuple[float, ...]
    steps: int
    tolerance: float
    grading: tuple[float, float]
    refinements: int


TUNING = {
    1: Tuning(0.29, 1.0, 0.032, (1,), 16, 5e-8, (3.0, 1.0), 0),
    2: Tuning(0.29, 2.0, 0.032, (1, 4), 16, 5e-8, (3.0, 1.0), 16),
    3: Tuning(0.29, 1.0, 0.07, (1, 4, 10), 18, 2e-8, (2.0, 1.5), 8),
    4: Tuning(0.29, 0.95, 0.1, (1, 10, 10, 3), 18, 2e-8, (2.0, 1.5), 4),
    5: Tuning(0.35, 0.87, 0.115, (1, 10, 10, 3, 3), 18, 2e-8, (2.0, 1.5), 3),
}
"""By the number of layers; measured by `benchmarks/frontier.py` and `benchmarks/growth.py`."""


@dataclass(frozen=True)
class Options:
    """What a user can choose; the same names as on the command line.

    Parameters
    ----------
    layers, layer_set : how many style layers, of the thesis's (blockN_conv1) or of DISTS.
    size : (height, width), literally; max_side : pixels, keeps each picture's aspect. Neither: max_side 96.
    network, weights : see `networks.build`; None for the best at hand, see `weights.default_source`.
    softness and growth are τ and g of T_l = τ g^k x mean activation of convolution l, k = 0 for the first.
    damping : δ >= 0, see `lift.Damping`. precision : the dtype of `channel_means.ChannelMeans`.
    rule : of `flow.RULES`; None is the symmetric one, or for a network with kinks RK4 (neither an implicit equation
        nor error control copes with kinks).
    softness, growth, steps, damping, tolerance, refinements : None is `TUNING` by the number of layers; with other
        rules than the symmetric one 48 steps, or at most 400 with error control. tolerance : see `flow.integrate`.
    threshold : the relative error at which a leg is `reached`; None is 1e-3, for baselines 1e-2.
    learning_rate, optimizer, iterations : of the baselines. annex_slips : see `transfer.Method`.
    noise_draws : how many noise images the reference is the mean of.
    """

    layers: int = 2
    layer_set: str = "thesis"
    size: tuple[int, int] | None = None
    max_side: int | None = None
    method: str = "decoupled"
    network: str | None = None
    weights: str | None = None
    activation: str = "softplus"
    softness: float | None = None
    growth: float | None = None
    pooling: str = "smooth"
    damping: float | None = None
    rule: str | None = None
    steps: int | None = None
    tolerance: float | None = None
    precision: str = "mixed"
    refinements: int | None = None
    threshold: float | None = None
    learning_rate: float | None = None
    optimizer: str = "SGD"
    iterations: int = 2000
    annex_slips: bool = False
    noise_draws: int = 1
    seed: int = 0


AS_THESIS = {"activation": "relu", "pooling": "max", "method": "descent"}
"""What `--as-thesis` sets: the thesis's network and the annex's descent."""


def resolve_options(options: Options) -> Options:
    """The options, complete; `InputError` for the first one that cannot be, of the wrong type or out of range.

    Whether there are such weights is not asked: `weights.read` does that.
    """
    o, positive = options, {"low_open": True}
    validation.layer_count(o.layers)
    validation.choice(o.layer_set, LAYER_SETS, "layer set")
    validation.choice(o.method, METHODS, "method")
    if o.network is not None:
        validation.choice(o.network, ARCHITECTURES, "network")
    if o.weights is not None:
        _weights(o.weights)
    validation.choice(o.activation, ACTIVATIONS, "activation")
    validation.choice(o.pooling, POOLINGS, "pooling")
    validation.choice(o.precision, PRECISIONS, "precision")
    if not isinstance(o.annex_slips, bool):
        raise input_error("annex slips", "are neither on nor off", o.annex_slips, "true or false", "give one of them")
    if o.annex_slips and o.method != "descent":
        raise input_error("annex slips", "need the annex's descent", o.method, "descent", "add --method descent")
    if o.rule is not None:
        validation.choice(o.rule, RULES, "rule")
    if o.steps is not None:
        validation.integer_in_range(o.steps, "steps", 1, 100_000)
    if o.softness is not None:
        validation.in_range(o.softness, "softness", 0, 2, **positive)
    if o.growth is not None:
        validation.in_range(o.growth, "growth", 0, 10, **positive)
    if o.refinements is not None:
        validation.integer_in_range(o.refinements, "refinements", 0, 1000)
    if o.damping is not None:
        validation.in_range(o.damping, "damping", 0, 100)
    if o.tolerance is not None:
        validation.in_range(o.tolerance, "tolerance", 1e-12, 1e-1)
    if o.threshold is not None:
        validation.in_range(o.threshold, "threshold", 0, 1, **positive)
    if o.learning_rate is not None:
        validation.in_range(o.learning_rate, "learning rate", 0, 1e6, **positive)
    validation.choice(o.optimizer, OPTIMIZERS, "optimizer")
    validation.integer_in_range(o.iterations, "iterations", 1, 10_000_000)
    validation.integer_in_range(o.noise_draws, "noise draws", 1, 1000)
    validation.seed(o.seed)
    for side in validation.shape(o.size) if o.size is not None else ():
        validation.integer_in_range(side, "side of the size", validation.MIN_SIDE, validation.MAX_SIDE)
    if o.max_side is not None:
        validation.integer_in_range(o.max_side, "longest side", validation.MIN_SIDE, validation.MAX_SIDE)
    validation.one_size(o.size, o.max_side)
    tuned = TUNING[o.layers]
    return replace(
        o,
        max_side=96 if o.size is None and o.max_side is None else o.max_side,
        softness=tuned.softness if o.softness is None else o.softness,
        growth=tuned.growth if o.growth is None else o.growth,
        damping=tuned.damping if o.damping is None else o.damping,
        tolerance=tuned.tolerance if o.tolerance is None else o.tolerance,
        refinements=tuned.refinements if o.refinements is None else o.refinements,
    )


def _weights(source: object) -> None:
    if not isinstance(source, str):
        accepted = "imagenet, hed, random, or the name of a file"  # of `weights`, which would load HDF5
        raise input_error("weights", "are not named", source, accepted, "give a name as text")
    validation.path(source, "name of the weights")
