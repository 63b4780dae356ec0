"""The exercises of lesson 4: draws of noise, dead channels, damping, contrast, and what averaging cannot cure."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from ..images.noise import uniform_noise
from .answers import WrongAnswerError
from .exercise import Exercise
from .numeric_answers import Array, Number
from .written_answers import Explanation, Function, call

TITLE = "Noise: the zero point, and the channels that it leaves dead"
SIZE = (128, 128)
"""Height and width of the noise of exercise 4.4, in pixels."""


def _judge_draws(count: float) -> str:
    """Compare with pixels: the variance of a mean is inversely proportional to the number of positions averaged."""
    variance_ratio = (2.0 / 0.5) ** 2  # by which one draw of 100 pixels is too uncertain
    right = variance_ratio * (100 * 100) / (50 * 50)
    for wrong, words in (
        (8.0, "That many divide the uncertainty of 4 % by √8 only. The uncertainty falls with the square root."),
        (16.0, "That many draws of 100 × 100 pixels are enough. A draw of 50 × 50 pixels is more uncertain than 2 %."),
        (4.0, "4 draws halve the uncertainty. And a draw of 50 × 50 pixels is more uncertain than 2 %."),
        (32.0, "The uncertainty is proportional to 1 / side, so at half the side it is twice as large, not √2 times."),
        (256.0, "The uncertainty is proportional to 1 / side, not to 1 / side². Half the side doubles it."),
        (1 / right, "That is one over the number of draws. Exchange the two uncertainties."),
    ):
        if np.isclose(count, wrong, rtol=0.01):
            raise WrongAnswerError(words)
    if not np.isclose(count, right, atol=0.01):
        raise WrongAnswerError(
            f"You gave {count:.6g}. How uncertain is one draw of 50 × 50 pixels? By what factor has that to fall?"
        )
    return (
        "One draw of 50 × 50 pixels is uncertain by 4 %, and 64 draws divide that by 8. They have 16 times as many "
        "pixels as the one draw of 100 × 100, and are a quarter as uncertain. What the border does remains."
    )


def _judge_count(count_dead: Callable[..., object]) -> str:
    """Compare with maps whose channels are known to be dead or alive by construction."""
    alive = np.random.default_rng(4).random((6, 5, 4)) + 0.5
    zeros, faint, spike = np.zeros((6, 5)), np.full((6, 5), 1e-9), np.zeros((6, 5))
    spike[2, 3] = 3.0
    weak = np.full((6, 5), 1e-4)
    wide, once = np.tile(alive, (20, 20, 1)), np.zeros((120, 100))
    once[7, 9] = 1e-4  # above a millionth of the layer's mean, while its own mean is not
    for maps, right, words in (
        ((alive,), 0, "All four channels of this layer respond everywhere, so none is dead."),
        ((alive, zeros, zeros), 2, "Two of these six channels are zero at every position."),
        (
            (alive, faint),
            1,
            "One channel has the mean 1e-9, below a millionth of the layer's. It is dead too.",
        ),
        ((alive, spike), 0, "One channel responds at a single position. Its mean is above 0, so it is not dead."),
        ((alive, weak), 0, "One channel has the mean 1e-4. That is weak, and more than a millionth of the layer's."),
        (
            (wide, once),
            1,
            "One channel responds once, with 1e-4 among 12,000 positions. Its mean counts, not its maximum.",
        ),
        ((1e-8 * alive,), 0, "All means are near 1e-8, so each must be compared with the mean of its own layer."),
        (
            (1e8 * alive, weak),
            1,
            "All means but one are near 1e8, and this one is compared with the layer's mean.",
        ),
    ):
        channels = np.concatenate([each if each.ndim == 3 else each[..., None] for each in maps], axis=-1)
        count = call(count_dead, (channels,), Number("what your function returns"))
        if count != right:
            raise WrongAnswerError(f"{words} The right number is {right}, and your function returns {count:g}.")
    return "Your function finds channels that are zero or nearly so, and spares weak ones and those that respond once."


def _judge_damped_lift(damped_lift: Callable[..., object]) -> str:
    """Compare with the velocity that minimizes ‖A u − r‖² + δ‖u‖², by least squares with √δ I below A."""
    rng = np.random.default_rng(5)
    for count, length, delta in ((1, 3, 0.5), (2, 5, 0.1), (3, 4, 2.0), (2, 6, 1e-3)):
        A, r = rng.standard_normal((count, length)), rng.standard_normal(count)
        velocity = call(damped_lift, (A, r, delta), Array("the velocity", (length,)))
        rows = np.concatenate([A, np.sqrt(delta) * np.eye(length)])
        right = np.linalg.lstsq(rows, np.concatenate([r, np.zeros(length)]))[0]
        if np.allclose(velocity, right, rtol=1e-6, atol=1e-9):
            continue
        for wrong, words in (
            (np.linalg.pinv(A) @ r, "That is the lift without damping. Add δ to the diagonal of AAᵀ."),
            (A.T @ r, "That is Aᵀr. It lacks the factor (AAᵀ + δI)⁻¹."),
            (-right, "It is the right velocity with the wrong sign."),
            (_solve(A, r, delta * np.ones((count, count))), "You add δ to every entry of AAᵀ. Add it to the diagonal."),
            (_solve(A, r, delta**2 * np.eye(count)), "You add δ² to the diagonal. Add δ."),
            (np.linalg.pinv(A) @ r / (1 + delta), "You divide all of it by 1 + δ. Directions are damped differently."),
        ):
            if np.allclose(velocity, wrong):
                raise WrongAnswerError(words)
        raise WrongAnswerError(
            f"For {count} × {length} numbers in A and δ = {delta:g}, A times your velocity should be "
            f"{np.round(A @ right, 3)}, and is {np.round(A @ velocity, 3)}."
        )
    return "It is also the velocity that makes ‖A u − r‖² + δ‖u‖² as small as possible: rates against length."


def _solve(A: np.ndarray, r: np.ndarray, added: np.ndarray) -> np.ndarray:
    """Return Aᵀ(AAᵀ + added)⁻¹r, whether or not the inverse exists."""
    velocity: np.ndarray = A.T @ np.linalg.lstsq(A @ A.T + added, r)[0]
    return velocity


def _judge_contrast(weak: float) -> str:
    """Compare with means that are taken here from the maps of the layer, and not by the library's own count."""
    right, full, dark = (_count_dead_at(*each) for each in ((0.5, 0.25), (1.0, 0.0), (0.5, 0.0)))
    if abs(weak - right) <= 1:
        return f"{right} of 512 are dead at half the contrast, and {full} at the full one. Contrast hardly matters."
    if abs(weak - full) <= 1:
        raise WrongAnswerError("That is the number for the full contrast. Give the changed image to the count.")
    if abs(weak - dark) <= 1:
        raise WrongAnswerError("You halved the values, which also makes the image darker. Keep 0.5 where it is.")
    if abs(weak - (512 - right)) <= 1:
        raise WrongAnswerError("That is the number of live channels.")
    if 0 < weak < 1:
        raise WrongAnswerError("That is a share. Give the number of channels.")
    raise WrongAnswerError(f"You gave {weak:g}. Use 0.5 + 0.5 * (noise − 0.5), and count in the fifth layer alone.")


