"""The exercises of lesson 11, with right answers in several forms and with common wrong ones."""

import numpy as np
from judged_answers import LessonAnswers, judge

from decoupling_lib.engine.fixed_curve import Curve
from decoupling_lib.networks.architectures import operations_up_to

WHY = "The edges of a cut are those of the picture, so the means agree; but a cut may show only a part of the scene."


def between(there, back, strength):
    return (1 - strength) * -there[::-1] + strength * back


def by_the_library(there, back, strength):
    grid = np.linspace(0, 1, len(there) + 1)
    return Curve(grid, there).reverse().mix(Curve(grid, back), strength).multipliers


def by_steps(there, back, strength):
    return [list(-(1 - strength) * a + strength * b) for a, b in zip(reversed(there), back, strict=True)]


def mixture(first, strength, back):
    return (1 - strength) * first + strength * back


RIGHT = {
    "11.1": [(40,), (40.0,), (np.int64(40),)],
    "11.2": [(64,), (64.0,), (np.float32(64),)],
    "11.3": [(25344, 112896), (25344.0, np.int64(112896))],
    "11.4": [(between,), (by_the_library,), (by_steps,)],
    "11.5": [(WHY,)],
}
WRONG = {
    "11.1": [
        ((24,), "block3_conv1"),
        ((32,), "block3_conv2"),
        ((44,), "pooling after block 3"),
        ((15,), "without poolings"),
        ((21,), "overlap"),
        ((1600,), "how wide"),
        ((48,), "three convolutions"),
        ((36,), "pooling widens"),
        ((30,), "30"),
        (("40",), "without quotes"),
    ],
    "11.2": [
        ((1 / 64,), "smaller in the large"),
        ((8,), "sides"),
        ((1,), "λ itself"),
        ((4096,), "square"),
        ((192,), "colors"),
        ((60,), "60"),
        (([64],), "[0]"),
    ],
    "11.3": [
        ((112896, 25344), "exchanged"),
        ((12672, 112896), "first number counts one way"),
        ((25344, 56448), "second number counts one way"),
        ((16128, 112896), "held layers"),
        ((8064, 112896), "and one way"),
        ((1408, 112896), "single step"),
        ((48384, 112896), "first leg has one layer"),
        ((25344, 5), "not 5"),
        ((25344,), "received 1"),
    ],
    "11.4": [
        ((lambda t, b, s: mixture(t[::-1], s, b),), "opposite sign"),
        ((lambda t, b, s: mixture(-t, s, b),), "comes first"),
        ((lambda t, b, s: mixture(t, s, b),), "its order, and its sign"),
        ((lambda t, b, s: mixture(b, s, -t[::-1]),), "strength 0 is"),
        ((lambda t, b, s: mixture(-t[:, ::-1], s, b),), "not the features"),
        ((lambda t, b, s: mixture(-t[::-1, ::-1], s, b),), "steps only"),
        ((lambda t, b, s: -t[::-1] + s * b,), "add up"),
        ((lambda t, b, s: 0 * t,), "for the strength 0"),
        ((lambda t, b, s: mixture(-t[::-1], s, b)[0],), "shape"),
        ((lambda t, b: b,), "stops with an error"),
    ],
    "11.5": [((64,), '"""'), (("edges",), "whole sentence"), (([WHY],), "not text"), ((WHY, WHY), "received 2")],
}


class TestAnswers(LessonAnswers):
    lesson, right, wrong = 11, RIGHT, WRONG


def test_the_receptive_field_is_where_a_convolution_of_ones_spreads():
    """Spread a single output back to its inputs, through the operations of the network itself."""
    support = np.ones(1)
    for kind, _ in reversed(operations_up_to("vgg16", ("block3_conv3",))):
        if kind == "pooling":
            support = np.repeat(support, 2)
        elif kind == "convolution":
            support = np.convolve(support, np.ones(3))
    assert len(support) == RIGHT["11.1"][0][0]


def test_a_function_as_it_stands_at_the_beginning_is_not_answered():
    def between(there, back, strength):
        return ...

    assert judge("11.4", between).status == "unanswered"
