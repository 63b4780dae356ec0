"""Counts the channels that noise leaves dead, over kinds of noise and seeds (section 4.4 of the thesis)."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..networks.dead_channels import Census
from .features import show_dead_shares
from .style import DPI


def draw_census(census: Census) -> Figure:
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
