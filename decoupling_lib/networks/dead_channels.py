"""The channels that noise leaves dead (section 4.4 of the thesis): masks, and counts over kinds of noise and seeds."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..common import validation
from ..common.arrays import Floats, Mask
from ..common.atomic_files import write_text
from ..common.errors import input_error, output_error
from ..images.noise import NOISE_KINDS, make_noise
from .channel_means import ChannelMeans, channel_means_by_layer
from .vgg import Network

DEAD_FRACTION = 1e-6
"""A channel is dead if its mean is at most this fraction of its layer's mean."""


def find_dead_channels(network: Network, images: Sequence[Floats] | Floats) -> dict[str, Mask]:
    """Return which channels the images of a reference, such as noise, leave dead.

    A channel is dead if its mean over the images is at most `DEAD_FRACTION` of the layer's, in the network with ReLU
    and maximum pooling, whatever `network` itself uses.

    Parameters
    ----------
    network : Network
        The network, read at its style layers.
    images : sequence of ndarray, shape (H, W, 3) each
        At least one image, RGB, nominally in [0, 1]; sizes may differ.

    Returns
    -------
    dict of str to ndarray of bool, shape (channels,)
        By style layer; True where a channel is dead.

    Raises
    ------
    InputError
        Another shape, or images that do not fit the network.
    """
    if not len(images) or any(np.ndim(image) != 3 for image in images):
        accepted = "at least one image, each of shape (height, width, 3)"
        raise input_error("reference images", "have the wrong shape", images, accepted, "put them into a list")
    means = ChannelMeans(network.as_thesis())
    found = [channel_means_by_layer(means, x) for x in images]
    mean = {layer: np.mean([each[layer] for each in found], axis=0) for layer in network.layers}
    return {layer: dead_mask(each) for layer, each in mean.items()}


def dead_mask(means: Floats) -> Mask:
    """Return which channels of one layer count as dead.

    Parameters
    ----------
    means : ndarray, shape (channels,)
        Channel means of the network with ReLU and maximum pooling, at least 0.

    Returns
    -------
    ndarray of bool, shape (channels,)
        True where a channel is dead.
    """
    mask: Mask = means <= DEAD_FRACTION * means.mean()
    return mask


@dataclass(frozen=True, eq=False)
class DeadChannelCounts:
    """The dead channels of every layer, for every kind of noise and every seed.

    Parameters
    ----------
    network : Network
        The network; its form with ReLU and maximum pooling decides, see `find_dead_channels`.
    shape : tuple of int
        (H, W) of the noise in pixels.
    seeds : tuple of int
        Seeds of the noise.
    dead : mapping of str to mapping of str to ndarray of bool, shape (seeds, channels)
        By kind of noise and style layer; True where a channel is dead.
    """

    network: Network
    shape: tuple[int, int]
    seeds: tuple[int, ...]
    dead: Mapping[str, Mapping[str, Mask]]

    def counts(self, kind: str) -> dict[str, np.ndarray]:
        """Return the number of dead channels for one kind of noise.

        Parameters
        ----------
        kind : str
            A key of `dead`.

        Returns
        -------
        dict of str to ndarray of int, shape (seeds,)
            By style layer.
        """
        return {layer: each.sum(axis=1) for layer, each in self.dead[kind].items()}

    def describe(self) -> dict[str, Any]:
        """Return the content of zeros.json, in types that JSON knows; channels by their indices, from 0."""
        return describe_draws(self.network, self.shape, self.seeds) | {"kinds": self._describe_kinds()}

    def _describe_kinds(self) -> dict[str, Any]:
        kinds = {}
        for kind, layers in self.dead.items():
            kinds[kind] = {
                layer: {
                    "channels": each.shape[1],
                    "dead": each.sum(axis=1).tolist(),
                    "always_dead": np.flatnonzero(each.all(axis=0)).tolist(),
                    "sometimes_dead": np.flatnonzero(each.any(axis=0) & ~each.all(axis=0)).tolist(),
                }
                for layer, each in layers.items()
            }
        return kinds


def describe_draws(network: Network, shape: tuple[int, int], seeds: Sequence[int]) -> dict[str, Any]:
    """Return the part of zeros.json that is known before anything is counted.

    Parameters
    ----------
    network : Network
        The network, read at its style layers.
    shape : tuple of int
        (H, W) of the noise in pixels.
    seeds : sequence of int
        Seeds of the noise.

    Returns
    -------
    dict of str to Any
        The entries, in types that JSON knows.
    """
    return {
        "schema": 1,
        "command": "zeros",
        "network": network.as_thesis().describe(),
        "size": list(shape),
        "seeds": list(seeds),
        "dead_fraction": DEAD_FRACTION,
    }


def count_dead_channels(
    network: Network,
    shape: tuple[int, int],
    seeds: Sequence[int] = range(8),
    kinds: Sequence[str] = NOISE_KINDS,
    on_kind: Callable[[str], None] | None = None,
) -> DeadChannelCounts:
    """Find the dead channels for several kinds of noise and seeds, with one forward pass for each.

    Parameters
    ----------
    network : Network
        The network, read at its style layers.
    shape : tuple of int
        (H, W) of the noise in pixels.
    seeds : sequence of int
        Seeds of the noise.
    kinds : sequence of str
        Kinds of noise, from `images.noise.NOISE_KINDS`.
    on_kind : callable, optional
        Receives each kind before its noise is drawn.

    Returns
    -------
    DeadChannelCounts
        The dead channels.

    Raises
    ------
    InputError
        A shape that is too small for the network, an unknown kind, or a bad seed.
    """
    dead = {}
    for kind in kinds:
        validation.choice(kind, NOISE_KINDS, "kind of noise")
        if on_kind is not None:
            on_kind(kind)
        each = [find_dead_channels(network, make_noise(kind, shape, seed)[None]) for seed in seeds]
        dead[kind] = {layer: np.stack([one[layer] for one in each]) for layer in network.layers}
    return DeadChannelCounts(network, validation.shape(shape), tuple(seeds), dead)


def format_counts(found: DeadChannelCounts) -> str:
    """Return a table of the median number of dead channels over the seeds.

    Parameters
    ----------
    found : DeadChannelCounts
        The dead channels.

    Returns
    -------
    str
        One line per style layer, one column per kind of noise.
    """
    lines = [f"{f'dead, median of {len(found.seeds)} draws':26}" + "".join(f"{kind:>10}" for kind in found.dead)]
    for layer in found.network.layers:
        medians = (int(np.median(found.counts(kind)[layer])) for kind in found.dead)
        name = f"{layer} of {found.network.channels(layer)}"
        lines.append(f"{name:26}" + "".join(f"{median:10}" for median in medians))
    return "\n".join(lines)


def write_counts(found: DeadChannelCounts, path: str | os.PathLike[str]) -> Path:
    """Write the dead channels as JSON, whole or not at all.

    Parameters
    ----------
    found : DeadChannelCounts
        The dead channels.
    path : str or path
        The file, in an existing folder.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        A place that cannot be written to.
    """
    target = validation.path(path, "file of dead channels")
    try:
        return write_text(target, json.dumps(found.describe(), indent=1) + "\n")
    except OSError as error:
        raise output_error(error, "file of dead channels", target, "a file in an existing folder") from None
