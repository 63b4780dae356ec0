"""The channels that noise leaves silent (section 4.4 of the thesis)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..common import validation
from ..common.atomic_files import write_text
from ..common.errors import input_error, output_error
from ..images.noise import NOISE_KINDS, make_noise
from .channel_means import ChannelMeans, by_layer
from .vgg import Network

DEAD_FRACTION = 1e-6
"""A channel is dead when its mean is at most this fraction of its layer's."""


def find_dead_channels(network: Network, noise_images: np.ndarray) -> dict[str, np.ndarray]:
    """Return the mask (True: dead) of the channels that noise leaves silent, shape (channels,), by layer.

    Dead: the mean over the images, shape (k, H, W, 3), is at most `DEAD_FRACTION` of the layer's, in the
    network with ReLU and maximum pooling, whatever `network` uses (section 4.4 of the thesis). Raises
    `InputError` for another shape, and as `ChannelMeans` does.
    """
    if np.ndim(noise_images) != 4 or not len(noise_images):
        accepted = "at least one image, shape (k, height, width, 3)"
        raise input_error("noise images", "have the wrong shape", noise_images, accepted, "stack them")
    means = ChannelMeans(network.as_thesis())
    found = [by_layer(means, x) for x in noise_images]
    mean = {layer: np.mean([each[layer] for each in found], axis=0) for layer in network.layers}
    return {layer: dead_mask(each) for layer, each in mean.items()}


def dead_mask(means: np.ndarray) -> np.ndarray:
    """Which of a layer's channel means, (channels,), count as dead, in the network with ReLU and maximum pooling."""
    return means <= DEAD_FRACTION * means.mean()


@dataclass(frozen=True, eq=False)
class Census:
    """The dead channels of every layer, for every kind of noise and seed.

    Parameters
    ----------
    network : the one described; channels are judged in its ReLU and maximum pooling form, see `zeros.dead_channels`.
    shape : (H, W) of the noise. seeds : its seeds.
    dead : by kind of noise and layer, (seeds, channels) bool.
    """

    network: Network
    shape: tuple[int, int]
    seeds: tuple[int, ...]
    dead: Mapping[str, Mapping[str, np.ndarray]]

    def counts(self, kind: str) -> dict[str, np.ndarray]:
        """The number of dead channels by layer, (seeds,)."""
        return {layer: each.sum(axis=1) for layer, each in self.dead[kind].items()}

    def describe(self) -> dict[str, Any]:
        """All of it in types that JSON knows; channels by their indices, from 0."""
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
        return {
            "schema": 1,
            "command": "zeros",
            "network": self.network.as_thesis().describe(),
            "size": list(self.shape),
            "seeds": list(self.seeds),
            "dead_fraction": DEAD_FRACTION,
            "kinds": kinds,
        }


def count_dead_channels(
    network: Network,
    shape: tuple[int, int],
    seeds: Sequence[int] = range(8),
    kinds: Sequence[str] = NOISE_KINDS,
    listen: Callable[[str], None] | None = None,
) -> Census:
    """Takes the census; a forward pass for every kind and seed.

    Parameters
    ----------
    network : read at the layers in question.
    shape : (H, W) of the noise, pixels. kinds : of `noise_kinds.KINDS`.
    listen : hears each kind before its turn.

    Raises `InputError` for a shape too small for the network, an unknown kind or a bad seed.
    """
    dead = {}
    for kind in kinds:
        validation.choice(kind, NOISE_KINDS, "kind of noise")
        if listen is not None:
            listen(kind)
        each = [find_dead_channels(network, make_noise(kind, shape, seed)[None]) for seed in seeds]
        dead[kind] = {layer: np.stack([one[layer] for one in each]) for layer in network.layers}
    return Census(network, validation.shape(shape), tuple(seeds), dead)


def format_counts(census: Census) -> str:
    """The median number of dead channels over the draws, a line a layer, a column a kind of noise."""
    lines = [f"{f'dead, median of {len(census.seeds)} draws':26}" + "".join(f"{kind:>10}" for kind in census.dead)]
    for layer in census.network.layers:
        counts = (int(np.median(census.counts(kind)[layer])) for kind in census.dead)
        name = f"{layer} of {census.network.channels(layer)}"
        lines.append(f"{name:26}" + "".join(f"{count:10}" for count in counts))
    return "\n".join(lines)


def write_counts(census: Census, path: str | os.PathLike[str]) -> Path:
    """Writes `describe()` as JSON, whole or not at all, and returns the path.

    Raises `InputError` for a place that cannot be written.
    """
    target = validation.path(path, "census file")
    try:
        return write_text(target, json.dumps(census.describe(), indent=1) + "\n")
    except OSError as error:
        raise output_error(error, "census file", target, "a file in an existing folder") from None
