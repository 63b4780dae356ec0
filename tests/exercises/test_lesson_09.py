"""The exercises of lesson 9, with right answers in several forms and with common wrong ones."""

import json
from fractions import Fraction

import numpy as np
from judged_answers import LessonAnswers, judge
from paths import ROOT

import decoupling_lib as dl
from decoupling_lib.exercises import lesson_09

WHY = "How far is the network from VGG, how close did the legs come to the reference, and at what cost?"


E3 = float(np.exp(3))

RIGHT = {
    "9.1": [(E3,), (20.1,), (20,), (20.09,), (np.float32(E3),), (np.array(E3),)],
    "9.2": [(3.54, 14.14), (3.5, 14), (np.sqrt(12.5), 10 * np.sqrt(2)), (np.float32(3.5355), Fraction(1414, 100))],
    "9.3": [(0.75, 1 / 900), (Fraction(3, 4), 0.00111), (0.75, 0.0011), (np.float32(0.75), 0.001111)],
    "9.4": [("trapezoidal",), ("  Trapezoidal. ",)],
    "9.5": [([0.2, 2, 0.032],), ((0.2, 2.0, 0.032),), (np.array([0.2, 2, 0.032]),)],
    "9.6": [(WHY,)],
}
WRONG = {
    "9.1": [
        ((1 / E3,), "shrink"),
        ((E3**2,), "exponentially"),
        ((1 + E3,), "both slopes"),
        ((1 / (1 + 1 / E3),), "start alone"),
        ((1 / (1 + E3),), "end alone"),
        ((6,), "units of T"),
        ((3.0,), "formula"),
        ((21,), "both slopes"),
        ((19,), "You gave 19"),
        (("20.1",), "without quotes"),
        (([E3],), "[0]"),
    ],
    "9.2": [
        ((14.14, 14.14), "without damping"),
        ((2.5, 14.14), "part of one feature"),
        ((5, 14.14), "perpendicular"),
        ((12.5, 14.14), "square of the length"),
        ((35.36, 14.14), "multipliers"),
        ((1.09, 14.14), "square of the strength"),
        ((3.3, 14.14), "You gave 3.3"),
        ((4, 14.14), "two digits"),
        ((3.54, 3.54), "another matrix"),
        ((3.54, 2.02), "both features had to rise"),
        ((3.54, 10), "part of one feature"),
        ((3.54, 141.4), "multipliers"),
        ((3.54, 20), "You gave 20"),
        ((3.54,), "received 1"),
        (([3.54, 14.14], 14.14), "2 values"),
    ],
    "9.3": [
        ((0.25, 1 / 900), "which share is left"),
        ((0.03 / 0.13, 1 / 900), "square of the strength"),
        ((75, 1 / 900), "percent"),
        ((0.5, 1 / 900), "0.5"),
        ((0.75, 0.001), "1/11"),
        ((0.75, 0.09), "nine tenths"),
        ((0.75, 0.1 / 9), "as well"),
        ((0.75, 0.003), "proportional"),
        ((0.75, 0.02), "0.02"),
        ((0.75,), "received 1"),
    ],
    "9.4": [
        (("euler",), "implicit Euler"),
        (("implicit euler",), "Euler's rule"),
        (("midpoint",), "choose one of"),
        ((3,), "quotes"),
        ((["trapezoidal"],), "not text"),
    ],
    "9.5": [
        (([0.29, 2, 0.032],), "7.7"),
        (([2, 0.2, 0.032],), "order"),
        (([0.2, 2, 0.1],), "too far"),
        (([0.2, 2, 0.01],), "50 dB"),
        (([0.2, 1, 0.1],), "nearer"),
        (([0.4, 2, 0.01],), "fidelity"),
        (([0.2, 2],), "2 values"),
        (({"softness": 0.2, "growth": 2, "damping": 0.032},), "no places"),
    ],
    "9.6": [((130,), '"""'), (("fidelity",), "whole sentence"), (([WHY],), "not text"), ((WHY, WHY), "received 2")],
}


class TestAnswers(LessonAnswers):
    lesson, right, wrong = 9, RIGHT, WRONG


def test_the_right_settings_are_those_of_the_committed_measurements():
    rows = json.loads((ROOT / "benchmarks" / "results" / "frontier.json").read_text("utf-8"))["rows"]
    china = [row for row in rows if row["picture"] == "china" and row["psnr_db"] is not None]
    allowed = [row for row in china if row["psnr_db"] >= 50 and row["fidelity"] <= 0.06]
    best = min(allowed, key=lambda row: row["relative_error"])
    assert (best["softness"], best["growth"], best["damping"]) == lesson_09.SETTINGS
    assert 82.5 < best["psnr_db"] < 83.5 and round(100 * best["fidelity"], 1) == 5.7


def test_delta_in_every_entry_leaves_the_lift_of_opposite_rates_undamped():
    A, r, both = 0.1 * np.eye(2), np.array([1.0, -1.0]), np.ones(2, bool)
    damped, exact = (dl.dense_velocity(A, r, both, dl.Damping(delta, np.ones(2))) for delta in (0.03, 0.0))
    every_entry = A.T @ np.linalg.inv(A @ A.T + 0.03) @ r
    assert np.allclose(every_entry, exact)
    assert judge("9.2", np.linalg.norm(damped), np.linalg.norm(every_entry)).status == "right"
