"""The exercises of lesson 0: how small a style is, and what style and content may mean."""

from __future__ import annotations

from .answers import WrongAnswerError
from .exercise import Exercise
from .numeric_answers import Number
from .rounding import agrees, describe_given
from .written_answers import Explanation

TITLE = "What is style, in numbers?"
STYLE, VALUES = 192, 150 * 150 * 3


def _judge_percentage(percentage: float) -> str:
    """Compare with the share of 192 in the number of values of the image."""
    right = 100 * STYLE / VALUES
    for wrong, words in (
        (right / 100, "That is the share. As a percentage it is a hundred times as much."),
        (3 * right, "That is a share of the pixels. Each pixel has three values."),
        (VALUES / STYLE, "That is the number of values per number of the style. Divide the other way around."),
        (100 - right, "That is what is left free. How much does the style need?"),
        (100 * 64 / VALUES, "That is the first layer alone. Both have 192 channels."),
    ):
        if agrees(percentage, wrong):
            raise WrongAnswerError(words)
    if not agrees(percentage, right):
        raise WrongAnswerError(f"{describe_given(percentage, right)} Divide 192 by 150 · 150 · 3, and multiply by 100.")
    return f"{right:.2f} %: the other {100 - right:.2f} % are free for the content."


EXERCISES = (
    Exercise("0.1", (Number("the percentage"),), "Height times width times colors is the whole.", _judge_percentage),
    Exercise(
        "0.2",
        (Explanation(),),
        "Think of two pictures of one place by two painters, and of two places by one painter.",
    ),
)
"""The exercises of this lesson, in order."""
