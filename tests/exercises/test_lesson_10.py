"""The exercises of lesson 10, with right answers in several forms and with common wrong ones."""

import numpy as np
import pytest
from judged_answers import LessonAnswers, judge

import decoupling_lib as dl

WHY = "When the point itself matters and the curve has to be walked back, since an optimizer's path cannot be."
ROOT5 = 5**0.5


def distance(a, b):
    return float(np.linalg.norm(np.asarray(a) - np.asarray(b)))


def order(a, b, c):
    return np.log2(distance(a, b) / distance(b, c))


def order_by_logarithms(a, b, c):
    """Use another norm, natural logarithms, and return an array without axes."""
    return np.array((np.log(np.abs(a - b).max()) - np.log(np.abs(b - c).max())) / np.log(2))


def midpoint(F, x, h):
    return x + h * F(x + h / 2 * F(x))


def midpoint_by_the_library(F, x, h):
    return dl.RULES["midpoint"].step(F, x, h, 0.0)


def euler(F, x, h):
    return x + h * F(x)


def heun(F, x, h):
    return x + h / 2 * (F(x) + F(x + h * F(x)))


def only_forward(F, x, h):
    return midpoint(F, x, abs(h))


def frozen(F, x, h):
    """Take the velocity of the middle of a linear field only: F of F(x) in place of F of a point."""
    return x + h * F(x) + h**2 / 2 * F(F(x))


def library_rule(name):
    return lambda F, x, h: dl.RULES[name].step(F, x, h, 1e-12)


RIGHT = {
    "10.1": [(order,), (order_by_logarithms,)],
    "10.2": [(midpoint,), (midpoint_by_the_library,), (lambda F, x, h: midpoint(F, x, h).tolist(),)],
    "10.3": [(466, 1441), (466.0, np.int64(1441))],
    "10.4": [(0.2, 2 / 11), (1 / 5, 0.1818), (0.2, 0.18), (np.float32(0.2), np.float32(2 / 11))],
    "10.5": [([0, 2 / ROOT5, 1 / ROOT5],), ((0, 0.894, 0.447),), ([0, 0.89, 0.45],), (np.array([0, 2, 1]) / ROOT5,)],
    "10.6": [(WHY,)],
}
WRONG = {
    "10.1": [
        ((lambda a, b, c: -order(a, b, c),), "sign"),
        ((lambda a, b, c: order(a, b, c) * np.log(2),), "natural"),
        ((lambda a, b, c: order(a, b, c) * np.log10(2),), "base 10"),
        ((lambda a, b, c: distance(a, b) / distance(b, c),), "factor"),
        ((lambda a, b, c: 2 * order(a, b, c),), "squares"),
        ((lambda a, b, c: np.log2(distance(a, c) / distance(b, c)),), "two errors"),
        ((lambda a, b, c: 2.0,), "should return 3"),
        ((lambda a, b, c: np.log2(np.abs(a - b) / np.abs(b - c)),), "one number"),
        ((lambda a, b, c: a - b,), "3 values"),
        ((4,), "without parentheses"),
    ],
    "10.2": [
        ((euler,), "Euler"),
        ((library_rule("symmetric"),), "implicit"),
        ((lambda F, x, h: x + h * F(x + h * F(x)),), "whole step"),
        ((lambda F, x, h: x + h / 2 * F(x + h / 2 * F(x)),), "half a step"),
        ((lambda F, x, h: midpoint(F, x, h) - x,), "add it"),
        ((library_rule("rk4"),), "Runge"),
        ((heun,), "Heun"),
        ((frozen,), "F = sin"),
        ((only_forward,), "backwards"),
        ((lambda F, x, h: x,), "linear field"),
        ((lambda F, x: x,), "stops with an error"),
    ],
    "10.3": [
        ((402, 1441), "64 rows"),
        ((450, 1441), "one more forward pass"),
        ((338, 1441), "three passes"),
        ((465, 1441), "One forward pass"),
        ((464, 1441), "Two forward passes"),
        ((1441, 466), "second number"),
        ((100, 1441), "100"),
        ((466, 1426), "needs a forward pass"),
        ((466, 1505), "rows of the first step"),
        ((466, 1506), "matrix of the first step"),
        ((466, 1024), "rows alone"),
        ((466, 7), "7"),
        ((466,), "received 1"),
    ],
    "10.4": [
        ((0.1, 2 / 11), "larger rates"),
        ((2, 2 / 11), "flat direction"),
        ((0.01, 2 / 11), "10²"),
        ((2 / 11, 0.2), "second number"),
        ((0.5, 2 / 11), "0.5"),
        ((0.2, 0.1), "0.9"),
        ((0.2, 1 / 11), "Half"),
        ((0.2, 0.2), "at the limit"),
        ((0.2, 0), "nothing"),
        ((0.2, 0.15), "You gave 0.15"),
        ((0.2, 0.19), "You gave 0.19"),
    ],
    "10.5": [
        (([0, 2, 1],), "length"),
        ((np.array([1, 2, 1]) / 6**0.5,), "free step"),
        (([0, -2 / ROOT5, -1 / ROOT5],), "away"),
        (([0, 0, 1],), "y as well"),
        (([1, 0, 0],), "may not change"),
        (([0.6, 0.8, 0],), "remove"),
        (([0, 0.9, 0.44],), "remove"),
        (([2 / ROOT5, 1 / ROOT5],), "2 values"),
    ],
    "10.6": [((42,), '"""'), (("reversal",), "whole sentence"), (([WHY],), "not text"), ((WHY, WHY), "received 2")],
}


class TestAnswers(LessonAnswers):
    lesson, right, wrong = 10, RIGHT, WRONG


@pytest.mark.parametrize("rate", [0.199, 0.201])
def test_the_limit_of_the_learning_rate_is_where_descent_turns_from_converging_to_diverging(rate):
    x, y = -2.0, 0.6
    for _ in range(5000):
        x, y = x - rate * x, y - rate * 10 * y
    assert (np.hypot(x, y) < 1e-6) == (rate < 0.2)


def test_a_function_as_it_stands_at_the_beginning_is_not_answered():
    def midpoint_step(F, x, h):
        return ...

    assert judge("10.2", midpoint_step).status == "unanswered"
