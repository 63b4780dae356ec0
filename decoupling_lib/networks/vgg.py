"""The networks: VGG-16 and VGG-19 up to their deepest style layer, smooth or as in the thesis.

A network is a chain of 3x3 convolutions, each followed by its activation, with a 2x2 pooling between blocks. The
thesis uses ReLU and maximum pooling. The smooth network replaces

    max(y, 0)  by  T log(1 + exp(y/T)),      the maximum of a window  by  T log(mean(exp(y/T))),

with T in proportion to the scale of each layer, so that features are differentiable (Definition 1 of the thesis).
How much fidelity smoothing costs depends on depth: every layer inherits the shift of the first convolution, so a
shallow chain tolerates much more smoothing in its last convolution than in its first. `growth` accounts for that.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..common import validation
from ..common.errors import input_error
from . import weights as weight_sources
from .architectures import (
    ACTIVATIONS,
    ARCHITECTURES,
    IMAGE,
    POOLINGS,
    Operation,
    convolutions_up_to,
    operations_up_to,
)
from .weights import Weights

THESIS_LAYERS = ("block1_conv1", "block2_conv1")
"""The two layers of the thesis's results (chapter 4)."""


@dataclass(frozen=True)
class Network:
    """A network, and the style layers at which it is read.

    Parameters
    ----------
    weights : Weights
        Kernels and biases.
    layers : tuple of str
        Names of the style layers in order of depth; the first may be "image", the image itself.
    activation : {"softplus", "gaussian", "relu"}
        Function after each convolution.
    softness : float
        τ, without unit; 0 if nothing is smooth. T_l = τ growth^k (mean activation of convolution l), with k = 0 for
        the first convolution.
    growth : float
        Ratio of the softness of one convolution to that of the convolution before it.
    pooling : {"smooth", "average", "max"}
        Function between blocks.
    temperatures : dict of str to float
        T of every convolution of the chain, in units of its activation; empty if nothing is smooth.
    """

    weights: Weights
    layers: tuple[str, ...]
    activation: str
    softness: float
    growth: float
    pooling: str
    temperatures: dict[str, float] = field(hash=False)

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The chain of convolutions and poolings up to the deepest style layer."""
        return operations_up_to(self.weights.architecture, self.layers)

    @property
    def minimum_side(self) -> int:
        """Shortest side in pixels of an image that leaves the deepest layer one position."""
        poolings = sum(kind == "pooling" for kind, _ in self.operations)
        return int(2**poolings)

    def channels(self, layer: str) -> int:
        """Return the number of channels of a layer.

        Parameters
        ----------
        layer : str
            "image" or any convolution of the architecture.

        Returns
        -------
        int
            3 for "image", otherwise 64 to 512.
        """
        widths = {each.name: each.outputs for each in ARCHITECTURES[self.weights.architecture]}
        return 3 if layer == IMAGE else widths[layer]

    def prefix(self, count: int) -> Network:
        """Return the network that is read at the first layers only, and is no deeper than these.

        Parameters
        ----------
        count : int
            Number of style layers, 1 to `len(layers)`.

        Returns
        -------
        Network
            With the same weights and settings.

        Raises
        ------
        InputError
            A count out of range.
        """
        layers = self.layers[: validation.integer_in_range(count, "count", 1, len(self.layers))]
        chain = {each.name for each in convolutions_up_to(self.weights.architecture, layers)}
        temperatures = {name: t for name, t in self.temperatures.items() if name in chain}
        return replace(self, layers=layers, temperatures=temperatures)

    def as_thesis(self) -> Network:
        """Return the network of the thesis: the same weights and layers with ReLU and maximum pooling."""
        return replace(self, activation="relu", softness=0.0, growth=1.0, pooling="max", temperatures={})

    def describe(self) -> dict[str, Any]:
        """Return what a report states about the network, in types that JSON knows."""
        return {
            "architecture": self.weights.architecture,
            "weights": self.weights.source,
            "sha256": self.weights.sha256,
            "layers": list(self.layers),
            "activation": self.activation,
            "softness": self.softness,
            "growth": self.growth,
            "pooling": self.pooling,
            "temperatures": dict(self.temperatures),
        }


def build_network(
    architecture: str | None = None,
    weights: str | os.PathLike[str] | Weights | None = None,
    layers: Sequence[str] = THESIS_LAYERS,
    activation: str = "softplus",
    softness: float = 0.2,
    pooling: str = "smooth",
    seed: int = 0,
    growth: float = 1.0,
) -> Network:
    """Build a network.

    Parameters
    ----------
    architecture : {"vgg16", "vgg19"}, optional
        Default: chosen by `weights.default_source`.
    weights : str, path or Weights, optional
        A source for `weights.read`, or weights that were read before. Default: chosen by `weights.default_source`.
    layers : sequence of str
        Names of the style layers in order of depth; the first may be "image".
    activation : {"softplus", "gaussian", "relu"}
        Function after each convolution.
    softness : float
        τ of `Network`, above 0 and at most 2; ignored if neither activation nor pooling is smooth.
    pooling : {"smooth", "average", "max"}
        Function between blocks.
    seed : int
        Seed of random weights; ignored for all others.
    growth : float
        Ratio of the softness of one convolution to that of the convolution before it, above 0 and at most 10;
        ignored if neither activation nor pooling is smooth.

    Returns
    -------
    Network
        With the temperatures that belong to these weights.

    Raises
    ------
    InputError
        An unknown or misplaced name, a value out of range, or weights that cannot be read.
    """
    validation.choice(activation, ACTIVATIONS, "activation")
    validation.choice(pooling, POOLINGS, "pooling")
    smooth = activation != "relu" or pooling == "smooth"
    tau = validation.in_range(softness, "softness", 0.0, 2.0, low_open=smooth) if smooth else 0.0
    ratio = validation.in_range(growth, "growth", 0.0, 10.0, low_open=True) if smooth else 1.0
    if isinstance(weights, Weights):
        validation.choice(architecture or weights.architecture, [weights.architecture], "network of these weights")
        _check_layers(weights.architecture, layers)
    else:
        architecture, source = weight_sources.default_source(architecture, weights)
        validation.choice(architecture, ARCHITECTURES, "network")
        _check_layers(architecture, layers)
        weights = weight_sources.read(architecture, source, seed)
    from .calibration import mean_activations  # here, because it loads TensorFlow

    chain = convolutions_up_to(weights.architecture, layers)
    means = mean_activations(weights, chain[-1].name) if smooth and chain else {}
    temperatures = {name: tau * ratio**k * mean for k, (name, mean) in enumerate(means.items())}
    return Network(weights, tuple(layers), activation, tau, ratio, pooling, temperatures)


def _check_layers(architecture: str, layers: Sequence[str]) -> None:
    known = [IMAGE, *(layer.name for layer in ARCHITECTURES[architecture])]
    accepted = "different layers in order of depth"
    if isinstance(layers, str) or not isinstance(layers, Sequence) or not layers:
        raise input_error("layers", "are not a list of names", layers, accepted, f"give {known[1]}, ...")
    depths = [known.index(validation.choice(layer, known, f"layer of {architecture}")) for layer in layers]
    if depths != sorted(set(depths)):
        raise input_error("layers", "are out of order", ", ".join(layers), accepted, "sort them")
