"""Drawings of networks and algorithms on given axes: nothing is computed here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Patch, Rectangle

from .style import show_picture

if TYPE_CHECKING:
    from ..networks.keras_layers import LayerSummary

FILLS = {
    "input": ("white", ""),
    "convolution": ("0.75", ""),
    "activation": ("0.92", "...."),
    "max-pooling": ("0.35", ""),
    "flatten": ("white", "----"),
    "dense": ("white", "////"),
}
"""Shade and hatching of each kind of `networks.keras_layers.LayerSummary`; they need no color."""
FLOW = {
    "origin": (0.0, 1.0),
    "origin_noisified": (1.6, 1.0),
    "noise": (1.6, 2.0),
    "target": (0.0, 0.0),
    "target_noisified": (1.6, 0.0),
    "result": (3.2, 0.0),
}
"""The images of `show_flow` and their places, in columns and rows."""
_SIDE = 0.72  # of an image, in columns


def show_perceptron(
    ax: Axes, kernels: Sequence[np.ndarray], inputs: Sequence[str] = (), outputs: Sequence[str] = ()
) -> None:
    """Show a multilayer perceptron: one circle per neuron, one line per weight (figure 2.3 of the thesis).

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    kernels : sequence of ndarray, shape (inputs, outputs) each
        Weights, layer by layer. The thickness of a line is proportional to the size of its weight, relative to the
        largest of its layer; lines of negative weights are dashed.
    inputs, outputs : sequence of str
        Names of the first and of the last neurons; none if empty.

    Raises
    ------
    ValueError
        If there are not as many names as neurons.
    """
    widths = [kernels[0].shape[0], *(kernel.shape[1] for kernel in kernels)]
    heights = [np.linspace(-(width - 1) / 2, (width - 1) / 2, width)[::-1] for width in widths]
    for depth, kernel in enumerate(kernels):
        largest = np.abs(kernel).max()
        for (i, j), weight in np.ndenumerate(kernel):
            ax.plot(
                (2 * depth, 2 * depth + 2), (heights[depth][i], heights[depth + 1][j]),
                color="0.35", linewidth=0.3 + 2.2 * abs(weight) / largest,
                linestyle="-" if weight >= 0 else (0, (3, 1.5)), zorder=1,
            )  # fmt: skip
    for depth, ys in enumerate(heights):
        ax.scatter(np.full(len(ys), 2 * depth), ys, 420, c="white", edgecolors="black", zorder=2)
        name = "inputs" if not depth else "outputs" if depth == len(kernels) else f"hidden layer {depth}"
        ax.annotate(f"{name}\n{len(ys)}", (2 * depth, -max(widths) / 2 - 0.3), ha="center", va="top", fontsize=9)
    for names, x, side in ((inputs, -0.35, "right"), (outputs, 2 * len(kernels) + 0.35, "left")):
        for name, y in zip(names, heights[0 if side == "right" else -1], strict=bool(names)):
            ax.text(x, y, name, ha=side, va="center", fontsize=9)
    ax.set(xlim=(-2, 2 * len(kernels) + 2), ylim=(-max(widths) / 2 - 1.2, max(widths) / 2 + 0.2))
    ax.set_axis_off()


def show_parts(ax: Axes, parts: Sequence[LayerSummary]) -> None:
    """Show a convolutional network as a row of boxes (figures 2.4 and 2.6 of the thesis).

    The height of a box is proportional to the logarithm of its map's height, its width to the logarithm of its number
    of channels. Below it are its name and its shape, above it the number of its parameters if it has any.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    parts : sequence of LayerSummary
        The layers, as `networks.keras_layers.summarize_layers` returns them.
    """
    left, tallest = 0.0, max(_height(part.shape) for part in parts)
    for part in parts:
        height, width = _height(part.shape), 0.16 * math.log2(1 + part.shape[-1])
        shade, hatch = FILLS[part.kind]
        box = (left, (tallest - height) / 2)
        ax.add_patch(Rectangle(box, width, height, facecolor=shade, hatch=hatch, edgecolor="black", linewidth=0.7))
        middle = left + width / 2
        if part.parameters:
            count = f"{part.parameters:,}"
            ax.text(middle, box[1] + height + 0.15, count, rotation=90, ha="center", va="bottom", fontsize=7)
        name = f"{part.name}  {'×'.join(map(str, part.shape))}"
        ax.text(middle, -0.2, name, rotation=90, ha="center", va="top", fontsize=7)
        left += width + 0.35
    kinds = list(dict.fromkeys(part.kind for part in parts))
    handles = [Patch(facecolor=FILLS[k][0], hatch=FILLS[k][1], edgecolor="black", label=k) for k in kinds]
    ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(kinds), frameon=False, fontsize=8)
    ax.set(xlim=(-0.3, left), ylim=(-4.2, tallest + 1.9))
    ax.set_axis_off()


def show_numbers(ax: Axes, values: np.ndarray, title: str, shade: tuple[slice, slice] | None = None) -> None:
    """Show a small matrix as a grid of numbers, some of its cells shaded.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    values : ndarray, shape (rows, columns)
        The matrix.
    title : str
        Text above the matrix.
    shade : tuple of two slice, optional
        Rows and columns of the cells to shade.
    """
    rows, columns = values.shape
    shaded = np.zeros(values.shape, bool)
    if shade is not None:
        shaded[shade] = True
    for (row, column), value in np.ndenumerate(values):
        color = "0.8" if shaded[row, column] else "white"
        ax.add_patch(Rectangle((column, row), 1, 1, facecolor=color, edgecolor="0.3", linewidth=0.8))
        ax.text(column + 0.5, row + 0.5, f"{value:g}", ha="center", va="center", fontsize=11)
    half = max(4, rows, columns) / 2 + 0.05  # so that cells have the same size in neighboring axes
    middle = (columns / 2, rows / 2)
    ax.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] + half, middle[1] - half), aspect="equal")
    ax.set_axis_off()
    ax.set_title(title, fontsize=9)


def show_legs(ax: Axes, step: int, layers: Sequence[str]) -> None:
    """Show what each layer does in each leg of Step 1, 2 or 3 (sections 3.3 to 3.5 of the thesis).

    There is one row per leg, in the order in which the legs run, and one column per layer. Legs are numbered as on the
    way to noise.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    step : {1, 2, 3}
        The step.
    layers : sequence of str
        Names of the layers, from shallow to deep.
    """
    count = len(layers)
    order = list(range(count)) if step < 3 else list(reversed(range(count)))
    for row, leg in enumerate(order):
        for column in range(count):
            # Step 3 imposes c_l where it was measured: with the layers below l at the reference.
            if column < leg:
                text, shade, ink = f"held at v{_index(column)}", "0.85", "black"
            elif column > leg:
                text, shade, ink = "not asked", "white", "0.45"
            else:
                target = f"c{_index(leg)}" if step == 3 else f"v{_index(leg)}"
                note = f"record c{_index(leg)}, then\n" if step == 1 else ""
                text, shade, ink = f"{note}moves to {target}", "0.3", "white"
            ax.add_patch(Rectangle((column, row), 1, 1, facecolor=shade, edgecolor="white", linewidth=2))
            ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=8, color=ink)
    ax.set_xticks(np.arange(count) + 0.5, layers, fontsize=8)
    names = [f"leg {leg + 1}{' back' if step == 3 else ''}" for leg in order]
    ax.set_yticks(np.arange(count) + 0.5, names, fontsize=8)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.set(xlim=(0, count), ylim=(count, 0))
    ax.spines[:].set_visible(False)


def show_flow(ax: Axes, images: Mapping[str, np.ndarray]) -> None:
    """Show how Steps 0 to 3 lead from image to image (figure 2.9 of the thesis).

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    images : mapping of str to ndarray, shape (H, W, 3)
        Floating-point RGB values, nominally in [0, 1], by the names of `FLOW`.
    """
    titles = {
        "origin": "origin", "origin_noisified": "origin, noisified", "noise": "noise",
        "target": "target", "target_noisified": "target, noisified", "result": "result",
    }  # fmt: skip
    for name, (x, y) in FLOW.items():
        inset = ax.inset_axes((x, y, _SIDE, _SIDE), transform=ax.transData)
        show_picture(inset, images[name], titles[name])
    half = _SIDE / 2
    rows = {y: y + half for y in (0.0, 1.0, 2.0)}
    _arrow(ax, (_SIDE, rows[1.0]), (1.6, rows[1.0]), "Step 1: to v, layer by layer;\nnote the style c on the way")
    _arrow(ax, (_SIDE, rows[0.0]), (1.6, rows[0.0]), "Step 2: to v, layer by layer;\nnote nothing")
    _arrow(ax, (1.6 + _SIDE, rows[0.0]), (3.2, rows[0.0]), "Step 3: impose c,\ndeepest layer first")
    ax.text(1.5, rows[2.0], "Step 0: its channel means\nare the reference v", ha="right", va="center", fontsize=9)
    style = (3.2 + half, 1.0)
    ax.text(*style, "style c", ha="center", va="center", fontsize=11, bbox={"boxstyle": "round", "fc": "0.9"})
    # This arrow leaves from the middle of Step 1: the image at its end no longer has the style c.
    _arrow(ax, ((1.6 + _SIDE) / 2, rows[1.0]), (style[0] - 0.28, style[1] - 0.06), "", "angle,angleA=-90,angleB=180")
    _arrow(ax, (style[0], style[1] - 0.06), (style[0], _SIDE + 0.1), "")
    _arrow(ax, (1.6 + half, 2.0), (1.6 + half, 1.0 + _SIDE + 0.14), "")
    ax.set(xlim=(-0.05, 4.0), ylim=(-0.05, 2.95), aspect="equal")
    ax.set_axis_off()


def _arrow(ax: Axes, begin: tuple[float, float], end: tuple[float, float], label: str, curve: str = "arc3") -> None:
    look: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 12, "shrinkA": 3, "shrinkB": 3, "color": "0.2"}
    ax.add_patch(FancyArrowPatch(begin, end, connectionstyle=curve, **look))
    middle = ((begin[0] + end[0]) / 2, begin[1] + 0.03)
    ax.text(*middle, label, ha="center", va="bottom", fontsize=8)


def _height(shape: tuple[int, ...]) -> float:
    return math.log2(1 + shape[0]) / 2 if len(shape) == 3 else 0.5


def _index(layer: int) -> str:
    """Return the number of a layer, counted from 1, as a subscript."""
    return "".join(chr(0x2080 + int(digit)) for digit in str(layer + 1))
