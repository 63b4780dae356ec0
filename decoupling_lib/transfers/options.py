"""What a user can choose for a transfer, and the defaults; the command line shows these and no others."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..common import validation
from ..common.errors import input_error
from ..engine.context import Settings
from ..engine.newton import MAX_CORRECTIONS
from ..methods.method import MethodSettings
from . import references
from .option_values import validate_option
from .tuning import PAIR_DAMPING, PAIR_LAYERS, PAIR_SMOOTHING, TUNING, Tuning

DEFAULT_MAX_SIDE = 96
"""Longest side in pixels where no size is given."""
PAIR_EASE = 20.0
"""How many times as large the tolerance of a transfer between two images is as that of a self-transfer. It saves a
fifth of the passes and hardly changes what is left of the style gap (`benchmarks/tolerances.py`). A self-transfer would
return less closely; the way back of two images is another one than the way there in any case."""


@dataclass(frozen=True)
class Options:
    """What a user can choose, by the same names as on the command line.

    Parameters
    ----------
    layers : int
        Number of style layers, 1 to 5.
    layer_set : str
        Which layers: "thesis" (blockN_conv1) or "dists".
    size : tuple of int, optional
        (height, width) in pixels, to which both images are resized.
    max_side : int, optional
        Longest side in pixels; the aspect ratio is kept. Default: 96, if no size is given.
    method : str
        A name in `methods.choice.METHODS`.
    network, weights : str, optional
        See `networks.vgg.build_network`. Default: the best available; see `networks.weights.default_source`.
    activation : str, optional
        "softplus", "gaussian" or "relu"; see `networks.primitives.activate`. Default: `TUNING`.
    softness, growth : float, optional
        τ and g of T_l = τ g^k × the mean activation of convolution l, where k = 0 for the first. Default: `TUNING`.
    pooling : str
        "smooth", "average" or "max".
    damping : float, optional
        δ, at least 0; see `engine.lift.Damping`. Default: `PAIR_DAMPING` between two images with the decoupled method,
        the references midpoint and target and at most `PAIR_LAYERS` layers, `TUNING` otherwise.
    smoothing : float, optional
        ℓ in pixels, from 0 to 100; see `engine.sobolev`. It needs the decoupled method, and is not for use with
        refinements. Default: `PAIR_SMOOTHING` where that of the damping is `PAIR_DAMPING` and no refinement is asked
        for; otherwise 0, the metric of the thesis.
    rule : str, optional
        A name in `engine.ode.RULES`. Default: the symmetric rule, or RK4 for a network with kinks, with which neither
        an implicit equation nor error control can work.
    steps : int, optional
        Number of steps per leg. Default: `TUNING`; with rules other than the symmetric one 48, or at most 400 with
        error control.
    tolerance : float, optional
        See `engine.ode.integrate`. Default: `TUNING` for a self-transfer; `PAIR_EASE` times as much for two images.
    precision : str, optional
        The dtype of `networks.channel_means.ChannelMeans`. Default: "float32" for damped legs between two images, which
        saves half the time of the first layer (`benchmarks/tolerances.py`), and "mixed" otherwise: a self-transfer has
        to return closely, and without damping the first layer's Gram matrix is nearly singular.
    refinements : int, optional
        Maximum number of refinement steps. Default: `TUNING`; 0 with the references midpoint and target.
    corrections : int, optional
        Maximum number of quasi-Newton steps at the end of a leg; see `engine.context.Settings`. Default: 0 with
        damping, which keeps more of the target and imposes more of the second block (`benchmarks/ablation.py`).
    reference : str, optional
        A name in `references.REFERENCES`. Default: noise for a self-transfer, midpoint for two images.
    threshold : float, optional
        Relative error at which a leg counts as `reached`. Default: 1e-3; 1e-2 for methods other than `decoupled`.
    learning_rate, optimizer, iterations, annex_slips : float, str, int, bool
        See `methods.method.MethodSettings`.
    noise_draws : int
        Number of images of which the reference is the mean, if it is one of noise.
    strength : float
        From 0, with which Step 3 imposes the target's own style again, to 1, the style of the origin.
    mix : tuple of (str, float)
        Further origins with their shares of the style; the first origin has what they leave. See `mixtures`.
    mask, origin_mask : str, optional
        Files of images that are white where the target gets the style, and where that of the origin is taken from; see
        `masks`. Default: everywhere.
    keep_colors, colors_only : bool
        Whether the result gets the target's chrominance, or the target's luminance; see `recoloring`. Not both.
    seed : int
        Seed of the noise, and of random weights.

    Examples
    --------
    >>> Options(layers=1, max_side=64).method
    'decoupled'
    """

    layers: int = 2
    layer_set: str = "thesis"
    size: tuple[int, int] | None = None
    max_side: int | None = None
    method: str = "decoupled"
    network: str | None = None
    weights: str | None = None
    activation: str | None = None
    softness: float | None = None
    growth: float | None = None
    pooling: str = "smooth"
    damping: float | None = None
    smoothing: float | None = None
    rule: str | None = None
    steps: int | None = None
    tolerance: float | None = None
    precision: str | None = None
    refinements: int | None = None
    corrections: int | None = None
    reference: str | None = None
    threshold: float | None = None
    learning_rate: float | None = None
    optimizer: str = "SGD"
    iterations: int = 2000
    annex_slips: bool = False
    noise_draws: int = 1
    strength: float = 1.0
    mix: tuple[tuple[str, float], ...] = ()
    mask: str | None = None
    origin_mask: str | None = None
    keep_colors: bool = False
    colors_only: bool = False
    seed: int = 0

    @property
    def has_kinks(self) -> bool:
        """Whether the network is one with kinks: ReLU or maximum pooling."""
        return self.activation == "relu" or self.pooling == "max"


@dataclass(frozen=True)
class ResolvedOptions(Options):
    """Options that have been validated, with the defaults filled in that depend on the layers or on the pair of images.

    The fields that may still be None are those whose None has a meaning of its own: see `Options`.
    """

    activation: str = ""
    softness: float = 0.0
    growth: float = 0.0
    damping: float = 0.0
    smoothing: float = 0.0
    tolerance: float = 0.0
    precision: str = ""
    refinements: int = 0
    corrections: int = 0
    reference: str = ""

    @property
    def tuning(self) -> Tuning:
        """The defaults for this number of layers."""
        return TUNING[self.layers]

    def leg_settings(self) -> Settings:
        """Return how legs are followed."""
        rule = self.rule or ("rk4" if self.has_kinks else "symmetric")
        return Settings(
            rule,
            self.steps or {"adaptive": 400, "symmetric": self.tuning.steps}.get(rule, 48),
            self.tolerance,
            threshold=1e-3 if self.method != "decoupled" or self.threshold is None else self.threshold,
            grading=self.tuning.grading,
            refinements=self.refinements,
            corrections=self.corrections,
        )

    def method_settings(self) -> MethodSettings:
        """Return the method's own settings."""
        return MethodSettings(
            self.method,
            self.optimizer,
            self.learning_rate,
            self.iterations,
            self.threshold or 0.01,
            self.annex_slips,
        )


