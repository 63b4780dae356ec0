"""Figures 2.3 to 2.6: a perceptron, convolution and pooling in numbers and on a photograph, and two networks."""

from __future__ import annotations

import numpy as np
from scipy.signal import correlate2d
from skimage.measure import block_reduce

from ..images.pictures import load_picture
from ..plotting.diagrams import show_numbers, show_parts, show_perceptron
from ..plotting.settings import kit_settings
from ..plotting.style import new_figure, show_picture
from ..transfers.network_source import NetworkSource
from .spec import DrawnFigure, FigureSpec

HIDDEN = (5, 4)
"""Neurons in the perceptron's hidden layers."""
IMAGE = np.array([[1.0, 2, 0], [4, 5, 1], [3, 1, 2], [0, 2, 1]])
FILTER = np.array([[1.0, 0], [0, -1]])
POOLING_MAP = np.array([[1.0, 2, 5, 6], [3, 4, 7, 8], [9, 10, 13, 14], [11, 12, 17, 18]])
STRIPED, STRIPED_SIZE = "chelsea", (200, 300)
"""The picture of figure 2.5, and its height and width in pixels."""
BAR, THICKNESS = 15, 3
"""Side of the filter of figure 2.5, and thickness of the bar in its middle, in pixels."""


@kit_settings
def _perceptron(source: NetworkSource) -> DrawnFigure:
    """Draw figure 2.3: a trained multilayer perceptron, its weights as lines."""
    from sklearn.datasets import load_iris
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = load_iris()
    model = make_pipeline(
        StandardScaler(), MLPClassifier(HIDDEN, solver="lbfgs", alpha=0.1, max_iter=2000, random_state=0)
    )
    model.fit(data.data, data.target)
    kernels = model[-1].coefs_
    figure = new_figure(8.5, 4.6)
    ax = figure.add_subplot()
    names = [name.removesuffix(" (cm)") for name in data.feature_names]
    show_perceptron(ax, kernels, names, list(data.target_names))
    ax.set_title(
        "A perceptron that classifies irises: thick lines are large weights, dashed lines negative ones", fontsize=11
    )
    parameters = {
        "weights and biases": sum(each.size for each in (*kernels, *model[-1].intercepts_)),
        "accuracy on its training data": f"{model.score(data.data, data.target):.1%}",
    }
    return DrawnFigure(figure, parameters, ("numpy", "scikit-learn", "matplotlib"), seed=0)


@kit_settings
def _numbers(source: NetworkSource) -> DrawnFigure:
    """Draw the example of section 2.3.2: a convolution and a maximum pooling of small matrices."""
    figure = new_figure(9, 5.6)
    above, below = figure.subplots(2, 3)
    corner, result = (slice(0, 2), slice(0, 2)), correlate2d(IMAGE, FILTER, mode="valid")
    show_numbers(above[0], IMAGE, "image, 4 × 3", corner)
    show_numbers(above[1], FILTER, "filter, 2 × 2")
    terms = " + ".join(f"{a:g}·{b:g}" if b >= 0 else f"{a:g}·({b:g})" for a, b in _pairs(IMAGE[corner], FILTER))
    first = (slice(0, 1), slice(0, 1))
    show_numbers(above[2], result, f"convolution, 3 × 2; its shaded number:\n{terms} = {result[0, 0]:g}", first)
    show_numbers(below[0], POOLING_MAP, "activation map, 4 × 4", corner)
    below[1].set_axis_off()
    below[1].text(0.5, 0.5, "the largest number\nof every 2 × 2 window  →", ha="center", va="center", fontsize=10)
    pooled = block_reduce(POOLING_MAP, 2, np.max)
    show_numbers(below[2], pooled, "after maximum pooling, 2 × 2", first)
    return DrawnFigure(figure, {}, ("numpy", "scipy", "scikit-image", "matplotlib"))


