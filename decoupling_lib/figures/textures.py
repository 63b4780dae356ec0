"""Figures 1.1, 2.7 and 2.8: textures, and the classical method that synthesizes and transfers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter

from ..images.noise import uniform_noise
from ..images.pictures import load_picture
from ..plotting.settings import kit_settings
from ..plotting.style import new_figure, show_picture
from ..transfers.network_source import NetworkSource
from .spec import DrawnFigure, FigureSpec

if TYPE_CHECKING:
    from ..networks.vgg import Network

TEXTURES = {
    "brick": ("bricks", (0, 0, 1, 1)),
    "grass": ("grass", (0, 0, 1, 1)),
    "gravel": ("gravel", (0, 0, 1, 1)),
    "chelsea": ("fur, of chelsea", (0.32, 0.0, 0.5, 0.27)),
    "flower": ("petals, of flower", (0.35, 0.3, 0.62, 0.7)),
    "coffee": ("wood, of coffee", (0.8, 0.05, 1.0, 0.35)),
}
"""By picture: the texture, and where it is: left, top, right, bottom as fractions of the picture."""
SIDE, SEED = 128, 0
"""Side in pixels of the images of figures 2.7 and 2.8, and seed of the noise."""
TEXTURE, STYLE, CONTENT = "gravel", "brick", "chelsea"
CONTENT_LAYER = "block4_conv2"
ITERATIONS = 300
BLUR = 1.0
"""Standard deviation, in pixels, of the filter that smooths the noise at which figure 2.8 begins.

From raw noise the synthesis keeps a checkerboard, which the loss hardly sees: after 150 iterations its power at the
finest scale (frequencies from 0.4 per pixel) was 27 times that of the texture, and the loss 155. From smoothed noise
they were 0.7 times and 51. Weighting the layers by the size of their Gram matrices did not remove it."""
SHOWN = 32
"""Number of channels of each Gram matrix in figure 2.8: the strongest ones of the texture."""
_PACKAGES = ("numpy", "tensorflow", "scipy", "scikit-image", "matplotlib")


@kit_settings
def _natural_textures(source: NetworkSource) -> DrawnFigure:
    """Draw figure 1.1: textures in photographs."""
    figure = new_figure(9, 6.4)
    for ax, (name, (texture, box)) in zip(figure.subplots(2, 3).flat, TEXTURES.items(), strict=True):
        picture = load_picture(name).array
        height, width = picture.shape[:2]
        left, top, right, bottom = np.round(np.multiply(box, (width, height, width, height))).astype(int)
        side = min(right - left, bottom - top)
        show_picture(ax, picture[top : top + side, left : left + side], texture)
    return DrawnFigure(figure, {}, ("numpy", "scikit-image", "scikit-learn", "matplotlib"))


@kit_settings
def _gatys_transfer(source: NetworkSource) -> DrawnFigure:
    """Draw figure 2.7: the style of one picture transferred to another by Gram matrices."""
    from ..methods import gatys

    network = _network(source, content=True)
    style, content = (load_picture(name, (SIDE, SIDE)).array for name in (STYLE, CONTENT))
    objective = gatys.objective(network, (SIDE, SIDE), style, content, content=CONTENT_LAYER, alpha=1.0, beta=3e2)
    result = gatys.synthesize(objective, content, ITERATIONS)
    figure = new_figure(9, 4.7)
    titles = (f"{STYLE}\ngives the style", f"{CONTENT}\ngives the content", "style transfer\nby Gram matrices")
    for ax, picture, title in zip(figure.subplots(1, 3), (style, content, result.x), titles, strict=True):
        show_picture(ax, picture, title)
    parameters = {"content layer": CONTENT_LAYER, "content : style": "1 : 300"}
    return DrawnFigure(figure, _parameters(objective, parameters), _PACKAGES, network)


@kit_settings
def _gatys_synthesis(source: NetworkSource) -> DrawnFigure:
    """Draw figure 2.8: a texture synthesized from smooth noise by the Gram matrices of a photograph."""
    from ..methods import gatys
    from ..networks.gram import gram_matrices

    network = _network(source, content=False)
    texture, noise = load_picture(TEXTURE, (SIDE, SIDE)).array, uniform_noise((SIDE, SIDE), SEED)
    start = gaussian_filter(noise, (BLUR, BLUR, 0))
    objective = gatys.objective(network, (SIDE, SIDE), texture)
    result = gatys.synthesize(objective, start, ITERATIONS)
    pictures = {f"texture: {TEXTURE}": texture, "start: smoothed noise": start, "synthesis": result.x}
    grams = [gram_matrices(network, picture) for picture in pictures.values()]
    figure = new_figure(12.5, 6.6)
    axes = figure.subplots(3, 1 + len(network.layers))
    strongest = {layer: np.argsort(-np.diag(gram))[:SHOWN] for layer, gram in grams[0].items()}
    for row, (title, picture), own in zip(axes, pictures.items(), grams, strict=True):
        show_picture(row[0], picture, title)
        for ax, (layer, gram) in zip(row[1:], own.items(), strict=True):
            order, top = strongest[layer], grams[0][layer].max()
            ax.imshow(gram[np.ix_(order, order)], cmap="gray_r", vmin=0, vmax=top, interpolation="nearest")
            ax.set(xticks=[], yticks=[])
            off = np.linalg.norm(gram - grams[0][layer]) / np.linalg.norm(grams[0][layer])
            ax.set_title(f"{layer}\n" + (f"off by {off:.1%}" if own is not grams[0] else "Gram matrix"), fontsize=8)
    parameters = {"standard deviation of the smoothing filter in pixels": BLUR, "strongest channels shown": SHOWN}
    return DrawnFigure(figure, _parameters(objective, parameters), _PACKAGES, network, SEED)


def _network(source: NetworkSource, content: bool) -> Network:
    """Return a network with ReLU and average pooling, as in the papers, read at the thesis's five layers.

    With `content`, it is read at the content's layer as well.
    """
    from ..networks.vgg import build_network

    layers = sorted((*source.layers(5), *([CONTENT_LAYER] if content else [])))
    return build_network(source.architecture, source.weights, layers, activation="relu", pooling="average")


def _parameters(objective: Any, more: dict[str, Any]) -> dict[str, Any]:
    return {"side in pixels": SIDE, "iterations": ITERATIONS, "passes": objective.features.passes.total} | more


SPECS = (
    FigureSpec(
        "1.1",
        "Natural textures",
        "The thesis's examples are taken from another work; these are the kit's.",
        _natural_textures,
    ),
    FigureSpec(
        "2.7",
        "Style transfer by Gram matrices, the method of Gatys, Ecker and Bethge",
        "The thesis shows the style of The Starry Night on the Mona Lisa, which no package contains; openly licensed "
        "photographs replace them. The optimization starts from the content.",
        _gatys_transfer,
        seconds=100,
    ),
    FigureSpec(
        "2.8",
        "Texture synthesis by Gram matrices",
        "The thesis shows the paper's schematic; here the method is run, and its real Gram matrices are shown. "
        "It begins at smoothed noise: from raw noise a checkerboard remains, which the loss hardly sees.",
        _gatys_synthesis,
        seconds=80,
    ),
)
"""The figures of this module."""
