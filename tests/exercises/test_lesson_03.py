"""The exercises of lesson 3, with right answers in several forms and with common wrong ones."""

import numpy as np
from judged_answers import LessonAnswers, judge
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import convolve2d, correlate2d

import decoupling_lib as dl
from decoupling_lib.networks.keras_layers import build_keras_vgg19, summarize_layers

WHY = "Some filters respond to edges that are bright on the left, and in the mirror these are bright on the right."
F = np.array([[1.0, 3, 0, 0], [0, 0, 2, 2]])


def by_loops(image, kernel):
    """Lay the filter on every position."""
    rows, columns = kernel.shape
    response = np.zeros((image.shape[0] - rows + 1, image.shape[1] - columns + 1))
    for i in range(response.shape[0]):
        for j in range(response.shape[1]):
            response[i, j] = np.sum(image[i : i + rows, j : j + columns] * kernel)
    return response


def by_windows(image, kernel):
    """Take all positions at once."""
    return np.einsum("ijkl,kl->ij", sliding_window_view(image, kernel.shape), kernel)


def square_only(image, kernel):
    """Forget that a filter may have fewer columns than rows."""
    return by_loops(image, np.pad(kernel, ((0, 0), (0, max(0, kernel.shape[0] - kernel.shape[1])))))


def too_small(image, kernel):
    """Stop one position too early."""
    return by_loops(image, kernel)[:-1, :-1]


def of_type(array):
    """Return a convolution whose responses have the type of the image or of the filter."""

    def convolve(image, kernel):
        return by_loops(image, kernel).astype({"image": image, "filter": kernel}[array].dtype)

    return convolve


def by_shifts(image, kernel):
    """Add one shifted image per entry of the filter."""
    height, width = np.subtract(image.shape, kernel.shape) + 1
    return sum(kernel[i, j] * image[i : i + height, j : j + width] for i, j in np.ndindex(kernel.shape))


def without_return(image, kernel):
    """Forget to return."""
    by_loops(image, kernel)


RIGHT = {
    "3.1": [
        (by_loops,),
        (by_windows,),
        (by_shifts,),
        (lambda image, kernel: correlate2d(image, kernel, "valid").tolist(),),
        (lambda image, kernel: convolve2d(image, kernel[::-1, ::-1], "valid"),),
    ],
    "3.2": [(73856,), (73856.0,), (np.int64(73856),), (128 * (3 * 3 * 64 + 1),)],
    "3.3": [(16,), (16.0,), (np.uint8(16),)],
    "3.4": [(195136,), (195136.0,), (np.float32(195136),), (3 * 2**16 - 1472,)],
    "3.5": [([[2.5, 0], [0, 2]],), (F @ F.T / 4,), (((2.5, 0), (0, 2)),), (np.cov(F, ddof=0) + np.ones((2, 2)),)],
    "3.6": [(WHY,), (f"\n{WHY}\n",)],
}
WRONG = {
    "3.1": [
        ((lambda image, kernel: convolve2d(image, kernel, "valid"),), "around"),
        ((lambda image, kernel: correlate2d(image, kernel, "same"),), "stick out"),
        ((lambda image, kernel: correlate2d(image, kernel, "full"),), "shape (5, 4)"),
        ((lambda image, kernel: np.maximum(by_loops(image, kernel), 0),), "ReLU"),
        ((lambda image, kernel: by_loops(image, kernel) / kernel.size,), "mean of the products"),
        ((lambda image, kernel: by_loops(image, kernel) + 1,), "first response"),
        ((too_small,), "last row"),
        ((of_type("image"),), "filter of 2 × 3, your responses have lost their fractions"),
        ((of_type("filter"),), "filter of 3 × 2, your responses have lost their fractions"),
        ((lambda image, kernel: by_loops(image, kernel) // 1,), "fractions"),
        ((square_only,), "4 × 1"),
        ((lambda image, kernel: by_loops(image, kernel).T,), "shape"),
        ((lambda image, kernel: np.sum(image[:2, :2] * kernel),), "stops with an error|single value"),
        ((without_return,), "return"),
        ((lambda image: image,), "stops with an error"),
        ((np.ones((2, 2)),), "without parentheses"),
    ],
    "3.2": [
        ((3 * 3 * 64 * 128,), "bias"),
        ((3 * 3 * 64 * 128 + 64,), "one bias per filter"),
        ((3 * 3 * (64 + 128),), "multiply"),
        ((64 * 128 + 128,), "3 · 3 positions"),
        ((3 * 3 * 128 + 128,), "64 input channels"),
        ((3 * 3 * 64 + 1,), "one filter"),
        ((112576,), "112,576"),
        (("73,856",), "without quotes"),
        ((73856, 1), "received 2"),
    ],
    "3.3": [
        ((12,), "two pixels apart"),
        ((8,), "One more"),
        ((7,), "Two more"),
        ((256,), "side of the square"),
        ((18,), "not 5"),
        ((10,), "10"),
        (((16, 16),), "2 values"),
    ],
    "3.4": [
        ((256 * 256 - 1472,), "red, green and blue"),
        ((256 * 256 * 3 - 192,), "two layers"),
        ((1472,), "left"),
        ((256 * 256 * 3,), "takes one"),
        ((0.9925,), "share"),
        ((5,), "It is not 5"),
        ((np.inf,), "infinite"),
    ],
    "3.5": [
        ((F @ F.T,), "positions"),
        ((F.T @ F / 4,), "shape (4, 4)"),
        ((np.ones((2, 2)),), "products of the means"),
        ((np.cov(F, ddof=0),), "covariance"),
        (([[1, 0], [0, 1]],), "mean of the squares"),
        (([[2.5, 1], [0, 2]],), "symmetric"),
        (([[2.5, 1], [1, 2]],), "same position"),
        (([2.5, 2],), "2 values|shape"),
    ],
    "3.6": [((5,), '"""'), (("Edges.",), "whole sentence"), (([WHY],), "not text"), ((WHY, WHY), "received 2")],
}


class TestAnswers(LessonAnswers):
    lesson, right, wrong = 3, RIGHT, WRONG


def test_the_function_as_it_stands_at_the_beginning_is_not_answered():
    def convolve(image, kernel):
        return ...

    assert judge("3.1", convolve).status == "unanswered"


def test_the_number_of_parameters_is_that_of_keras():
    (layer,) = [part for part in summarize_layers(build_keras_vgg19()) if part.name == "block2_conv1"]
    assert judge("3.2", layer.parameters).status == "right"


def test_the_receptive_field_is_what_moves_a_position():
    """Run the chain of exercise 3.3 with filters of ones on single pixels, and count those that reach a position."""

    def chain(x):
        for side in (3, 3, 3):
            x = np.convolve(x, np.ones(side), "same")
        return np.convolve(x.reshape(-1, 2).sum(axis=1), np.ones(5), "same")

    reaching = [chain(np.eye(64)[pixel])[16] > 0 for pixel in range(64)]
    assert judge("3.3", sum(reaching)).status == "right"


def test_the_channels_of_five_layers_are_those_of_the_network():
    channels = [part.shape[-1] for part in summarize_layers(build_keras_vgg19()) if part.name.endswith("_conv1")]
    assert judge("3.4", 256 * 256 * 3 - sum(channels)).status == "right" and dl.style_layers("vgg19", "thesis", 5)