@lru_cache(maxsize=8)
def _count_dead_at(factor: float, offset: float) -> int:
    """Return the number of dead channels of the fifth layer for offset + factor · noise."""
    # Importing these loads TensorFlow, which takes seconds; the other exercises do not need it.
    from ..networks import architectures, weights
    from ..networks.activation_maps import activations
    from ..networks.vgg import build_network

    architecture, source = weights.default_source()
    layer = architectures.style_layers(architecture, "thesis", 5)[-1]
    network = build_network(architecture, source, (layer,), activation="relu", pooling="max")
    maps = activations(network, offset + factor * uniform_noise(SIZE, 0))[layer]
    totals = maps.sum(axis=(0, 1), dtype=float)
    return int(np.count_nonzero(totals <= 1e-6 * totals.mean()))


EXERCISES = (
    Exercise(
        "4.1",
        (Number("the number of draws"),),
        "One step after the other: how uncertain is one draw of half the side, and how many draws bring that to 0.5 %?",
        _judge_draws,
    ),
    Exercise(
        "4.2",
        (Function("the function count_dead"),),
        "First the mean of each channel, over its two axes of positions; then compare with the mean of these means.",
        _judge_count,
    ),
    Exercise(
        "4.3",
        (Function("the function damped_lift"),),
        "In your lift of exercise 1.2, one matrix is solved with. np.eye makes the matrix I of the same shape.",
        _judge_damped_lift,
    ),
    Exercise(
        "4.4",
        (Number("the number of dead channels"),),
        "If y is a value, the new one is 0.5 plus half of y − 0.5. dl.find_dead_channels takes a list of images.",
        _judge_contrast,
    ),
    Exercise("4.5", (Explanation(),), "Think of a channel that is dead in every draw, and of one that is not."),
)
"""The exercises of this lesson, in order."""
