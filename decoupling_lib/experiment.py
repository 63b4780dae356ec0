"""From names and numbers to a transfer that can run: pictures, network, reference, settings, all judged first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import architectures, channel_means, checks, images, memory, networks, steps, weights, zeros
from .features import Counted
from .fidelity import fidelity_worst
from .journal import NOWHERE, Journal
from .legs import Listener, Reference, Settings
from .options import TUNING, Options, judge
from .transfer import Method, Transfer, transfer


@dataclass(frozen=True)
class Inputs:
    """All that a transfer starts from, judged and loaded, before anything is computed.

    `memory_mib` is the estimated peak, see `memory.peak`.
    """

    options: Options
    origin: images.Picture
    target: images.Picture
    network: networks.Network
    features: Counted
    settings: Settings
    method: Method
    memory_mib: int

    @property
    def self_transfer(self) -> bool:
        return np.array_equal(self.origin.array, self.target.array)


@dataclass(frozen=True)
class Experiment(Inputs):
    """A transfer ready to run; `fidelity` compares the network in use with the thesis's (ReLU, max-pool)."""

    reference: Reference
    fidelity: dict[str, dict[str, float]]

    def run(self, listen: Listener | None = None, journal: Journal = NOWHERE) -> Transfer:
        """Runs it; see `transfer.transfer`."""
        return transfer(
            self.features,
            self.origin.array,
            self.target.array,
            self.reference,
            self.settings,
            self.method,
            listen,
            journal,
        )


def prepare(origin: str, target: str, options: Options = Options()) -> Experiment:  # noqa: B008 - frozen
    """Judges every input, loads what is needed and runs Step 0; raises as `gather` does."""
    return ready(gather(origin, target, options))


def gather(origin: str, target: str, options: Options, memory_limit: int | None = None) -> Inputs:
    """Judges every input and loads what is needed.

    Parameters
    ----------
    origin, target : files, or names of bundled pictures.
    memory_limit : MiB that the run may take at its peak; None is what the machine has left.

    Raises
    ------
    InputError : with one line, before anything is computed or written; also for a run that would not fit.
    """
    options = judge(options)
    if memory_limit is not None:
        checks.in_range(memory_limit, "memory limit", 1, 2**40, integer=True)
    size, max_side = options.size, options.max_side
    pictures = [images.load(name, size, max_side) for name in (origin, target)]
    for picture in pictures:
        checks.not_constant(picture.array, picture.name)
    architecture, source = weights.default_source(options.network, options.weights)
    network = networks.build(
        architecture,
        source,
        architectures.style_layers(architecture, options.layer_set, options.layers),
        options.activation,
        options.softness,
        options.pooling,
        options.seed,
        options.growth,
    )
    means = channel_means.ChannelMeans(network, options.precision)
    settings = _settings(options, smooth=options.activation == "softplus" and options.pooling != "max")
    method = Method(
        options.method,
        options.optimizer,
        options.learning_rate,
        options.iterations,
        options.threshold or 0.01,
        options.annex_slips,
    )
    shape = max((picture.array.shape[:2] for picture in pictures), key=np.prod)
    needed = memory.peak(means, shape, settings, method)
    memory.fits(needed, memory_limit)
    return Inputs(options, *pictures, network, Counted(means), settings, method, needed)


def ready(inputs: Inputs) -> Experiment:
    """Runs Step 0, and compares the network with the thesis's."""
    options, network, features = inputs.options, inputs.network, inputs.features
    noise = images.noise_draws(inputs.target.array.shape[:2], options.seed, options.noise_draws)
    dead = zeros.dead_channels(network, noise)
    live = np.concatenate([~dead[block.name] for block in features.blocks])
    return Experiment(
        **vars(inputs),
        reference=steps.measure_reference(features, noise, live, options.damping, TUNING[options.layers].held),
        fidelity=fidelity_worst(network, [inputs.origin.array, inputs.target.array, noise[0]]),
    )


def _settings(options: Options, smooth: bool) -> Settings:
    tuned, rule = TUNING[options.layers], options.rule or ("symmetric" if smooth else "rk4")
    return Settings(
        rule,
        options.steps or {"adaptive": 400, "symmetric": tuned.steps}.get(rule, 48),
        options.tolerance,
        solver_tolerance=min(options.tolerance, 1e-6),
        threshold=1e-3 if options.method != "decoupled" or options.threshold is None else options.threshold,
        grading=tuned.grading,
        refinements=options.refinements,
    )
