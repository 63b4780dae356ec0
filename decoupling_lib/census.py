"""Counts the channels that noise leaves dead, over kinds of noise and seeds (section 4.4 of the thesis)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from . import checks, files
from .feature_plots import show_dead_shares
from .networks import Network
from .noise_kinds import KINDS, noise
from .plots import DPI
from .zeros import DEAD_FRACTION, dead_channels


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


def take(
    network: Network,
    shape: tuple[int, int],
    seeds: Sequence[int] = range(8),
    kinds: Sequence[str] = KINDS,
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
        checks.choice(kind, KINDS, "kind of noise")
        if listen is not None:
            listen(kind)
        each = [dead_channels(network, noise(kind, shape, seed)[None]) for seed in seeds]
        dead[kind] = {layer: np.stack([one[layer] for one in each]) for layer in network.layers}
    return Census(network, checks.shape(shape), tuple(seeds), dead)


def table(census: Census) -> str:
    """The median number of dead channels over the draws, a line a layer, a column a kind of noise."""
    lines = [f"{f'dead, median of {len(census.seeds)} draws':26}" + "".join(f"{kind:>10}" for kind in census.dead)]
    for layer in census.network.layers:
        counts = (int(np.median(census.counts(kind)[layer])) for kind in census.dead)
        name = f"{layer} of {census.network.channels(layer)}"
        lines.append(f"{name:26}" + "".join(f"{count:10}" for count in counts))
    return "\n".join(lines)


def draw(census: Census) -> Figure:
    """The share of dead channels by layer, a line a kind of noise."""
    figure = Figure(figsize=(8, 4.5), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    layers = census.network.layers
    shares = {kind: np.stack([each[layer].mean(axis=1) for layer in layers], 1) for kind, each in census.dead.items()}
    ax = figure.add_subplot()
    show_dead_shares(ax, shares, layers)
    weights, (height, width) = census.network.weights, census.shape
    ax.set_title(f"Channels that noise of {width} × {height} pixels leaves dead: median and range of the draws")
    said = f"{weights.architecture}, weights {weights.source} ({weights.sha256[:8]}), ReLU, maximum pooling; "
    figure.supxlabel(f"{said}seeds {', '.join(map(str, census.seeds))}", fontsize=7, color="0.35", wrap=True)
    return figure


def write(census: Census, path: str | os.PathLike[str]) -> Path:
    """Writes `describe()` as JSON, whole or not at all, and returns the path.

    Raises `InputError` for a place that cannot be written.
    """
    target = checks.path(path, "census file")
    try:
        return files.write_text(target, json.dumps(census.describe(), indent=1) + "\n")
    except OSError as error:
        raise checks.output_problem(error, "census file", target, "a file in an existing folder") from None
