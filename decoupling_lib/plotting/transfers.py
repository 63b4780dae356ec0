"""Figures of transfers, drawn from result objects: nothing is computed here.

They are readable in black and white: curves differ in line style, marker and lightness.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from ..engine.legs import Leg
from ..transfers.run import Transfer
from .settings import kit_settings
from .style import DPI, FONT, line_look, new_figure, show_picture

LIMITS = (1e-20, 1e20)
"""Smallest and largest error on a curve: a log axis shows nothing useful beyond them."""
EDGE_LABELS = ("zero, or below 1e-20", "above 1e20, or not a number")
"""Legend labels of the errors marked on the lower and on the upper edge of the axes, because they exceed `LIMITS`."""
STEP_TITLES = ("Step 1: origin, to the reference", "Step 2: target, to the reference", "Step 3: imposing the style")
ENLARGED_SIDE, LARGEST_SIDE = 576, 1024
"""Longest sides of a panel's images, in pixels, up to which they are enlarged, and above which they are shrunk."""
_MARKERS_PER_LINE = 7
_WIDTH, _MARGIN, _GAP = 12 * DPI, 20, 20  # pixels
_TITLE, _CAPTION_LINE = 66, 19  # pixels: two lines of title, one line of caption
_NARROWEST = 400  # pixels: the width that titles and caption need
_PLACES = ((0, 0), (1, 0), (0, 1), (1, 1), (0, 2))  # (row, column) of a panel's images; the caption has the last place
_CAPTION: dict[str, Any] = {
    "fontsize": 7.5, "fontfamily": FONT, "color": "0.25", "ha": "left", "linespacing": 1.2, "parse_math": False,
}  # fmt: skip


@kit_settings
def draw_panel(transfer: Transfer, caption: str, self_transfer: Mapping[str, float | None] | None = None) -> Figure:
    """Draw a transfer's images: origin, target and result, and below them origin and target normalized.

    All are on one scale. Images of up to `ENLARGED_SIDE` pixels are enlarged by the largest whole number that fits, so
    that each pixel is a square; larger ones are shown pixel by pixel, and those above `LARGEST_SIDE` are shrunk
    smoothly to it. An image that an interrupted run did not reach is an empty frame.

    Parameters
    ----------
    transfer : Transfer
        The transfer, finished or interrupted.
    caption : str
        Small print beside the images: the network and the settings. The scale is added to it.
    self_transfer : mapping of str to float or None, optional
        The report's entry (`psnr_db`, `max_error`) if the origin is the target.

    Returns
    -------
    Figure
        The panel, three columns wide.
    """
    scale, note = _choose_scale(max(*transfer.origin.shape[:2], *transfer.target.shape[:2]))
    panel = _panel_images(transfer, self_transfer)
    shapes = [(transfer.origin if name.startswith("Origin") else transfer.target).shape for _, name in panel]
    sizes = [(max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))) for shape in shapes]
    slot, row = max(_NARROWEST, *(width for _, width in sizes)), max(height for height, _ in sizes)
    text = _wrap_caption(f"{caption}\n{note}", slot)
    second = max(row, _CAPTION_LINE * (text.count("\n") + 1))
    across, total = 2 * _MARGIN + 3 * slot + 2 * _GAP, 2 * _TITLE + row + _GAP + second + _MARGIN
    figure = new_figure(across / DPI, total / DPI, layout=None)
    for (image, title), (height, width), (line, column) in zip(panel, sizes, _PLACES, strict=True):
        left = _MARGIN + column * (slot + _GAP) + (slot - width) // 2
        top = _TITLE + line * (row + _GAP + _TITLE)
        place = (left / across, (total - top - height) / total, width / across, height / total)
        shown = show_picture(ax := figure.add_axes(place), image, title)
        if shown is not None:
            ax.set_aspect("auto")  # the axes have the image's shape to the pixel
            if scale < 1:
                shown.set_interpolation("hanning")  # shrinking by nearest neighbors drops rows and columns
    left, top = _MARGIN + 2 * (slot + _GAP), 2 * _TITLE + row + _GAP
    figure.text(left / across, (total - top) / total, text, va="top", **_CAPTION)
    return figure


