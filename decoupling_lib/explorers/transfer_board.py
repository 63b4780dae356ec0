"""The pictures of the transfer explorer: both images, what each step made of them, the last run, and the curves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import ipywidgets
import numpy as np

from ..common.arrays import Floats
from ..engine.context import Step
from ..plotting.features import show_distances
from ..plotting.settings import kit_settings
from ..plotting.style import enlarge_text, new_figure, show_picture
from .exhibit import DPI, POINTS, Exhibit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TILES = ("origin", "target", "result", "step1", "step2", "last")
"""The images, in rows of three."""
NAMES = {
    "origin": "origin: {0}",
    "target": "target: {1}",
    "step1": "Step 1: style removed",
    "step2": "Step 2: style removed",
    "result": "Step 3: result",
    "last": "the run before",
}
"""The captions of the images, with the names of origin and target. Steps 1 and 2 are below their pictures."""
_PLACES = {"step1": Step.ORIGIN, "step2": Step.TARGET, "result": Step.TRANSFER}


@dataclass(frozen=True)
class Outcome:
    """What counts of a finished run.

    Parameters
    ----------
    result : ndarray, shape (H, W, 3)
        The image.
    gap_left : dict of str to float
        By layer, the share of the style gap that is left; empty where there is no gap, as in a self-transfer.
    psnr : float or None
        Of a self-transfer, in dB; infinite if it returned exactly.
    settings : dict of str to str
        The settings in words, by the labels of their controls.
    """

    result: Floats
    gap_left: Mapping[str, float]
    psnr: float | None
    settings: Mapping[str, str]

    def describe(self) -> tuple[str, ...]:
        """Return the two numbers that count, a line each; the gap is the mean over the layers."""
        lines = []
        if self.gap_left:
            mean, several = np.mean(list(self.gap_left.values())), len(self.gap_left) > 1
            lines.append(f"style gap left: {mean:.1%}" + " on average" * several)
        if self.psnr is not None:
            lines.append("returned exactly" if math.isinf(self.psnr) else f"PSNR: {self.psnr:.1f} dB")
        return tuple(lines)

    def compare(self, other: Outcome) -> str:
        """Return by which settings this run differs from another one."""
        changed = [f"{name}: {value}" for name, value in self.settings.items() if value != other.settings.get(name)]
        return "; ".join(changed) or "same settings"


@dataclass
class RunState:
    """The state of a run that the explorer shows.

    Parameters
    ----------
    origin, target : ndarray, shape (H, W, 3)
        The images, resized.
    names : tuple of str
        Their names.
    images : dict of int to ndarray
        By step, the image that it has reached, shape (H, W, 3).
    steps : list of int
        The step of each point of the curves.
    distances : dict of str to list of float
        By layer, the distance from the reference at each of these points, relative to the length of the reference.
    place : str
        Step and layer of the latest point.
    outcome : Outcome, optional
        What came out, once the run has ended.
    """

    origin: Floats
    target: Floats
    names: tuple[str, str]
    images: dict[int, Floats] = field(default_factory=dict)
    steps: list[int] = field(default_factory=list)
    distances: dict[str, list[float]] = field(default_factory=dict)
    place: str = "Step 0"
    outcome: Outcome | None = None

    def find_tile(self, name: str) -> tuple[Floats | None, tuple[str, ...]]:
        """Return the image of a tile other than "last", and the lines below it."""
        title = NAMES[name].format(*self.names)
        if name in ("origin", "target"):
            return self.origin if name == "origin" else self.target, (title,)
        found = self.images.get(_PLACES[name])
        if found is None:
            return None, (title, "not run yet")
        if name == "result":
            lines = ("under way",) if self.outcome is None else self.outcome.describe()
            return found, (title, *lines)
        unchanged = np.array_equal(found, self.origin if name == "step1" else self.target)
        return found, (title, *(("unchanged",) if unchanged else ()))


class Board:
    """Shows the state of a run, and beside it the result of the run before.

    Attributes
    ----------
    exhibits : dict of str to Exhibit
        The images of `TILES`, and "curves".
    tiles, body : ipywidgets.Box
        The images, and all pictures.
    last : Outcome or None
        The run before.
    state : RunState or None
        What is shown.
    """

    def __init__(self) -> None:
        self.exhibits = {name: Exhibit(name) for name in (*TILES, "curves")}
        self.tiles = ipywidgets.Box([self.exhibits[name].box for name in TILES]).add_class("dl-tiles")
        self.tiles.add_class("dl-pixels")
        self.body = ipywidgets.Box([self.tiles, self.exhibits["curves"].box]).add_class("dl-pictures")
        self.last: Outcome | None = None
        self.state: RunState | None = None

    def set_view(self, view: str) -> None:
        """Show images by their pixels, or smoothly.

        Parameters
        ----------
        view : "pixels" or "smooth"
            How.
        """
        self.tiles.add_class("dl-pixels") if view == "pixels" else self.tiles.remove_class("dl-pixels")

    def begin(self, state: RunState) -> None:
        """Show a new run; the finished one that was shown becomes the last one.

        Parameters
        ----------
        state : RunState
            The new run.
        """
        if self.state is not None and self.state.outcome is not None:
            self.last = self.state.outcome
        self.show(state)

    def clear(self) -> None:
        """Forget all runs."""
        self.last = None
        if self.state is not None:
            self.show(RunState(self.state.origin, self.state.target, self.state.names))

    def show(self, state: RunState) -> None:
        """Show the present state of a run.

        Parameters
        ----------
        state : RunState
            The state.
        """
        self.state = state
        for name in TILES:
            image, lines = self._find_tile(name)
            if image is None:
                self.exhibits[name].show_nothing(*lines)
            else:
                self.exhibits[name].show_image(image, ", ".join(lines), *lines)
        self.exhibits["curves"].show_figure(draw_curves(state), _describe_curves(state))

    def _find_tile(self, name: str) -> tuple[Floats | None, tuple[str, ...]]:
        assert self.state is not None
        if name != "last":
            return self.state.find_tile(name)
        if self.last is None:
            return None, (NAMES[name], "none yet")
        now = self.state.outcome
        changes = () if now is None else (self.last.compare(now),)
        return self.last.result, (NAMES[name], *self.last.describe(), *changes)

    @kit_settings
    def draw_still(self) -> Figure:
        """Return all pictures as one plot, for readers without a kernel.

        Returns
        -------
        Figure
            Two rows of three images above the curves.
        """
        figure = new_figure(8, 8.6, DPI)
        grid = figure.add_gridspec(3, 3, height_ratios=(1, 1, 0.8))
        if self.state is not None:
            for place, name in enumerate(TILES):
                image, lines = self._find_tile(name)
                show_picture(figure.add_subplot(grid[divmod(place, 3)]), image, "\n".join(lines[:3]))
            _add_curves(figure.add_subplot(grid[2, :]), self.state)
        return figure


@kit_settings
def draw_curves(state: RunState) -> Figure:
    """Draw each layer's distance from the reference, so far.

    Parameters
    ----------
    state : RunState
        The run.

    Returns
    -------
    Figure
        The curves, or the place where they will be.
    """
    figure = new_figure(4.4, 2.5, DPI)
    _add_curves(figure.add_subplot(), state)
    return enlarge_text(figure, POINTS)


def _add_curves(ax: Axes, state: RunState) -> None:
    if state.steps:
        show_distances(ax, state.distances, state.steps)
        ax.set_ylabel("distance from\nthe reference", fontsize=9)
        ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.24), ncols=3, frameon=False, columnspacing=1.0)
    else:
        ax.text(
            0.5,
            0.5,
            "The layers' distances from\nthe reference will appear here.",
            ha="center",
            va="center",
            color="0.4",
        )
        ax.set_axis_off()


def _describe_curves(state: RunState) -> str:
    if not state.steps:
        return "the layers' distances from the reference: no run yet"
    ends = ", ".join(f"{layer} {values[-1]:.2g}" for layer, values in state.distances.items())
    return f"the layers' distances from the reference, up to Step {state.steps[-1]}, where they are {ends}"
