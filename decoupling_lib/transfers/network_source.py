"""Which trained network a figure or a count is made with, chosen without loading TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..networks import architectures, weights
from .options import TUNING

if TYPE_CHECKING:
    from ..networks.vgg import Network


@dataclass(frozen=True)
class NetworkSource:
    """Which trained network the figures are made with: architecture and weights as of `weights.default_source`."""

    architecture: str
    weights: str

    def layers(self, count: int) -> tuple[str, ...]:
        """The thesis's first `count` style layers."""
        return architectures.style_layers(self.architecture, "thesis", count)

    def network(self, count: int) -> Network:
        """The network read at the first `count` style layers, smoothed by the defaults for so many layers."""
        from ..networks.vgg import build_network  # here: it loads TensorFlow, which several figures do without

        tuned = TUNING[count]
        return build_network(
            self.architecture, self.weights, self.layers(count), softness=tuned.softness, growth=tuned.growth
        )


def choose_source(network: str | None = None, source: str | None = None) -> NetworkSource:
    """The network asked for, or the best at hand; raises `InputError` as `weights.default_source` does."""
    return NetworkSource(*weights.default_source(network, source))
