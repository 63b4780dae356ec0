"""Try the exercises of a lesson with tables of right and wrong answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from decoupling_lib.exercises.exercise import judge_answers
from decoupling_lib.exercises.feedback import Feedback
from decoupling_lib.exercises.lessons import find_exercise, load_lesson
from decoupling_lib.exercises.written_answers import Explanation

FEWEST_WRONG = 4
"""Wrong answers that each exercise must be tried with."""


def judge(number: str, *answers: Any) -> Feedback:
    """Judge an answer without remembering it."""
    return judge_answers(find_exercise(number)[1], answers)


def untried(lesson: int, right: Mapping[str, Sequence], wrong: Mapping[str, Sequence]) -> list[str]:
    """Return the exercises of a lesson that the tables try with too few answers, and entries of other exercises."""
    exercises = {exercise.number: exercise for exercise in load_lesson(lesson).exercises}
    found = [number for number in {**right, **wrong} if number not in exercises]
    for number, exercise in exercises.items():
        open_question = all(isinstance(asked, Explanation) for asked in exercise.asks)
        fewest_right = 1 if open_question else 2  # the right answer, and another form of it
        if len(right.get(number, ())) < fewest_right or len(wrong.get(number, ())) < FEWEST_WRONG:
            found.append(number)
    return found


class LessonAnswers:
    """The tests of a lesson's exercises; a subclass gives the tables. `tests/exercises/conftest.py` makes the cases."""

    lesson: int
    right: Mapping[str, Sequence[tuple]]
    """By exercise: its right answers in several forms."""
    wrong: Mapping[str, Sequence[tuple[tuple, str]]]
    """By exercise: wrong answers, each with words that its message must have; "|" stands between alternatives."""

    def test_a_right_answer_is_accepted_in_every_form(self, number, right_answer, complete):
        assert judge(number, *complete(number, right_answer)).status in ("right", "recorded")

    def test_a_wrong_answer_gets_a_sentence_that_helps(self, number, wrong_answer, words, complete):
        feedback = judge(number, *complete(number, wrong_answer))
        assert feedback.status == "wrong"
        assert any(word.casefold() in feedback.message.casefold() for word in words.split("|")), feedback.message

    def test_every_exercise_is_tried(self):
        assert untried(self.lesson, self.right, self.wrong) == []
