"""Judging an exercise: whatever comes is judged, nothing is raised, and a missing answer is a quiet line."""

import warnings

import numpy as np
import pytest

from decoupling_lib.exercises.answers import WrongAnswerError
from decoupling_lib.exercises.exercise import Exercise, judge_answers
from decoupling_lib.exercises.numeric_answers import Number
from decoupling_lib.exercises.written_answers import Explanation


def _judge(one: float, other: float) -> str:
    if one / (one - other) < 0:
        raise WrongAnswerError("They are exchanged.")
    return "Both are right."


PAIR = Exercise("0.1", (Number("the first"), Number("the second")), "No hint.", _judge)
WORDS = Exercise("0.2", (Explanation(),), "No hint.")


@pytest.mark.parametrize(
    ("answers", "status", "words"),
    [
        ((), "unanswered", "Give your answer"),
        ((..., ...), "unanswered", ""),
        ((1, ...), "unanswered", "the second"),
        ((..., 1), "unanswered", "the first"),
        ((None, None), "unanswered", "return"),
        ((3, 1), "right", "Both are right."),
        ((1, 3), "wrong", "exchanged"),
        ((1,), "wrong", "2 values (the first, the second), and received 1"),
        ((1, 2, 3), "wrong", "received 3"),
        ((1, "2"), "wrong", "The second is text"),
    ],
)
def test_answers_are_judged(answers, status, words):
    feedback = judge_answers(PAIR, answers)
    assert feedback.status == status and words in feedback.message
    assert ('dl.hint("0.1")' in feedback.message) == (status == "wrong")


def test_words_are_recorded_and_counted():
    feedback = judge_answers(WORDS, ("The lift does not know where it is going.",))
    assert feedback.status == "recorded" and "9 words" in feedback.message


def test_a_judge_may_divide_by_zero():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (
            judge_answers(Exercise("0.3", (Number("it"),), "", lambda x: str(np.float64(1) / x)), (0,)).status
            == "right"
        )
