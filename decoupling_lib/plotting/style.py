"""The look that all figures share: resolution, colors and line styles; how images are shown and figures are saved.

Figures are made without pyplot, so that they need no screen, leave pyplot's state alone and can be drawn in any thread,
and under the settings of `settings.kit_settings`. What is drawn on a user's own axes has the look of these.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.text import Text

from ..common import validation
from ..common.atomic_files import atomic_write
from ..common.errors import InputError, OutputError, RunEndedError, input_error, output_error
from .settings import kit_settings

DPI = 150
"""Default resolution of a figure, in pixels per inch."""
COLORS = ("#000000", "#2b8fd0", "#1f2f8f", "#b04a00")
"""Their lightness L* is 0, 57, 25 and 44: distinct in gray and to color-blind eyes, and dark enough on white."""
LINES = ("-", "--", "-.", ":", (0, (7, 1.5, 1, 1.5, 1, 1.5)))
"""Line styles, in Matplotlib's notation."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Markers, in Matplotlib's notation."""
FONT = "DejaVu Sans"
"""A font that ships with Matplotlib."""


def new_figure(
    width: float, height: float, dpi: float = DPI, layout: Literal["constrained"] | None = "constrained"
) -> Figure:
    """Return an empty white figure that can be drawn and saved without pyplot.

    Parameters
    ----------
    width, height : float
        Size in inches, above 0.
    dpi : float
        Resolution in pixels per inch, above 0.
    layout : "constrained" or None
        Whether Matplotlib arranges the axes, or the caller does.

    Returns
    -------
    Figure
        With an Agg canvas, which draws in memory.

    Raises
    ------
    RuntimeError
        Outside of a block of `kit_settings`: the figure would depend on the user's settings.
    """
    if not kit_settings.depth:
        raise RuntimeError("a figure of the kit is created in a block of kit_settings")
    figure = Figure(figsize=(width, height), dpi=dpi, layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def line_look(index: int) -> dict[str, Any]:
    """Return the look of a line; neighboring ones differ in color, lightness, line style and marker.

    Parameters
    ----------
    index : int
        Number of the line, at least 0.

    Returns
    -------
    dict of str to Any
        `color`, `linestyle` and `marker`, as Matplotlib's `plot` takes them.
    """
    return {
        "color": COLORS[index % len(COLORS)],
        "linestyle": LINES[index % len(LINES)],
        "marker": MARKERS[index % len(MARKERS)],
    }


def show_picture(ax: Axes, image: np.ndarray | None, title: str) -> AxesImage | None:
    """Show an image, clipped to [0, 1] for display only, or an empty dashed frame.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    image : ndarray or None, shape (H, W, 3)
        Floating-point RGB values, nominally in [0, 1]; NaN is shown as middle gray. None leaves an empty frame.
    title : str
        Text above the image; it may hold dollar signs, which are not read as formulas.

    Returns
    -------
    AxesImage or None
        The image on the axes; None for an empty frame.
    """
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=9, linespacing=1.3, parse_math=False)
    if image is None:
        ax.spines[:].set(color="0.5", linewidth=0.8, linestyle=(0, (4, 4)))
        return None
    ax.spines[:].set_visible(False)  # a frame would cover the outermost pixels
    pixels = np.nan_to_num(np.clip(image, 0, 1), nan=0.5)
    return ax.imshow(pixels, origin="upper", interpolation="nearest")


def show_map(ax: Axes, values: np.ndarray, maximum: float, silent_label: str) -> AxesImage | None:
    """Show one activation map in gray, 0 white and `maximum` black, or the empty frame of a silent channel.

    Parameters
    ----------
    ax : Axes
        Axes to draw on.
    values : ndarray, shape (h, w)
        Activations, at least 0.
    maximum : float
        The value shown black, common to all maps that are to be compared; above 0.
    silent_label : str
        Text of the empty frame that replaces a map of zeros; "" shows the map.

    Returns
    -------
    AxesImage or None
        The map on the axes; None for an empty frame.
    """
    if silent_label:
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        ax.text(0.5, 0.5, silent_label, ha="center", va="center", fontsize=7, linespacing=1.3)
        return show_picture(ax, None, "")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(color="0.5", linewidth=0.5)
    return ax.imshow(values, cmap="gray_r", vmin=0, vmax=maximum, origin="upper", interpolation="nearest")


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure as a PNG file that appears complete or not at all; equal figures give equal bytes.

    Parameters
    ----------
    figure : Figure
        The figure to save, at its own resolution.
    path : str or path-like
        File name ending in .png, in an existing folder.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        For a name that does not end in .png, or a place that cannot be written to.
    """
    accepted = "the name of a .png file in an existing folder"
    target = validation.path(path, "output figure")
    if target.suffix.lower() != ".png":
        raise input_error("output figure", "is not named .png", target, accepted, "end its name in .png")
    try:
        with atomic_write(target) as sibling:
            _write_png(figure, sibling)
    except OSError as error:
        raise output_error(error, "output figure", target, accepted) from None
    return target


def encode_figure(figure: Figure) -> bytes:
    """Return a figure as the content of a PNG file; equal figures give equal bytes.

    Parameters
    ----------
    figure : Figure
        The figure, at its own resolution.

    Returns
    -------
    bytes
        The file.
    """
    file = io.BytesIO()
    _write_png(figure, file)
    return file.getvalue()


def encode_svg(figure: Figure) -> bytes:
    """Return a figure as the content of an SVG file, which is sharp at any size; equal figures give equal bytes.

    Parameters
    ----------
    figure : Figure
        The figure. Images inside of it have at least twice its resolution.

    Returns
    -------
    bytes
        The file.
    """
    file = io.BytesIO()
    with kit_settings:
        figure.savefig(file, format="svg", dpi=2 * figure.dpi, facecolor="white", metadata={"Date": None})
    return file.getvalue()


def enlarge_text(figure: Figure, points: float) -> Figure:
    """Return a figure in which no letter is smaller than a size.

    Parameters
    ----------
    figure : Figure
        The figure, which is changed.
    points : float
        The size, in points.

    Returns
    -------
    Figure
        The same.
    """
    for ax in figure.axes:
        ax.tick_params(which="both", labelsize=points)
    for text in figure.findobj(Text):
        text.set_fontsize(max(text.get_fontsize(), points))
    return figure


def _write_png(figure: Figure, file: Path | io.BytesIO) -> None:
    settings: dict[str, Any] = {
        "format": "png", "dpi": figure.dpi, "bbox_inches": figure.bbox_inches, "facecolor": "white",
    }  # fmt: skip
    with kit_settings:
        figure.savefig(file, **settings, metadata={"Software": None})


def try_to_draw(draw: Callable[[], object]) -> str:
    """Draw a picture whose failure must not end a run: what was computed is worth more than its picture.

    Parameters
    ----------
    draw : callable
        Draws and saves the picture.

    Returns
    -------
    str
        Why that failed, in one line; empty if it did not.

    Raises
    ------
    InputError, RunEndedError
        For an input that cannot be used, or a run that ends early, while the picture is prepared.
    """
    try:
        draw()
    except OutputError as error:
        return str(error)
    except (InputError, RunEndedError):
        raise
    except Exception as error:  # noqa: BLE001 - Matplotlib and Pillow fail with errors of every kind
        return " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return ""
