"""The exercises of lesson 1: gradient curves, the lift, third moments, the price of holding, and the way back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .answers import WrongAnswerError
from .exercise import Exercise
from .numeric_answers import Array, Number
from .rounding import NEAR_ZERO, agrees, describe_given
from .written_answers import Explanation, Function, call

TITLE = "Gradient systems"
NUMBERS = np.array([0.0, 1.0, 2.0, 4.0])
"""The sample of exercises 1.3 and 1.4."""


def _judge_exponent(exponent: float) -> str:
    """Compare with d log y / d log x = (a y / y) / (x / x) = a along the gradient (x, a y) of (x² + a y²)/2."""
    steepness = 2.0
    if agrees(exponent, 1 / steepness):
        raise WrongAnswerError("That is the slope of log x against log y. Exchange the two.")
    if agrees(exponent, 3.0):
        raise WrongAnswerError("That is the exponent of the lesson's own feature. Here a = 2, so use dl.bowl(2.0).")
    if agrees(exponent, 1.0):
        raise WrongAnswerError("An exponent of 1 is a straight line to the center. The gradient curve bends.")
    if agrees(exponent, -steepness):
        raise WrongAnswerError("The size is right and the sign is not: x and y shrink together.")
    if not agrees(exponent, steepness):
        raise WrongAnswerError(
            f"You gave {exponent:.6g}. Fit a straight line to log y against log x, with all points of the curve."
        )
    return "The exponent is 2: in proportion, y shrinks a = 2 times as fast as x, so the curve is y = x²."


def _judge_lift(lift: Callable[..., object]) -> str:
    """Compare with the solution of A u = r by least squares, which is the shortest one."""
    rng = np.random.default_rng(1)
    for count, length in ((1, 3), (2, 5), (3, 4)):
        A, r = rng.standard_normal((count, length)), rng.standard_normal(count)
        shortest, multipliers = np.linalg.lstsq(A, r)[0], np.linalg.solve(A @ A.T, r)
        given = call(lift, (A, r), Array("the velocity", (None,)))
        if given.shape == (count,) and np.allclose(given, multipliers):
            raise WrongAnswerError("Your function returns λ, one number per feature. Multiply it by Aᵀ.")
        velocity = Array("the velocity", (length,)).read(given)
        if np.allclose(velocity, shortest, rtol=1e-6, atol=1e-8):
            continue
        features = "one feature" if count == 1 else f"{count} features"
        if np.allclose(velocity, A.T @ r):
            raise WrongAnswerError("That is Aᵀr. It lacks the factor (AAᵀ)⁻¹, which makes the features change by r.")
        if np.allclose(velocity, -shortest):
            raise WrongAnswerError("It is the right velocity with the wrong sign: the features change by −r.")
        if np.allclose(A @ velocity, r):
            raise WrongAnswerError("It changes the features by r, but a shorter one of the form Aᵀλ does too.")
        raise WrongAnswerError(
            f"For {features} of {length} numbers, A times your velocity should be r = {np.round(r, 3)}, "
            f"and is {np.round(A @ velocity, 3)}."
        )
    return "Your lift changes one, two and three features by exactly r, and no velocity that does so is shorter."


def _judge_third_moment(with_mean: float, with_variance: float) -> str:
    """Compute both cosines from the gradients, without the factors that they share."""
    centered = NUMBERS - NUMBERS.mean()
    mean, variance = np.ones(NUMBERS.size), centered
    third = centered**2 - np.mean(centered**2)
    right = np.array([_cosine(third, mean), _cosine(third, variance)])
    given = np.array([with_mean, with_variance])
    if np.any(np.abs(given) > 1 + NEAR_ZERO):
        raise WrongAnswerError("A cosine lies between −1 and 1. Divide the dot product by both lengths.")
    if agrees(given, right):
        return (
            f"The cosines are 0 and {right[1]:.3f}. Adding a constant leaves every central moment alone; "
            "stretching does not, so the variance is coupled to the third central moment."
        )
    if agrees(given, right[::-1]):
        raise WrongAnswerError("The two cosines are exchanged. Give the one with the mean first.")
    for wrong, words in (
        (NUMBERS**2, "This is the gradient of the third moment about 0, mean(x³). Subtract the mean first."),
        (centered**2, "The mean depends on x too: its part of the gradient, the variance, has to be subtracted."),
    ):
        if agrees(given, np.array([_cosine(wrong, mean), _cosine(wrong, variance)])):
            raise WrongAnswerError(words)
    if agrees(np.abs(given), np.abs(right)):
        raise WrongAnswerError("The size is right and the sign is not. Do not take absolute values.")
    if not agrees(given[0], 0.0):
        raise WrongAnswerError("The first cosine is not right. What happens to x − mean when a constant is added to x?")
    raise WrongAnswerError(f"The first cosine is right. For the second: {describe_given(with_variance, right[1])}")


def _judge_price(ratio: float) -> str:
    """Compute the shortest velocities that raise the mean square by 1, with the mean held and without."""
    A = np.stack([np.ones(NUMBERS.size), 2 * NUMBERS]) / NUMBERS.size
    held, free = np.linalg.pinv(A) @ [0.0, 1.0], np.linalg.pinv(A[1:]) @ [1.0]
    right = float(np.linalg.norm(held) / np.linalg.norm(free))
    cosine = _cosine(A[0], A[1])
    for wrong, words in (
        (1 / right, "That is the free velocity over the held one. Which of the two is longer?"),
        (right**2, "That is the ratio of the squared lengths. Take the root."),
        (cosine, "That is the cosine between the two gradients. Holding costs 1 / sin of the angle."),
        (1.0, "Holding the mean would cost nothing if the two gradients were at right angles. Are they?"),
    ):
        if agrees(ratio, wrong):
            raise WrongAnswerError(words)
    if not agrees(ratio, right):
        raise WrongAnswerError(
            f"{describe_given(ratio, right)} Compute both velocities with your lift, and divide their lengths."
        )
    return (
        f"The ratio is {right:.3f} = 1 / sin of the angle between the gradients: the more alike two gradients are, "
        "the more it costs to move one feature and hold the other."
    )


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


EXERCISES = (
    Exercise(
        "1.1",
        (Number("the exponent"),),
        "dl.portrait(dl.bowl(2.0), ...) follows the curve; if y = x^p, then log y = p log x, so p is a slope.",
        _judge_exponent,
    ),
    Exercise(
        "1.2",
        (Function("the function lift"),),
        "Look for u = Aᵀλ. Then A u = r says (AAᵀ)λ = r, which np.linalg.solve solves.",
        _judge_lift,
    ),
    Exercise(
        "1.3",
        (Number("the cosine with the mean"), Number("the cosine with the variance")),
        "Differentiate mean((x − m)³) by x_i, and remember that m depends on x_i too.",
        _judge_third_moment,
    ),
    Exercise(
        "1.4",
        (Number("the ratio"),),
        "Held: two rows in A, and r = (0, 1). Free: one row, and r = (1). Then compare np.linalg.norm of the two.",
        _judge_price,
    ),
    Exercise("1.5", (Explanation(),), "Ask of each field: does it know where it is going, or only where it is?"),
)
"""The exercises of this lesson, in order."""
