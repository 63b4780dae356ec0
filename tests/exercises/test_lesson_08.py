"""The exercises of lesson 8, with right answers in several forms and with common wrong ones."""

import numpy as np
from judged_answers import LessonAnswers
from scipy.optimize import root

PLACES = np.arange(64)
SIGNAL = 3 * np.cos(2 * np.pi * 2 * PLACES / 64) + 0.2 * np.cos(2 * np.pi * 16 * PLACES / 64)


def filtered(a, b):
    """Multiply each wave by exp(a + bΛ)."""
    waves = 4 * np.sin(np.pi * np.fft.rfftfreq(64)) ** 2
    return np.fft.irfft(np.exp(a + b * waves) * np.fft.rfft(SIGNAL), 64)


def residual(parameters):
    """Return by how much contrast and sharpness differ from 1."""
    x = filtered(*parameters)
    return [np.mean(x**2) - 1, np.mean((x - np.roll(x, 1)) ** 2) - 1]


FILTER = root(residual, [-1.0, 1.0], tol=1e-12).x
SLOW, FAST = 4 * np.sin(np.pi * 2 / 64) ** 2, 2.0
BACK = np.exp(-2.1)
WHY = "Halfway between an image and itself is the image, so no leg moves, and a return proves nothing at all."

RIGHT = {
    "8.1": [
        (FILTER,),
        (list(FILTER),),
        (tuple(np.round(FILTER, 3)),),
        ([float(f"{value:.2g}") for value in FILTER],),
        (FILTER.astype(np.float32),),
    ],
    "8.2": [(BACK,), (0.1225,), (0.12,), (np.float32(BACK),), (1 / np.exp(2.1),)],
    "8.3": [(0.6,), (3 / 5,), (np.float64(0.6),), (np.array(0.6),)],
    "8.4": [(WHY,), (f"\n{WHY}\n",)],
}
WRONG = {
    "8.1": [
        ((FILTER[::-1],), "exchanged"),
        ((2 * FILTER,), "square"),
        ((-FILTER,), "way back"),
        ((np.exp(FILTER),), "exponentials"),
        ((np.exp(FILTER[0] + FILTER[1] * np.array([SLOW, FAST])),), "growths"),
        (([0, 0],), "4.52"),  # the contrast of the signal itself
        ((FILTER[0], FILTER[1]), "received 2"),
        (([FILTER[0]],), "2 numbers"),
        (("a, b",), "without quotes"),
        (([np.nan, 1],), "NaN"),
    ],
    "8.2": [
        ((np.exp(2.1),), "there"),
        ((np.exp(-2.4),), "leaves a out"),
        ((np.exp(-0.3),), "Λ = 1"),
        ((-2.1,), "logarithm"),
        ((-np.exp(2.1),), "above 0"),
        ((0.5,), "You gave 0.5"),
        ((0.1,), "two digits"),
        ((0.13,), "You gave 0.13"),
        (([BACK],), "[0]"),
    ],
    "8.3": [
        ((3 / np.sqrt(41),), "length of the style"),
        ((0.4,), "What is left"),
        ((3,), "Divide"),
        ((0.36,), "root"),
        ((np.sqrt(10) / 5,), "own style"),
        ((60,), "You gave 60"),
        (("60 %",), "without quotes"),
    ],
    "8.4": [
        ((0,), '"""'),
        (("It is the image",), "whole sentence"),
        ((WHY, WHY), "received 2"),
        (([WHY],), "not text"),
    ],
}


def test_the_right_filter_gives_contrast_and_sharpness_1():
    np.testing.assert_allclose(residual(FILTER), 0, atol=1e-9)


class TestAnswers(LessonAnswers):
    lesson, right, wrong = 8, RIGHT, WRONG
