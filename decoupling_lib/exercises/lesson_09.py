"""The exercises of lesson 9: the growth of errors at a kink, damping, symmetric rules, and a choice of settings."""

from __future__ import annotations

import numpy as np

from .answers import WrongAnswerError
from .exercise import Exercise
from .numeric_answers import Array, Number
from .rounding import agrees, describe_given
from .written_answers import Choice, Explanation

TITLE = "The way back"
STRENGTH, DAMPING, TENTH = 0.1, 0.03, 0.1
"""Of exercises 9.2 and 9.3: the length of a gradient, δ, and the share that may be left."""
CLOSE = 2e-3
"""Relative, for answers that come out exact."""
SETTINGS = (0.2, 2.0, 0.032)
"""Softness, growth and damping that exercise 9.5 asks for; a test looks them up in the committed measurements."""


def _judge_factor(factor: float) -> str:
    """Divide the slopes of softplus at 3T and −3T, which are the logistic function at 3 and −3."""
    fast, slow = 1 / (1 + np.exp(-3.0)), 1 / (1 + np.exp(3.0))
    right = fast / slow
    for wrong, words in (
        (1 / right, "That is by how much differences shrink on the way there. The way back does the opposite."),
        (
            np.exp(6.0),
            "That would be right if the slope fell exponentially above the kink as well.",
        ),
        (1 / slow, "The point begins at 3T, where the slope is not quite 1. Divide by both slopes."),
        (fast, "That is the slope at the start alone. Divide it by the slope at the end."),
        (slow, "That is the slope at the end alone. Divide the slope at the start by it."),
        (6.0, "That is the way in units of T. The factor is a ratio of two slopes."),
    ):
        if agrees(factor, wrong):
            raise WrongAnswerError(words)
    if not agrees(factor, right):
        raise WrongAnswerError(
            f"{describe_given(factor, right)} Put b₀ = 3T and b₁ = −3T into the formula of the amplification."
        )
    return f"The factor is e³ = {right:.2f}: (1 + e³)/(1 + e⁻³) = e³. T itself cancels."


def _judge_lengths(right: float, every_entry: float) -> str:
    """Solve for r = (1, -1), which a matrix of equal entries maps to 0: added to every entry, δ does nothing to it."""
    exact = np.sqrt(2.0) / STRENGTH
    damped = np.sqrt(2.0) * STRENGTH / (STRENGTH**2 + DAMPING)
    for wrong, words in (
        (exact, "That is the length without damping, √2/σ. Where does δ enter?"),
        (damped / np.sqrt(2.0), "That is the part of one feature. Two perpendicular parts add up to √2 times that."),
        (damped * np.sqrt(2.0), "The two parts are perpendicular: their squares add up, not their lengths."),
        (damped**2, "That is the square of the length."),
        (
            damped / STRENGTH,
            "That is the length of the multipliers. The velocity is Aᵀ times them, and A has the strength 0.1.",
        ),
        (
            np.sqrt(2.0) * STRENGTH / (STRENGTH + DAMPING),
            "Take the square of the strength: the diagonal of A Aᵀ is σ².",
        ),
    ):
        if agrees(right, wrong):
            raise WrongAnswerError(words)
    if not agrees(right, damped):
        raise WrongAnswerError(f"{describe_given(right, damped)} A Aᵀ is 0.01 times the unit matrix. Now add δ.")
    for wrong, words in (
        (damped, "With δ in every entry it is another matrix, and another length."),
        (
            np.sqrt(2.0) * STRENGTH / (STRENGTH**2 + 2 * DAMPING),
            "That would be right if both features had to rise, r = (1, 1).",
        ),
        (exact / np.sqrt(2.0), "That is the part of one feature. Two perpendicular parts add up to √2 times that."),
        (exact / STRENGTH, "That is the length of the multipliers. The velocity is Aᵀ times them."),
    ):
        if agrees(every_entry, wrong):
            raise WrongAnswerError(f"The first length is right. {words}")
    if not agrees(every_entry, exact):
        raise WrongAnswerError(
            f"The first length is right. For the second: {describe_given(every_entry, exact)} Write down the matrix "
            "with δ in all four entries, and look for the λ that it turns into (1, -1)."
        )
    return (
        f"{damped:.2f} and {exact:.2f}. The second one is the length without any damping: a matrix whose entries are "
        "all δ turns (1, -1) into 0. It damps only the sum of the features, and not each of them."
    )


