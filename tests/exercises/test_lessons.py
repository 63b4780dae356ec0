"""All lessons that have exercises: complete, numbered in order, tried, and found by their numbers."""

import re

import numpy as np
import pytest
from judged_answers import judge
from lessons import FOLDER
from paths import ROOT

from decoupling_lib.common.errors import InputError
from decoupling_lib.exercises.lessons import find_exercise, lesson_numbers, load_lesson

LESSONS = lesson_numbers()
each_lesson = pytest.mark.parametrize("number", LESSONS)
ODD = [
    0,
    -3.7,
    float("nan"),
    "",
    "?",
    [],
    [1, [2]],
    np.zeros((2, 2)),
    {"a": 1},
    True,
    1j,
    print,
    object(),
    b"",
    None,
    ...,
]


@each_lesson
def test_exercises_are_numbered_in_order_and_have_hints(number):
    exercises = load_lesson(number).exercises
    assert [each.number for each in exercises] == [f"{number}.{k + 1}" for k in range(len(exercises))]
    for exercise in exercises:
        assert exercise.asks and len(exercise.hint) > 20 and exercise.hint.endswith((".", "?", "…"))


@each_lesson
def test_the_notebook_checks_every_exercise_and_no_other(number):
    text = "".join(source.read_text("utf-8") for source in FOLDER.glob(f"{number:02}_*.py"))
    checked = set(re.findall(r'dl\.check\("([\d.]+)"', text))
    assert checked == {exercise.number for exercise in load_lesson(number).exercises}


@each_lesson
def test_right_and_wrong_answers_are_tried(number):
    assert (ROOT / "tests" / "exercises" / f"test_lesson_{number:02}.py").is_file()


@each_lesson
def test_no_answer_raises(number):
    for exercise in load_lesson(number).exercises:
        for value in ODD:
            for count in (1, len(exercise.asks)):
                assert judge(exercise.number, *[value] * count).status in ("unanswered", "wrong", "right", "recorded")


def test_an_exercise_is_found_by_its_number():
    lesson, exercise = find_exercise("1.2")
    assert lesson.number == 1 and exercise.number == "1.2"
    assert 1 in LESSONS


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1.2, "in quotes"),
        ("1", "in quotes"),
        ("99.1", "lesson"),
        ("1.99", "1.1, 1.2"),
        ("../1.1", "in quotes"),
        (None, "quotes"),
    ],
)
def test_an_exercise_that_does_not_exist_is_refused_in_one_line(number, words):
    with pytest.raises(InputError, match=words) as refused:
        find_exercise(number)
    assert "\n" not in str(refused.value)
