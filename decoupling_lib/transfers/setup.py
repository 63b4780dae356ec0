"""From names and numbers to a transfer that can run: pictures, network, reference, settings, all judged first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..common import validation
from ..engine.features import Counted
from ..engine.journal import NOWHERE, Journal
from ..engine.legs import Listener, Reference, Settings
from ..images.noise import noise_draws
from ..images.pictures import Picture, load_picture
from ..networks import architectures, channel_means, weights
from ..networks.dead_channels import find_dead_channels
from ..networks.fidelity import fidelity_worst
from ..networks.vgg import Network, build_network
from . import memory, steps
from .options import TUNING, Options, resolve_options
from .run import Method, Transfer, run_transfer


@dataclass(frozen=True)
class Inputs:
    """All that a transfer starts from, judged and loaded, before anything is computed.

    `memory_mib` is the estimated peak, see `memory.peak`.
    """

    options: Options
    origin: Picture
    target: Picture
    network: Network
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
        return run_transfer(
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
    return complete_setup(gather_inputs(origin, target, options))


def gather_inputs(origin: str, target: str, options: Options, memory_limit: int | None = None) -> Inputs:
    """Judges every input and loads what is needed.

    Parameters
    ----------
    origin, target : files, or names of bundled pictures.
    memory_limit : MiB that the run may take at its peak; None is what the machine has left.

    Raises
    ------
    InputError : with one line, before anything is computed or written; also for a run that would not fit.
    """
    options = resolve_options(options)
    if memory_limit is not None:
        validation.integer_in_range(memory_limit, "memory limit", 1, 2**40)
    size, max_side = options.size, options.max_side
    pictures = [load_picture(name, size, max_side) for name in (origin, target)]
    for picture in pictures:
        validation.not_constant(picture.array, picture.name)
    architecture, source = weights.default_source(options.network, options.weights)
    network = build_network(
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


def complete_setup(inputs: Inputs) -> Experiment:
    """Runs Step 0, and compares the network with the thesis's."""
    options, network, features = inputs.options, inputs.network, inputs.features
    noise = noise_draws(inputs.target.array.shape[:2], options.seed, options.noise_draws)
    dead = find_dead_channels(network, noise)
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
