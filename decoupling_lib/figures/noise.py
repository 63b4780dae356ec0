"""Figures 3.1, 4.5 and 4.6: noise, and the channels that it activates in the network and in a small classifier."""

from __future__ import annotations

import numpy as np

from ..images.noise import uniform_noise
from ..plotting.settings import kit_settings
from ..plotting.style import new_figure, show_map, show_picture
from ..transfers.network_source import NetworkSource
from .spec import DrawnFigure, FigureSpec

NOISE_SEED = 0
NOISE_SIDE = 200
"""Side of the noise in pixels, as in the thesis."""
_LEGEND = (
    "Each row is a convolution, each column a channel. White is 0; black is the row's largest response, given on the\n"
    "left. A dashed frame is a silent channel: it is 0 at every position, so its mean has no gradient.\n"
    "“digits too”: no held-out digit activates it either, so training and not the noise made it silent."
)


@kit_settings
def _uniform_noise_figure(source: NetworkSource) -> DrawnFigure:
    """Draw figure 3.1: an image of uniform noise, and how often each value occurs."""
    x = uniform_noise((NOISE_SIDE, NOISE_SIDE), NOISE_SEED)
    figure = new_figure(8.5, 4.2)
    left, right = figure.subplots(1, 2)
    show_picture(left, x, f"uniform noise, {NOISE_SIDE} × {NOISE_SIDE} pixels")
    right.hist(x.ravel(), 50, color="0.6")
    right.set(
        xlabel="value of a color channel of a pixel", ylabel="number of values", title="all values are equally likely"
    )
    right.spines[["top", "right"]].set_visible(False)
    return DrawnFigure(figure, {"side in pixels": NOISE_SIDE}, seed=NOISE_SEED)


@kit_settings
def _channel_means_of_noise(source: NetworkSource) -> DrawnFigure:
    """Draw figure 4.5: the fifth layer's channel means for noise, with the zeros marked."""
    from ..networks.channel_means import ChannelMeans, channel_means_by_layer
    from ..networks.dead_channels import find_dead_channels
    from ..plotting.features import show_channel_means

    network = source.network(5).as_thesis()
    layer = network.layers[-1]
    noise = uniform_noise((NOISE_SIDE, NOISE_SIDE), NOISE_SEED)
    figure = new_figure(11, 3.8)
    values = channel_means_by_layer(ChannelMeans(network), noise)[layer]
    dead = find_dead_channels(network, noise[None])[layer]
    show_channel_means(figure.add_subplot(), values, dead, f"Channel means of uniform noise, {layer}")
    parameters = {"side of the noise in pixels": NOISE_SIDE, "dead channels": f"{dead.sum()} of {dead.size}"}
    return DrawnFigure(figure, parameters, ("numpy", "tensorflow", "matplotlib"), network, NOISE_SEED)


@kit_settings
def _noise_in_a_classifier(source: NetworkSource) -> DrawnFigure:
    """Draw figure 4.6: the maps of every convolution of a small classifier for noise, silent channels marked.

    The thesis used CNN Explainer's classifier; `networks.digits_classifier` has the same shape. Channels that no
    held-out digit activates either were lost in training, not because of the noise, and are marked as such.
    """
    from ..networks import digit_images, digits_classifier  # here: it loads TensorFlow, which figure 3.1 does not need

    model, shape = digits_classifier.load(), (digit_images.SIDE, digit_images.SIDE)
    noise = uniform_noise(shape, NOISE_SEED)[..., 0]
    held_out = digit_images.digits("held-out").images
    maps, for_digits = (digits_classifier.activations(model, pictures) for pictures in (noise[None], held_out))
    layers = [name for name in digits_classifier.LAYERS if name.startswith("relu")]
    figure = new_figure(10.5, 6.4)
    grid = figure.add_gridspec(1 + len(layers), digits_classifier.CHANNELS)
    show_picture(figure.add_subplot(grid[0, 0], label="noise"), np.repeat(noise[..., None], 3, axis=-1), "the noise")
    quiet, idle = (
        np.stack([digits_classifier.silent_channels(each[name]) for name in layers]) for each in (maps, for_digits)
    )
    marks = np.where(quiet, np.where(idle, "silent,\ndigits too", "silent"), "")
    for (row, channel), mark in np.ndenumerate(marks):
        layer_maps = maps[layers[row]][0]
        ax = figure.add_subplot(grid[1 + row, channel], label=f"{layers[row]} {channel}")
        show_map(ax, layer_maps[..., channel], layer_maps.max(), str(mark))
        if row == 0:
            ax.set_title(f"channel {channel}", fontsize=8)
        if channel == 0:
            name = layers[row].replace("relu", "conv")
            label = f"{name}\n{layer_maps.shape[0]}×{layer_maps.shape[1]}\n0 to {layer_maps.max():.2f}"
            ax.set_ylabel(label, fontsize=8, rotation=0, ha="right", va="center")
    legend = figure.add_subplot(grid[0, 1:], label="legend")
    legend.set_axis_off()
    legend.text(0.02, 0.5, _LEGEND, transform=legend.transAxes, fontsize=9, va="center", linespacing=1.5)
    figure.suptitle("Noise in a classifier of digits: the maps of every convolution after ReLU", fontsize=12)
    parameters = {
        "uniform noise, side in pixels": digit_images.SIDE,
        "channels silent for noise only": int(np.sum(quiet & ~idle)),
        f"for noise and all {len(held_out)} held-out digits": int(np.sum(quiet & idle)),
        "accuracy on these digits": f"{digits_classifier.accuracy(model):.1%}",
    }
    return DrawnFigure(figure, parameters, ("numpy", "tensorflow", "scikit-learn", "matplotlib"), seed=NOISE_SEED)


SPECS = (
    FigureSpec(
        "3.1", "Uniform noise", "The thesis's noise has no seed. The histogram is an addition.", _uniform_noise_figure
    ),
    FigureSpec(
        "4.5",
        "Channel means of noise at the fifth layer, with the zeros marked",
        "The thesis's noise has no seed. Zeros are marked below the axis, because a bar of no height cannot be seen.",
        _channel_means_of_noise,
        seconds=8,
    ),
    FigureSpec(
        "4.6",
        "The maps of every convolution of a small classifier for noise",
        "The thesis shows CNN Explainer's classifier of photographs. No package contains its weights, so this is a "
        "classifier of the same shape, trained by the kit on scikit-learn's digits.",
        _noise_in_a_classifier,
        seconds=12,
        needs_keras=True,
    ),
)
"""The figures of this module."""