def _choose_scale(side: int) -> tuple[float, str]:
    """Return how large a pixel of an image with this longest side is shown, and a sentence about it."""
    if side > LARGEST_SIDE:
        return LARGEST_SIDE / side, f"Images are shrunk to {LARGEST_SIDE / side:.0%}."
    scale = max(1, ENLARGED_SIDE // side)
    return scale, "Images are shown pixel by pixel." if scale == 1 else f"Each pixel is enlarged to {scale} × {scale}."


@kit_settings
def draw_losses(transfer: Transfer, caption: str) -> Figure:
    """Draw the error curves of Steps 1, 2 and 3 side by side, with a common error axis.

    Network passes are counted from the beginning of each step.

    Parameters
    ----------
    transfer : Transfer
        The transfer, finished or interrupted.
    caption : str
        Small print below the curves: the network and the settings.

    Returns
    -------
    Figure
        The curves, one axes per step.
    """
    figure = new_figure(_WIDTH / DPI, int(4.6 * DPI) / DPI, layout=None)
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
    layers = list(transfer.layers)
    for step, (ax, title) in enumerate(zip(figure.subplots(1, 3, sharey=True), STEP_TITLES, strict=True), start=1):
        route = transfer.routes.get(f"step{step}")
        legs = route.legs if route is not None else ()
        show_curve(ax, legs, layers)
        ax.set_title(title if route is None or route.status == "done" else f"{title} ({route.status})", fontsize=9)
        ax.label_outer()
        if not legs:
            note = "not normalized by this method" if route is not None and route.status == "done" else "not reached"
            ax.text(0.5, 0.5, note, transform=ax.transAxes, ha="center", va="center", color="0.35", fontsize=9)
            ax.set(xticks=[], xlabel="")
    text = _wrap_caption(caption, _WIDTH - 2 * _MARGIN)
    if text:
        figure.supxlabel(text, x=_MARGIN / _WIDTH, **_CAPTION)
    return figure


@kit_settings
def draw_step_curve(legs: Sequence[Leg], layers: Sequence[str], limits: tuple[float, float] | None = None) -> Figure:
    """Draw the error curves of one step alone.

    Parameters
    ----------
    legs : sequence of Leg
        Its legs, in the order in which they ran.
    layers : sequence of str
        As in `show_curve`.
    limits : tuple of float, optional
        Lowest and highest error of the axis, to compare several steps. Default: those of the legs.

    Returns
    -------
    Figure
        The curves.
    """
    figure = new_figure(4.4, 3.9, dpi=200)
    ax = figure.subplots()
    show_curve(ax, legs, layers)
    if limits is not None:
        ax.set_ylim(*limits)
    return figure


def show_curve(ax: Axes, legs: Sequence[Leg], layers: Sequence[str] | None = None) -> list[Line2D]:
    """Show each leg's relative error against the network passes of this leg and of those before it.

    A line ends at the leg's final error, which is below its last curve point if corrections followed. A zero is
    marked on the lower edge of the axes, infinity and NaN on the upper edge (see `EDGE_LABELS`). A thin vertical line
    separates the steps.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    legs : sequence of Leg
        The legs in the order in which they ran.
    layers : sequence of str, optional
        Names that determine each layer's look, so that it is the same in several axes; by default, the layers of
        `legs` in order of appearance.

    Returns
    -------
    list of Line2D
        One line per leg, in the order of `legs`.
    """
    looks = list(dict.fromkeys([*(layers or ()), *(leg.layer for leg in legs)]))
    ax.set_yscale("log", nonpositive="mask")
    ax.set_xlabel("network passes", fontsize=9)
    ax.set_ylabel("relative error", fontsize=9)
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    lines: list[Line2D] = []
    begin, step = 0, None
    several = len({leg.step for leg in legs}) > 1
    for leg in legs:
        if several and leg.step != step:
            if step is not None:
                ax.axvline(begin, color="0.6", linewidth=0.8, zorder=0)
            ax.annotate(f"Step {leg.step}", (begin, 1), (2, 2), ("data", "axes fraction"), "offset points", fontsize=8)
        label = _leg_label(leg, follows=leg.step == step)
        step = leg.step
        lines.append(_plot_leg(ax, leg, begin, looks.index(leg.layer), label))
        begin += leg.passes.total
    if lines:
        edges = [line for line in ax.lines if line.get_label() in EDGE_LABELS]
        show_legend_below(ax, [*lines, *{line.get_label(): line for line in edges}.values()])
    return lines


def show_legend_below(ax: Axes, lines: Sequence[Line2D]) -> None:
    """Explain lines below the axes, in place of an earlier legend.

    Parameters
    ----------
    ax : Axes
        The axes, with a label below its numbers.
    lines : sequence of Line2D
        The lines, each with a label.
    """
    ax.legend(
        handles=list(lines), loc="upper left", bbox_to_anchor=(0, -0.16), borderaxespad=0, frameon=False, fontsize=8,
        handlelength=4.5, ncols=1 if len(lines) < 7 else 2,
    )  # fmt: skip


def _plot_leg(ax: Axes, leg: Leg, begin: int, index: int, label: str) -> Line2D:
    """Plot one leg's line with the look of its layer's `index`; `begin` is the passes before the leg."""
    points = np.array([*leg.curve, (leg.passes.total, leg.relative_error)], dtype=float)
    x, error = points[:, 0] + begin, points[:, 1]
    low = error < LIMITS[0]
    inside = ~low & (error <= LIMITS[1])
    at = np.flatnonzero(inside)
    marked = at[np.unique(np.linspace(0, at.size - 1, _MARKERS_PER_LINE).astype(int))] if at.size else at
    look = line_look(index)
    (line,) = ax.plot(
        x, np.where(inside, error, np.nan), **look, linewidth=1.4, markersize=4.5, markerfacecolor="white",
        markevery=marked.tolist(), label=label,
    )  # fmt: skip
    for outside, height, marker, edge in ((low, 0, 7, EDGE_LABELS[0]), (~(low | inside), 1, 6, EDGE_LABELS[1])):
        if outside.any():
            ax.plot(
                x[outside], np.full(outside.sum(), height), color=look["color"], linestyle="", marker=marker,
                markersize=6, label=edge, transform=ax.get_xaxis_transform(), clip_on=False,
            )  # fmt: skip
    return line


def _leg_label(leg: Leg, follows: bool) -> str:
    """Return a leg's name for a legend.

    A leg of several layers that follows others of its step is the refinement: its errors are those of c, not of f.
    """
    what = "closing the gap: decoupled style of " if follows and "+" in leg.layer else ""
    label = f"Step {leg.step} {what}{leg.layer}".replace("+", "+ ")
    return textwrap.fill(label, 36).replace("+ ", "+")


def _panel_images(
    transfer: Transfer, self_transfer: Mapping[str, float | None] | None
) -> list[tuple[np.ndarray | None, str]]:
    """Return the images of a panel with their titles, each of two lines."""

    def end_of(name: str, title: str, note: str) -> tuple[np.ndarray | None, str]:
        route = transfer.routes.get(name)
        if route is None:
            return None, f"{title}\nnot reached"
        if route.status != "done":
            note = f"{note}, {route.status}"
        elif not route.legs and name != "step3":
            return None, f"{title}\nnot normalized by this method"
        return transfer.result if name == "step3" else route.x, f"{title}\n{note}"

    note = "Step 3" if self_transfer is None else f"self-transfer, PSNR {_format_psnr(self_transfer)}"
    return [
        (transfer.origin, "Origin\ngives the style"),
        end_of("step1", "Origin normalized", "Step 1"),
        (transfer.target, "Target\ngives the content"),
        end_of("step2", "Target normalized", "Step 2"),
        end_of("step3", "Result", note),
    ]


def _format_psnr(self_transfer: Mapping[str, float | None]) -> str:
    """Return the PSNR as text; a report has null for both an infinite one (the way back is exact) and NaN."""
    psnr = self_transfer["psnr_db"]
    if psnr is None:
        psnr = math.inf if self_transfer.get("max_error") == 0 else math.nan
    return "∞ dB" if psnr == math.inf else "unknown" if math.isnan(psnr) else f"{psnr:.1f} dB"


def _wrap_caption(caption: str, width: int) -> str:
    """Return the caption in lines of at most `width` pixels; characters missing from the font become question marks.

    A number stays on the line of its unit.
    """
    font = font_manager.get_font(font_manager.findfont(FONT))
    known = "".join(c if c == "\n" or font.get_char_index(ord(c)) else "?" for c in caption.strip())
    known = re.sub(r"(?<=[\d×]) (?=\S)", "\N{NO-BREAK SPACE}", known)
    ruler = new_figure(width / DPI, 100 / DPI, layout=None)
    for columns in range(200, 10, -5):
        lines = [line for part in known.splitlines() for line in textwrap.wrap(part, columns) or [""]]
        text = Text(0, 0, "\n".join(lines), figure=ruler, **_CAPTION)
        if text.get_window_extent().width <= width:
            break
    return "\n".join(lines)