def _judge_share(left: float, largest: float) -> str:
    """Solve the leg of a linear feature: the velocity σr/(σ² + δ) moves it at the rate σ²r/(σ² + δ)."""
    squared = STRENGTH**2
    moved = squared / (squared + DAMPING)
    if np.isclose(left, moved, rtol=CLOSE):
        raise WrongAnswerError("That is the share of the way that is done. Which share is left?")
    if np.isclose(left, DAMPING / (STRENGTH + DAMPING), rtol=CLOSE):
        raise WrongAnswerError("Take the square of the strength: (A Aᵀ) is σ² for one feature.")
    if np.isclose(left, 100 * (1 - moved), rtol=CLOSE):
        raise WrongAnswerError("Give the share as a number between 0 and 1, not in percent.")
    if not np.isclose(left, 1 - moved, rtol=CLOSE):
        raise WrongAnswerError(f"The share is not {left:.4g}. At which rate does the feature move, if it is damped?")
    right = squared * TENTH / (1 - TENTH)
    for wrong, words in (
        (squared * TENTH, "A tenth of σ² leaves 1/11. Solve δ/(σ² + δ) = 1/10 for δ."),
        (squared * (1 - TENTH) / TENTH, "With this damping a tenth of the way is done, and nine tenths are left."),
        (STRENGTH * TENTH / (1 - TENTH), "Take the square of the strength here as well."),
        (DAMPING * TENTH, "The share is not proportional to δ. Solve δ/(σ² + δ) = 1/10 for δ."),
    ):
        if agrees(largest, wrong):
            raise WrongAnswerError(f"The share is right. {words}")
    if not agrees(largest, right):
        raise WrongAnswerError(
            f"The share is right. For the damping: {describe_given(largest, right)} Solve δ/(σ² + δ) = 1/10 for δ."
        )
    return (
        f"A share of {1 - moved:.2f} is left: this feature is weaker than √δ = {np.sqrt(DAMPING):.2f}. Only below "
        f"δ = σ²/9 = {right:.5f} would it be a tenth."
    )


def _judge_rule(rule: str) -> str:
    """Accept the trapezoidal rule, whose equation names both ends alike."""
    if rule == "euler":
        raise WrongAnswerError("Exchange x and x′ and the sign of h: x = x′ − hF(x′). That is the implicit Euler rule.")
    if rule == "implicit euler":
        raise WrongAnswerError("Exchange x and x′ and the sign of h: x = x′ − hF(x). That is Euler's rule.")
    return (
        "The trapezoidal rule is: its equation stays the same if the ends are exchanged. The two Euler rules are each "
        "other's way back."
    )


def _judge_settings(given: np.ndarray) -> str:
    """Compare with the settings that satisfy both conditions and end nearest to the reference."""
    softness, growth, damping = SETTINGS
    if np.allclose(given, SETTINGS):
        return (
            "Softness 0.2, growth 2 and damping 0.032: a sharper network than the default, 5.7 % off VGG, which comes "
            "back at 83 dB and ends its legs 0.9 % from the reference."
        )
    if np.allclose(given, (0.29, 2.0, 0.032)):
        raise WrongAnswerError("These are the defaults, whose network is 7.7 % off VGG. Only 6 % are allowed.")
    if np.allclose(given[[1, 0, 2]], SETTINGS):
        raise WrongAnswerError("The right numbers in another order. Give softness, growth and damping.")
    if np.allclose(given[:2], (softness, growth)):
        too = "too far from the reference" if given[2] > damping else "back with less than 50 dB"
        raise WrongAnswerError(f"This is the right network. With that damping it comes {too}.")
    if np.allclose(given, (0.2, 1.0, 0.1)):
        raise WrongAnswerError("These satisfy both conditions, but others that do so end nearer to the reference.")
    raise WrongAnswerError("Keep the rows with psnr_db ≥ 50 and fidelity ≤ 0.06, and take the least relative_error.")


EXERCISES = (
    Exercise(
        "9.1",
        (Number("the factor"),),
        "The amplification is the slope of softplus at the start, divided by that at the end. T cancels.",
        _judge_factor,
    ),
    Exercise(
        "9.2",
        (Number("the length with δ on the diagonal"), Number("the length with δ in every entry")),
        "A is 0.1 times the unit matrix, so A @ A.T is 0.01 times it. NumPy's solve finds λ for both matrices.",
        _judge_lengths,
    ),
    Exercise(
        "9.3",
        (Number("the share that is left"), Number("the damping")),
        "The right panel of the figure about damping shows δ/(σ² + δ). Put the numbers in; then solve it for δ.",
        _judge_share,
    ),
    Exercise(
        "9.4",
        (Choice("the rule", ("euler", "implicit euler", "trapezoidal")),),
        "Exchange x and x′, replace h by −h, and see whether you can bring the equation back to its old form.",
        _judge_rule,
    ),
    Exercise(
        "9.5",
        (Array("the settings", (3,)),),
        "Filter `done` by psnr_db and fidelity, then min(..., key=lambda row: row['relative_error']).",
        _judge_settings,
    ),
    Exercise("9.6", (Explanation(),), "What could make the way back easy without any merit of the method?"),
)
"""The exercises of this lesson, in order."""
