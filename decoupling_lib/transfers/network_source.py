"""Which trained network a figure or a count of dead channels uses, chosen without loading TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..networks import architectures, weights
from .tuning import TUNING

if TYPE_CHECKING:
    from ..networks.vgg import Network


@dataclass(frozen=True)
class NetworkSource:
    """An architecture and the source of its weights.

    Parameters
    ----------
    architecture : str
        "vgg16" or "vgg19".
    weights : str
        Source of the weights; see `networks.weights.read`.
    """

    architecture: str
    weights: str

    def layers(self, count: int) -> tuple[str, ...]:
        """Return the first `count` style layers of the thesis.

        Parameters
        ----------
        count : int
            1 to 5.
        """
        return architectures.style_layers(self.architecture, "thesis", count)

    def network(self, count: int) -> Network:
        """Return the network with the first `count` style layers, smoothed by the defaults for that many layers.

        Parameters
        ----------
        count : int
            1 to 5.

        Raises
        ------
        InputError
            If the weights cannot be read.
        """
        from ..networks.vgg import build_network  # not at the top: it loads TensorFlow, which some figures do not need

        tuned = TUNING[count]
        return build_network(
            self.architecture,
            self.weights,
            self.layers(count),
            tuned.activation,
            softness=tuned.softness,
            growth=tuned.growth,
        )


def choose_source(network: str | None = None, source: str | None = None) -> NetworkSource:
    """Return the network that is asked for, or the best one available.

    Parameters
    ----------
    network : str, optional
        "vgg16" or "vgg19".
    source : str, optional
        Source of the weights; see `networks.weights.read`.

    Returns
    -------
    NetworkSource
        Chosen as by `networks.weights.default_source`.

    Raises
    ------
    InputError
        As in `networks.weights.default_source`.
    """
    return NetworkSource(*weights.default_source(network, source))
