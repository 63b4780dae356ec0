"""The teacher's guide: each lesson's section has all parts, plans add up, and the numbers of surprises are right."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from paths import ROOT
from scipy.optimize import brentq

from decoupling_lib import activations, build_network, make_noise
from decoupling_lib.moments.coupled import coupled_moments
from decoupling_lib.moments.decoupling import decouple_moments, impose_moments
from decoupling_lib.moments.samples import load_sample

GUIDE = (ROOT / "docs" / "teachers.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (\d+\. .+?)\n(.*?)(?=^## |\Z)", GUIDE, re.MULTILINE | re.DOTALL))
PARTS = ["Goals", "Plan", "Surprise", "Board", "Entry question", "Exit question", "What goes wrong"]
PARTS += ["Slow cells", "Homework"]


def length(title: str) -> int:
    return int(re.search(r"\((\d+) minutes\)$", title)[1])


@pytest.mark.parametrize("title", SECTIONS)
def test_a_section_has_all_parts_in_their_order_with_answers(title):
    text = SECTIONS[title]
    assert re.findall(r"^\*\*([\w ]+)\.\*\*", text, re.MULTILINE) == PARTS
    between = text.partition("**Entry question.**")[2].partition("**What goes wrong.**")[0]
    questions = between.split("**Exit question.**")
    assert len(questions) == 2 and all(re.search(r"\*Sample\s+answer:\*", each) for each in questions)


@pytest.mark.parametrize("title", SECTIONS)
def test_the_minutes_of_a_plan_add_up_to_those_of_the_lesson(title):
    assert sum(map(int, re.findall(r"^\| (\d+) \|", SECTIONS[title], re.MULTILINE))) == length(title)


def test_lessons_are_numbered_in_order_and_the_total_is_the_one_stated():
    assert [int(title.partition(".")[0]) for title in SECTIONS] == list(range(len(SECTIONS)))
    assert f"add up to\n{sum(map(length, SECTIONS))}" in GUIDE


def surprise(number: int) -> str:
    """Return the surprise of a lesson as one line."""
    (text,) = (text for title, text in SECTIONS.items() if title.startswith(f"{number}. "))
    return " ".join(text.partition("**Surprise.**")[2].partition("**Board.**")[0].split())


def velocity(p: np.ndarray) -> np.ndarray:
    """Return the velocity from the start (2.4, 1.6) along which f = (x² + 3y²)/2 falls to 1 in unit time."""
    gradient = np.array([p[0], 3 * p[1]])
    return (1 - (2.4**2 + 3 * 1.6**2) / 2) * gradient / (gradient @ gradient)


def euler(p: np.ndarray, h: float) -> np.ndarray:
    return p + h * velocity(p)


def midpoint(p: np.ndarray, h: float) -> np.ndarray:
    return p + h * velocity(p + h / 2 * velocity(p))


def rk4(p: np.ndarray, h: float) -> np.ndarray:
    a = velocity(p)
    b = velocity(p + h / 2 * a)
    c = velocity(p + h / 2 * b)
    return p + h / 6 * (a + 2 * b + 2 * c + velocity(p + h * c))


def distance(rule: Callable[[np.ndarray, float], np.ndarray], steps: int) -> float:
    """Return how far a rule ends from where the gradient curve, the cubic y = a x³, meets the ellipse f = 1."""
    a, p = 1.6 / 2.4**3, np.array([2.4, 1.6])
    x = brentq(lambda x: (x**2 + 3 * (a * x**3) ** 2) / 2 - 1, 0, 2.4)
    for _ in range(steps):
        p = rule(p, 1 / steps)
    return float(np.linalg.norm(p - [x, a * x**3]))


def test_the_rules_end_at_the_stated_distances():
    for rule, steps, stated in ((euler, 4, "0.34"), (euler, 40, "0.053"), (rk4, 4, "0.0039")):
        assert f"{distance(rule, steps):.2g}" == stated and stated in surprise(1)
    assert distance(midpoint, 12) < 0.01 < min(distance(midpoint, 11), distance(euler, 40))


@pytest.mark.parametrize(("shift", "stated"), [(-0.5, "1.8"), (-1.0, "2.8")])
def test_the_coupled_kurtosis_falls_as_stated(shift, stated):
    x = load_sample("gamma", 48).values
    own = decouple_moments(x, 4)
    moved = impose_moments(own.sample, own.values + np.array([0, 0, shift, 0]))
    fall = coupled_moments(x, 4)[3] - coupled_moments(moved, 4)[3]
    assert f"{fall:.1f}" == stated and f"by {stated}" in surprise(2)


def test_noise_leaves_the_stated_channels_dead():
    network = build_network("vgg16", "hed", ("block5_conv1",), activation="relu", pooling="max")
    for kind, seed, stated in (("uniform", 0, 316), ("uniform", 1, 320), ("uniform", 2, 315), ("natural", 0, 297)):
        maps = activations(network, make_noise(kind, (96, 96), seed))["block5_conv1"]
        means = maps.mean(axis=(0, 1))
        assert np.sum(means <= 1e-6 * means.mean()) == stated and str(stated) in surprise(4)