AS_THESIS = {"activation": "relu", "pooling": "max", "method": "descent", "reference": "noise"}
"""What `--as-thesis` sets: the thesis's network, the annex's descent, and noise as the reference."""

_DEFAULTS = {field.name: field.default for field in fields(Options)}


def resolve_options(options: Options, self_transfer: bool = False) -> ResolvedOptions:
    """Validate options and fill in the defaults that depend on others, or on whether there are two images.

    Whether there are such weights is not checked here: `networks.weights.read` does that.

    Parameters
    ----------
    options : Options
        What the user chose. Resolved options stay as they are.
    self_transfer : bool
        Whether origin and target are the same image.

    Returns
    -------
    ResolvedOptions
        Complete options.

    Raises
    ------
    InputError
        For the first option that has the wrong type or is out of range.

    Examples
    --------
    >>> resolve_options(Options(layers=1)).max_side
    96
    """
    for name, value in vars(options).items():
        if value is not None or _DEFAULTS[name] is not None:
            validate_option(name, value)
    validation.one_size(options.size, options.max_side)
    if options.annex_slips and options.method != "descent":
        raise input_error("annex slips", "need the annex's descent", options.method, "descent", "add --method descent")
    if options.keep_colors and options.colors_only:
        what, step = "exclude each other", "leave one of them out"
        raise input_error("keep colors and colors only", what, "both", "one of them, or none", step)
    if options.mix and options.origin_mask is not None:
        what, step = "does not apply to a mixture of origins", "leave it or --mix out"
        raise input_error("origin mask", what, options.origin_mask, "a mask of a single origin", step)
    tuned = TUNING[options.layers]
    reference = options.reference
    if reference is None:
        reference = references.SELF_DEFAULT if self_transfer else references.PAIR_DEFAULT
    refinements = 0 if reference in references.PAIR_DEPENDENT else tuned.refinements
    by_pair = not self_transfer and reference in references.PAIR_DEPENDENT and options.layers <= PAIR_LAYERS
    by_pair = by_pair and options.method == "decoupled"
    damping = options.damping
    if damping is None:
        damping = PAIR_DAMPING if by_pair else tuned.damping
    smoothing = options.smoothing
    if smoothing is None:
        smoothing = PAIR_SMOOTHING if by_pair and not options.refinements else 0.0
    elif smoothing > 0:
        _check_smoothing(options)
        refinements = 0
    ease = 1.0 if self_transfer else PAIR_EASE
    corrections = 0 if damping > 0 else MAX_CORRECTIONS
    single = options.method == "decoupled" and damping > 0 and not self_transfer
    no_size = options.size is None and options.max_side is None
    return ResolvedOptions(
        **vars(options)
        | {
            "max_side": DEFAULT_MAX_SIDE if no_size else options.max_side,
            "activation": tuned.activation if options.activation is None else options.activation,
            "softness": tuned.softness if options.softness is None else options.softness,
            "growth": tuned.growth if options.growth is None else options.growth,
            "damping": damping,
            "smoothing": smoothing,
            "tolerance": ease * tuned.tolerance if options.tolerance is None else options.tolerance,
            "precision": options.precision or ("float32" if single else "mixed"),
            "reference": reference,
            "refinements": refinements if options.refinements is None else options.refinements,
            "corrections": corrections if options.corrections is None else options.corrections,
        }
    )


def _check_smoothing(options: Options) -> None:
    """Refuse what cannot work with gradients of a Sobolev metric."""
    if options.method != "decoupled":
        what, step = "needs the decoupled method", "leave it out"
        raise input_error("smoothing", what, options.method, "decoupled, or a smoothing of 0", step)
    if options.refinements:
        what, step = "cannot be combined with smoothing", "leave one of them out"
        raise input_error("refinements", what, options.refinements, "0, or a smoothing of 0", step)
