"""The specification of a figure of the thesis, the figure drawn from it, and the small print in its margin."""

from __future__ import annotations

import importlib.metadata
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..plotting.settings import kit_settings
from ..transfers.network_source import NetworkSource

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..networks.vgg import Network

_FONT_SIZE = 7  # points, of the margin's text
_CHARACTERS_PER_INCH = 18  # at that size, a little fewer than fit


@dataclass(frozen=True)
class DrawnFigure:
    """A figure, with everything needed to draw it again.

    Parameters
    ----------
    figure : Figure
        The figure, without the margin that `add_margin` writes.
    parameters : mapping of str to Any
        Names, with units where they have one, and values of types that JSON knows.
    packages : tuple of str
        The packages that the drawing depends on.
    network : Network, optional
        The network that the figure shows; None for a figure without a network.
    seed : int, optional
        Seed of the noise; None if nothing is random.
    """

    figure: Figure
    parameters: Mapping[str, Any]
    packages: tuple[str, ...] = ("numpy", "matplotlib")
    network: Network | None = None
    seed: int | None = None

    @property
    def versions(self) -> dict[str, str]:
        """The installed version of each of the packages, by name."""
        return {name: importlib.metadata.version(name) for name in self.packages}


@dataclass(frozen=True)
class FigureSpec:
    """One figure of the thesis, and how the kit draws it.

    Parameters
    ----------
    number : str
        Number in the thesis, such as "4.5"; "2.3.2" is a section that gives its example in the text.
    title : str
        What the figure shows, in one line.
    differs : str
        How the figure differs from the thesis's, and why, in one or two sentences.
    draw : callable
        Maps the network to use to the figure, under `kit_settings`.
    seconds : float
        Rough time to draw it on two cores, for a progress bar.
    needs_keras : bool
        Whether it shows a network that Keras builds, so that Keras must run on TensorFlow.
    """

    number: str
    title: str
    differs: str
    draw: Callable[[NetworkSource], DrawnFigure]
    seconds: float = 1.0
    needs_keras: bool = False

    @property
    def file(self) -> str:
        """The name of the figure's file."""
        return f"figure_{self.number.replace('.', '_')}.png"


@kit_settings
def add_margin(drawn: DrawnFigure) -> Figure:
    """Write into a figure's lower margin what it was made from.

    Parameters
    ----------
    drawn : DrawnFigure
        The figure; its parameters, network and package versions are listed, with a note if the network is not the
        thesis's VGG-19.

    Returns
    -------
    Figure
        The same figure.
    """
    parameters = [f"{name} {_format_value(value)}" for name, value in drawn.parameters.items()]
    if drawn.seed is not None:
        parameters.append(f"seed {drawn.seed}")
    lines = ["; ".join(parameters)] if parameters else []
    if drawn.network is not None:
        described = drawn.network.describe()
        architecture, source = described["architecture"], described["weights"]
        smooth = f"{described['activation']}, {described['pooling']} pooling"
        if described["softness"]:
            smooth += f", softness {described['softness']:g}, growth {described['growth']:g}"
        without = "" if (architecture, source) == ("vgg19", "imagenet") else "; made without ImageNet VGG-19 weights"
        lines.append(f"{architecture}, weights {source} ({described['sha256'][:8]}), {smooth}{without}")
    lines.append(", ".join(f"{name} {version}" for name, version in drawn.versions.items()))
    columns = int(drawn.figure.get_figwidth() * _CHARACTERS_PER_INCH)
    text = "\n".join(textwrap.fill(line, columns) for line in lines)
    drawn.figure.supxlabel(text, fontsize=_FONT_SIZE, color="0.35")
    return drawn.figure


def _format_value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(map(_format_value, value)) + ")"
    return str(value)
