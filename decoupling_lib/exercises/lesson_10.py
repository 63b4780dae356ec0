"""The exercises of lesson 10: observed order, a step rule, counted passes, learning rates, and held losses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .answers import WrongAnswerError
from .exercise import Exercise
from .numeric_answers import Array, Number
from .rounding import agrees, describe_given
from .written_answers import Explanation, Function, call

TITLE = "Integrators and optimizers"
STEPS, ITERATIONS, CHANNELS = 16, 8, 64
"""Of exercise 10.3: steps per leg, iterations per step, and rows of the gradient Gram matrix."""
STEEP = 10.0
"""Of exercise 10.4: the curvature of the steep direction; that of the flat one is 1."""
CLOSE = 2e-3
"""Relative, for answers that come out exact."""


def _judge_order(observed_order: Callable[..., object]) -> str:
    """Give points whose errors are known powers of the step: x_n = x + e/n^p."""
    rng = np.random.default_rng(4)
    for order, shape in ((3, (3,)), (1, (4, 2)), (4, (5,))):  # 3 tells 2p from 2^p
        true, error = rng.standard_normal(shape), rng.standard_normal(shape)
        points = tuple(true + error / n**order for n in (1.0, 2.0, 4.0))
        given = call(observed_order, points, Number("the order"))
        if np.isclose(given, order, atol=1e-6):
            continue
        for wrong, words in (
            (-order, "The size is right and the sign is not: divide the larger distance by the smaller one."),
            (order * np.log(2), "That is the natural logarithm. The number of steps doubles, so take np.log2."),
            (order * np.log10(2), "That is the logarithm to base 10. The number of steps doubles, so take np.log2."),
            (2.0**order, "That is the factor by which the distances fall. Its logarithm to base 2 is the order."),
            (2 * order, "That is twice the order. Compare distances, not their squares."),
            (np.log2(2.0**order + 1), "Compare a with b, and b with c. The distance from a to c mixes two errors."),
        ):
            if np.isclose(given, wrong, atol=1e-6):
                raise WrongAnswerError(words)
        raise WrongAnswerError(
            f"For points whose errors fall as 1/n^{order}, your function returns {given:.4g} and should return {order}."
        )
    return "Your function finds the orders 1, 3 and 4 of rules whose true end it does not know."


def _judge_midpoint(midpoint_step: Callable[..., object]) -> str:
    """Compare with the step on a linear field, x + hMx + (hM)²x/2, and on a field that is not linear."""
    rng = np.random.default_rng(5)
    matrix, x, h = rng.standard_normal((3, 3)), rng.standard_normal(3), 0.3
    kind = Array("the end of the step", (3,))
    linear = call(midpoint_step, (lambda p: matrix @ p, x, h), kind)
    z = h * matrix
    right = x + z @ x + z @ z @ x / 2
    for wrong, words in (
        (x + z @ x, "That is Euler's step: the velocity in the middle is asked for, not that at the start."),
        (
            np.linalg.solve(np.eye(3) - z / 2, (np.eye(3) + z / 2) @ x),
            "That is the implicit midpoint rule.",
        ),
        (x + z @ x + z @ z @ x, "You went a whole step to find the middle. Go half of it."),
        (x + (z @ x + z @ z @ x / 2) / 2, "You made half a step with the velocity of the middle. Make the whole one."),
        (z @ x + z @ z @ x / 2, "That is the change. Add it to x."),
        (x + z @ x + z @ z @ x / 2 + z @ z @ z @ x / 6 + z @ z @ z @ z @ x / 24, "That is the Runge–Kutta step."),
    ):
        if np.allclose(linear, wrong, rtol=1e-8):
            raise WrongAnswerError(words)
    if not np.allclose(linear, right, rtol=1e-8):
        raise WrongAnswerError("For a linear field F(x) = Mx your step is not x + hMx + (hM)²x/2.")
    bent = call(midpoint_step, (np.sin, x, h), kind)
    if np.allclose(bent, x + h / 2 * (np.sin(x) + np.sin(x + h * np.sin(x))), rtol=1e-8):
        raise WrongAnswerError("That is Heun's rule: the mean of two velocities. Take the one in the middle.")
    if not np.allclose(bent, x + h * np.sin(x + h / 2 * np.sin(x)), rtol=1e-8):
        raise WrongAnswerError("It is right for a linear field, and not for F = sin. Where is F evaluated?")
    backward = call(midpoint_step, (np.sin, x, -h), kind)
    if not np.allclose(backward, x - h * np.sin(x - h / 2 * np.sin(x)), rtol=1e-8):
        raise WrongAnswerError("It is right for h > 0, and not for a step backwards, h < 0.")
    return "Your step agrees with the rule on a linear field and on F = sin, in both directions. It has order 2."


def _judge_passes(once: float, every_step: float) -> str:
    """Count the passes one by one."""
    iterating = STEPS * ITERATIONS * 3
    right = iterating + STEPS + 1 + CHANNELS + 1
    always = iterating + STEPS + STEPS * (1 + CHANNELS) + 1
    for wrong, words in (
        (right - CHANNELS, "You have left out the 64 rows. Each costs as much as a VJP."),
        (right - STEPS, "Each step takes one more forward pass than its iterations."),
        (right - STEPS * ITERATIONS, "An iteration takes two forward passes and a VJP: three passes."),
        (right - 1, "One forward pass is missing: the matrix takes one, and so does the end of the leg."),
        (right - 2, "Two forward passes are missing: the matrix takes one, and so does the end of the leg."),
        (always, "That is the second number: here the rows are computed once per leg."),
    ):
        if np.isclose(once, wrong, atol=0.5):
            raise WrongAnswerError(words)
    if not np.isclose(once, right, atol=0.5):
        raise WrongAnswerError(f"The first number is not {once:g}. Count a step, multiply by {STEPS}, add the rest.")
    for wrong, words in (
        (right + (STEPS - 1) * CHANNELS, "The matrix needs a forward pass too, each time that it is computed."),
        (always + CHANNELS, "The rows of the first step have been counted twice."),
        (always + CHANNELS + 1, "The matrix of the first step has been counted twice."),
        (STEPS * CHANNELS, "These are the rows alone."),
    ):
        if np.isclose(every_step, wrong, atol=0.5):
            raise WrongAnswerError(f"The first number is right. {words}")
    if not np.isclose(every_step, always, atol=0.5):
        raise WrongAnswerError(f"The first number is right; the second is not {every_step:g}.")
    return f"{right} passes, against {always}: with rows in every step the leg would cost three times as much."


def _judge_rates(limit: float, best: float) -> str:
    """Derive both from the factors 1 − η and 1 − 10η by which the two directions shrink."""
    right = 2 / STEEP
    even = 2 / (1 + STEEP)  # 1 − η = −(1 − 10η)
    for wrong, words in (
        (1 / STEEP, "With 1/10 the steep direction is done in one step. It still converges for larger rates."),
        (2.0, "That is the limit of the flat direction. The steep one diverges long before."),
        (right / 2 / STEEP, "The factor is 1 − 10 η, not 1 − 10² η."),
        (even, "That is the second number. The limit is larger."),
    ):
        if np.isclose(limit, wrong, rtol=CLOSE):
            raise WrongAnswerError(words)
    if not np.isclose(limit, right, rtol=CLOSE):
        raise WrongAnswerError(f"The limit is not {limit:.4g}. For which η does |1 − 10 η| reach 1?")
    for wrong, words in (
        (1 / STEEP, "With 1/10 the steep direction vanishes at once, and the flat one shrinks by 0.9 only."),
        (1 / (1 + STEEP), "Half of it: 1 − η = −(1 − 10 η) has a 2 on the other side."),
        (right, "At the limit the steep direction does not shrink at all."),
        (0.0, "At the rate 0 nothing shrinks."),
    ):
        if agrees(best, wrong):
            raise WrongAnswerError(f"The limit is right. {words}")
    if not agrees(best, even):
        raise WrongAnswerError(
            f"The limit is right. For the rate: {describe_given(best, even)} Solve 1 − η = −(1 − 10 η)."
        )
    return f"The limit is 0.2. With 2/11 = {even:.4f} both directions shrink by the factor {1 - even:.3f} per step."


def _judge_direction(direction: np.ndarray) -> str:
    """Remove from (1, 2, 1) its part along the gradient of the held loss x², which is along x."""
    free, held = np.array([1.0, 2, 1]), np.array([0.0, 2, 1])
    right = held / np.linalg.norm(held)
    for wrong, words in (
        (held, "The direction is right, and its length is not 1. Divide by the length."),
        (
            free / np.linalg.norm(free),
            "That is the free step. Remove its part along the gradient of x², (0.2, 0, 0).",
        ),
        (-right, "That leads away: x + 2y + z is to grow to 6."),
        (np.array([0.0, 0, 1]), "That holds y as well. Here only x is held."),
        (np.array([1.0, 0, 0]), "That is the direction that may not change."),
    ):
        if agrees(direction, wrong):
            raise WrongAnswerError(words)
    if not agrees(direction, right):
        raise WrongAnswerError("Take (1, 2, 1), remove its part along the gradient of x², and divide by the length.")
    return (
        "The direction is (0, 2, 1)/√5, the same as if the feature itself were held. With a single feature, and away "
        "from the reference, the two readings agree: the gradient of x² points along that of x."
    )


EXERCISES = (
    Exercise(
        "10.1",
        (Function("the function observed_order"),),
        "If a = x + e, b = x + e/2^p and c = x + e/4^p, what is the ratio of |a − b| to |b − c|?",
        _judge_order,
    ),
    Exercise(
        "10.2",
        (Function("the function midpoint_step"),),
        "First find the point in the middle by half an Euler step, and then the velocity there.",
        _judge_midpoint,
    ),
    Exercise(
        "10.3",
        (Number("the passes with one matrix"), Number("the passes with a matrix per step")),
        "An iteration is 3 passes, a step 8 iterations and 1 pass. A matrix is 1 + 64 passes.",
        _judge_passes,
    ),
    Exercise(
        "10.4",
        (Number("the limit"), Number("the rate")),
        "A step multiplies x by 1 − η and y by 1 − 10 η. Both have to stay between −1 and 1.",
        _judge_rates,
    ),
    Exercise(
        "10.5",
        (Array("the direction", (3,)),),
        "The gradient of x + 2y + z is (1, 2, 1), that of the loss x² at x = 0.1 is (0.2, 0, 0).",
        _judge_direction,
    ),
    Exercise(
        "10.6", (Explanation(),), "What does the end of the lift's curve have that other points with the same f lack?"
    ),
)
"""The exercises of this lesson, in order."""
