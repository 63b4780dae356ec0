"""The exercises of lesson 1, with right answers in several forms and with common wrong ones."""

from fractions import Fraction

import numpy as np
from judged_answers import LessonAnswers, judge

import decoupling_lib as dl

WHY = "The lift depends only on where it is, so its reverse is the same curve; descent pulls toward its target."


def longer(A, r):
    """Return a velocity that changes the features by r and has a part that changes nothing."""
    return np.linalg.lstsq(A, r)[0] + np.linalg.svd(A)[2][-1]


def damped(A, r):
    """Return the velocity of the library's own definition, without damping."""
    return dl.dense_velocity(A, r, np.ones(len(r), bool), dl.Damping(0.0, np.ones(len(r))))


def without_return(A, r):
    """Forget to return."""
    A.T @ np.linalg.solve(A @ A.T, r)


def for_one_feature(A, r):
    """Divide by the squared length of all rows together."""
    return A.T @ r / np.sum(A**2)


def overwriting(A, r):
    """Solve, and damage the arguments."""
    velocity = np.linalg.pinv(A) @ r
    A[:], r[:] = 0, 0
    return velocity


# mean 7/4, so the centered numbers are (−7, −3, 1, 9)/4 and their squares (49, 9, 1, 81)/16, of mean 35/16.
CENTERED = np.array([-7.0, -3, 1, 9]) / 4
THIRD = CENTERED**2 - 35 / 16
COSINE = np.sum(CENTERED**3) / np.sqrt(np.sum(CENTERED**2) * np.sum(THIRD**2))
PRICE = np.sqrt((21 / 4) / (35 / 16))  # 1 / sin: sin² = 1 − mean² / mean square = variance / mean square

RIGHT = {
    "1.1": [
        (2,),
        (2.0,),
        (1.9996,),
        (1.97,),
        (np.float32(2),),
        (np.int64(2),),
        (np.array(2.0),),
        (Fraction(2),),
        (2 + 0j,),
    ],
    "1.2": [
        (lambda A, r: A.T @ np.linalg.solve(A @ A.T, r),),
        (lambda A, r: np.linalg.pinv(A) @ r,),
        (lambda A, r: np.linalg.lstsq(A, r)[0].tolist(),),
        (damped,),
        (overwriting,),
    ],
    "1.3": [
        (0, COSINE),
        (-1e-17, round(COSINE, 3)),
        (0, 0.47),
        (np.float32(0), np.float32(COSINE)),
        (0.0, np.array(COSINE)),
    ],
    "1.4": [(PRICE,), (1.549,), (1.55,), (1.5,), (np.float32(PRICE),), (np.sqrt(2.4),)],
    "1.5": [(WHY,), (f"\n{WHY}\n",)],
}
WRONG = {
    "1.1": [
        ((0.5,), "exchange"),
        ((3,), "a = 2"),
        ((1.0,), "straight line"),
        ((-2,), "sign"),
        ((2.1,), "You gave 2.1"),
        (([2],), "[0]"),
        (([1, 2],), "2 values"),
        ((np.array([2.0]),), "[0]"),
        (("2",), "without quotes"),
        ((float("nan"),), "NaN"),
        ((float("inf"),), "division by 0"),
        ((True,), "not True"),
        ((2j,), "complex"),
        ((np.polyfit,), "Call it"),
        (({"exponent": 2},), "dict of 1"),
        ((2, 2), "received 2"),
    ],
    "1.2": [
        ((lambda A, r: A.T @ r,), "(AAᵀ)⁻¹"),
        ((lambda A, r: -np.linalg.pinv(A) @ r,), "wrong sign"),
        ((longer,), "shorter"),
        ((for_one_feature,), "2 features"),
        ((without_return,), "return"),
        ((lambda A, r: np.linalg.solve(A @ A.T, r),), "λ"),
        ((lambda A, r: 2 * np.linalg.solve(A @ A.T, r),), "1 value"),
        ((lambda A, r: np.outer(np.linalg.pinv(A) @ r, [1]),), "squeeze"),
        ((lambda A: A,), "stops with an error"),
        ((lambda A, r: np.linalg.inv(A) @ r,), "square"),
        ((lambda A, r: np.full(A.shape[1], np.nan),), "NaN"),
        ((np.ones(3),), "without parentheses"),
    ],
    "1.3": [
        ((COSINE, 0), "exchanged"),
        ((0, 0.5), "two digits"),
        ((0, 0.51), "second: You gave 0.51"),
        ((0.02, 0.47), "first cosine"),
        ((0, -0.47), "sign"),
        ((0, -COSINE), "sign"),
        # The gradient of the raw third moment is along x²: with 1, and with the centered numbers.
        ((21 / np.sqrt(4 * 273), 145 / (4 * np.sqrt(273 * 35 / 4))), "Subtract the mean first"),
        ((35 / 4 / np.sqrt(4 * 9044 / 256), np.sum(CENTERED**3) / np.sqrt(35 / 4 * 9044 / 256)), "variance"),
        ((0, 3.2), "between"),
        ((0.4, COSINE), "first cosine"),
        (([0, COSINE],), "received 1"),
        (("0", "0"), "without quotes"),
        ((0, float("nan")), "NaN"),
    ],
    "1.4": [
        ((1 / PRICE,), "longer"),
        ((PRICE**2,), "root"),
        ((1,), "right angles"),
        ((7 / np.sqrt(84),), "sin of the angle"),  # the cosine, 7/4 over the root of the mean square 21/4
        ((1.2,), "You gave 1.2"),
        ((2,), "two digits"),
        ((0.65,), "longer"),
        ((np.array([1.0, PRICE]),), "2 values"),
        (("1.549",), "without quotes"),
    ],
    "1.5": [((5,), '"""'), (("lift",), "whole sentence"), (([WHY],), "not text"), ((WHY, WHY), "received 2")],
}


class TestAnswers(LessonAnswers):
    lesson, right, wrong = 1, RIGHT, WRONG


def test_the_function_as_it_stands_at_the_beginning_is_not_answered():
    def lift(A, r):
        return ...

    assert judge("1.2", lift).status == "unanswered"
