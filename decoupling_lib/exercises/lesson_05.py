"""The exercises of lesson 5: rates of a leg, a style by hand, what is held, a small measurement, and why c is not f."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from .answers import WrongAnswerError
from .exercise import Exercise
from .numeric_answers import Array, Number
from .written_answers import Choice, Explanation, Function, call

TITLE = "Step 1: the style that is recorded on the way to noise"
NUMBERS = np.array([2.0, 4.0, 6.0, 12.0])
"""The sample of exercise 5.2."""
SIDE = 32
"""Side of the picture of exercise 5.4, in pixels."""
CLOSE = 2e-3
"""Answers may be rounded to three decimals."""
MOVES, HELD, NOT_ASKED = "moves", "held", "not asked"
TIMES = ("on the photograph", "after leg 1", "after leg 2", "after leg 3")


def _judge_rates(rates: Callable[..., object]) -> str:
    """Compare with what the definition says of each layer, for three layers of different sizes."""
    rng = np.random.default_rng(6)
    sizes = (2, 3, 4)
    c, v = ([rng.standard_normal(size) for size in sizes] for _ in range(2))
    for leg in (1, 2, 3):
        before, moving, after = sum(sizes[: leg - 1]), sizes[leg - 1], sum(sizes[leg:])
        r = call(rates, (leg, [each.copy() for each in c], [each.copy() for each in v]), Array("the rates", (None,)))
        right = np.zeros(before + moving)
        right[before:] = v[leg - 1] - c[leg - 1]
        if r.shape == right.shape and np.allclose(r, right):
            continue
        where = f"In leg {leg}"
        if r.size == right.size + after and after:
            raise WrongAnswerError(f"{where}, your list is too long: layers that are not asked have no rates at all.")
        if r.size == moving and before:
            raise WrongAnswerError(f"{where}, layers before it are held. Their rates are 0, and 0 has to be asked for.")
        if r.size != right.size:
            raise WrongAnswerError(
                f"{where}, your list has {r.size} rates; layers 1 to {leg} have {right.size} channels."
            )
        if np.allclose(r, -right):
            raise WrongAnswerError(f"{where}, all signs are wrong: the layer goes from c to v.")
        if not np.allclose(r[:before], 0):
            raise WrongAnswerError(f"{where}, held layers have rates other than 0. They would leave their reference.")
        if np.allclose(r[before:], v[leg - 1]):
            raise WrongAnswerError(f"{where}, you give the reference values. A rate is how far the layer has to go.")
        raise WrongAnswerError(f"{where}, the moving layer should have the rates {np.round(right[before:], 3)}.")
    return "In every leg, the held layers have rates of 0, and one layer moves from c to v."


def _judge_style(style: np.ndarray) -> str:
    """Compute the second value without moving anything: it is the variance, which pairs of numbers give."""
    pairs = NUMBERS[:, None] - NUMBERS
    mean, variance = NUMBERS.sum() / 4, np.sum(pairs**2) / (2 * 4**2)
    square = variance + mean**2
    if np.allclose(style, [mean, variance], atol=CLOSE):
        return (
            f"c = ({mean:g}, {variance:g}). After leg 1 the mean square is the variance: what the second feature says "
            f"of its own. On the numbers themselves it is {square:g}, most of which the mean has said already."
        )
    for wrong, words in (
        ((mean, square), f"{square:g} is the mean square of the numbers as they are. Move their mean to 0 first."),
        ((variance, mean), "The two values are exchanged. Give the mean first."),
        ((mean, np.sqrt(variance)), "That is the standard deviation. The feature is the mean square, without a root."),
        ((mean, 4 * variance / 3), "You divide by N − 1. The mean square divides by N."),
        ((mean, 4 * variance), "That is the sum of the squares. Divide it by N."),
        ((0, 1), "These are the reference values, at the end of both legs. The style is what is recorded on the way."),
        ((mean, 1), "1 is what leg 2 leads to. Record the mean square before leg 2."),
        ((0, variance), "The mean is recorded before leg 1 moves it to 0."),
    ):
        if np.allclose(style, wrong, atol=CLOSE):
            raise WrongAnswerError(words)
    if abs(style[0] - mean) > CLOSE:
        raise WrongAnswerError(f"c₁ is not {style[0]:.4g}. It is the mean of the numbers, before anything moves.")
    raise WrongAnswerError(f"c₁ is right, and c₂ is not {style[1]:.4g}. Which numbers are there after leg 1?")


def _judge_leg(layer_2: str, layer_4: str, when: str) -> str:
    """Read the answer off the order of the layers."""
    if layer_2 != HELD:
        raise WrongAnswerError(f"Layer 2 is not “{layer_2}”: it moved in leg 2, and must now stay at its reference.")
    if layer_4 == HELD:
        raise WrongAnswerError("Layer 4 is not held: it is not at its reference yet, so there is nothing to hold.")
    if layer_4 == MOVES:
        raise WrongAnswerError("Layer 4 will change, but leg 3 asks nothing of it. Only layer 3 moves as asked.")
    if when == "after leg 3":
        raise WrongAnswerError("After leg 3, layer 3 shows v₃, as for every image. That says nothing about this one.")
    if when != "after leg 2":
        raise WrongAnswerError(f"c₃ is not recorded {when}: at that time layer 2 is not at its reference.")
    return "Layer 2 is held, layer 4 is not asked, and c₃ was recorded after leg 2, just before layer 3 moves."


def _judge_share(taken: float) -> str:
    """Compare with a leg of the first layer alone, after which the second is measured."""
    before, after = _distances()
    right = 1 - after / before
    for wrong, words in (
        (1 - right, "That is the share that is left. Subtract it from 1."),
        (before / after, "That is how many times as far the layer was before. Give the share that leg 1 takes away."),
        (100 * right, "Give a share between 0 and 1, not percent."),
        (before - after, "That is the difference of the two distances. Divide it by the distance before leg 1."),
        (1 - (after / before) ** 2, "You compare squared distances. Take the roots first."),
    ):
        if np.isclose(taken, wrong, rtol=0.01):
            raise WrongAnswerError(words)
    if abs(taken - right) > 0.01:
        raise WrongAnswerError(f"You gave {taken:.3g}. Compare f₂ and c₂: how far is each from v₂, over live channels?")
    return f"Leg 1 takes {right:.0%} of the second layer's distance away, and nobody asked the second layer."


@lru_cache(maxsize=1)
def _distances() -> tuple[float, float]:
    """Return the second layer's distance from its reference before and after leg 1, relative to the reference."""
    # Importing these loads TensorFlow, which takes seconds; the other exercises do not need it.
    from ..engine.features import block_slices
    from ..engine.legs import run_leg
    from ..transfers.options import Options
    from ..transfers.setup import prepare

    experiment = prepare("china", "china", Options(size=(SIDE, SIDE)))
    photo, features, reference = experiment.origin.array, experiment.features, experiment.reference
    first, second = block_slices(features.blocks).values()
    moved = run_leg(experiment.context(), photo, 1, features.values(photo)[first], reference.values[first]).x
    chosen = np.flatnonzero(reference.live)
    chosen = chosen[chosen >= second.start]
    v = reference.values[chosen]
    before, after = (np.linalg.norm(features.values(x)[chosen] - v) / np.linalg.norm(v) for x in (photo, moved))
    return float(before), float(after)


EXERCISES = (
    Exercise(
        "5.1",
        (Function("the function rates"),),
        "In leg 2 the list begins with one 0 for each channel of the first layer; then v₂ − c₂ follows.",
        _judge_rates,
    ),
    Exercise(
        "5.2",
        (Array("the style", (2,)),),
        "c₁ is the mean. Then write down the four numbers after leg 1, and take the mean of their squares.",
        _judge_style,
    ),
    Exercise(
        "5.3",
        (
            Choice("what layer 2 does", (MOVES, HELD, NOT_ASKED)),
            Choice("what layer 4 does", (MOVES, HELD, NOT_ASKED)),
            Choice("when c₃ was recorded", TIMES),
        ),
        "Look at the table of legs: the third row, from left to right.",
        _judge_leg,
    ),
    Exercise(
        "5.4",
        (Number("the share"),),
        "dl.prepare with size=(32, 32); f₂ from features.values of the picture, c₂ from dl.measure_style(...).style.",
        _judge_share,
    ),
    Exercise("5.5", (Explanation(),), "How much of f₂ went with the first layer?"),
)
"""The exercises of this lesson, in order."""
