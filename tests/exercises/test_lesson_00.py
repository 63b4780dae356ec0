"""The exercises of lesson 0, with right answers in several forms and with common wrong ones."""

from fractions import Fraction

import numpy as np
from judged_answers import LessonAnswers

PERCENTAGE = Fraction(19_200, 67_500)
WHY = "Style is what stays when things are moved around, and content is where the things are."

RIGHT = {
    "0.1": [(PERCENTAGE,), (float(PERCENTAGE),), (0.28,), (0.284,), (np.float32(PERCENTAGE),)],
    "0.2": [(WHY,), (f"\n{WHY}\n",)],
}
WRONG = {
    "0.1": [
        ((float(PERCENTAGE) / 100,), "hundred times"),
        ((3 * PERCENTAGE,), "three values"),
        ((351.6,), "other way around"),
        ((100 - PERCENTAGE,), "left free"),
        ((6_400 / 67_500,), "first layer"),
        ((2,), "You gave 2"),
        ((0.3,), "two digits"),
        ((0.29,), "You gave 0.29. Divide"),
        ((0.85,), "three values"),
        (("0.28 %",), "without quotes"),
        ((1, 1), "received 2"),
    ],
    "0.2": [((0,), '"""'), (("Colors",), "whole sentence"), (([WHY],), "not text"), ((WHY, WHY), "received 2")],
}


class TestAnswers(LessonAnswers):
    lesson, right, wrong = 0, RIGHT, WRONG
