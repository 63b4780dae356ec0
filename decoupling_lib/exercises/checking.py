"""The four names of the exercises on the public face: check, hint, progress, export_answers.

A kernel belongs to one notebook, so the answers of a notebook are those of its process.
"""

from __future__ import annotations

import os
from typing import Any

from ..common import validation
from ..common.atomic_files import write_text
from ..common.errors import input_error, output_error
from .feedback import Feedback
from .lessons import find_exercise
from .sheet import Sheet

_sheet = Sheet()


def check(number: str, *answers: Any) -> Feedback:
    """Judge the answer to an exercise, and remember it.

    An answer that is still ``...`` has not been given yet. Whatever the answer is, nothing is raised.

    Parameters
    ----------
    number : str
        The exercise, as in "1.2".
    *answers : object
        The values that the exercise asks for, in its order.

    Returns
    -------
    Feedback
        Whether they are right, and if not, what to look at; Jupyter shows it below the cell.

    Raises
    ------
    InputError
        If there is no such exercise.

    Examples
    --------
    >>> import decoupling_lib as dl
    >>> dl.check("1.1", ...)
    Exercise 1.1: not answered yet.
    """
    return _sheet.judge(*find_exercise(number), answers)


def hint(number: str) -> Feedback:
    """Return the hint for an exercise.

    Parameters
    ----------
    number : str
        The exercise, as in "1.2".

    Returns
    -------
    Feedback
        The hint; Jupyter shows it below the cell.

    Raises
    ------
    InputError
        If there is no such exercise.
    """
    lesson, exercise = find_exercise(number)
    _sheet.entry(lesson, exercise).hints += 1
    return Feedback(f"Hint for exercise {exercise.number}", "note", exercise.hint)


def progress() -> Feedback:
    """Return how many exercises of this notebook are done, and which are left.

    Returns
    -------
    Feedback
        One line; Jupyter shows it below the cell.
    """
    line = _sheet.progress() or "no exercise of this notebook has been checked since it was started."
    return Feedback("Progress", "note", line)


def export_answers(path: str | os.PathLike[str], student: str = "") -> Feedback:
    """Write the answers of this notebook to a file that a teacher can collect.

    Parameters
    ----------
    path : str or path-like
        File name ending in .json, in an existing folder.
    student : str
        Whose answers they are.

    Returns
    -------
    Feedback
        Where the answers are, and how many exercises are done.

    Raises
    ------
    InputError
        For a name that does not end in .json, or a place that cannot be written to.

    Notes
    -----
    The file is JSON: `format`, `student`, `saved` (the time, UTC) and `lessons`. Each lesson has its number, its title
    and `exercises`, and each exercise its `number`, `state` ("not answered", "wrong", "right" or "recorded"), number of
    `tries`, number of `hints`, and `answers` as texts.
    """
    accepted = "the name of a .json file in an existing folder"
    target = validation.path(path, "file of answers")
    if target.suffix.lower() != ".json":
        raise input_error("file of answers", "is not named .json", target, accepted, "end its name in .json")
    try:
        write_text(target, _sheet.to_json(str(student)))
    except OSError as error:
        raise output_error(error, "file of answers", target, accepted) from None
    return Feedback(f"Your answers are in {target.name}", "note", progress().message)
