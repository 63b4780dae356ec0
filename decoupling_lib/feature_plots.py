"""Axes-level pictures of features: nothing is computed here."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer

DEAD = "dead"


def show_channel_means(ax: Axes, values: np.ndarray, dead: np.ndarray | None = None, title: str = "") -> BarContainer:
    """Shows a layer's channel means as bars, one a channel (figure 4.5 of the thesis).

    Parameters
    ----------
    values : (channels,), in units of the activations.
    dead : (channels,) bool: the channels that are marked below the axis, in which a bar of no height is easily missed.

    Returns
    -------
    the bars, in the order of the channels.
    """
    channels = np.arange(len(values))
    seam = 0.3 if len(values) < 200 else 0.0
    bars = ax.bar(channels, values, width=1.0, color="0.45", edgecolor="white", linewidth=seam)
    if dead is not None and dead.any():
        ax.plot(
            channels[dead], np.full(np.count_nonzero(dead), -0.035), "k|", markersize=6, clip_on=False,
            transform=ax.get_xaxis_transform(), label=f"{DEAD}: {np.count_nonzero(dead)} of {len(values)}",
        )  # fmt: skip
        ax.legend(loc="upper right", frameon=False, fontsize=8)
    ax.set_xlim(-0.5, len(values) - 0.5)
    ax.set_xlabel("channel", fontsize=9)
    ax.set_ylabel("mean activation", fontsize=9)
    ax.set_title(title, fontsize=10)
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    return bars
