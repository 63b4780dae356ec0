"""The exercises of lesson 6: free directions, linear features, a random change, Gram matrices, and losing content."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from .answers import WrongAnswerError
from .exercise import Exercise
from .numeric_answers import Array, Number
from .rounding import agrees, describe_given
from .written_answers import Explanation, Function, call

TITLE = "Step 2: taking the style off a picture"
CHANNELS = (64, 128, 256, 512, 512)
"""Of the five style layers of exercise 6.1."""
SIDE, SMALL = 128, 32
"""Sides of the images of exercises 6.1 and 6.3, and of exercise 6.4, in pixels."""
LIVE = 157
"""Dimensions of the row space of exercise 6.3."""
CLOSE = 0.03
"""Relative: measured distances differ a little between machines."""


def _judge_freedom(free: float, side: float) -> str:
    """Count the columns that a matrix of that shape cannot fill, and search for the smallest image."""
    constraints = sum(CHANNELS)
    right = len(range(constraints, SIDE * SIDE * 3))
    smallest = next(s for s in range(1, SIDE) if 3 * s * s >= constraints)
    for wrong, words in (
        (constraints, "That is how many constraints there are. Subtract them from how many numbers the image has."),
        (SIDE**2 * 3, "That is how many numbers the image has. The constraints take some of this freedom away."),
        (SIDE**2 - constraints, "You count pixels. Every pixel has three numbers."),
        (SIDE**2 * 3 - 192, "You count two layers. Add the channels of all five."),
        (SIDE**2 * 3 - 512, "You count the last layer alone. Add the channels of all five."),
    ):
        if free == wrong:
            raise WrongAnswerError(words)
    if free != right:
        raise WrongAnswerError(
            f"Not {free:g} dimensions are free. How many numbers are there, and how many constraints?"
        )
    if np.isclose(side, np.sqrt(constraints / 3), atol=0.01):
        raise WrongAnswerError("The number of free dimensions is right. A side is a whole number of pixels: round up.")
    if side == smallest - 1:
        raise WrongAnswerError(
            f"{smallest - 1} pixels are a little too few: 3 · {smallest - 1}² is below {constraints}."
        )
    if side == np.ceil(np.sqrt(constraints)):
        raise WrongAnswerError("You count pixels. Every pixel has three numbers, so a smaller image will do.")
    if side != smallest:
        raise WrongAnswerError(f"The first number is right. For the side s, 3 s² has to reach {constraints}.")
    return (
        f"{right:,} dimensions are free. Only an image of {smallest} × {smallest} pixels could be pinned down by "
        f"{constraints:,} constraints."
    )


def _judge_undress(undress: Callable[..., object]) -> str:
    """Compare with the solution of A y = v that is nearest to x, by least squares."""
    rng = np.random.default_rng(7)
    for count, length in ((1, 3), (2, 6), (3, 5)):
        A, x, v = rng.standard_normal((count, length)), rng.standard_normal(length), rng.standard_normal(count)
        found = call(undress, (x, A, v), Array("the image", (length,)))
        step = np.linalg.lstsq(A, v - A @ x)[0]
        if np.allclose(found, x + step, rtol=1e-4, atol=1e-4):  # a search is not exact
            continue
        for wrong, words in (
            (step, "That is the change alone. Add it to x."),
            (x - step, "The change has the wrong sign: the features go from A x to v."),
            (
                np.linalg.lstsq(A, v)[0],
                "That forgets x: it is the shortest image with the features v, without content.",
            ),
            (
                x + np.linalg.lstsq(A, v)[0],
                "You change the features by v. They have to arrive at v, so change them by v − A x.",
            ),
            (x + A.T @ (v - A @ x), "The rows of A are not orthonormal: (AAᵀ)⁻¹ is missing."),
        ):
            if np.allclose(found, wrong):
                raise WrongAnswerError(words)
        if np.allclose(A @ found, v):
            raise WrongAnswerError("Its features are v, but a nearer image has them too: change x by some Aᵀλ only.")
        raise WrongAnswerError(
            f"For {count} features of {length} numbers, A times your image should be {np.round(v, 3)}, "
            f"and is {np.round(A @ found, 3)}."
        )
    return (
        "The features arrive, and no nearer image has them. Undress its result again, and nothing moves: v − A x is 0."
    )


def _judge_length(share: float) -> str:
    """Compare with the mean over directions: each of the N axes has the same expected part of the squared length."""
    size = SIDE * SIDE * 3
    right = float(np.sqrt(LIVE / size))
    for wrong, words in (
        (right**2, "That is the share of the squared length. Take the root."),
        (1 - right, "That is 1 minus the share. Of the length, little lies in the row space."),
        (np.sqrt(1 - right**2), "That is the share outside of the row space."),
        (np.sqrt(LIVE / SIDE**2), "You count pixels. Every pixel has three numbers."),
        (100 * right, "Give a share between 0 and 1, not percent."),
        (np.sqrt(sum(CHANNELS[:2]) / size), "You count dead channels, too. The row space has 157 dimensions."),
    ):
        if agrees(share, wrong):
            raise WrongAnswerError(words)
    if not agrees(share, right):
        raise WrongAnswerError(
            f"{describe_given(share, right)} Begin with the squared length: each direction has an equal part of it."
        )
    return f"It is {right:.3f}, the root of {LIVE} / {size:,}: the features notice a twentieth of a random change."


def _judge_grams(of_photo: float, of_undressed: float) -> str:
    """Compare with products of activation maps that are summed here."""
    photo, bare = _gram_distances()
    given = np.array([of_photo, of_undressed])
    if agrees(given, np.array([photo, bare])) or np.allclose(given, [photo, bare], rtol=CLOSE):
        return (
            f"They are {photo:.2f} and {bare:.2f}. The means take the second moments of the first layer "
            "along most of the way, although nobody asked for them."
        )
    for wrong, words in (
        ((bare, photo), "The two numbers are exchanged. Give that of the photograph first."),
        ((100 * photo, 100 * bare), "Give shares, not percent."),
        ((photo**2, bare**2), "These are squared distances. Take the roots."),
        ((photo, photo), "You give the photograph twice. dl.remove_style(...).x is the undressed picture."),
        ((bare, bare), "You give the undressed picture twice."),
    ):
        if np.allclose(given, wrong, rtol=CLOSE):
            raise WrongAnswerError(words)
    if agrees(of_photo, photo) or np.isclose(of_photo, photo, rtol=CLOSE):
        raise WrongAnswerError(f"The first number is right. For the second: {describe_given(of_undressed, bare)}")
    raise WrongAnswerError(
        f"{of_photo:.3g} is not right for the photograph. Divide ‖G − G₀‖ by ‖G₀‖, where G₀ belongs to the noise."
    )


@lru_cache(maxsize=1)
def _gram_distances() -> tuple[float, float]:
    """Return how far the first layer's FFᵀ is from that of noise, for the photograph and the undressed picture."""
    # Importing these loads TensorFlow, which takes seconds; the other exercises do not need it.
    from ..engine.normalization import normalize
    from ..images.noise import uniform_noise
    from ..networks.activation_maps import activations
    from ..transfers.options import Options
    from ..transfers.setup import prepare

    experiment = prepare("flower", "flower", Options(size=(SMALL, SMALL)))
    photo = experiment.target.array
    grams = []
    for image in (uniform_noise((SMALL, SMALL), 0), photo, normalize(experiment.context(), photo).x):
        maps = next(iter(activations(experiment.network, image).values())).astype(float)
        grams.append(np.einsum("ijk,ijl->kl", maps, maps))
    goal, *others = grams
    first, second = (float(np.linalg.norm(gram - goal) / np.linalg.norm(goal)) for gram in others)
    return first, second


EXERCISES = (
    Exercise(
        "6.1",
        (Number("the number of free dimensions"), Number("the side")),
        "Each channel is one constraint. An image of side s has 3 s² numbers.",
        _judge_freedom,
    ),
    Exercise(
        "6.2",
        (Function("the function undress"),),
        "The features of x are A x, so they have to change by v − A x. Which change of x does that, and is shortest?",
        _judge_undress,
    ),
    Exercise(
        "6.3",
        (Number("the share"),),
        "Of the squared length, a row space of n dimensions has n of N equal parts.",
        _judge_length,
    ),
    Exercise(
        "6.4",
        (Number("the distance of the photograph"), Number("the distance of the undressed picture")),
        "dl.prepare with size=(32, 32) gives prepared.network, and dl.remove_style the undressed picture, as in the "
        "lesson. np.linalg.norm takes a matrix, too.",
        _judge_grams,
    ),
    Exercise("6.5", (Explanation(),), "There were two reasons why content survives. Which one does each idea touch?"),
)
"""The exercises of this lesson, in order."""
