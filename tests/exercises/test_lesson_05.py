"""The exercises of lesson 5, with right answers in several forms and with common wrong ones."""

from fractions import Fraction

import numpy as np
import pytest
from judged_answers import LessonAnswers, judge

import decoupling_lib as dl

WHY = "Most of f₂ follows from the first layer, so both say the same thing twice; c₂ is what is left of it."


def rates(leg, c, v):
    """Return zeros for the held layers, and the way of the moving one."""
    return np.concatenate([np.zeros_like(np.concatenate(v[: leg - 1] or [[]])), v[leg - 1] - c[leg - 1]])


def by_mask(leg, c, v):
    """Compute the way of all layers first, and clear that of the held ones."""
    layers = np.repeat(np.arange(leg), [len(each) for each in v[:leg]])
    return list(np.where(layers == leg - 1, np.concatenate(v[:leg]) - np.concatenate(c[:leg]), 0))


def all_layers(leg, c, v):
    """Append zeros for the layers that are not asked."""
    return np.concatenate([rates(leg, c, v), *(np.zeros(len(each)) for each in v[leg:])])


def pulled(leg, c, v):
    """Pull the held layers as well, as the descent of a sum does."""
    return np.concatenate([b - a for a, b in zip(c[:leg], v[:leg], strict=True)])


def distances() -> tuple[float, float]:
    """Return the second layer's distance from its reference before and after leg 1, as a student measures it."""
    small = dl.prepare("china", "china", dl.Options(size=(32, 32)))
    v, live = small.reference.values[64:], small.reference.live[64:]
    route = dl.normalize(small.context(), small.origin.array, measure_only=True)
    f = small.features.map.values(small.origin.array)[64:]
    return dl.relative_error(f, v, live), dl.relative_error(route.style[64:], v, live)


@pytest.fixture(scope="module")
def measured() -> tuple[float, float]:
    return distances()


# Mean 6; after leg 1 the numbers are −4, −2, 0, 6, and the mean of their squares is 56/4. As they are: 200/4.
RIGHT = {
    "5.1": [(rates,), (by_mask,), (lambda leg, c, v: tuple(rates(leg, c, v)),)],
    "5.2": [((6, 14),), ([6.0, 14.0],), (np.array([6, 14]),), ([Fraction(6), Fraction(56, 4)],)],
    "5.3": [("held", "not asked", "after leg 2"), ("Held", "not  asked.", "After leg 2")],
    "5.4": [
        (lambda before, after: 1 - after / before,),
        (lambda before, after: np.float32(1 - after / before),),
    ],
    "5.5": [(WHY,), (f"\n{WHY}\n",)],
}
WRONG = {
    "5.1": [
        ((all_layers,), "too long"),
        ((lambda leg, c, v: v[leg - 1] - c[leg - 1],), "held"),
        ((lambda leg, c, v: -rates(leg, c, v),), "signs"),
        ((pulled,), "leave their reference"),
        ((lambda leg, c, v: np.concatenate([*(0 * each for each in v[: leg - 1]), v[leg - 1]]),), "how far"),
        ((lambda leg, c, v: 2 * rates(leg, c, v),), "moving layer"),
        ((lambda leg, c, v: np.zeros(1),), "channels"),
        ((lambda leg, c, v: rates(leg + 1, c, v),), "leg 1"),
        ((lambda c, v: c,), "stops with an error"),
        (([0, 1],), "without parentheses"),
    ],
    "5.2": [
        (((6, 50),), "as they are"),
        (((14, 6),), "exchanged"),
        (((6, np.sqrt(14)),), "standard deviation"),
        (((6, 56 / 3),), "N − 1"),
        (((6, 56),), "sum"),
        (((0, 1),), "on the way"),
        (((6, 1),), "before leg 2"),
        (((0, 14),), "before leg 1"),
        (((5, 14),), "c₁ is not 5"),
        (((6, 13),), "c₂ is not 13"),
        ((6, 14), "received 2"),
        (((6,),), "1 value"),
        (("6, 14",), "without quotes"),
    ],
    "5.3": [
        (("moves", "not asked", "after leg 2"), "leg 2"),
        (("not asked", "not asked", "after leg 2"), "Layer 2"),
        (("held", "held", "after leg 2"), "nothing to hold"),
        (("held", "moves", "after leg 2"), "asks nothing"),
        (("held", "not asked", "after leg 3"), "v₃"),
        (("held", "not asked", "after leg 1"), "after leg 1"),
        (("held", "not asked", "on the photograph"), "photograph"),
        (("free", "not asked", "after leg 2"), "Choose one of"),
        (("held", "not asked", 2), "not text"),
    ],
    "5.4": [
        ((lambda before, after: after / before,), "left"),
        ((lambda before, after: before / after,), "how many times"),
        ((lambda before, after: 100 * (1 - after / before),), "percent"),
        ((lambda before, after: before - after,), "difference"),
        ((lambda before, after: 1 - (after / before) ** 2,), "roots"),
        ((0.3,), "Compare f₂ and c₂"),
        (([0.7],), "[0]"),
        (("0.7",), "without quotes"),
    ],
    "5.5": [((5,), '"""'), (("leg 1",), "whole sentence"), (([WHY],), "not text"), ((WHY, WHY), "received 2")],
}


def computed(number, answers, measured):
    """Return the answers of 5.4, which need a network, when they are tried."""
    return tuple(each(*measured) if number == "5.4" and callable(each) else each for each in answers)


@pytest.fixture
def complete(measured):
    return lambda number, entry: computed(number, entry, measured)


class TestAnswers(LessonAnswers):
    lesson, right, wrong = 5, RIGHT, WRONG


def test_a_function_as_it_stands_at_the_beginning_is_not_answered():
    assert judge("5.1", lambda leg, c, v: ...).status == "unanswered"
