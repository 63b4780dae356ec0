"""Figures 3.1, 4.5 and 4.6: noise, and which channels it wakes in the network and in a small classifier."""

from __future__ import annotations

import numpy as np

from ..images.noise import uniform_noise
from ..plotting.style import show_map, show_picture
from ..transfers.network_source import NetworkSource
from .spec import Entry, Made, canvas

NOISE_SEED = 0
NOISE_SIDE = 200  # pixels, as in the thesis
_READING = (
    "A row is a convolution, a column a channel. White is 0, black the row's largest response, given at the left;\n"
    "a white map in a full frame answers faintly. Dashed: silent, 0 at every position, so its mean has no gradient.\n"
    "“digits too”: no held-out digit wakes it either; training lost that channel, noise has no part in it."
)


def uniform_noise_figure(source: NetworkSource) -> Made:
    """Figure 3.1: an image of uniform noise, and how often each value occurs."""
    x = uniform_noise((NOISE_SIDE, NOISE_SIDE), NOISE_SEED)
    figure = canvas(8.5, 4.2)
    left, right = figure.subplots(1, 2)
    show_picture(left, x, f"uniform noise, {NOISE_SIDE} × {NOISE_SIDE} pixels")
    right.hist(x.ravel(), 50, color="0.6")
    right.set(xlabel="value of a color of a pixel", ylabel="how many", title="all values are as likely")
    right.spines[["top", "right"]].set_visible(False)
    return Made(figure, {"side in pixels": NOISE_SIDE}, seed=NOISE_SEED)


def channel_means_of_noise(source: NetworkSource) -> Made:
    """Figure 4.5: the fifth layer's channel means for noise, zeros marked."""
    from ..networks.channel_means import ChannelMeans, by_layer
    from ..networks.dead_channels import find_dead_channels
    from ..plotting.features import show_channel_means

    network = source.network(5).as_thesis()
    layer = network.layers[-1]
    noise = uniform_noise((NOISE_SIDE, NOISE_SIDE), NOISE_SEED)
    figure = canvas(11, 3.8)
    values, dead = by_layer(ChannelMeans(network), noise)[layer], find_dead_channels(network, noise[None])[layer]
    show_channel_means(figure.add_subplot(), values, dead, f"Channel means of uniform noise, {layer}")
    parameters = {"side of the noise in pixels": NOISE_SIDE, "dead channels": f"{dead.sum()} of {dead.size}"}
    return Made(figure, parameters, ("numpy", "tensorflow", "matplotlib"), network, NOISE_SEED)


def noise_in_a_classifier(source: NetworkSource) -> Made:
    """Figure 4.6: the maps of every convolution of a small classifier for noise; silent channels are marked.

    The thesis used CNN Explainer's classifier; here it is the one of `classifier`, of the same shape. Channels that
    answer no held-out digit either were lost in training, which noise has no part in, and are marked as such.
    """
    from ..networks import digits_classifier  # here: it loads TensorFlow, which the other figures do without

    model, shape = digits_classifier.load(), (digits_classifier.SIDE, digits_classifier.SIDE)
    noise = uniform_noise(shape, NOISE_SEED)[..., 0]
    held_out = digits_classifier.digits("held-out").images
    maps, for_digits = (digits_classifier.activations(model, pictures) for pictures in (noise[None], held_out))
    layers = [name for name in digits_classifier.LAYERS if name.startswith("relu")]
    figure = canvas(10.5, 6.4)
    grid = figure.add_gridspec(1 + len(layers), digits_classifier.CHANNELS)
    show_picture(figure.add_subplot(grid[0, 0], label="noise"), np.repeat(noise[..., None], 3, axis=-1), "the noise")
    quiet, idle = (np.stack([digits_classifier.silent(each[name]) for name in layers]) for each in (maps, for_digits))
    marks = np.where(quiet, np.where(idle, "silent,\ndigits too", "silent"), "")
    for (row, channel), mark in np.ndenumerate(marks):
        found = maps[layers[row]][0]
        ax = figure.add_subplot(grid[1 + row, channel], label=f"{layers[row]} {channel}")
        show_map(ax, found[..., channel], found.max(), str(mark))
        if row == 0:
            ax.set_title(f"channel {channel}", fontsize=8)
        if channel == 0:
            name = layers[row].replace("relu", "conv")
            said = f"{name}\n{found.shape[0]}×{found.shape[1]}\n0 to {found.max():.2f}"
            ax.set_ylabel(said, fontsize=8, rotation=0, ha="right", va="center")
    words = figure.add_subplot(grid[0, 1:], label="words")
    words.set_axis_off()
    words.text(0.02, 0.5, _READING, transform=words.transAxes, fontsize=9, va="center", linespacing=1.5)
    figure.suptitle("Noise in a classifier of digits: the maps of every convolution after ReLU", fontsize=12)
    parameters = {
        "uniform noise, side in pixels": digits_classifier.SIDE,
        "channels silent for noise only": int(np.sum(quiet & ~idle)),
        f"for noise and all {len(held_out)} held-out digits": int(np.sum(quiet & idle)),
        "digits that the classifier knows": f"{digits_classifier.accuracy(model):.1%}",
    }
    return Made(figure, parameters, ("numpy", "tensorflow", "scikit-learn", "matplotlib"), seed=NOISE_SEED)


ENTRIES = (
    Entry("3.1", "Uniform noise", "The thesis's noise has no seed; the histogram is added.", uniform_noise_figure),
    Entry(
        "4.5",
        "Channel means of noise at the fifth layer, with the zeros marked",
        "The thesis's noise has no seed. Zeros are marked below the axis, where a bar of no height cannot be seen.",
        channel_means_of_noise,
        seconds=8,
    ),
    Entry(
        "4.6",
        "The maps of every convolution of a small classifier for noise",
        "The thesis shows CNN Explainer's classifier of photographs; here it is one of the same shape, trained by the "
        "kit on scikit-learn's digits, since the original's weights are not in a package.",
        noise_in_a_classifier,
        seconds=12,
    ),
)
