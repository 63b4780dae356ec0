"""What a figure of the thesis is, here: who draws it, from which network, and what its margin says."""

from __future__ import annotations

import importlib.metadata
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..plotting.style import DPI
from ..transfers.network_source import NetworkSource

if TYPE_CHECKING:
    from ..networks.vgg import Network

_POINTS = 7  # of the margin's letters
_LETTERS_AN_INCH = 18  # of that size, a little less than fit


@dataclass(frozen=True)
class Made:
    """A figure that was drawn, and all that made it.

    Parameters
    ----------
    figure : without its margin, which `sign` adds.
    parameters : names, with units where they have one, and values, of types that JSON knows: enough to repeat it.
    packages : those that the drawing depends on.
    network : the one it shows; None for a figure without a network.
    seed : of its noise; None where nothing is drawn by lot.
    """

    figure: Figure
    parameters: Mapping[str, Any]
    packages: tuple[str, ...] = ("numpy", "matplotlib")
    network: Network | None = None
    seed: int | None = None

    @property
    def versions(self) -> dict[str, str]:
        return {name: importlib.metadata.version(name) for name in self.packages}


@dataclass(frozen=True)
class Entry:
    """One figure of the thesis.

    Parameters
    ----------
    number : the thesis's, as in "4.5", or "2.3.2" for numbers that section 2.3.2 gives in its text.
    title : what it shows, in a line.
    differs : what is other than in the thesis, and why; a sentence or two.
    draw : makes it.
    seconds : about what that takes on two cores, for a progress bar.
    """

    number: str
    title: str
    differs: str
    draw: Callable[[NetworkSource], Made]
    seconds: float = 1.0

    @property
    def file(self) -> str:
        return f"figure_{self.number.replace('.', '_')}.png"


def canvas(width: float, height: float) -> Figure:
    """An empty figure of so many inches, laid out by itself and free of pyplot's state."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def sign(made: Made) -> Figure:
    """Writes into the figure's lower margin what made it; says so where the network is not the thesis's VGG-19."""
    said = [f"{name} {_shown(value)}" for name, value in made.parameters.items()]
    if made.seed is not None:
        said.append(f"seed {made.seed}")
    lines = ["; ".join(said)] if said else []
    if made.network is not None:
        described = made.network.describe()
        architecture, source = described["architecture"], described["weights"]
        smooth = f"{described['activation']}, {described['pooling']} pooling"
        if described["softness"]:
            smooth += f", softness {described['softness']:g}, growth {described['growth']:g}"
        without = "" if (architecture, source) == ("vgg19", "imagenet") else "; made without ImageNet VGG-19 weights"
        lines.append(f"{architecture}, weights {source} ({described['sha256'][:8]}), {smooth}{without}")
    lines.append(", ".join(f"{name} {version}" for name, version in made.versions.items()))
    columns = int(made.figure.get_figwidth() * _LETTERS_AN_INCH)
    text = "\n".join(textwrap.fill(line, columns) for line in lines)
    made.figure.supxlabel(text, fontsize=_POINTS, color="0.35")
    return made.figure


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(map(_shown, value)) + ")"
    return str(value)
