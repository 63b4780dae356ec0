"""The sheet of a notebook: what it has answered so far, in memory until it is exported."""

from __future__ import annotations

import datetime
import inspect
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from .exercise import Exercise, judge_answers
from .feedback import Feedback
from .lessons import Lesson

State = Literal["not answered", "wrong", "right", "recorded"]
_STATES: dict[str, State] = {"right": "right", "wrong": "wrong", "recorded": "recorded"}
_LONGEST = 20_000
"""Characters of an answer that are exported."""


@dataclass
class Entry:
    """What a notebook has answered to one exercise.

    Parameters
    ----------
    state : {"not answered", "wrong", "right", "recorded"}
        How the best answer was judged; a right or a recorded one is not undone by a wrong one after it.
    tries : int
        How many answers were given; the same answer twice in a row, as in a cell that is run again, is one.
    hints : int
        How often the hint was asked for.
    answers : list of str
        The latest answer of that state as text, one entry per value.
    """

    state: State = "not answered"
    tries: int = 0
    hints: int = 0
    answers: list[str] = field(default_factory=list)


class Sheet:
    """What one notebook has answered, by lesson and exercise."""

    def __init__(self) -> None:
        self._lessons: dict[int, Lesson] = {}
        self._entries: dict[str, Entry] = {}
        self._latest: dict[str, list[str]] = {}  # the latest answers, right or wrong, to count tries

    def entry(self, lesson: Lesson, exercise: Exercise) -> Entry:
        """Return the entry of an exercise; from then on the sheet counts its lesson.

        Parameters
        ----------
        lesson : Lesson
            The lesson.
        exercise : Exercise
            One of its exercises.

        Returns
        -------
        Entry
            The entry, which can be changed.
        """
        self._lessons[lesson.number] = lesson
        return self._entries.setdefault(exercise.number, Entry())

    def judge(self, lesson: Lesson, exercise: Exercise, answers: tuple[Any, ...]) -> Feedback:
        """Judge an answer and remember it.

        Parameters
        ----------
        lesson : Lesson
            The lesson.
        exercise : Exercise
            One of its exercises.
        answers : tuple
            What the student gives.

        Returns
        -------
        Feedback
            What the student sees.
        """
        entry, feedback = self.entry(lesson, exercise), judge_answers(exercise, answers)
        if feedback.status in _STATES:  # a cell that is run without an answer does not undo an earlier one
            texts = [describe_answer(value) for value in answers]
            entry.tries += texts != self._latest.get(exercise.number)
            self._latest[exercise.number] = texts
            if feedback.status == "wrong" and entry.state in ("right", "recorded"):
                kept = f"Your earlier answer ({entry.state}) still counts. {feedback.message}"
                return Feedback(feedback.subject, feedback.status, kept)
            entry.state, entry.answers = _STATES[feedback.status], texts
        return feedback

    def progress(self) -> str:
        """Return one line that says what is done and what is left.

        Returns
        -------
        str
            Lesson by lesson; empty if no exercise was met.
        """
        return " ".join(self._lesson_progress(lesson) for _, lesson in sorted(self._lessons.items()))

    def _lesson_progress(self, lesson: Lesson) -> str:
        states = {each.number: self._entries.get(each.number, Entry()).state for each in lesson.exercises}
        wrong, left = ([n for n, state in states.items() if state == each] for each in ("wrong", "not answered"))
        done = len(states) - len(wrong) - len(left)
        parts = [f"{done} of {len(states)} exercises done"]
        parts += [f"not right yet: {', '.join(wrong)}"] if wrong else []
        parts += [f"not answered yet: {', '.join(left)}"] if left else []
        return f"Lesson {lesson.number}: {'; '.join(parts)}."

    def to_json(self, student: str) -> str:
        """Return the sheet as JSON.

        Parameters
        ----------
        student : str
            Whose answers they are; may be empty.

        Returns
        -------
        str
            Per lesson its number and title, and per exercise its number, state, tries, hints and answers as text.
        """
        lessons = [
            {
                "lesson": lesson.number,
                "title": lesson.title,
                "exercises": [
                    {"number": each.number, **vars(self._entries.get(each.number, Entry()))}
                    for each in lesson.exercises
                ],
            }
            for _, lesson in sorted(self._lessons.items())
        ]
        saved = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        content = {"format": 1, "student": student, "saved": saved, "lessons": lessons}
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def describe_answer(value: Any) -> str:
    """Return an answer as text that a teacher can read.

    Parameters
    ----------
    value : object
        What a student gives.

    Returns
    -------
    str
        Text as it is, numbers with all their digits, the source of a function, and at most 20,000 characters.
    """
    try:
        if isinstance(value, str):
            text = value.strip()
        elif callable(value):
            text = _source(value)
        elif isinstance(value, np.ndarray):
            text = np.array2string(value, threshold=1000, separator=", ")
        else:
            text = str(value)
    except Exception:  # noqa: BLE001 - a foreign object may refuse to be shown
        text = f"a value of type {type(value).__name__}"
    text = text.encode("utf-8", "replace").decode()  # a lone surrogate cannot be written to a file
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _source(function: Callable[..., Any]) -> str:
    """Return the source of a function, or its name if it has none."""
    try:
        return textwrap.dedent(inspect.getsource(function)).strip()
    except (OSError, TypeError):
        return str(getattr(function, "__name__", type(function).__name__))
