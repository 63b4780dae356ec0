"""The thesis's figures by number, made anew from computations; each says below what made it."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from . import checks, images
from .plots import DPI, save, show_map, show_picture
from .portraits import TOLERANCE, bowl, nested_portrait, portrait, show_nested, show_portrait

STARTS = ((2.4, 1.6), (1.8, 1.7), (2.7, 0.6), (-2.5, 1.2), (-1.2, -1.7), (0.7, 0.25))
SAMPLE = (0.2, 4.4, 1.0)
NOISE_SEED = 0
_READING = (
    "A row is a convolution, a column a channel. White is 0, black the row's largest response, given at the left;\n"
    "a white map in a full frame answers faintly. Dashed: silent, 0 at every position, so its mean has no gradient.\n"
    "“digits too”: no held-out digit wakes it either; training lost that channel, noise has no part in it."
)


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


def noise_in_a_classifier() -> Figure:
    """Figure 4.6: the maps of every convolution of a small classifier for noise; silent channels are marked.

    The thesis used CNN Explainer's classifier; here it is the one of `classifier`, of the same shape. Channels that
    answer no held-out digit either were lost in training, which noise has no part in, and are marked as such.
    """
    from . import classifier  # here: it loads TensorFlow, which the other figures do without

    model, shape = classifier.load(), (classifier.SIDE, classifier.SIDE)
    noise = images.uniform_noise(shape, NOISE_SEED)[..., 0]
    held_out = classifier.digits("held-out").images
    maps, for_digits = (classifier.activations(model, pictures) for pictures in (noise[None], held_out))
    layers = [name for name in classifier.LAYERS if name.startswith("relu")]
    figure = _figure(10.5, 6.4)
    grid = figure.add_gridspec(1 + len(layers), classifier.CHANNELS)
    show_picture(figure.add_subplot(grid[0, 0], label="noise"), np.repeat(noise[..., None], 3, axis=-1), "the noise")
    quiet, idle = (np.stack([classifier.silent(each[name]) for name in layers]) for each in (maps, for_digits))
    marks = np.where(quiet, np.where(idle, "silent,\ndigits too", "silent"), "")
    for (row, channel), mark in np.ndenumerate(marks):
        found = maps[layers[row]][0]
        ax = figure.add_subplot(grid[1 + row, channel], label=f"{layers[row]} {channel}")
        show_map(ax, found[..., channel], found.max(), str(mark))
        if row == 0:
            ax.set_title(f"channel {channel}", fontsize=8)
        if channel == 0:
            name = layers[row].replace("relu", "conv")
            said = f"{name}\n{found.shape[0]}×{found.shape[1]}\n0 to {found.max():.2f}"
            ax.set_ylabel(said, fontsize=8, rotation=0, ha="right", va="center")
    words = figure.add_subplot(grid[0, 1:], label="words")
    words.set_axis_off()
    words.text(0.02, 0.5, _READING, transform=words.transAxes, fontsize=9, va="center", linespacing=1.5)
    figure.suptitle("Noise in a classifier of digits: the maps of every convolution after ReLU", fontsize=12)
    parameters = (
        f"uniform noise of seed {NOISE_SEED}; channels silent for noise only: {np.sum(quiet & ~idle)}, for noise and "
        f"all {len(held_out)} held-out digits: {np.sum(quiet & idle)}; the classifier knows "
        f"{classifier.accuracy(model):.1%} of these digits"
    )
    return _signed(figure, parameters, ("numpy", "tensorflow", "scikit-learn", "matplotlib"))


FIGURES: dict[str, Callable[[], Figure]] = {
    "2.1": normalization_in_the_plane,
    "2.2": nested_normalization,
    "4.6": noise_in_a_classifier,
}


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


def _signed(figure: Figure, parameters: str, packages: Sequence[str] = ("numpy", "scipy", "matplotlib")) -> Figure:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    figure.supxlabel(f"{parameters}.\n{versions}", fontsize=7, color="0.35")
    return figure
