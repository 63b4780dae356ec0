"""The cases of `judged_answers.LessonAnswers`, from the tables of each lesson's own class."""

import pytest


@pytest.fixture
def complete():
    """Return what turns an entry of a table into answers; a lesson whose entries name computed values has its own."""
    return lambda number, entry: entry


def pytest_generate_tests(metafunc):
    if "right_answer" in metafunc.fixturenames:
        cases = [(number, answer) for number, entries in metafunc.cls.right.items() for answer in entries]
        metafunc.parametrize(("number", "right_answer"), cases)
    elif "wrong_answer" in metafunc.fixturenames:
        cases = [(number, *entry) for number, entries in metafunc.cls.wrong.items() for entry in entries]
        metafunc.parametrize(("number", "wrong_answer", "words"), cases)
