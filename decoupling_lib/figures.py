"""The thesis's figures by number, made anew from computations; each says below what made it."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from . import checks
from .plots import DPI, save
from .portraits import TOLERANCE, bowl, nested_portrait, portrait, show_nested, show_portrait

STARTS = ((2.4, 1.6), (1.8, 1.7), (2.7, 0.6), (-2.5, 1.2), (-1.2, -1.7), (0.7, 0.25))
SAMPLE = (0.2, 4.4, 1.0)


def normalization_in_the_plane() -> Figure:
    """Figure 2.1: points run along gradient curves to the reference manifold of one feature."""
    figure = _figure(7.5, 5.2)
    ax = figure.add_subplot()
    show_portrait(ax, portrait(bowl(3.0), [np.array(start) for start in STARTS], 1.0, (-3, 3, -2, 2)))
    ax.set_title("Normalization: each point runs along its gradient curve to the reference")
    return _signed(figure, f"f = (x² + 3y²)/2, v = 1; flow with error control, tolerance {TOLERANCE:g}")


def nested_normalization() -> Figure:
    """Figure 2.2: R_1 ⊃ R_2 ⊃ R_3 of the first three moments, and the legs of one sample of three values."""
    figure = _figure(7.0, 6.4)
    ax = figure.add_subplot(projection="3d")
    show_nested(ax, nested_portrait(np.array(SAMPLE)))
    ax.view_init(elev=22, azim=8)
    ax.set_title("Nested normalization: onto the plane, onto the circle, onto a point")
    return _signed(figure, f"the sample {SAMPLE}, its moments; flow with error control, tolerance {TOLERANCE:g}")


FIGURES: dict[str, Callable[[], Figure]] = {"2.1": normalization_in_the_plane, "2.2": nested_normalization}


def make(out: str | os.PathLike[str], numbers: Sequence[str] | None = None) -> list[Path]:
    """Draws figures into a folder, made if needed, as figure_2_1.png and so on, and returns the paths.

    Raises `InputError` for a number that the kit does not draw, before anything is drawn.
    """
    chosen = [checks.choice(number, FIGURES, "figure") for number in numbers or FIGURES]
    folder = checks.output_folder(out)
    return [save(FIGURES[number](), folder / f"figure_{number.replace('.', '_')}.png") for number in chosen]


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _signed(figure: Figure, parameters: str) -> Figure:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "scipy", "matplotlib"))
    figure.supxlabel(f"{parameters}.\n{versions}", fontsize=7, color="0.35")
    return figure
