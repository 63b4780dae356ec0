"""Figures of transfers, from result objects: nothing is computed here.

Readable in black and white: curves differ in line style, marker and lightness. Figures are made without pyplot, so
its state is not touched and they can be made without a screen and from any thread.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from ..engine.legs import Leg
from ..engine.normalization import Route as Route
from ..transfers.run import Transfer
from .style import COLORS, DPI, FONT, LINES, MARKERS, show_picture

DRAWN = (1e-20, 1e20)
EDGES = ("zero, or below 1e-20", "above 1e20, or not a number")
"""Errors that are marked on the lower and the upper edge of the axes: a log axis cannot show them usefully."""
STEPS = ("Step 1: origin, to the reference", "Step 2: target, to the reference", "Step 3: imposing the style")
_MARKERS_A_LINE = 7
_WIDTH, _MARGIN, _GAP = 12 * DPI, 20, 20  # pixels
_TITLE, _SMALL_PRINT = 66, 19  # pixels: two lines of title, one line of caption
_SLOT = (_WIDTH - 2 * _MARGIN - 4 * _GAP) // 5


def show_curve(ax: Axes, legs: Sequence[Leg], layers: Sequence[str] | None = None) -> list[Line2D]:
    """Shows each leg's relative error against the network passes of this and the earlier legs.

    A line ends at the leg's final error, which is below its last curve point where corrections followed. Zero is
    marked on the lower edge of the axes, an infinite error or NaN on the upper one (see `EDGES`). A thin upright
    line stands where another step begins.

    Parameters
    ----------
    layers : the names that fix each layer's look, so that it is alike in several axes; default as met in `legs`.

    Returns
    -------
    one line a leg, in the order of `legs`.
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
        name = _named(leg, refines=leg.step == step)
        step = leg.step
        lines.append(_line(ax, leg, begin, looks.index(leg.layer), name))
        begin += leg.passes.total
    if lines:
        edges = [line for line in ax.lines if line.get_label() in EDGES]
        handles = [*lines, *{line.get_label(): line for line in edges}.values()]
        ax.legend(
            handles=handles, loc="upper left", bbox_to_anchor=(0, -0.16), borderaxespad=0, frameon=False, fontsize=8,
            handlelength=4.5, ncols=1 if len(handles) < 7 else 2,
        )  # fmt: skip
    return lines


def panel(transfer: Transfer, caption: str, self_transfer: Mapping[str, float | None] | None = None) -> Figure:
    """The five pictures of a transfer in a row: origin, origin noisified, target, target noisified, result.

    Each pixel of a picture is a square of whole pixels of the figure; pictures wider or higher than 336 pixels are
    shrunk, smoothly. What an interrupted run did not reach is an empty frame.

    Parameters
    ----------
    caption : small print: the network and settings.
    self_transfer : the report's entry (`psnr_db`, `max_error`) when the origin is the target, else None.
    """
    height, width = transfer.origin.shape[:2]
    scale = min(_SLOT / height, _SLOT / width)
    whole = scale >= 1
    scale = math.floor(scale) if whole else scale
    shown_height, shown_width = max(1, round(height * scale)), max(1, round(width * scale))
    figure = _figure(_WIDTH, 2 * _MARGIN)
    text = _small_print(caption, _WIDTH - 2 * _MARGIN)
    below = _SMALL_PRINT * (text.count("\n") + 1) + _MARGIN if text else 0
    total = _TITLE + shown_height + below + _MARGIN
    figure.set_size_inches(_WIDTH / DPI, total / DPI)
    for at, (image, title) in enumerate(_pictures(transfer, self_transfer)):
        left = _MARGIN + at * (_SLOT + _GAP) + (_SLOT - shown_width) // 2
        bottom = _MARGIN + below
        ax = figure.add_axes((left / _WIDTH, bottom / total, shown_width / _WIDTH, shown_height / total))
        shown = show_picture(ax, image, title)
        if shown is not None:
            ax.set_aspect("auto")  # the axes have the picture's shape to the pixel
            if not whole:
                shown.set_interpolation("hanning")  # shrinking by nearest neighbors drops rows and columns
    figure.text(_MARGIN / _WIDTH, _MARGIN / total, text, va="bottom", **_PRINT)
    return figure


