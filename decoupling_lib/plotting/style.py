"""What all figures share: resolution, colors, line styles, and how pictures are shown and figures are saved."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from ..common import validation
from ..common.atomic_files import atomic_write
from ..common.errors import input_error, output_error

DPI = 150
COLORS = ("#000000", "#2b8fd0", "#1f2f8f", "#b04a00")
"""Their lightnesses L* are 0, 57, 25 and 44: apart in gray and for color-blind eyes, and dark enough on white."""
LINES = ("-", "--", "-.", ":", (0, (7, 1.5, 1, 1.5, 1, 1.5)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
FONT = "DejaVu Sans"  # comes with matplotlib


def show_picture(ax: Axes, image: np.ndarray | None, title: str) -> AxesImage | None:
    """Shows a picture, clipped to [0, 1] for showing only; None leaves an empty frame.

    Parameters
    ----------
    image : (H, W, 3) float, nominally in [0, 1]. Not-a-number shows as middle gray.
    """
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=9, linespacing=1.3, parse_math=False)  # a picture's name may hold dollar signs
    if image is None:
        ax.spines[:].set(color="0.5", linewidth=0.8, linestyle=(0, (4, 4)))
        return None
    ax.spines[:].set_visible(False)  # a frame would cover the outermost pixels
    pixels = np.nan_to_num(np.clip(image, 0, 1), nan=0.5)
    return ax.imshow(pixels, interpolation="nearest")


def show_map(ax: Axes, values: np.ndarray, highest: float, silent: str) -> AxesImage | None:
    """Shows one activation map in gray, 0 white and `highest` black, or the empty frame of a silent channel.

    Parameters
    ----------
    values : (h, w), at least 0.
    highest : common to the maps that are to be compared.
    silent : the words in the empty frame, where the map is 0 everywhere; "" for all other maps.
    """
    if silent:
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        ax.text(0.5, 0.5, silent, ha="center", va="center", fontsize=7, linespacing=1.3)
        return show_picture(ax, None, "")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(color="0.5", linewidth=0.5)
    return ax.imshow(values, cmap="gray_r", vmin=0, vmax=highest, interpolation="nearest")


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Writes a figure as PNG, whole or not at all, and returns the path; equal figures give equal bytes.

    Raises `InputError` for a name without .png or a place that cannot be written.
    """
    accepted = "the name of a .png file in an existing folder"
    target = validation.path(path, "output figure")
    if target.suffix.lower() != ".png":
        raise input_error("output figure", "is not named .png", target, accepted, "end its name in .png")
    # The whole figure, also where a user's settings ask for `tight`: cutting would move pixels off their grid.
    asked = {"format": "png", "dpi": figure.dpi, "bbox_inches": figure.bbox_inches, "facecolor": "white"}
    try:
        with atomic_write(target) as sibling:
            figure.savefig(sibling, **asked, metadata={"Software": None})
    except OSError as error:
        raise output_error(error, "output figure", target, accepted) from None
    return target
