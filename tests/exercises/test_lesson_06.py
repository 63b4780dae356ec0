"""The exercises of lesson 6, with right answers in several forms and with common wrong ones."""

from fractions import Fraction

import numpy as np
import pytest
from judged_answers import LessonAnswers, judge
from scipy.optimize import minimize

import decoupling_lib as dl

WHY = "More layers are still few means that forget places; features that know where things are could erase content."


def undress(x, A, v):
    """Take one step of the lift."""
    return x + A.T @ np.linalg.solve(A @ A.T, v - A @ x)


def by_null_space(x, A, v):
    """Keep the part of x that no feature notices, and take the rest from the shortest solution."""
    noticed = np.linalg.pinv(A) @ A
    return (np.eye(len(x)) - noticed) @ x + np.linalg.pinv(A) @ v


def by_search(x, A, v):
    """Search for the nearest image by a library of optimization."""
    constraint = {"type": "eq", "fun": lambda y: A @ y - v}
    return minimize(lambda y: np.sum((y - x) ** 2), x, constraints=constraint, tol=1e-14).x


def farther(x, A, v):
    """Add a change that no feature notices."""
    return undress(x, A, v) + np.linalg.svd(A)[2][-1]


@pytest.fixture(scope="module")
def grams() -> tuple[float, float]:
    """Return the two distances of exercise 6.4, as a student measures them."""
    small = dl.prepare("flower", "flower", dl.Options(size=(32, 32)))
    bare = dl.remove_style(small.context(), small.target.array).x
    images = (dl.uniform_noise((32, 32), 0), small.target.array, bare)
    goal, *others = (dl.gram_matrices(small.network, x)["block1_conv1"] for x in images)
    first, second = (np.linalg.norm(gram - goal) / np.linalg.norm(goal) for gram in others)
    return first, second


RIGHT = {
    # 64 + 128 + 256 + 512 + 512 = 1472, and 3 · 22² = 1452 < 1472 <= 1587 = 3 · 23².
    "6.1": [(47680, 23), (47680.0, 23.0), (np.int64(47680), np.array(23)), (49152 - 1472, np.ceil(np.sqrt(1472 / 3)))],
    "6.2": [(undress,), (by_null_space,), (by_search,), (lambda x, A, v: undress(x, A, v).tolist(),)],
    "6.3": [
        (np.sqrt(157 / 49152),),
        (0.057,),
        (0.05652,),
        (np.float32(0.0565),),
        (Fraction(565, 10000),),
        (np.sqrt(157 / 3) / 128,),
    ],
    "6.4": [
        (lambda photo, bare: (photo, bare),),
        (lambda photo, bare: (np.float32(photo), round(bare, 3)),),
        (lambda photo, bare: (float(f"{photo:.2g}"), float(f"{bare:.2g}")),),
    ],
    "6.5": [(WHY,), (f"\n{WHY}\n",)],
}
WRONG = {
    "6.1": [
        ((1472, 23), "Subtract"),
        ((49152, 23), "take some"),
        ((16384 - 1472, 23), "three numbers"),
        ((49152 - 192, 23), "two layers"),
        ((49152 - 512, 23), "last layer"),
        ((47000, 23), "47000"),
        ((66028, 23), "66028"),  # of an image of 150 × 150 pixels
        ((47680, 22.15), "round up"),
        ((47680, 22), "too few"),
        ((47680, 39), "smaller image"),
        ((47680, 30), "3 s²"),
        ((47680, (23, 23)), "2 values"),
        ((47680,), "received 1"),
        (("47680", 23), "without quotes"),
    ],
    "6.2": [
        ((lambda x, A, v: undress(x, A, v) - x,), "Add it to x"),
        ((lambda x, A, v: 2 * x - undress(x, A, v),), "sign"),
        ((lambda x, A, v: np.linalg.pinv(A) @ v,), "without content"),
        ((lambda x, A, v: x + np.linalg.pinv(A) @ v,), "arrive at v"),
        ((lambda x, A, v: x + A.T @ (v - A @ x),), "(AAᵀ)⁻¹"),
        ((farther,), "nearer"),
        ((lambda x, A, v: x,), "A times your image"),
        ((lambda x, A, v: A @ x,), "1 value"),
        ((lambda x, A: x,), "stops with an error"),
        ((lambda x, A, v: None,), "return"),
        ((np.ones(3),), "without parentheses"),
    ],
    "6.3": [
        ((157 / 49152,), "Take the root"),
        ((1 - np.sqrt(157 / 49152),), "1 minus"),
        ((np.sqrt(1 - 157 / 49152),), "outside"),
        ((np.sqrt(157 / 16384),), "three numbers"),
        ((5.65,), "percent"),
        ((np.sqrt(192 / 49152),), "dead channels"),
        ((0.5,), "You gave 0.5"),
        ((0.06,), "two digits"),
        ((0.058,), "You gave 0.058"),
        (("0.057",), "without quotes"),
        ((float("nan"),), "NaN"),
    ],
    "6.4": [
        ((lambda photo, bare: (bare, photo),), "exchanged"),
        ((lambda photo, bare: (100 * photo, 100 * bare),), "percent"),
        ((lambda photo, bare: (photo**2, bare**2),), "roots"),
        ((lambda photo, bare: (photo, photo),), "photograph twice"),
        ((lambda photo, bare: (bare, bare),), "undressed picture twice"),
        ((lambda photo, bare: (photo, 3.0),), "second: You gave 3"),
        ((lambda photo, bare: (7.0, bare),), "7 is not right"),
        ((lambda photo, bare: (photo,),), "received 1"),
        (("0.8", "0.1"), "without quotes"),
    ],
    "6.5": [((5,), '"""'), (("no",), "whole sentence"), (([WHY],), "not text"), ((WHY, WHY), "received 2")],
}


def computed(number, answers, grams):
    """Return the answers of 6.4, which need a network, when they are tried."""
    return answers[0](*grams) if number == "6.4" and callable(answers[0]) else answers


@pytest.fixture
def complete(grams):
    return lambda number, entry: computed(number, entry, grams)


class TestAnswers(LessonAnswers):
    lesson, right, wrong = 6, RIGHT, WRONG


def test_a_function_as_it_stands_at_the_beginning_is_not_answered():
    assert judge("6.2", lambda x, A, v: ...).status == "unanswered"