def losses(transfer: Transfer, caption: str) -> Figure:
    """The curves of Steps 1, 2 and 3, one axes each, with a common error axis; passes are counted from each step on."""
    figure = _figure(_WIDTH, int(4.6 * DPI))
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
    layers = list(transfer.layers)
    for at, (ax, title) in enumerate(zip(figure.subplots(1, 3, sharey=True), STEPS, strict=True), start=1):
        path = transfer.paths.get(f"step{at}")
        legs = path.legs if path is not None else ()
        show_curve(ax, legs, layers)
        ax.set_title(title if path is None or path.status == "done" else f"{title} ({path.status})", fontsize=9)
        ax.label_outer()
        if not legs:
            note = "not noisified by this method" if path is not None and path.status == "done" else "not reached"
            ax.text(0.5, 0.5, note, transform=ax.transAxes, ha="center", va="center", color="0.35", fontsize=9)
            ax.set(xticks=[], xlabel="")
    text = _small_print(caption, _WIDTH - 2 * _MARGIN)
    if text:
        figure.supxlabel(text, x=_MARGIN / _WIDTH, **_PRINT)
    return figure


_PRINT = {"fontsize": 7.5, "fontfamily": FONT, "color": "0.25", "ha": "left", "linespacing": 1.2, "parse_math": False}


def _figure(width: int, height: int) -> Figure:
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _line(ax: Axes, leg: Leg, begin: int, look: int, name: str) -> Line2D:
    """One leg's line; the color of a layer is that of its `look`, as are its line style and marker."""
    points = np.array([*leg.curve, (leg.passes.total, leg.relative_error)], dtype=float)
    x, error = points[:, 0] + begin, points[:, 1]
    low = error < DRAWN[0]
    drawable = ~low & (error <= DRAWN[1])
    at = np.flatnonzero(drawable)
    marked = at[np.unique(np.linspace(0, at.size - 1, _MARKERS_A_LINE).astype(int))] if at.size else at
    color = COLORS[look % len(COLORS)]
    (line,) = ax.plot(
        x, np.where(drawable, error, np.nan), color=color, linestyle=LINES[look % len(LINES)], linewidth=1.4,
        marker=MARKERS[look % len(MARKERS)], markersize=4.5, markerfacecolor="white", markevery=marked.tolist(),
        label=name,
    )  # fmt: skip
    edge = {"transform": ax.get_xaxis_transform(), "linestyle": "", "color": color, "clip_on": False}
    for where, height, marker, label in ((low, 0, 7, EDGES[0]), (~(low | drawable), 1, 6, EDGES[1])):
        if where.any():
            ax.plot(x[where], np.full(where.sum(), height), marker=marker, markersize=6, label=label, **edge)
    return line


def _named(leg: Leg, refines: bool) -> str:
    """A leg's name in a legend. After others of its step, one of all layers refines: its errors are of c, not of f."""
    what = "closing the gap: decoupled style of " if refines and "+" in leg.layer else ""
    said = f"Step {leg.step} {what}{leg.layer}".replace("+", "+ ")
    return textwrap.fill(said, 36).replace("+ ", "+")


def _pictures(
    transfer: Transfer, self_transfer: Mapping[str, float | None] | None
) -> list[tuple[np.ndarray | None, str]]:
    """Pictures and titles; a title's second line says what the first does not."""

    def reached(name: str, title: str, note: str) -> tuple[np.ndarray | None, str]:
        path: Route | None = transfer.paths.get(name)
        if path is None:
            return None, f"{title}\nnot reached"
        if path.status != "done":
            note = f"{note}, {path.status}"
        elif not path.legs and name != "step3":
            return None, f"{title}\nnot noisified by this method"
        return path.x, f"{title}\n{note}"

    said = "Step 3" if self_transfer is None else f"self-transfer, PSNR {_decibels(self_transfer)}"
    return [
        (transfer.origin, "Origin\ngives the style"),
        reached("step1", "Origin noisified", "Step 1"),
        (transfer.target, "Target\ngives the content"),
        reached("step2", "Target noisified", "Step 2"),
        reached("step3", "Result", said),
    ]


def _decibels(self_transfer: Mapping[str, float | None]) -> str:
    """The PSNR; a report has null for an infinite one (the way back is exact) and for NaN alike."""
    psnr = self_transfer["psnr_db"]
    if psnr is None:
        psnr = math.inf if self_transfer.get("max_error") == 0 else math.nan
    return "∞ dB" if psnr == math.inf else "unknown" if math.isnan(psnr) else f"{psnr:.1f} dB"


def _small_print(caption: str, width: int) -> str:
    """The caption in lines of at most `width` pixels; characters that the font lacks become question marks."""
    font = font_manager.get_font(font_manager.findfont(FONT))
    known = "".join(c if c == "\n" or font.get_char_index(ord(c)) else "?" for c in caption.strip())
    ruler = _figure(width, 100)
    for columns in range(200, 20, -10):
        lines = [line for part in known.splitlines() for line in textwrap.wrap(part, columns) or [""]]
        text = Text(0, 0, "\n".join(lines), figure=ruler, **_PRINT)
        if text.get_window_extent(ruler.canvas.get_renderer()).width <= width:
            break
    return "\n".join(lines)
