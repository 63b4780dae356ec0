"""The share of channels that noise leaves dead, by layer (section 4.4 of the thesis)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .settings import kit_settings
from .style import line_look, new_figure


@kit_settings
def draw_dead_channels(counts: Mapping[str, Any]) -> Figure:
    """Draw the share of dead channels by layer, one line per kind of noise.

    Parameters
    ----------
    counts : mapping of str to Any
        The content of zeros.json; see `networks.dead_channels.DeadChannelCounts.describe`.

    Returns
    -------
    Figure
        Shares in percent, with the network and the seeds below.
    """
    figure = new_figure(8, 4.5)
    network, (height, width) = counts["network"], counts["size"]
    layers = network["layers"]
    shares = {
        kind: np.stack([np.divide(each[layer]["dead"], each[layer]["channels"]) for layer in layers], 1)
        for kind, each in counts["kinds"].items()
    }
    ax = figure.add_subplot()
    show_dead_shares(ax, shares, layers)
    ax.set_title(f"Channels that noise of {width} × {height} pixels leaves dead: median and range of the draws")
    weights = f"{network['architecture']}, weights {network['weights']} ({network['sha256'][:8]})"
    seeds = f"seeds {', '.join(map(str, counts['seeds']))}"
    figure.supxlabel(f"{weights}, ReLU, maximum pooling; {seeds}", fontsize=7, color="0.35", wrap=True)
    return figure


def show_dead_shares(ax: Axes, shares: Mapping[str, np.ndarray], layers: Sequence[str]) -> None:
    """Show the share of dead channels by layer: one line per kind of noise, with the range over the seeds.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    shares : mapping of str to ndarray, shape (seeds, layers)
        Shares in [0, 1], by kind of noise; the line joins the medians over the seeds.
    layers : sequence of str
        Names of the layers.
    """
    positions = np.arange(len(layers))
    for index, (kind, values) in enumerate(shares.items()):
        median = np.median(values, axis=0)
        spread = 100 * np.abs(np.stack([values.min(axis=0), values.max(axis=0)]) - median)
        ax.errorbar(
            positions + 0.06 * (index - (len(shares) - 1) / 2), 100 * median, spread, **line_look(index),
            markerfacecolor="white", markersize=5, linewidth=1.2, elinewidth=1, capsize=3, label=kind,
        )  # fmt: skip
    ax.set_xticks(positions, layers, fontsize=8)
    ax.set_ylabel("dead channels, %", fontsize=9)
    ax.set_ylim(bottom=0)
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8)
