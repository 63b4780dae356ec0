"""An exercise: what it asks for, and how its answers are judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .answers import Answer, MissingAnswerError, WrongAnswerError, count_noun, is_missing
from .feedback import Feedback


@dataclass(frozen=True)
class Exercise:
    """An exercise of a lesson.

    Parameters
    ----------
    number : str
        Lesson and place in it, as in "1.2".
    asks : tuple of Answer
        What it asks for, in the order in which `check` receives it.
    hint : str
        One or two sentences that help without giving the answer.
    judge : callable or None
        Receives the answers as their kinds read them. It returns the text that is shown when they are right, and
        raises `WrongAnswerError` otherwise. None for an exercise whose answers are recorded and not judged.
    """

    number: str
    asks: tuple[Answer, ...]
    hint: str
    judge: Callable[..., str] | None = None

    @property
    def subject(self) -> str:
        """What messages call it."""
        return f"Exercise {self.number}"


def judge_answers(exercise: Exercise, answers: tuple[Any, ...]) -> Feedback:
    """Judge the answers to an exercise, whatever they are.

    Parameters
    ----------
    exercise : Exercise
        The exercise.
    answers : tuple
        What a student gives, of any number and type.

    Returns
    -------
    Feedback
        Whether the answers are right, and the words that help.
    """
    asks = exercise.asks
    try:
        _ask_for_missing(exercise, answers)
        if len(answers) != len(asks):
            wanted = ", ".join(asked.what for asked in asks)
            count = count_noun(len(asks), "value")
            raise WrongAnswerError(f"It asks for {count} ({wanted}), and received {len(answers)}.")
        read = [asked.read(value) for asked, value in zip(asks, answers, strict=True)]
        if exercise.judge is None:
            words = sum(len(text.split()) for text in read if isinstance(text, str))
            return Feedback(exercise.subject, "recorded", f"{words} words, for a reader to judge.")
        with np.errstate(all="ignore"):  # a judge compares whatever numbers come
            return Feedback(exercise.subject, "right", exercise.judge(*read))
    except MissingAnswerError as error:
        return Feedback(exercise.subject, "unanswered", str(error))
    except WrongAnswerError as error:
        return Feedback(exercise.subject, "wrong", f'{error} For a hint: dl.hint("{exercise.number}")')


def _ask_for_missing(exercise: Exercise, answers: tuple[Any, ...]) -> None:
    """Raise `MissingAnswerError` if an answer is missing; say why a name that was assigned may still be."""
    if not answers:
        raise MissingAnswerError("Give your answer to dl.check.")
    missing = [asked.what for asked, value in zip(exercise.asks, answers, strict=False) if is_missing(value)]
    if missing and any(value is None for value in answers):
        raise MissingAnswerError("The value is None. A function without return gives None.")
    if missing:
        raise MissingAnswerError(f"Still missing: {', '.join(missing)}." if len(missing) < len(answers) else "")
