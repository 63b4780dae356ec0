"""The exercises of lesson 4, with right answers in several forms and with common wrong ones."""

from fractions import Fraction

import numpy as np
import pytest
from judged_answers import LessonAnswers, judge

import decoupling_lib as dl

WHY = "Most of these channels are dead in every draw, and even a value above zero is not a gradient."


def by_totals(maps):
    """Count by sums in place of means, one channel after the other."""
    totals = [maps[..., k].sum() for k in range(maps.shape[-1])]
    return sum(total <= 1e-6 * sum(totals) / len(totals) for total in totals)


def primal(A, r, delta):
    """Return the same velocity with the inverse on the other side, as in ridge regression."""
    return np.linalg.solve(A.T @ A + delta * np.eye(A.shape[1]), A.T @ r)


def by_singular_values(A, r, delta):
    """Return the velocity direction by direction."""
    left, lengths, right = np.linalg.svd(A, full_matrices=False)
    return right.T @ (lengths / (lengths**2 + delta) * (left.T @ r))


def with_library(A, r, delta):
    """Return the velocity of the library's own definition."""
    return dl.dense_velocity(A, r, np.ones(len(r), bool), dl.Damping(delta, np.ones(len(r))))


def count(image) -> int:
    """Return the dead channels of the fifth layer, by the library."""
    architecture, source = dl.default_source()
    layer = dl.style_layers(architecture, "thesis", 5)[-1]
    return int(dl.find_dead_channels(dl.build_network(architecture, source, (layer,)), [image])[layer].sum())


NOISE = dl.uniform_noise((128, 128), 0)
RIGHT = {
    # 2 % at 100 pixels is 4 % at 50 pixels; a mean of 64 has an eighth of that.
    "4.1": [(64,), (64.0,), (np.int64(64),), (np.array(64.0),), (Fraction(64),), ((0.04 / 0.005) ** 2,)],
    "4.2": [
        (lambda maps: np.sum(maps.mean((0, 1)) <= 1e-6 * maps.mean()),),
        (by_totals,),
        (lambda maps: int(np.count_nonzero(maps.mean((0, 1)) < 1e-6 * maps.mean((0, 1)).mean())),),
    ],
    "4.3": [
        (lambda A, r, delta: A.T @ np.linalg.solve(A @ A.T + delta * np.eye(len(A)), r),),
        (primal,),
        (by_singular_values,),
        (with_library,),
    ],
    "4.4": [(lambda: count(0.5 + 0.5 * (NOISE - 0.5)),), (lambda: np.float64(count(0.25 + NOISE / 2)),)],
    "4.5": [(WHY,), (f"\n{WHY}\n",)],
}
WRONG = {
    "4.1": [
        ((8,), "square root"),
        ((16,), "50 × 50"),
        ((4,), "halve"),
        ((32,), "twice"),
        ((256,), "side²"),
        ((1 / 64,), "one over"),
        ((63,), "63"),
        (([64],), "[0]"),
        (("64",), "without quotes"),
        ((float("nan"),), "NaN"),
    ],
    "4.2": [
        ((lambda maps: np.sum(maps.mean((0, 1)) == 0),), "1e-9"),
        ((lambda maps: np.sum(np.median(maps, axis=(0, 1)) <= 1e-6 * maps.mean()),), "single position"),
        ((lambda maps: np.sum(maps.min((0, 1)) <= 1e-6 * maps.mean()),), "single position"),
        ((lambda maps: np.sum(maps.mean((0, 1)) <= 1e-6),), "its own layer"),
        ((lambda maps: np.sum(maps.max((0, 1)) <= 1e-6 * maps.mean()),), "not its maximum"),
        ((lambda maps: np.sum(maps.max((0, 1)) <= 1e-6 * maps.max()),), "not its maximum"),
        ((lambda maps: np.sum(maps.mean((0, 1)) <= 1e-3 * maps.mean()),), "weak"),
        ((lambda maps: np.sum(maps.mean((0, 1)) > 1e-6 * maps.mean()),), "none is dead"),
        ((lambda maps: np.sum(maps <= 1e-6 * maps.mean()),), "zero at every position"),
        ((lambda maps: maps.mean((0, 1)) <= 1e-6 * maps.mean(),), "array"),
        ((lambda maps: None,), "return"),
        ((3,), "without parentheses"),
    ],
    "4.3": [
        ((lambda A, r, delta: np.linalg.pinv(A) @ r,), "without damping"),
        ((lambda A, r, delta: A.T @ r,), "(AAᵀ + δI)⁻¹"),
        ((lambda A, r, delta: -primal(A, r, delta),), "sign"),
        ((lambda A, r, delta: A.T @ np.linalg.pinv(A @ A.T + delta + 0 * np.eye(len(A))) @ r,), "every entry"),
        ((lambda A, r, delta: primal(A, r, delta**2),), "δ²"),
        ((lambda A, r, delta: np.linalg.pinv(A) @ r / (1 + delta),), "differently"),
        ((lambda A, r, delta: 2 * primal(A, r, delta),), "A times your velocity"),
        ((lambda A, r: A.T @ r,), "stops with an error"),
        ((lambda A, r, delta: r,), "1 value"),
        ((np.ones(3),), "without parentheses"),
    ],
    "4.4": [
        ((lambda: count(NOISE),), "full contrast"),
        ((lambda: count(0.5 * NOISE),), "darker"),
        ((lambda: 512 - count(0.25 + 0.5 * NOISE),), "live"),
        ((lambda: count(0.25 + 0.5 * NOISE) / 512,), "share"),
        ((0,), "fifth layer"),
        ((np.zeros(512),), "512 values"),
        (("310",), "without quotes"),
    ],
    "4.5": [((5,), '"""'), (("dead",), "whole sentence"), (([WHY],), "not text"), ((WHY, WHY), "received 2")],
}


def computed(number, answers):
    """Return the answers of 4.4, which need a network, only when they are tried."""
    return tuple(each() if number == "4.4" and callable(each) else each for each in answers)


@pytest.fixture
def complete():
    return computed


class TestAnswers(LessonAnswers):
    lesson, right, wrong = 4, RIGHT, WRONG


@pytest.mark.parametrize("number", ["4.2", "4.3"])
def test_a_function_as_it_stands_at_the_beginning_is_not_answered(number):
    assert judge(number, lambda *arguments: ...).status == "unanswered"
