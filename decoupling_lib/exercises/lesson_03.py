"""The exercises of lesson 3: a convolution, parameters, what a position sees, free directions, and a Gram matrix."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.signal import correlate2d

from .answers import WrongAnswerError
from .exercise import Exercise
from .numeric_answers import Array, Number
from .written_answers import Explanation, Function, call

TITLE = "CNN features"
MAPS = np.array([[1.0, 3.0, 0.0, 0.0], [0.0, 0.0, 2.0, 2.0]])
"""F of exercise 3.5: two channels at four positions."""
CLOSE = 2e-3
"""Answers may be rounded to three decimals."""


def _judge_convolution(convolve: Callable[..., object]) -> str:
    """Compare with SciPy's correlation, for filters that are not square and not symmetric, also with fractions."""
    rng = np.random.default_rng(3)
    whole = ((4, 3, 2, 2), (5, 7, 3, 3), (6, 8, 2, 3), (7, 6, 4, 1))
    for (height, width, rows, columns), image_unit, filter_unit in (
        *((shape, 1, 1) for shape in whole),
        ((5, 4, 2, 3), 1, 0.25),  # an image of integers: its type cannot hold the responses
        ((4, 6, 3, 2), 0.25, 1),  # a filter of integers
    ):
        pixels, weights = rng.integers(-4, 5, (height, width)), rng.integers(-3, 4, (rows, columns))
        weights[0, 0] = 5  # never symmetric
        image, kernel = (a if unit == 1 else unit * a for a, unit in ((pixels, image_unit), (weights, filter_unit)))
        right = correlate2d(image, kernel, mode="valid")
        found = call(convolve, (image, kernel), Array("the response", (None, None)))
        case = f"For an image of {height} × {width} and a filter of {rows} × {columns},"
        if found.shape == image.shape and found.shape != right.shape:
            raise WrongAnswerError(
                f"{case} the response is as large as the image. The filter must not stick out of it."
            )
        if found.shape == tuple(np.subtract(right.shape, 1)):
            raise WrongAnswerError(f"{case} the last row and column are missing: there are {height - rows + 1} rows.")
        if found.shape != right.shape:
            raise WrongAnswerError(f"{case} the response has the shape {found.shape}, and should have {right.shape}.")
        if np.allclose(found, right):
            continue
        if np.allclose(found, np.trunc(right)) or np.allclose(found, np.floor(right)):
            raise WrongAnswerError(
                f"{case} your responses have lost their fractions. An array of integers cannot hold them; "
                "np.zeros makes one that can."
            )
        if np.allclose(found, correlate2d(image, kernel[::-1, ::-1], mode="valid")):
            raise WrongAnswerError(f"{case} you turn the filter around first, as mathematicians do. Networks do not.")
        if np.allclose(found, np.maximum(right, 0)):
            raise WrongAnswerError(f"{case} negative responses are missing. ReLU comes after the convolution.")
        if np.allclose(found, right / kernel.size):
            raise WrongAnswerError(f"{case} you take the mean of the products. Take their sum.")
        raise WrongAnswerError(
            f"{case} the first response should be {right[0, 0]} (the sum of all products in the corner), "
            f"the one to its right {right.flat[1]}. Yours begin with {found.flat[0]:g}, {found.flat[1]:g}."
        )
    return "Your convolution is right, for filters of any shape."


def _judge_parameters(count: float) -> str:
    """Count the weights and the biases of 128 filters, each of 3 × 3 numbers per input channel."""
    kernel, inputs, outputs = 3 * 3, 64, 128
    weights, biases = kernel * inputs * outputs, outputs
    if np.isclose(count, weights + biases, rtol=0, atol=0.5):
        return f"It has {weights + biases:,} parameters: {weights:,} weights and {biases} biases."
    for wrong, words in (
        (weights, "These are the weights. Each filter also has a bias, a number that is added to its responses."),
        (weights + inputs, "There is one bias per filter, so as many as there are outputs."),
        (kernel * outputs + biases, "A filter looks at all 64 input channels, so it has 3 · 3 · 64 weights."),
        (kernel * inputs + biases, "That is one filter. Each of the 128 output channels has a filter of its own."),
        (kernel * inputs + 1, "That is one filter. Each of the 128 output channels has a filter of its own."),
        (kernel * (inputs + outputs), "Input and output channels multiply: every input is seen by every filter."),
        (inputs * outputs + biases, "A filter has 3 · 3 positions. Where are they?"),
        (3 * inputs * outputs + biases, "A filter has 3 · 3 positions, not 3."),
    ):
        if np.isclose(count, wrong, rtol=0, atol=0.5):
            raise WrongAnswerError(words)
    raise WrongAnswerError(
        f"It is not {count:,.0f}. How many numbers does one filter have, and how many filters are there?"
    )


