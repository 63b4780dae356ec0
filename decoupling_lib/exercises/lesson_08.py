"""The exercises of lesson 8: the filter of a leg, growth on the way back, what is left of a gap, and self-transfers."""

from __future__ import annotations

import numpy as np

from .answers import WrongAnswerError
from .exercise import Exercise
from .numeric_answers import Array, Number
from .rounding import agrees, describe_given
from .written_answers import Explanation

TITLE = "The reference decides"
CLOSE = 2e-3
"""Of exercise 8.3, whose answer comes out exact."""
LEG = -0.3, 0.6
"""The numbers a and b of exercise 8.2."""
OWN, WANTED, REACHED = np.array([1.0, 1.0]), np.array([4.0, 5.0]), np.array([4.0, 2.0])
"""The styles of exercise 8.3."""


def _judge_filter(found: np.ndarray) -> str:
    """Solve two linear equations for the energies of the two waves, whose logarithms are linear in a and b."""
    places = np.arange(64)
    strengths, periods = np.array([3.0, 0.2]), np.array([2, 16])
    waves = 2 - 2 * np.cos(2 * np.pi * periods / len(places))
    energies = strengths**2 / 2  # the mean of the squared cosine is 1/2
    wanted = np.linalg.solve(np.stack([np.ones(2), waves]), np.ones(2))
    logarithms = np.log(wanted / energies) / 2  # of the growth of each wave
    right = np.linalg.solve(np.stack([np.ones(2), waves], axis=1), logarithms)
    if agrees(found, right):
        growth = np.exp(logarithms)
        return (
            f"a = {right[0]:.3f} and b = {right[1]:.3f}: the slow wave shrinks to {growth[0]:.2f} of its size, "
            f"the fast one grows {growth[1]:.1f} times."
        )
    for wrong, words in (
        (right[::-1], "The two numbers are exchanged. Give a first."),
        (2 * right, "Both are twice too large: C and S change with the square of a wave's size."),
        (-right, "Both signs are reversed: these are the numbers of the way back."),
        (np.exp(right), "These are exponentials of a and b. Give a and b themselves."),
        (np.exp(logarithms), "These are the growths of the two waves. Give a and b, from which they follow."),
    ):
        if agrees(found, wrong):
            raise WrongAnswerError(words)
    reached = energies * np.exp(2 * (found[0] + found[1] * waves))
    contrast, sharpness = np.sum(reached), np.sum(waves * reached)
    raise WrongAnswerError(
        f"With your a and b, contrast becomes {contrast:.3g} and sharpness {sharpness:.3g}; both should be 1."
    )


def _judge_way_back(growth: float) -> str:
    """Compare with the inverse of the filter at the fastest wave."""
    a, b = LEG
    for wrong, words in (
        (np.exp(a + 4 * b), "That is the growth on the way there. The way back undoes it."),
        (np.exp(-4 * b), "That leaves a out, which acts on all waves alike."),
        (np.exp(-a - b), "That is a wave with Λ = 1. The fastest wave has Λ = 4."),
        (-a - 4 * b, "That is the logarithm of the growth."),
        (-np.exp(a + 4 * b), "A growth is above 0: a wave does not change its sign."),
    ):
        if agrees(growth, wrong):
            raise WrongAnswerError(words)
    right = float(np.exp(-a - 4 * b))
    if not agrees(growth, right):
        raise WrongAnswerError(f"{describe_given(growth, right)} The fastest wave of a signal has Λ = 4 sin²(π/2).")
    return f"The growth is exp(2.1 − 4.2) = {right:.4f}: an error in the finest detail shrinks to an eighth."


def _judge_share(share: float) -> str:
    """Compute the share of the untouched gap that is left."""
    gap = float(np.linalg.norm(OWN - WANTED))
    right = float(np.linalg.norm(REACHED - WANTED)) / gap
    for wrong, words in (
        (right * gap / np.linalg.norm(WANTED), "That is a share of the length of the style, not of the untouched gap."),
        (1 - right, "That is the share that was imposed. What is left?"),
        (right * gap, "That is the distance itself. Divide it by the untouched gap."),
        (right**2, "That is a ratio of squared distances. Take the root."),
        (np.linalg.norm(REACHED - OWN) / gap, "That is how far the result is from the target's own style."),
    ):
        if np.isclose(share, wrong, atol=CLOSE):
            raise WrongAnswerError(words)
    if abs(share - right) > CLOSE:
        raise WrongAnswerError(f"You gave {share:.4g}. It needs two distances, both to the style that was asked for.")
    return "60 % of the untouched gap is left. As a share of the style's length it would be 47 %, which sounds better."


EXERCISES = (
    Exercise(
        "8.1",
        (Array("a and b", (2,)),),
        "find_filter of the lesson finds them from a signal and two values. Or solve for the two energies by hand.",
        _judge_filter,
    ),
    Exercise("8.2", (Number("the growth"),), "The way back multiplies each wave by exp(−a − bΛ).", _judge_way_back),
    Exercise(
        "8.3",
        (Number("the share"),),
        "Compare the distance after the transfer with the distance before it.",
        _judge_share,
    ),
    Exercise("8.4", (Explanation(),), "Where is the midpoint of an image and itself, and how long is the way there?"),
)
"""The exercises of this lesson, in order."""
