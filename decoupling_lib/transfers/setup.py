"""From names and numbers to a transfer that can run: images, network, reference and settings, all validated first."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

import numpy as np

from ..common import validation
from ..common.arrays import Floats
from ..engine.context import Context, Listener, Reference, Settings, View
from ..engine.features import Counted
from ..engine.journal import NOWHERE, Journal
from ..images.pictures import Picture, fit, load_picture
from ..methods.choice import create_method, require_libraries
from ..methods.method import MethodSettings
from ..networks import architectures, channel_means, weights
from ..networks.dead_channels import find_dead_channels
from ..networks.fidelity import fidelity_worst
from ..networks.vgg import Network, build_network
from . import memory, steps
from .masks import Masks, load_masks, see_through, smooth_within
from .options import Options, ResolvedOptions, resolve_options
from .recoloring import choose_recoloring
from .reference_images import ReferenceImages, gather_reference_images
from .references import check_reference
from .run import Transfer, run_transfer

Source = str | os.PathLike[str] | np.ndarray
"""An image: a file, the name of a bundled picture, or an array, float of shape (H, W, 3) in [0, 1]."""


@dataclass(frozen=True)
class Inputs:
    """All that a transfer starts from, validated and loaded, before anything is computed.

    Parameters
    ----------
    options : ResolvedOptions
        What the user chose.
    origin, target : Picture
        The images, resized.
    network : Network
        The network with its style layers.
    features : Counted
        Its channel means, which count their passes.
    settings : Settings
        How legs are followed.
    method_settings : MethodSettings
        The method and its own settings.
    memory_mib : int
        Estimated peak memory in MiB; see `memory.estimate_peak`.
    masks : Masks
        The masks of the images. The features are those of the target as it is seen through its mask.
    others : tuple of Picture
        Further origins, in the order of `options.mix`.
    """

    options: ResolvedOptions
    origin: Picture
    target: Picture
    network: Network
    features: Counted
    settings: Settings
    method_settings: MethodSettings
    memory_mib: int
    masks: Masks
    others: tuple[Picture, ...]

    @property
    def self_transfer(self) -> bool:
        """Whether origin and target are the same image, seen in the same way."""
        return not self.others and self.masks.alike and np.array_equal(self.origin.array, self.target.array)

    @property
    def shares(self) -> tuple[float, ...]:
        """The shares of the further origins."""
        return tuple(share for _, share in self.options.mix)

    @property
    def origin_features(self) -> Counted:
        """The channel means of the origin as it is seen through its mask, with the same counter as `features`."""
        return see_through(self.features, self.masks.region("origin"))

    def reference_images(self) -> ReferenceImages:
        """Return the images from which Step 0 measures the reference."""
        options = self.options
        images = self.origin.array, self.target.array
        others = [other.array for other in self.others]
        return gather_reference_images(
            options.reference, *images, options.seed, options.noise_draws, others, self.shares
        )


@dataclass(frozen=True)
class Experiment(Inputs):
    """A transfer that is ready to run.

    Parameters
    ----------
    options, origin, target, network, features, settings, method_settings, memory_mib, masks, others : as in `Inputs`
        The inputs, unchanged.
    reference : Reference
        What Step 0 determined.
    fidelity : dict
        Comparison of the network in use with the same one with ReLU and maximum pooling, by layer; see
        `networks.fidelity`.
    origin_reference : Reference, optional
        The same for the origin, if it is seen otherwise than the target.
    """

    reference: Reference
    fidelity: dict[str, dict[str, float]]
    origin_reference: Reference | None = None

    def context(self, listen: Listener | None = None, journal: Journal = NOWHERE) -> Context:
        """Return the context in which its legs run.

        Parameters
        ----------
        listen : callable, optional
            Receives every accepted point.
        journal : Journal
            Keeps what is done.
        """
        origin = None if self.origin_reference is None else View(self.origin_features, self.origin_reference)
        return Context(self.features, self.reference, self.settings, listen=listen, journal=journal, origin=origin)

    def run(self, listen: Listener | None = None, journal: Journal = NOWHERE) -> Transfer:
        """Run it; see `run.run_transfer`.

        Parameters
        ----------
        listen : callable, optional
            Receives every accepted point; see `engine.context.Listener`.
        journal : Journal
            Keeps what is done; what it has already is not run again.
        """
        method = create_method(self.method_settings)
        recolor, strength = choose_recoloring(self.options, self.target.array), self.options.strength
        context, origin, target = self.context(listen, journal), self.origin.array, self.target.array
        others = [(other.array, share) for other, share in zip(self.others, self.shares, strict=True)]
        return run_transfer(context, origin, target, method, recolor, strength, others)


def transfer(
    origin: Source, target: Source, options: Options | None = None, listen: Listener | None = None
) -> Transfer:
    """Impose the style of one image on another.

    Parameters
    ----------
    origin : str, path or ndarray
        The image that gives the style: a file, the name of a bundled picture, or an array of shape (H, W, 3).
    target : str, path or ndarray
        The image that gives the content. The same image twice is the self-transfer.
    options : Options, optional
        Default: `Options()`.
    listen : callable, optional
        Receives (step, layer, progress, image) at every accepted point.

    Returns
    -------
    Transfer
        `result` is the image, unclipped; `status` says whether the run came to its end.

    Raises
    ------
    InputError
        With one line, before anything is computed.
    """
    return prepare(origin, target, options).run(listen)


def prepare(origin: Source, target: Source, options: Options | None = None) -> Experiment:
    """Validate every input, load what is needed and take Step 0.

    Parameters
    ----------
    origin, target : str, path or ndarray
        Files, names of bundled pictures, or arrays of shape (H, W, 3).
    options : Options, optional
        Default: `Options()`.

    Returns
    -------
    Experiment
        A transfer that is ready to run.

    Raises
    ------
    InputError
        With one line, before anything is computed.
    """
    return complete_setup(gather_inputs(origin, target, Options() if options is None else options))


def gather_inputs(origin: Source, target: Source, options: Options, memory_limit: int | None = None) -> Inputs:
    """Validate every input and load what is needed.

    Parameters
    ----------
    origin, target : str, path or ndarray
        Files, names of bundled pictures, or arrays of shape (H, W, 3).
    options : Options
        What the user chose.
    memory_limit : int, optional
        Maximum peak memory of the run in MiB. Default: what the machine has left.

    Returns
    -------
    Inputs
        Everything that Step 0 needs.

    Raises
    ------
    InputError
        With one line, before anything is computed or written; also for a run that does not fit into memory.
    """
    resolved = resolve_options(options)
    require_libraries(resolved.method_settings())
    if memory_limit is not None:
        validation.integer_in_range(memory_limit, "memory limit", 1, 2**40)
    first, second, *others = (_load(each, resolved) for each in (origin, target, *(name for name, _ in resolved.mix)))
    architecture, source = weights.default_source(resolved.network, resolved.weights)
    network = build_network(
        architecture,
        source,
        architectures.style_layers(architecture, resolved.layer_set, resolved.layers),
        resolved.activation,
        resolved.softness,
        resolved.pooling,
        resolved.seed,
        resolved.growth,
    )
    masks = load_masks(resolved, network, first.array, second.array)
    if same := not others and masks.alike and np.array_equal(first.array, second.array):
        resolved = resolve_options(options, self_transfer=True)
    check_reference(resolved.reference, same)
    means = channel_means.ChannelMeans(network, resolved.precision, masks.region("target"))
    settings, method_settings = resolved.leg_settings(), resolved.method_settings()
    shape = max((each.array.shape[:2] for each in (first, second, *others)), key=np.prod)
    needed = memory.estimate_peak(means, shape, settings, method_settings)
    memory.require(needed, memory_limit)
    features = Counted(smooth_within(means, resolved.smoothing))
    return Inputs(resolved, first, second, network, features, settings, method_settings, needed, masks, tuple(others))


def complete_setup(inputs: Inputs) -> Experiment:
    """Take Step 0, and compare the network with the same one with ReLU and maximum pooling.

    Parameters
    ----------
    inputs : Inputs
        What `gather_inputs` returned.
    """
    options, network, features, chosen = inputs.options, inputs.network, inputs.features, inputs.reference_images()
    images = chosen.images
    dead = find_dead_channels(network, images)
    live = np.concatenate([~dead[block.name] for block in features.blocks])
    origins = [inputs.origin_features] * (1 + len(inputs.others))
    seen = {"midpoint": [*origins, features], "target": [features]}
    maps = seen.get(chosen.kind, [see_through(features, None)] * len(images))

    def measure(features: Counted) -> Reference:
        delta, held = options.damping, options.tuning.held
        return steps.measure_reference(features, images, live, delta, held, chosen.scaled, maps, chosen.weights)

    return Experiment(
        **vars(inputs),
        reference=measure(features),
        fidelity=fidelity_worst(
            network, [*(each.array for each in (inputs.origin, inputs.target, *inputs.others)), images[0]]
        ),
        origin_reference=None if inputs.masks.alike else measure(inputs.origin_features),
    )


def _load(source: Source, options: ResolvedOptions) -> Picture:
    """Return an image, resized as the options say; refuse one without contrast, which has no gradient."""
    if isinstance(source, np.ndarray):
        array: Floats = fit(validation.image(source, "image"), options.size, options.max_side)
        picture = Picture("array", array, hashlib.sha256(np.ascontiguousarray(source).tobytes()).hexdigest())
    else:
        picture = load_picture(source, options.size, options.max_side)
    validation.not_constant(picture.array, picture.name)
    return picture
