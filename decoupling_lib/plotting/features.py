"""Axes-level pictures of features: nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from .style import COLORS, LINES, MARKERS

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
        ax.tick_params(axis="x", pad=10)  # the marks' place
    ax.set_xlim(-0.5, len(values) - 0.5)
    ax.set_xlabel("channel", fontsize=9)
    ax.set_ylabel("mean activation", fontsize=9)
    ax.set_title(title, fontsize=10)
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    return bars


def show_leg_errors(ax: Axes, errors: Mapping[str, Sequence[float]], legs: Sequence[str]) -> list[Line2D]:
    """Shows how far every layer is from its reference at the accepted points of legs that follow one another.

    Parameters
    ----------
    errors : by layer, the relative error at each point.
    legs : the moving layer's name at each point; a thin upright line stands where another begins to move.

    Returns
    -------
    one line a layer; its points are marked where the layer moves, and not where it is held or drifts.
    """
    points = np.arange(len(legs))
    lines = []
    for (layer, values), look in zip(errors.items(), _looks(), strict=False):
        moves = [point for point in points if legs[point] == layer]
        lines += ax.semilogy(points, values, **look, markevery=moves, markersize=4, label=layer)
    begins = [0, *(b for a, b in pairwise(points) if legs[a] != legs[b])]
    for begin in begins:
        if begin:
            ax.axvline(begin - 0.5, color="0.6", linewidth=0.8, zorder=0)
        ax.annotate(f"{legs[begin]} moves", (begin, 1), (2, 2), ("data", "axes fraction"), "offset points", fontsize=8)
    ax.set_xlabel("accepted point", fontsize=9)
    ax.set_ylabel("relative error", fontsize=9)
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8)
    return lines


def show_distances(ax: Axes, distances: Mapping[str, Sequence[float]], steps: Sequence[int]) -> list[Line2D]:
    """Shows how far every layer is from noise at the accepted points of Steps 1 to 3; an upright line begins a step.

    Parameters
    ----------
    distances : by layer, relative to the reference's length. steps : of each point, 4 for the judging of a result.

    Returns
    -------
    one line for each layer and step, layer by layer.
    """
    starts = [k for k in range(len(steps)) if not k or steps[k] != steps[k - 1]]
    lines = []
    for (layer, values), look in zip(distances.items(), _looks(), strict=False):
        # A step begins with another picture than the one before has ended with: its line does not go on.
        for place, (begin, end) in enumerate(pairwise([*starts, len(steps)])):
            label = "_" if place else layer
            lines += ax.semilogy(range(begin, end), values[begin:end], **look, markevery=8, markersize=4, label=label)
    for begin in starts:
        if begin:
            ax.axvline(begin - 0.5, color="0.6", linewidth=0.8, zorder=0)
        said = f"Step {steps[begin]}" if steps[begin] < 4 else "judging"
        ax.annotate(said, (begin, 1), (2, 2), ("data", "axes fraction"), "offset points", fontsize=8)
    ax.set_xlabel("accepted point", fontsize=9)
    ax.set_ylabel("distance from noise, relative", fontsize=9)
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    if lines:
        ax.legend(frameon=False, fontsize=8)
    return lines


def show_matrix(ax: Axes, values: np.ndarray, names: Sequence[str], title: str, written: str) -> AxesImage:
    """Shows a square matrix in gray, the largest entry black, with every entry written in its place.

    Parameters
    ----------
    values : (n, n). names : of the n rows and columns. written : a format of one number, as in "{:.1f}".
    """
    image = ax.imshow(values, cmap="gray_r", vmin=min(0.0, values.min()), vmax=values.max())
    for (row, column), value in np.ndenumerate(values):
        dark = image.norm(value) > 0.5
        said = written.format(value)
        ax.text(column, row, said, ha="center", va="center", fontsize=8, color="white" if dark else "black")
    ax.set_xticks(range(len(names)), names, fontsize=8)
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.set_title(title, fontsize=9)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return image


def show_pairs(ax: Axes, values: Mapping[str, Sequence[float]], pairs: Sequence[str], title: str) -> None:
    """Shows one number a pair of pictures and method, a row a pair, and each method's median as an upright line.

    Parameters
    ----------
    values : by method, one number a pair. pairs : their names, from the top down.
    """
    rows = np.arange(len(pairs))
    for (method, found), look in zip(values.items(), _looks(), strict=False):
        ax.plot(found, rows, **look | {"linestyle": ""}, markerfacecolor="white", markersize=5, label=method)
        ax.axvline(float(np.median(found)), color=look["color"], linestyle=look["linestyle"], linewidth=1)
    ax.set_yticks(rows, pairs, fontsize=8)
    ax.set_ylim(len(pairs) - 0.5, -0.5)
    ax.set_title(title, fontsize=10)
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)


def show_dead_shares(ax: Axes, shares: Mapping[str, np.ndarray], layers: Sequence[str]) -> None:
    """Shows the share of dead channels by layer, a line a kind of noise, with the range over seeds.

    Parameters
    ----------
    shares : by kind, (seeds, layers), in [0, 1].
    """
    places = np.arange(len(layers))
    for shift, ((kind, found), look) in enumerate(zip(shares.items(), _looks(), strict=False)):
        middle = np.median(found, axis=0)
        apart = 100 * np.abs(np.stack([found.min(axis=0), found.max(axis=0)]) - middle)
        ax.errorbar(
            places + 0.06 * (shift - (len(shares) - 1) / 2), 100 * middle, apart, **look,
            markerfacecolor="white", markersize=5, linewidth=1.2, elinewidth=1, capsize=3, label=kind,
        )  # fmt: skip
    ax.set_xticks(places, layers, fontsize=8)
    ax.set_ylabel("dead channels, %", fontsize=9)
    ax.set_ylim(bottom=0)
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8)


def _looks() -> Iterator[dict[str, Any]]:
    """Looks that are apart in gray as well, without end."""
    for color, line, marker in zip(cycle(COLORS), cycle(LINES), cycle(MARKERS), strict=True):
        yield {"color": color, "linestyle": line, "marker": marker}
