"""The lessons that have exercises, and finding one by its number.

The exercises of lesson N are in the module `lesson_NN`, which is imported when the first of them is asked for: it
defines `TITLE`, the lesson's title, and `EXERCISES`, a tuple of `Exercise` in the order of the lesson.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import dataclass
from pathlib import Path

from ..common.errors import input_error, join_names
from .exercise import Exercise


@dataclass(frozen=True)
class Lesson:
    """A lesson with exercises.

    Parameters
    ----------
    number : int
        Its number.
    title : str
        Its title.
    exercises : tuple of Exercise
        Its exercises, in order.
    """

    number: int
    title: str
    exercises: tuple[Exercise, ...]


def lesson_numbers() -> list[int]:
    """Return the numbers of all lessons that have exercises here.

    Returns
    -------
    list of int
        In increasing order.
    """
    names = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return sorted(int(name.removeprefix("lesson_")) for name in names if re.fullmatch(r"lesson_\d\d", name))


def load_lesson(number: int) -> Lesson:
    """Return a lesson.

    Parameters
    ----------
    number : int
        One of `lesson_numbers()`.

    Returns
    -------
    Lesson
        The lesson.
    """
    module = importlib.import_module(f"{__package__}.lesson_{number:02}")
    return Lesson(number, module.TITLE, module.EXERCISES)


def find_exercise(number: str) -> tuple[Lesson, Exercise]:
    """Return an exercise and its lesson.

    Parameters
    ----------
    number : str
        The exercise's number, as in "1.2".

    Returns
    -------
    Lesson
        The lesson.
    Exercise
        The exercise.

    Raises
    ------
    InputError
        If there is no such exercise.
    """
    accepted = 'a lesson and an exercise as text, such as "1.2"'
    if not isinstance(number, str) or not (found := re.fullmatch(r"(\d{1,2})\.\d{1,2}", number)):
        raise input_error("exercise", "is not a number of an exercise", number, accepted, "put the number in quotes")
    lessons = lesson_numbers()
    if int(found[1]) not in lessons:
        step = f"choose a lesson that has exercises: {join_names(lessons)}"
        raise input_error("exercise", "is of a lesson without exercises", number, accepted, step)
    lesson = load_lesson(int(found[1]))
    for exercise in lesson.exercises:
        if exercise.number == number:
            return lesson, exercise
    step = f"choose one of lesson {lesson.number}: {join_names(each.number for each in lesson.exercises)}"
    raise input_error("exercise", "does not exist", number, accepted, step)