@kit_settings
def _bars(source: NetworkSource) -> DrawnFigure:
    """Draw figure 2.5: a striped cat, filtered with a vertical and with a horizontal bar."""
    picture = load_picture(STRIPED, STRIPED_SIZE).array
    gray = picture.mean(axis=-1)
    figure = new_figure(10.5, 5.0)
    grid = figure.add_gridspec(2, 4, width_ratios=(1.5, 0.7, 1.5, 1.5))
    show_picture(figure.add_subplot(grid[:, 0]), picture, f"{STRIPED}, {gray.shape[1]} × {gray.shape[0]} pixels")
    upright = np.zeros((BAR, BAR))
    upright[:, (BAR - THICKNESS) // 2 : (BAR + THICKNESS) // 2] = 1
    for row, (name, bar) in enumerate((("vertical", upright), ("horizontal", upright.T))):
        titles = (f"{name} bar", "response", "response without the filter's mean")
        responses = (correlate2d(gray, bar, "valid"), correlate2d(gray, bar - bar.mean(), "valid"))
        for column, (values, title) in enumerate(zip((bar, *responses), titles, strict=True), start=1):
            ax = figure.add_subplot(grid[row, column], label=f"{name} {column}")
            # A filter without its mean responds on both sides of 0; only the bright side resembles the filter.
            lowest = max(values.min(), 0.0)
            ax.imshow(values, cmap="gray", vmin=lowest, interpolation="nearest")
            ax.set_title(title, fontsize=9)
            ax.set(xticks=[], yticks=[])
    parameters = {"side of the filters in pixels": BAR, "thickness of their bars in pixels": THICKNESS}
    return DrawnFigure(figure, parameters, ("numpy", "scipy", "scikit-image", "matplotlib"))


@kit_settings
def _classifier_parts(source: NetworkSource) -> DrawnFigure:
    """Draw figure 2.4: the kit's classifier of digits, a convolutional network with maximum pooling."""
    # Here and below: importing these loads TensorFlow, which most figures of this module do not need.
    from ..networks import digits_classifier
    from ..networks.keras_layers import count_parameters, summarize_layers

    layers = summarize_layers(digits_classifier.load())
    figure = new_figure(9, 4.4)
    show_parts(figure.add_subplot(), layers)
    figure.suptitle("A convolutional network with maximum pooling: the kit's classifier of digits", fontsize=11)
    legend = {
        "parameters": f"{count_parameters(layers):,}",
        "above a box": "the number of its parameters",
        "below a box": "its name and the shape of its output",
    }
    return DrawnFigure(figure, legend, ("tensorflow", "matplotlib"))


@kit_settings
def _vgg19_parts(source: NetworkSource) -> DrawnFigure:
    """Draw figure 2.6: VGG-19 as Keras builds it, with its parameters counted."""
    from ..networks.keras_layers import build_keras_vgg19, count_parameters, summarize_layers

    layers = summarize_layers(build_keras_vgg19())
    figure = new_figure(13, 5.4)
    show_parts(figure.add_subplot(), layers)
    figure.suptitle(f"VGG-19: {count_parameters(layers):,} parameters", fontsize=12)
    counts = {
        "parameters in all": f"{count_parameters(layers):,}",
        "without the dense layers": f"{sum(part.parameters for part in layers if part.kind == 'convolution'):,}",
        "up to block5_conv1": f"{count_parameters(layers, 'block5_conv1'):,}",
        "up to block2_conv1": f"{count_parameters(layers, 'block2_conv1'):,}",
    }
    return DrawnFigure(figure, counts, ("tensorflow", "matplotlib"))


def _pairs(*matrices: np.ndarray) -> list[tuple[float, ...]]:
    return list(zip(*(matrix.ravel() for matrix in matrices), strict=True))


SPECS = (
    FigureSpec(
        "2.3",
        "A multilayer perceptron",
        "The thesis draws a generic one. This one was trained on the iris data of scikit-learn, and its lines are its "
        "weights: the thicker the line, the larger the weight; dashed lines are negative.",
        _perceptron,
    ),
    FigureSpec(
        "2.3.2",
        "Convolution and maximum pooling in numbers",
        "The thesis writes the convolution in letters; here they have values. As in the thesis, and in all networks, "
        "the filter is not flipped: mathematicians call this a correlation.",
        _numbers,
    ),
    FigureSpec(
        "2.4",
        "A convolutional network with maximum pooling",
        "The thesis shows a schematic; this one is drawn from a model of the kit, the classifier of figure 4.6.",
        _classifier_parts,
        seconds=6,
        needs_keras=True,
    ),
    FigureSpec(
        "2.5",
        "A striped picture under a vertical and a horizontal bar",
        "The thesis's tiger is not openly licensed, so a striped cat replaces it. A bar of zeros and ones responds "
        "mainly to brightness; in the last column the filter's mean is subtracted, and only stripes remain.",
        _bars,
    ),
    FigureSpec(
        "2.6",
        "The architecture of VGG-19",
        "Drawn from Keras's model, with its parameters counted. The thesis's 138 million parameters are those of "
        "VGG-16 (138,357,544).",
        _vgg19_parts,
        seconds=10,
        needs_keras=True,
    ),
)
"""The figures of this module."""
