"""The exercises of lesson 2, with right answers in several forms and with common wrong ones."""

import numpy as np
from judged_answers import LessonAnswers, judge
from scipy.optimize import brentq

import decoupling_lib as dl

WHY = "A moment does not change when pixels are shuffled, and a texture does."


def moebius(z, t):
    """Return the map of leg 3, as the lesson has it."""
    return dl.standardize(z / (1 - t * z))


def solved(z):
    """Find t between the two poles."""
    inside = 1 - 1e-9
    return moebius(z, brentq(lambda t: np.mean(moebius(z, t) ** 3), inside / z.min(), inside / z.max()))


def listed(z):
    """Return a list, from the library's own leg."""
    return list(dl.decouple_moments(z, 4).sample)


def at_the_limits(z):
    """Begin and end the search where a number is divided by zero."""
    return moebius(z, brentq(lambda t: np.mean(moebius(z, t) ** 3), 1 / z.min(), 1 / z.max()))


def overwriting(z):
    """Solve, and damage the argument."""
    y = dl.move_skewness(z)
    z[:] = 0
    return y


def one_sided(z):
    """Know tails to the right only."""
    return dl.move_skewness(z) if np.mean(z**3) > 0 else z


def not_standardized(z):
    """Forget the last step."""
    return 3 * dl.move_skewness(z) + 1


def reversed_order(z):
    """Mirror the sample."""
    return -dl.move_skewness(z)


def powers(z):
    """Remove the skewness by another increasing map."""
    rise = z - z.min() + 0.1
    return dl.standardize(rise ** brentq(lambda p: np.mean(dl.standardize(rise**p) ** 3), 0.01, 9))


def without_return(z):
    """Forget to return."""
    dl.move_skewness(z)


# z of 0, 1, 2, 4 is (−7, −3, 1, 9)/√35; by σ the gradients of skewness and kurtosis are along these.
Z = np.array([-7.0, -3, 1, 9]) / np.sqrt(35)
SKEWNESS, KURTOSIS = Z**2 - np.mean(Z**3) * Z - 1, Z**3 - np.mean(Z**4) * Z - np.mean(Z**3)
COSINE = SKEWNESS @ KURTOSIS / np.sqrt(SKEWNESS @ SKEWNESS * (KURTOSIS @ KURTOSIS))
TIED = [-2, -2, -1, -0.5, 0.5, 1, 2, 2]

RIGHT = {
    "2.1": [(solved,), (listed,), (lambda z: dl.move_skewness(z),), (overwriting,)],
    "2.2": [([-13, 400, -1, 2.5],), ((-13.0, 400.0, -1.0, 2.5),), (np.array([-13, 400, -1, 2.5], "f4"),)],
    "2.3": [(COSINE, 0), (round(COSINE, 3), -1e-9), (round(COSINE, 2), 0), (np.float32(COSINE), np.array(0.0))],
    "2.4": [(TIED,), (np.array(TIED)[::-1] * 7 + 3,), ([0, 0, 1, 2, 3, 4, 5, 5],), ((1, 1, 1, 2, 2, 3, 3, 3),)],
    "2.5": [(WHY,), (f"\n{WHY}\n",)],
}
WRONG = {
    "2.1": [
        ((lambda z: z,), "as it was"),
        ((lambda z: moebius(z, -0.1),), "skewness of what"),
        ((one_sided,), "to the left"),
        ((not_standardized,), "Standardize at the end"),
        ((reversed_order,), "order"),
        ((np.sort,), "as it was|skewness|order"),
        ((powers,), "not the way of leg 3"),
        ((without_return,), "return"),
        ((lambda z: 0 * z,), "equal numbers"),
        ((lambda z: z / 0 * 0,), "NaN"),
        ((at_the_limits,), "just inside"),
        ((dl.move_skewness,), "a function of the library"),
        ((lambda z, t: z,), "stops with an error"),
        ((np.zeros(4),), "without parentheses"),
    ],
    "2.2": [
        (([27, 400, -1, 2.5],), "mean is not 27"),
        (([-20, 400, -1, 2.5],), "mean is not -20"),
        (([-13, 40, -1, 2.5],), "square"),
        (([-13, -400, -1, 2.5],), "never negative"),
        (([-13, 407, -1, 2.5],), "Adding 7"),
        (([-13, 400, 1, 2.5],), "to the left"),
        (([-13, 400, -1000, 2.5],), "standardized"),
        (([-13, 400, -1, -2.5],), "no sign"),
        (([-13, 400, -1, 25000],), "standardized"),
        ((-13, 400, -1, 2.5), "received 4"),
        (([-13, 400, -1],), "3 values"),
        (("-13, 400, -1, 2.5",), "single value|text"),
    ],
    "2.3": [
        ((0, COSINE), "exchanged"),
        ((Z**2 @ Z**3 / np.sqrt(Z**2 @ Z**2 * (Z**3 @ Z**3)), 0), "through its mean"),
        ((0.5, 0), "first: You gave 0.5"),
        ((1057 / np.sqrt(273 * 4161), 0), "raw moments"),
        ((COSINE, 0.3), "second is not 0.3"),
        ((3.0, 0), "between"),
        ((-COSINE, 0), "first: You gave"),
        ((COSINE, float("nan")), "NaN"),
        (([COSINE, 0],), "received 1"),
    ],
    "2.4": [
        (([1, 2, 3, 4, 5, 6, 7, 8],), "does reach"),
        (([0, 0, 0, 0, 0, 0, 0, 9],), "only 2 different values"),
        (([5] * 8,), "only 1 different value"),
        (([1, -1] * 4,), "only 2 different values"),
        (([0, 0, 0, 0, 1, 1, 1, 2],), "earlier leg"),
        (([0, 1, 2, 3, 4, 5, 6, 100],), "does reach"),
        ((TIED[:7],), "7 values"),
        (("leg 4",), "text|single value"),
        ((np.reshape(TIED, (2, 4)),), "shape"),
    ],
    "2.5": [((5,), '"""'), (("No.",), "whole sentence"), (([WHY],), "not text"), ((WHY, WHY), "received 2")],
}


class TestAnswers(LessonAnswers):
    lesson, right, wrong = 2, RIGHT, WRONG


def test_the_function_as_it_stands_at_the_beginning_is_not_answered():
    def undo_skewness(z):
        return ...

    assert judge("2.1", undo_skewness).status == "unanswered"


def test_the_moments_of_a_line_are_those_of_a_sample():
    """Impose the exercise's moments on a sample, and measure 7 − 10 x."""
    normalized = dl.decouple_moments(dl.load_sample("gamma").values, 4).sample
    x = dl.impose_moments(normalized, [2, 4, 1, 2.5])
    assert judge("2.2", dl.decouple_moments(7 - 10 * x, 4).values).status == "right"
