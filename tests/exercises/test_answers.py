"""Kinds of answers: the forms that are equivalent, and a sentence for everything else."""

from decimal import Decimal

import numpy as np
import pytest

from decoupling_lib.exercises.answers import MissingAnswerError, WrongAnswerError, is_missing
from decoupling_lib.exercises.numeric_answers import Array, Number
from decoupling_lib.exercises.written_answers import Choice, Explanation, Function, call


class Hostile:
    """An object that cannot be shown or made a number."""

    def __repr__(self):
        raise RuntimeError("no")

    def __float__(self):
        raise RuntimeError("no")

    def __array__(self, *args, **kwargs):
        raise RuntimeError("no")

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None


ANYTHING = [
    0, -1, 2.5, float("nan"), float("inf"), 10**400, True, np.True_, 1j, complex("nan"), Decimal("NaN"),
    "", "text", b"1", "\ud800", memoryview(b"12"), np.datetime64("2020-01-01"), ..., None,
    [], [[]], [1, [2]], [[1, 2], [3]], ["1"], [True], [None], (), {}, {1: 2}, {1, 2}, range(3), iter([1]),
    np.zeros(0), np.zeros((2, 3)), np.zeros((3, 1)), np.array([np.nan, 1]), np.array(["a"]), np.array([object()]),
    np.array([1j]), np.ma.masked_equal([1, 2], 2), np.ma.masked,
    object(), Hostile(), [Hostile()], int, len, lambda: 0, ValueError("x"), slice(1),
]  # fmt: skip
KINDS = [
    Number("the number"),
    Array("the list", (None,)),
    Array("the list", (3,)),
    Array("the matrix", (2, 3)),
    Choice("the word", ("yes", "no")),
    Function("the function"),
    Explanation(),
]


def message(kind, value) -> str:
    """Return why a value is refused."""
    with pytest.raises(WrongAnswerError) as refused:
        kind.read(value)
    return str(refused.value)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{type(kind).__name__} {kind.what}")
def test_any_object_is_read_or_refused_in_a_sentence(kind):
    refused = 0
    for value in ANYTHING:
        try:
            kind.read(value)
        except WrongAnswerError as error:
            refused += 1
            assert (
                str(error)[0].isupper() and str(error).rstrip('"').endswith((".", '"', "]")) and "\n" not in str(error)
            )
    assert refused > len(ANYTHING) / 2


@pytest.mark.parametrize("value", [3, 3.0, np.float32(3), np.int8(3), np.array(3), Decimal(3), 3 + 0j])
def test_a_number_may_have_any_numeric_type(value):
    assert Number("it").read(value) == 3.0 and type(Number("it").read(value)) is float


@pytest.mark.parametrize(
    "value", [[1, 2, 3], (1, 2, 3), range(1, 4), np.array([1, 2, 3], "i2"), np.array([1, 2, 3 + 0j])]
)
def test_an_array_may_be_a_list_or_a_tuple(value):
    np.testing.assert_array_equal(Array("it", (3,)).read(value), [1.0, 2.0, 3.0])


def test_an_array_that_is_read_is_a_copy():
    given = np.zeros(3)
    Array("it", (3,)).read(given)[:] = 1
    assert not given.any()


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (Number("the rate"), [4], "answer[0]"),
        (Number("the rate"), [4, 5], "2 values"),
        (Number("the rate"), np.zeros((2, 2)), "4 values"),
        (Number("the rate"), float("nan"), "0/0"),
        (Number("the rate"), "0,5", "'0,5'"),
        (Array("the shares", (2,)), 4.0, "single value"),
        (Array("the shares", (2,)), [1, 2, 3], "has 3 values. Give 2 numbers"),
        (Array("the shares", (2,)), [[1], [2]], "squeeze"),
        (Array("the shares", (2,)), [1, [2, 3]], "different lengths"),
        (Array("the shares", (2,)), [np.nan, 1], "1 value that is NaN"),
        (Array("the shares", (2,)), ["1", "2"], "text"),
        (Array("the shares", (2,)), {1.0, 2.0}, "set"),
        (Array("the matrix", (2, 3)), np.zeros((3, 2)), "transposed"),
        (Array("the matrix", (2, None)), np.zeros(3), "2 × any number"),
        (Choice("the leg", ("leg 3", "leg 4")), "leg 5", "leg 3, leg 4"),
        (Choice("the leg", ("leg 3", "leg 4")), 3, "quotes"),
        (Function("the lift"), np.zeros(3), "without parentheses"),
        (Explanation(), "because", "1 word."),
    ],
)
def test_a_refusal_says_what_was_received_and_what_to_give(kind, value, words):
    found = message(kind, value)
    assert words in found and found.startswith(kind.what[0].upper() + kind.what[1:])


@pytest.mark.parametrize("value", ["Leg 4", " leg  4. ", "LEG 4"])
def test_a_choice_does_not_depend_on_capitals_spaces_or_a_period(value):
    assert Choice("the leg", ("leg 3", "leg 4")).read(value) == "leg 4"


@pytest.mark.parametrize("value", [..., None, "", " \n", "...", "…", [..., 1], (None,), [[1, ...]]])
def test_what_stands_for_no_answer_is_recognized(value):
    assert is_missing(value)


@pytest.mark.parametrize("value", [0, False, [], "0", float("nan"), np.zeros(2), Hostile()])
def test_what_is_an_answer_is_not_taken_for_none(value):
    assert not is_missing(value)


def test_a_students_function_may_fail_in_any_way():
    def recursive(x):
        return recursive(x)

    for function, words in (
        (lambda: 1, "TypeError"),
        (lambda x: 1 / 0, "ZeroDivisionError"),
        (lambda x: None, "return"),
        (recursive, "RecursionError"),
        (lambda x: [x, x], "2 values"),
    ):
        with pytest.raises(WrongAnswerError, match=words):
            call(function, (np.ones(1),), Number("the result"))
    with pytest.raises(MissingAnswerError):
        call(lambda x: ..., (np.ones(1),), Number("the result"))
