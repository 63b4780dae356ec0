"""Style transfer and texture synthesis by Gram matrices, the classical method (section 2.5 of the thesis).

The style of a layer is the Gram matrix of its map (equation 2.7), the content of a picture the map of one deeper
layer. A picture with the style of one and the content of another is found by L-BFGS on the pixels. It runs in the
network in use, smooth or not, on the compiled chain of `channel_means`, and minimizes by `baselines.direct`.

References
----------
Gatys, Ecker & Bethge, *Texture synthesis using convolutional neural networks*, NIPS 2015.
Gatys, Ecker & Bethge, *Image style transfer using convolutional neural networks*, CVPR 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..common import validation
from ..common.errors import input_error
from ..engine.features import Block, Counted
from ..engine.ode import FlowResult
from ..networks.activation_maps import MapsLinearization, linearize_maps
from ..networks.architectures import IMAGE, Operation
from ..networks.gram import gram_matrix
from ..networks.vgg import Network
from . import baselines
from .iteration import OnIteration


@dataclass(frozen=True)
class Statistics:
    """The Gram matrices of the `style` layers, then the map of the `content` layer (None: none), as features.

    Of a feature map it has what a descent needs: blocks, values, and a linearization with a VJP. A Gram matrix is a
    block of n² features under its layer's name, the content's map one of h w n features.

    Parameters
    ----------
    network : read at all of these layers.
    size : (H, W) of the pictures.
    dtype : as of `channel_means.ChannelMeans`.
    """

    network: Network
    style: tuple[str, ...]
    content: str | None
    size: tuple[int, int]
    dtype: str = "mixed"

    @property
    def blocks(self) -> tuple[Block, ...]:
        channels, chain = self.network.channels, self.network.operations
        grams = tuple(Block(layer, channels(layer) ** 2) for layer in self.style)
        if self.content is None:
            return grams
        depth = 0 if self.content == IMAGE else chain.index(Operation("convolution", self.content))
        scale = 2 ** sum(kind == "pooling" for kind, _ in chain[:depth])
        positions = (self.size[0] // scale) * (self.size[1] // scale)
        return (*grams, Block(f"content {self.content}", positions * channels(self.content)))

    def values(self, x: np.ndarray) -> np.ndarray:
        return self.linearize(x).values

    def linearize(self, x: np.ndarray) -> _StatisticsLinearization:
        """The statistics at x, float64 of shape (n,), and their VJP, from one forward pass."""
        at = linearize_maps(self.network, x, self.dtype)
        parts = [gram_matrix(at.maps[layer]).ravel() for layer in self.style]
        if self.content is not None:
            parts.append(at.maps[self.content].ravel().astype(np.float64))
        return _StatisticsLinearization(at, self.style, self.content, np.concatenate(parts))


@dataclass(frozen=True, eq=False)
class _StatisticsLinearization:
    at: MapsLinearization
    style: tuple[str, ...]
    content: str | None
    values: np.ndarray

    def vjp(self, w: np.ndarray) -> np.ndarray:
        """Return the gradient of w·(the statistics), float64 of shape (H, W, 3); that by a map is F (W + Wᵀ)/M."""
        cotangents, begin = {layer: np.zeros_like(found) for layer, found in self.at.maps.items()}, 0
        for layer in self.style:
            found = self.at.maps[layer]
            height, width, channels = found.shape
            weights = w[begin : begin + channels**2].reshape(channels, channels)
            begin += channels**2
            pull = ((weights + weights.T) / (height * width)).astype(found.dtype)
            cotangents[layer] = (found.reshape(-1, channels) @ pull).reshape(found.shape)
        if self.content is not None:
            found = self.at.maps[self.content]
            cotangents[self.content] = cotangents[self.content] + w[begin:].reshape(found.shape).astype(found.dtype)
        return self.at.vjp(cotangents)


@dataclass(frozen=True, eq=False)
class Objective:
    """The loss of a picture, Σ_i weights_i (features_i - targets_i)²; arrays of shape (n,)."""

    features: Counted
    targets: np.ndarray
    weights: np.ndarray


def objective(
    network: Network,
    size: tuple[int, int],
    origin: np.ndarray | None,
    target: np.ndarray | None = None,
    *,
    style: Sequence[str] | None = None,
    content: str | None = None,
    alpha: float = 1.0,
    beta: float = 1e3,
    dtype: str = "mixed",
) -> Objective:
    """Return α/2 Σ (F - P)² + β Σ_l (1/L) Σ_ij (G_ij - A_ij)²/(4 n_l²) of a picture of `size` = (H, W).

    F, P : the content layer's maps of the picture and the target; G, A : the L style layers' Gram matrices of the
    picture and the origin, each divided by its number of positions, so that the origin may be of another size (for
    equal sizes this is the papers' loss). Its features count their passes, one for each picture here included.

    Parameters
    ----------
    network : read at the style layers and the content layer.
    origin, target : float pictures, nominally in [0, 1]; the target of shape (H, W, 3). The origin is None where there
        is no style layer, the target where there is no content layer.
    style : layers of the network; default all but the content layer.
    content : a layer of the network; the paper's is block4_conv2.
    alpha, beta : weights of content and style; the paper's ratio is 1e-3 or 1e-4.
    dtype : as of `channel_means.ChannelMeans`.

    Raises
    ------
    InputError : layers that the network is not read at, a picture that does not fit, or a weight out of range.
    """
    style = _layers(network, style, content, origin, target)
    validation.in_range(alpha, "alpha", 0, np.inf, low_open=True)
    validation.in_range(beta, "beta", 0, np.inf, low_open=True)
    features = Counted(Statistics(network, style, content, validation.shape(size), dtype))
    targets, weights = [], []
    if style:
        origin = validation.image(origin, "origin")
        grams = replace(features.map, content=None, size=origin.shape[:2])
        targets.append(Counted(grams, features.passes).values(origin))
        weights += [np.full(block.size, beta / (len(style) * 4 * block.size)) for block in grams.blocks]
    if content is not None:
        target = validation.image(target, "target")
        if target.shape[:2] != features.map.size:
            accepted = f"shape {(*features.map.size, 3)}"
            raise input_error("target", "differs in shape from the picture", target, accepted, "resize it")
        targets.append(Counted(replace(features.map, style=()), features.passes).values(target))
        weights.append(np.full(targets[-1].shape, alpha / 2))
    return Objective(features, np.concatenate(targets), np.concatenate(weights))


def synthesize(
    aim: Objective,
    x: np.ndarray,
    iterations: int = 500,
    threshold: float = 0.01,
    on_step: OnIteration | None = None,
) -> FlowResult:
    """Minimizes the loss from x on, (H, W, 3); noise, and an aim without content, is the texture synthesis of 2015.

    `iterations`, `threshold` and `on_step` are those of `baselines.direct`, the blocks those of `Statistics`. Costs a
    forward pass and a VJP an evaluation, and a forward pass at the start. Raises `InputError` for an x that does not
    fit, or a number out of range.
    """
    x = validation.image(x, "start")
    if x.shape[:2] != aim.features.map.size:
        accepted = f"shape {(*aim.features.map.size, 3)}"
        raise input_error("start", "differs in shape from what the aim is for", x, accepted, "resize it")
    return baselines.direct(
        aim.features,
        x,
        aim.targets,
        weights=aim.weights,
        iterations=iterations,
        threshold=threshold,
        on_step=on_step,
    )


def _layers(
    network: Network,
    style: Sequence[str] | None,
    content: str | None,
    origin: np.ndarray | None,
    target: np.ndarray | None,
) -> tuple[str, ...]:
    """The style layers, judged together with what they and the content need."""
    chosen = [layer for layer in network.layers if layer != content] if style is None else style
    for layer in (*chosen, *([] if content is None else [content])):
        validation.choice(layer, network.layers, "layer of Gatys's method")
    accepted = "an origin with style layers, a target with a content layer, or both"
    if (origin is None) == bool(chosen) or (target is None) != (content is None):
        given = f"style layers {', '.join(chosen) or 'none'}; content layer {content or 'none'}"
        raise input_error("Gatys's method", "lacks a picture, or a layer for one", given, accepted, "give both")
    if not chosen and content is None:
        raise input_error("Gatys's method", "has nothing to aim at", "neither", accepted, "give one")
    return tuple(chosen)
