"""Style transfer and texture synthesis by Gram matrices, the classical method (section 2.5 of the thesis).

The style of a layer is the Gram matrix of its activation map (equation 2.7 of the thesis), the content of an image the
map of one deeper layer. An image with the style of one image and the content of another is found by L-BFGS on the
pixels. The method takes any network, smoothed or not.

References
----------
Gatys, Ecker and Bethge, "Texture synthesis using convolutional neural networks", NIPS 2015.
Gatys, Ecker and Bethge, "Image style transfer using convolutional neural networks", CVPR 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..common import validation
from ..common.arrays import Floats
from ..common.errors import input_error
from ..engine.features import Block, Passes
from ..engine.ode import FlowResult
from ..networks.activation_maps import MapsLinearization, linearize_maps
from ..networks.architectures import IMAGE, Operation
from ..networks.gram import gram_matrix
from ..networks.vgg import Network
from . import baselines
from .iteration import OnIteration


@dataclass(frozen=True)
class Statistics:
    """The Gram matrices of style layers, followed by the map of a content layer, as features that count their passes.

    A Gram matrix is a block of n_l² features under the name of its layer, the content map a block of h w n_l features.

    Parameters
    ----------
    network : Network
        Has all of these layers as its style layers.
    style : tuple of str
        The style layers.
    content : str or None
        The content layer; None for none.
    size : tuple of int
        (H, W) of the images.
    dtype : str
        Precision, as in `networks.channel_means.ChannelMeans`.
    passes : Passes
        The counter. What `dataclasses.replace` derives from these statistics shares it.
    """

    network: Network
    style: tuple[str, ...]
    content: str | None
    size: tuple[int, int]
    dtype: str = "mixed"
    passes: Passes = field(default_factory=Passes, compare=False)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """One block per style layer, then one for the content layer."""
        channels, chain = self.network.channels, self.network.operations
        grams = tuple(Block(layer, channels(layer) ** 2) for layer in self.style)
        if self.content is None:
            return grams
        depth = 0 if self.content == IMAGE else chain.index(Operation("convolution", self.content))
        scale = 2 ** sum(kind == "pooling" for kind, _ in chain[:depth])
        positions = (self.size[0] // scale) * (self.size[1] // scale)
        return (*grams, Block(f"content {self.content}", positions * channels(self.content)))

    def values(self, x: Floats) -> Floats:
        """Return the statistics of an image, float64 of shape (n,), and count one forward pass."""
        return self.linearize(x).values

    def linearize(self, x: Floats) -> StatisticsPullback:
        """Return the statistics of an image and their VJP, which is counted too, and count one forward pass.

        Parameters
        ----------
        x : ndarray, shape (H, W, 3)
            The image.
        """
        self.passes.forward += 1
        at = linearize_maps(self.network, x, self.dtype)
        parts = [gram_matrix(at.maps[layer]).ravel() for layer in self.style]
        if self.content is not None:
            parts.append(at.maps[self.content].ravel().astype(np.float64))
        return StatisticsPullback(self, at, np.concatenate(parts))


@dataclass(frozen=True, eq=False)
class StatisticsPullback:
    """The statistics of one image, and their VJP.

    Parameters
    ----------
    statistics : Statistics
        Which statistics, and the counter of passes.
    at : MapsLinearization
        The activation maps of the image.
    values : ndarray, shape (n,)
        The statistics.
    """

    statistics: Statistics
    at: MapsLinearization
    values: Floats

    def vjp(self, w: Floats) -> Floats:
        """Return the gradient of w·(the statistics), and count one VJP.

        The gradient of Σ_ij W_ij G_ij with respect to a map F with M positions is F (W + Wᵀ)/M.

        Parameters
        ----------
        w : ndarray, shape (n,)
            One weight per feature.

        Returns
        -------
        ndarray of float64, shape (H, W, 3)
            The gradient.
        """
        self.statistics.passes.vjp += 1
        style, content = self.statistics.style, self.statistics.content
        cotangents, begin = {layer: np.zeros_like(found) for layer, found in self.at.maps.items()}, 0
        for layer in style:
            found = self.at.maps[layer]
            height, width, channels = found.shape
            weights = w[begin : begin + channels**2].reshape(channels, channels)
            begin += channels**2
            pull = ((weights + weights.T) / (height * width)).astype(found.dtype)
            cotangents[layer] = (found.reshape(-1, channels) @ pull).reshape(found.shape)
        if content is not None:
            found = self.at.maps[content]
            cotangents[content] = cotangents[content] + w[begin:].reshape(found.shape).astype(found.dtype)
        return self.at.vjp(cotangents)


@dataclass(frozen=True, eq=False)
class Objective:
    """The loss of an image, Σ_i weights_i (features_i - targets_i)².

    Parameters
    ----------
    features : Statistics
        The features.
    targets, weights : ndarray, shape (n,)
        Their targets, and the weights of the squares.
    """

    features: Statistics
    targets: Floats
    weights: Floats


def objective(
    network: Network,
    size: tuple[int, int],
    origin: Floats | None,
    target: Floats | None = None,
    *,
    style: Sequence[str] | None = None,
    content: str | None = None,
    alpha: float = 1.0,
    beta: float = 1e3,
    dtype: str = "mixed",
) -> Objective:
    """Return the loss α/2 Σ (F - P)² + β Σ_l (1/L) Σ_ij (G_ij - A_ij)²/(4 n_l²) of an image.

    F and P are the content layer's maps of the image and of the target; G and A are the Gram matrices of the L style
    layers, with n_l channels, of the image and of the origin. Each Gram matrix is divided by its number of positions,
    so the origin may have another size; for equal sizes this is the loss of the papers.

    The features count one pass for the origin and one for the target.

    Parameters
    ----------
    network : Network
        Has the style layers and the content layer as its style layers.
    size : tuple of int
        (H, W) of the image.
    origin : ndarray, shape (h, w, 3), or None
        The image that gives the style, nominally in [0, 1]; None if there is no style layer.
    target : ndarray, shape (H, W, 3), optional
        The image that gives the content, nominally in [0, 1]; None if there is no content layer.
    style : sequence of str, optional
        The style layers. Default: all layers of the network but the content layer.
    content : str, optional
        The content layer; in the paper block4_conv2. Default: none.
    alpha, beta : float
        Weights of content and style, above 0; in the paper their ratio is 1e-3 or 1e-4.
    dtype : str
        Precision, as in `networks.channel_means.ChannelMeans`.

    Returns
    -------
    Objective
        The loss, for `synthesize`.

    Raises
    ------
    InputError
        If the network lacks a layer, an image is missing or does not fit, or a weight is out of range.
    """
    chosen = _choose_style(network, style, content, origin, target)
    validation.in_range(alpha, "alpha", 0, np.inf, low_open=True)
    validation.in_range(beta, "beta", 0, np.inf, low_open=True)
    features = Statistics(network, chosen, content, validation.shape(size), dtype)
    targets, weights = [], []
    if chosen:
        origin = validation.image(origin, "origin")
        grams = replace(features, content=None, size=origin.shape[:2])
        targets.append(grams.values(origin))
        weights += [np.full(block.size, beta / (len(chosen) * 4 * block.size)) for block in grams.blocks]
    if content is not None:
        target = _require_size(target, "target", features.size)
        targets.append(replace(features, style=()).values(target))
        weights.append(np.full(targets[-1].shape, alpha / 2))
    return Objective(features, np.concatenate(targets), np.concatenate(weights))


def synthesize(
    aim: Objective,
    x: Floats,
    iterations: int = 500,
    threshold: float = 0.01,
    on_step: OnIteration | None = None,
) -> FlowResult:
    """Minimize the loss by L-BFGS.

    From noise, with an objective without content, this is the texture synthesis of 2015. An evaluation costs a forward
    pass and a VJP; one more forward pass is made at the start.

    Parameters
    ----------
    aim : Objective
        The loss.
    x : ndarray, shape (H, W, 3)
        The image at which to begin.
    iterations : int
        Maximum number of iterations, at least 0.
    threshold : float
        Relative error of the worst block of the features at which to stop, at least 0.
    on_step : callable, optional
        Receives (iteration, that error, x) at every iterate; see `baselines.descend_lbfgs`.

    Returns
    -------
    FlowResult
        See `iteration.Watch.end`.

    Raises
    ------
    InputError
        If x does not fit the objective, or a number is out of range.
    """
    return baselines.descend_lbfgs(
        aim.features,
        _require_size(x, "start", aim.features.size),
        aim.targets,
        weights=aim.weights,
        iterations=iterations,
        threshold=threshold,
        on_step=on_step,
    )


def _require_size(x: Floats | None, name: str, size: tuple[int, int]) -> Floats:
    """Return an image of that size."""
    image = validation.image(x, name)
    if image.shape[:2] != size:
        step = "resize it, or give the objective its size"
        raise input_error(name, "differs in size from the image of the objective", image, f"shape {(*size, 3)}", step)
    return image


def _choose_style(
    network: Network,
    style: Sequence[str] | None,
    content: str | None,
    origin: Floats | None,
    target: Floats | None,
) -> tuple[str, ...]:
    """Return the style layers, after checking that all layers exist and have their images."""
    chosen = [layer for layer in network.layers if layer != content] if style is None else style
    for layer in (*chosen, *([] if content is None else [content])):
        validation.choice(layer, network.layers, "layer of Gatys's method")
    accepted = "an origin with style layers, a target with a content layer, or both"
    if (origin is None) == bool(chosen) or (target is None) != (content is None):
        received = f"style layers {', '.join(chosen) or 'none'}; content layer {content or 'none'}"
        raise input_error("Gatys's method", "lacks an image, or a layer for one", received, accepted, "give both")
    if not chosen and content is None:
        raise input_error("Gatys's method", "has nothing to match", "neither", accepted, "give one of them")
    return tuple(chosen)
