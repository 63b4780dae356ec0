"""Plots of features on given axes: nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..engine.context import Step
from .style import line_look

DEAD = "dead"
"""Legend label of the marks of dead channels."""
SHORTEST = 10
"""Number of points for which an axis has room at least: a run begins with one."""
LABEL_WIDTH = 0.12
"""About how much of the width of an axis a label such as "Step 1" takes."""


def show_channel_means(ax: Axes, values: np.ndarray, dead: np.ndarray | None = None, title: str = "") -> BarContainer:
    """Show a layer's channel means, one bar per channel (figure 4.5 of the thesis).

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    values : ndarray, shape (channels,)
        The means, in units of the activations.
    dead : ndarray of bool, shape (channels,), optional
        True for channels to mark below the axis, where a bar of no height is easily missed.
    title : str
        Text above the axes.

    Returns
    -------
    BarContainer
        The bars, in the order of the channels.
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
        ax.tick_params(axis="x", pad=10)  # room for the marks
    ax.set_xlim(-0.5, len(values) - 0.5)
    ax.set_xlabel("channel", fontsize=9)
    ax.set_ylabel("mean activation", fontsize=9)
    ax.set_title(title, fontsize=10)
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    return bars


def show_leg_errors(ax: Axes, errors: Mapping[str, Sequence[float]], legs: Sequence[str]) -> list[Line2D]:
    """Show each layer's distance from its reference at the accepted points of consecutive legs.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    errors : mapping of str to sequence of float, length n
        By layer, the relative error at each point.
    legs : sequence of str, length n
        The layer that moves at each point; a thin vertical line separates the legs.

    Returns
    -------
    list of Line2D
        One line per layer, with markers only where the layer moves, not where it is held or drifts.
    """
    points = range(len(legs))
    lines = []
    for index, (layer, values) in enumerate(errors.items()):
        moves = [point for point in points if legs[point] == layer]
        lines += ax.semilogy(points, values, **line_look(index), markevery=moves, markersize=4, label=layer)
    begins = [0, *(after for before, after in pairwise(points) if legs[before] != legs[after])]
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
    """Show each layer's distance from the reference at the accepted points of Steps 1 to 3.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    distances : mapping of str to sequence of float, length n
        By layer, the distance at each point, relative to the length of the reference.
    steps : sequence of int, length n
        The step of each point, as in `engine.context.Step`; a thin vertical line separates the steps.

    Returns
    -------
    list of Line2D
        One line per layer and step, layer by layer.
    """
    starts = [k for k in range(len(steps)) if not k or steps[k] != steps[k - 1]]
    lines = []
    for index, (layer, values) in enumerate(distances.items()):
        # A step begins with another image than the one that the step before ended with, so its line is a new one.
        for place, (begin, end) in enumerate(pairwise([*starts, len(steps)])):
            label = "_" if place else layer
            lines += ax.semilogy(
                range(begin, end), values[begin:end], **line_look(index), markevery=8, markersize=4, label=label
            )
    for begin, row in zip(starts, _label_rows(starts, max(len(steps), SHORTEST)), strict=True):
        if begin:
            ax.axvline(begin - 0.5, color="0.6", linewidth=0.8, zorder=0)
        name = f"Step {steps[begin]}" if steps[begin] < Step.JUDGING else "judging"
        ax.annotate(name, (begin, 1), (2, 2 + 10 * row), ("data", "axes fraction"), "offset points", fontsize=8)
    ax.set_xlabel("accepted point", fontsize=9)
    ax.set_ylabel("distance from the reference, relative", fontsize=9)
    ax.tick_params(which="both", labelsize=8)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlim(-0.5, max(len(steps), SHORTEST) - 0.5)
    low, high = ax.get_ylim()
    if high < 10 * low:  # within less than a decade, ticks would have long labels such as 8.54 × 10⁻¹
        middle = np.sqrt(low * high)
        ax.set_ylim(middle / np.sqrt(10), middle * np.sqrt(10))
    ax.spines[["top", "right"]].set_visible(False)
    if lines:
        ax.legend(frameon=False, fontsize=8)
    return lines


def _label_rows(places: Sequence[int], length: int) -> list[int]:
    """Return the row of each label above an axis of so many points: the lowest one in which it overlaps no other."""
    width = LABEL_WIDTH * max(length, 1)
    ends: list[float] = []  # of the rows
    rows = []
    for place in places:
        row = next((row for row, end in enumerate(ends) if end <= place), len(ends))
        ends[row : row + 1] = [place + width]
        rows.append(row)
    return rows


def show_matrix(
    ax: Axes,
    values: np.ndarray,
    names: Sequence[str],
    title: str,
    number_format: str,
    limits: tuple[float, float] | None = None,
) -> AxesImage:
    """Show a square matrix in gray, with each entry written in its cell.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    values : ndarray, shape (n, n)
        The matrix.
    names : sequence of str, length n
        Names of the rows and columns.
    title : str
        Text above the matrix.
    number_format : str
        Format of one entry, such as "{:.1f}".
    limits : tuple of float, optional
        The values that are white and black; the same for matrices that are compared. Default: the smallest entry or 0,
        whichever is less, and the largest entry.

    Returns
    -------
    AxesImage
        The matrix on the axes.
    """
    white, black = limits if limits is not None else (min(0.0, values.min()), values.max())
    image = ax.imshow(values, cmap="gray_r", vmin=white, vmax=black, origin="upper")
    for (row, column), value in np.ndenumerate(values):
        color = "white" if np.asarray(image.norm(value)) > 0.5 else "black"
        ax.text(column, row, number_format.format(value), ha="center", va="center", fontsize=8, color=color)
    ax.set_xticks(range(len(names)), names, fontsize=8)
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.set_title(title, fontsize=9)
    edges = np.arange(len(names) + 1) - 0.5  # without lines, cells near white have no borders
    ax.set_xticks(edges, minor=True)
    ax.set_yticks(edges, minor=True)
    ax.grid(which="minor", color="0.6", linewidth=0.8)
    ax.spines[:].set_visible(False)
    ax.tick_params(which="both", length=0)
    return image
