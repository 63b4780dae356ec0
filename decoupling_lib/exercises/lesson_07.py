"""The exercises of lesson 7: decibels, the size of a style, coupled means of a result, and the order of the legs."""

from __future__ import annotations

import math

import numpy as np

from .answers import WrongAnswerError
from .exercise import Exercise
from .numeric_answers import Number
from .rounding import agrees, describe_given
from .written_answers import Choice, Explanation

TITLE = "Step 3: there and back"
CHANNELS = (64, 128, 256, 512, 512)
"""Channels of the style layers, from block 1 to block 5."""


def _judge_decibels(decibels: float) -> str:
    """Compare with the logarithm of the mean squared error over the square of the range."""
    right = -10 * math.log10(np.mean(np.full(2, 1 / 255) ** 2))
    for wrong, words in (
        (-right, "The sign is wrong: a smaller error has more decibels."),
        (right / 2, "The mean squared error takes a factor of 10, the root mean square error a factor of 20."),
        (20 * math.log(255), "That is the natural logarithm. Decibels use the logarithm to base 10."),
        (0.0, "Values go from 0 to 1, so one gray level is 1/255, not 1."),
        (255.0, "That is the range over the error. Take 20 log10 of it."),
    ):
        if agrees(decibels, wrong):
            raise WrongAnswerError(words)
    if not agrees(decibels, right):
        raise WrongAnswerError(
            f"{describe_given(decibels, right)} The root mean square error is 1/255: −20 log10 of that."
        )
    return f"{right:.1f} dB. An error of a tenth of a gray level has 20 dB more."


def _judge_count(count: float) -> str:
    """Compare with the sum of the channels."""
    right = sum(CHANNELS)
    for wrong, words in (
        (sum(CHANNELS[:2]), "That is the number for two layers."),
        (len(CHANNELS), "That is the number of layers. Each has one mean per channel."),
        (CHANNELS[-1], "That is the deepest layer alone. The style has the means of all five."),
        (3 * right, "The three colors are in the filters already: one mean per channel."),
        (sum(CHANNELS[:4]), "One layer is missing. Block 5 has 512 channels, as block 4 has."),
        (right + 512, "Too many: only one layer per block counts, the first one."),
    ):
        if count == wrong:
            raise WrongAnswerError(words)
    if count != right:
        raise WrongAnswerError(f"You gave {count:.6g}. Add up the channels of the five layers.")
    return f"{right:,} numbers, against 49,152 of an image of 128 × 128 pixels in three colors."


def _judge_imposed(layer: str) -> str:
    if layer == "layer 2":
        raise WrongAnswerError("Layer 2 was imposed decoupled: c₂ is what it shows when layer 1 is at the reference.")
    if layer == "both":
        raise WrongAnswerError("In one layer the relative error is several times larger than in the other. Print both.")
    if layer == "neither":
        raise WrongAnswerError("One of the two relative errors is as small as what damping leaves. Print both.")
    return "Layer 1. There is nothing before it from which it could be decoupled, so c₁ is f₁; c₂ is not f₂."


EXERCISES = (
    Exercise("7.1", (Number("the PSNR"),), "PSNR is −20 log10 of the root mean square error.", _judge_decibels),
    Exercise("7.2", (Number("the number"),), "A layer has as many means as channels: 64, 128, 256, …", _judge_count),
    Exercise(
        "7.3",
        (Choice("the layer", ("layer 1", "layer 2", "both", "neither")),),
        "Print dl.relative_error for the first 64 numbers and for the others.",
        _judge_imposed,
    ),
    Exercise("7.4", (Explanation(),), "Where was c₂ measured, and where does layer 1 have to be for that?"),
)
"""The exercises of this lesson, in order."""
