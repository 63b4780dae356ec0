"""The exercises of lesson 11: receptive fields, sizes, the numbers of a flow, and its strength."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .answers import WrongAnswerError
from .exercise import Exercise
from .numeric_answers import Array, Number
from .written_answers import Explanation, Function, call

TITLE = "All layers, all sizes"
CHANNELS = (64, 128, 256, 512, 512)
"""Of the five style layers."""
STEPS = 18
"""Steps per leg in exercise 11.3."""


def _judge_field(wide: float) -> str:
    """Count the inputs of one position, going back from it through the network layer by layer."""
    chain = "ccpccpccc"  # convolutions and poolings, from the image to block3_conv3
    right = _inputs(chain)
    for wrong, words in (
        (_inputs("ccpccpc"), "That is block3_conv1, the first convolution of the block. Two more follow."),
        (_inputs("ccpccpcc"), "That is block3_conv2. One more convolution follows."),
        (_inputs("ccpccpcccp"), "That counts the pooling after block 3 as well."),
        (_inputs("ccccccc"), "That is right without poolings. After a pooling, positions are twice as far apart."),
        (
            len(chain.replace("p", "")) * 3,
            "Neighboring squares overlap: a convolution adds two positions, not three.",
        ),
        (right**2, "That is the number of pixels in the square. How wide is it?"),
        (_inputs("ccpccpcccc"), "Block 3 has three convolutions, and block 2 has two."),
        (right - 4, "The pooling widens the field too: by the distance of two positions."),
    ):
        if np.isclose(wide, wrong, atol=1e-6):
            raise WrongAnswerError(words)
    if not np.isclose(wide, right, atol=1e-6):
        raise WrongAnswerError(
            f"It is not {wide:g}. Go through the network one convolution at a time, as lesson 3 did."
        )
    return f"It is {right} pixels: 16 after two blocks, and then three times two positions that are 4 pixels apart."


def _inputs(chain: str) -> int:
    """Return how many neighboring inputs one output depends on, for 3-wide convolutions c and 2-wide poolings p."""
    count = 1
    for kind in reversed(chain):
        count = 2 * count if kind == "p" else count + 2
    return count


def _judge_factor(factor: float) -> str:
    """Divide the numbers of pixels."""
    right = (512 * 768) / (64 * 96)
    for wrong, words in (
        (1 / right, "The gradient is smaller in the large image, so the multipliers have to be larger."),
        (np.sqrt(right), "That is the ratio of the sides. A mean is taken over all pixels, in both directions."),
        (1.0, "λ/P does not depend on the size; λ itself does."),
        (right**2, "That is the square. The gradient is proportional to 1/P."),
        (3 * right, "The three colors count in both images."),
    ):
        if np.isclose(factor, wrong, rtol=1e-3):
            raise WrongAnswerError(words)
    if not np.isclose(factor, right, rtol=1e-3):
        raise WrongAnswerError(f"The factor is not {factor:.4g}. How many pixels have the two images?")
    return "The factor is 64: eight times as many pixels in each direction."


def _judge_count(three: float, five: float) -> str:
    """Add the features of each leg: its own channels, and those that it holds."""
    right = {count: _count(count) for count in (3, 5)}
    if np.allclose((three, five), (right[5], right[3]), atol=0.5):
        raise WrongAnswerError("The two numbers are exchanged. Give the one for three layers first.")
    for name, given, count in (("first", three, 3), ("second", five, 5)):
        own = 2 * STEPS * sum(CHANNELS[:count])
        for wrong, words in (
            (right[count] / 2, "counts one way only. Steps 2 and 3 have multipliers of their own."),
            (own, "counts the moving layer of each leg only. Held layers have multipliers too."),
            (own / 2, "counts the moving layers only, and one way."),
            (right[count] / STEPS, "counts a single step of each leg."),
            (2 * STEPS * sum(CHANNELS[:count]) * count, "counts all layers in each leg. The first leg has one layer."),
        ):
            if np.isclose(given, wrong, atol=0.5):
                raise WrongAnswerError(f"The {name} number {words}")
        if not np.isclose(given, right[count], atol=0.5):
            raise WrongAnswerError(f"The {name} number is not {given:g}. How many features has each leg?")
    return f"{right[3]:,} and {right[5]:,} numbers, whatever the size of the picture."


def _count(layers: int) -> int:
    return 2 * STEPS * sum(sum(CHANNELS[: depth + 1]) for depth in range(layers))


def _judge_between(between: Callable[..., object]) -> str:
    """Compare each step with the mixture of the two numbers that belong to it."""
    rng = np.random.default_rng(6)
    there, back = rng.standard_normal((3, 2)), rng.standard_normal((3, 2))
    kind = Array("the multipliers", (3, 2))
    for strength in (0.0, 1.0, 0.3):
        given = call(between, (there, back, strength), kind)
        right = np.array([(1 - strength) * -there[2 - k] + strength * back[k] for k in range(3)])
        if np.allclose(given, right):
            continue
        turned = -there[::-1]
        for wrong, words in (
            ((1 - strength) * there[::-1] + strength * back, "Walked backwards, the way there has the opposite sign."),
            (
                -(1 - strength) * there + strength * back,
                "Walked backwards, the last step of the way comes first.",
            ),
            ((1 - strength) * there + strength * back, "The way there has to be reversed: its order, and its sign."),
            (
                strength * turned + (1 - strength) * back,
                "Strength 0 is the way there, walked backwards.",
            ),
            (
                (1 - strength) * -there[:, ::-1] + strength * back,
                "Reverse the steps, and not the features.",
            ),
            ((1 - strength) * -there[::-1, ::-1] + strength * back, "Reverse the steps only, and not the features."),
            (turned + strength * back, "The two shares have to add up to 1."),
        ):
            if np.allclose(given, wrong):
                raise WrongAnswerError(words)
        raise WrongAnswerError(f"It is not right for the strength {strength:g}.")
    return "Your function gives the way home at strength 0, the transfer at 1, and what lies between."


EXERCISES = (
    Exercise(
        "11.1",
        (Number("the width"),),
        "A convolution adds 2 × the distance of two positions, a pooling adds it once and then doubles it.",
        _judge_field,
    ),
    Exercise(
        "11.2",
        (Number("the factor"),),
        "λ/P is the same for both images.",
        _judge_factor,
    ),
    Exercise(
        "11.3",
        (Number("the number for three layers"), Number("the number for five layers")),
        "The legs of three layers have 64, 64 + 128 and 64 + 128 + 256 features.",
        _judge_count,
    ),
    Exercise(
        "11.4",
        (Function("the function between"),),
        "there[::-1] has the steps in the opposite order. What happens to the sign of a step that is taken back?",
        _judge_between,
    ),
    Exercise("11.5", (Explanation(),), "Compare the edges of a cut with those of the picture. And its content?"),
)
"""The exercises of this lesson, in order."""
