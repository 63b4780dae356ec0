"""Style flows: what a transfer between two small images has solved for, so that it can be applied to any other image.

A leg's velocity is V = Jᵀλ. The image enters through J alone; the multipliers λ are a few hundred numbers per step.
Channel means are averages over P pixels, and their gradients shrink with 1/P: λ/P does not depend on the size of the
image, nor does P times the scales of the damping, nor the gradient Gram matrix in coordinates scaled by these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.arrays import Floats, Mask
from ..engine.features import Block
from ..engine.fixed_curve import Curve
from ..engine.lift import Damping
from ..networks.architectures import ARCHITECTURES, IMAGE
from .tuning import FLOW_DAMPING, FLOW_REFERENCE

REVERSIBLE_LAYERS = 3
"""The most layers with which a flow counts as reversible. By hand, at 64 px: four flows of three layers returned at
171 dB or more, one of five at 40 dB only; four layers were not tried."""


@dataclass(frozen=True)
class ImageRecord:
    """An image from which a flow was made.

    Parameters
    ----------
    name : str
        The bundled picture's name, or the file's name without its folder.
    sha256 : str
        The hexadecimal digest of the file.
    height, width : int
        The size in pixels at which the transfer was solved.
    """

    name: str
    sha256: str
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class FlowLeg:
    """The two legs of a flow that move one layer: toward the reference, and away from it.

    Parameters
    ----------
    layer : str
        The moving layer; n counts the features up to it.
    there, back : Curve
        Steps 2 and 3, with multipliers per pixel, λ/P. The grid of `back` is the mirror image of that of `there`.
    there_gram, back_gram : ndarray of float32, shape (n, n)
        The gradient Gram matrices at the ends of both legs, scaled by the flow's own scales.
    """

    layer: str
    there: Curve
    back: Curve
    there_gram: NDArray[np.float32]
    back_gram: NDArray[np.float32]

    def way_back(self, strength: float) -> Curve:
        """Return the curve of Step 3 for a strength.

        Parameters
        ----------
        strength : float
            0: the way there, taken backwards. 1: the way to the style of the origin. Between: multipliers between.
        """
        return self.there.reverse().mix(self.back, strength)


@dataclass(frozen=True, eq=False)
class StyleFlow:
    """A transfer that can be applied to images of any size.

    Parameters
    ----------
    network : mapping
        `vgg.Network.describe` of the network, which includes the sha256 of its weights.
    seed : int
        Seed of random weights; of no meaning for others.
    reference : str
        A name in `references.REFERENCES`.
    values : ndarray, shape (n,)
        v, the reference values.
    live : ndarray of bool, shape (n,)
        The live channels.
    delta : float
        δ of the damping.
    scales : ndarray, shape (n,)
        S of the damping times the number of pixels.
    origin_style, target_style : ndarray, shape (n,)
        c of both images.
    legs : tuple of FlowLeg
        By layer, shallowest first.
    origin, target : ImageRecord
        The images.
    """

    network: Mapping[str, Any]
    seed: int
    reference: str
    values: Floats
    live: Mask
    delta: float
    scales: Floats
    origin_style: Floats
    target_style: Floats
    legs: tuple[FlowLeg, ...]
    origin: ImageRecord
    target: ImageRecord

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The style layers with their numbers of channels, shallowest first."""
        return network_blocks(self.network["architecture"], self.network["layers"])

    @property
    def steps(self) -> int:
        """Number of steps of all legs, there and back."""
        return sum(leg.there.steps + leg.back.steps for leg in self.legs)

    @property
    def reversible(self) -> bool:
        """Whether reference, damping and number of layers are such that the flow can be undone."""
        mild = self.reference == FLOW_REFERENCE and self.delta >= FLOW_DAMPING
        return mild and len(self.legs) <= REVERSIBLE_LAYERS

    def damping(self, size: int, pixels: int) -> Damping:
        """Return the damping of the first features for an image.

        Parameters
        ----------
        size : int
            Number of features.
        pixels : int
            Number of pixels of the image.
        """
        return Damping(self.delta, self.scales[:size] / pixels)

    def style(self, strength: float) -> Floats:
        """Return the style that is asked for: between the target's own (0) and the origin's (1)."""
        return (1.0 - strength) * self.target_style + strength * self.origin_style


def network_blocks(architecture: str, layers: list[str] | tuple[str, ...]) -> tuple[Block, ...]:
    """Return style layers with their numbers of channels, without building the network.

    Parameters
    ----------
    architecture : {"vgg16", "vgg19"}
        The network.
    layers : sequence of str
        Names of style layers.
    """
    widths = {IMAGE: 3} | {each.name: each.outputs for each in ARCHITECTURES[architecture]}
    return tuple(Block(layer, widths[layer]) for layer in layers)