def _judge_reach(reach: float) -> str:
    """Follow one position back through the chain: it needs the pixels from low to high."""
    low = high = 0
    for kind, side in reversed(CHAIN):
        low, high = (2 * low, 2 * high + 1) if kind == "pooling" else (low - side // 2, high + side // 2)
    right = high - low + 1
    if np.isclose(reach, right, rtol=0, atol=1e-6):
        return f"It sees {right} × {right} pixels: after the pooling, a step of the 5 × 5 filter is two pixels long."
    for wrong, words in (
        (12, "After the pooling, neighboring positions are two pixels apart, so the last filter adds 4 · 2."),
        (7, "That is what the three first convolutions see. Two more operations follow."),
        (8, "That is what a position after the pooling sees. One more convolution follows."),
        (13, "The 5 × 5 filter reaches two positions to each side, so it adds 4 positions, not 5."),
        (14, "The pooling adds one pixel, not two; and the 5 × 5 filter adds 4 positions that are 2 pixels apart."),
        (18, "The 5 × 5 filter reaches two positions to each side, so it adds 4 positions, not 5."),
        (right**2, "Give the side of the square, not the number of its pixels."),
    ):
        if np.isclose(reach, wrong, rtol=0, atol=1e-6):
            raise WrongAnswerError(f"It is not {wrong}. {words}")
    raise WrongAnswerError(
        f"It is not {reach:g}. Go through the chain and note, after each operation, what a position sees."
    )


CHAIN = (("convolution", 3),) * 3 + (("pooling", 2), ("convolution", 5))
"""The network of exercise 3.3."""


def _judge_freedom(free: float) -> str:
    """Subtract the number of equations from the number of unknowns."""
    numbers, means = 256 * 256 * 3, 64 + 128 + 256 + 512 + 512
    if np.isclose(free, numbers - means, rtol=0, atol=0.5):
        return f"{numbers:,} numbers, less {means:,} equations, leave {numbers - means:,} free directions."
    for wrong, words in (
        (256 * 256 - means, "A pixel has three numbers: red, green and blue."),
        (numbers - 192, "That is for the two layers of this lesson. Five layers have more channels."),
        (numbers, "Each channel mean that has to stay takes one direction away."),
        (means, "These are the directions that are taken away. How many are left?"),
        (means / numbers, "Give the number of free directions, not a share."),
        ((numbers - means) / numbers, "Give the number of free directions, not a share."),
        (256 * 256 * 3 - 5, "Each layer has as many means as channels."),
    ):
        if np.isclose(free, wrong, rtol=1e-9, atol=0.5 if wrong > 1 else CLOSE):
            raise WrongAnswerError(words)
    raise WrongAnswerError(
        f"It is not {free:,.0f}. Count the numbers of the image, then the channel means of five layers."
    )


def _judge_gram(gram: np.ndarray) -> str:
    """Average the products of two channels over the positions."""
    positions = MAPS.shape[1]
    right = np.array([[np.mean(a * b) for b in MAPS] for a in MAPS])
    if np.allclose(gram, right, atol=CLOSE):
        return (
            "G is [[2.5, 0], [0, 2]]. Off the diagonal is 0: these two channels never respond at the same position, "
            "which their means, 1 and 1, do not tell."
        )
    means = MAPS.mean(axis=1)
    for wrong, words in (
        (right * positions, "You have the sums. Divide by the number of positions."),
        (right * positions / 2, "Divide by the number of positions, 4, and not by that of channels."),
        (np.outer(means, means), "These are the products of the means. Take the means of the products."),
        (right - np.outer(means, means), "That is the covariance. A Gram matrix does not subtract the means."),
        (np.diag(means), "The diagonal holds the mean of the squares, not the means."),
        (np.sqrt(right), "Do not take a root: an entry is a mean of products."),
    ):
        if np.allclose(gram, wrong, atol=CLOSE):
            raise WrongAnswerError(words)
    if not np.allclose(gram, gram.T):
        raise WrongAnswerError("A Gram matrix is symmetric: channel 1 with 2 is channel 2 with 1.")
    if np.allclose(np.diag(gram), np.diag(right), atol=CLOSE):
        raise WrongAnswerError("The diagonal is right. Do the two channels ever respond at the same position?")
    raise WrongAnswerError("The diagonal holds, per channel, the mean of its squared responses. Begin with these.")


EXERCISES = (
    Exercise(
        "3.1",
        (Function("the function convolve"),),
        "How often does the filter fit in, down and across? Make an array of that shape, and fill it with "
        "np.sum(part * kernel), where part is a piece of the image.",
        _judge_convolution,
    ),
    Exercise(
        "3.2",
        (Number("the number of parameters"),),
        "One filter has 3 × 3 weights per input channel, and one bias. There is one filter per output channel.",
        _judge_parameters,
    ),
    Exercise(
        "3.3",
        (Number("the side of the square"),),
        "Note two numbers after each operation: how many pixels a position sees, and how many pixels neighboring "
        "positions are apart.",
        _judge_reach,
    ),
    Exercise(
        "3.4",
        (Number("the number of free directions"),),
        "The image is one point of a space. What is its dimension? Each channel mean is one equation.",
        _judge_freedom,
    ),
    Exercise(
        "3.5",
        (Array("the Gram matrix", (2, 2)),),
        "The entry in row i and column j is the mean, over the four positions, of channel i times channel j.",
        _judge_gram,
    ),
    Exercise(
        "3.6",
        (Explanation(),),
        "Think of a filter that responds to edges which are bright on the left. What does it see in the mirror?",
    ),
)
"""The exercises of this lesson, in order."""
