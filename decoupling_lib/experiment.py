"""From names and numbers to a transfer that can run: pictures, network, reference, settings, all judged first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import channel_means, checks, images, networks, steps, weights
from .features import Counted
from .legs import Listener, Reference, Settings
from .options import GROWTH, Options, judge
from .transfer import Method, Transfer, transfer


@dataclass(frozen=True)
class Experiment:
    """A transfer ready to run; `fidelity` compares the network in use with the thesis's (ReLU, max-pool)."""

    options: Options
    origin: images.Picture
    target: images.Picture
    network: networks.Network
    features: Counted
    reference: Reference
    settings: Settings
    method: Method
    fidelity: dict[str, dict[str, float]]

    @property
    def self_transfer(self) -> bool:
        return np.array_equal(self.origin.array, self.target.array)

    def run(self, listen: Listener | None = None, **keywords: object) -> Transfer:
        """Runs it; keywords are those of `transfer.transfer`."""
        return transfer(
            self.features,
            self.origin.array,
            self.target.array,
            self.reference,
            self.settings,
            self.method,
            listen,
            **keywords,  # type: ignore[arg-type]
        )


def prepare(origin: str, target: str, options: Options = Options()) -> Experiment:  # noqa: B008 - frozen
    """Judges every input, loads what is needed and runs Step 0.

    Raises
    ------
    InputError : with one line, before anything is computed or written.
    """
    options = judge(options)
    size, max_side = options.size, options.max_side
    pictures = [images.load(name, size, max_side) for name in (origin, target)]
    for picture in pictures:
        checks.not_constant(picture.array, picture.name)
    architecture, source = weights.default_source(options.network, options.weights)
    network = networks.build(
        architecture,
        source,
        weights.style_layers(architecture, options.layer_set, options.layers),
        options.activation,
        options.softness,
        options.pooling,
        options.seed,
        options.growth or GROWTH[options.layers],
    )
    features = Counted(channel_means.ChannelMeans(network))
    noise = images.noise_draws(pictures[1].array.shape[:2], options.seed, options.noise_draws)
    dead = channel_means.dead_channels(network, noise)
    live = np.concatenate([~dead[block.name] for block in features.blocks])
    return Experiment(
        options,
        pictures[0],
        pictures[1],
        network,
        features,
        steps.measure_reference(features, noise, live, options.damping),
        _settings(options, smooth=options.activation == "softplus" and options.pooling != "max"),
        Method(
            options.method,
            options.optimizer,
            options.learning_rate,
            options.iterations,
            options.threshold or 0.01,
            options.annex_slips,
        ),
        channel_means.fidelity_worst(network, [picture.array for picture in pictures] + [noise[0]]),
    )


def _settings(options: Options, smooth: bool) -> Settings:
    rule = options.rule or ("symmetric" if smooth else "rk4")
    steps_ = options.steps or {"adaptive": 400, "symmetric": 16}.get(rule, 48)
    threshold = 1e-3 if options.method != "decoupled" or options.threshold is None else options.threshold
    return Settings(
        rule, steps_, options.tolerance, min(options.tolerance, 1e-6), threshold, refinements=options.refinements
    )
