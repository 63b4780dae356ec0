"""The exercises of lesson 2: the skewness leg, what moments do not see, gradients, a leg that fails, and textures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..common.errors import InputError
from ..moments.decoupling import decouple_moments
from .answers import WrongAnswerError, count_noun
from .exercise import Exercise
from .numeric_answers import Array, Number
from .rounding import NEAR_ZERO, agrees, describe_given
from .written_answers import Explanation, Function, call

TITLE = "Moments"
FOUR = np.array([0.0, 1.0, 2.0, 4.0])
"""The sample of exercise 2.3."""
CLOSE = 2e-3
"""Of exercise 2.2, whose answers come out exact."""
_LONG_TAIL = np.array([-1.0, 0.0, 0.2, 0.5, 0.9, 1.6, 2.5, 6.0])


def _judge_undo_skewness(undo_skewness: Callable[..., object]) -> str:
    """Judge by what characterizes the leg: moments, order, and the cross-ratios that only a Möbius map keeps."""
    for name, x in (("to the right", _LONG_TAIL), ("to the left", -_LONG_TAIL[::-1]), ("to the right", np.exp(FOUR))):
        x = x[np.random.default_rng(2).permutation(x.size)]  # a sample is in no special order
        z = (x - x.mean()) / x.std()
        y = _call_undo_skewness(undo_skewness, z)
        sample = f"For a sample with a long tail {name},"
        if np.allclose(y, z):
            raise WrongAnswerError(f"{sample} your function returns z as it was. Which sign has t there?")
        if y.std() == 0:
            raise WrongAnswerError(f"{sample} your function returns equal numbers.")
        skewness = float(np.mean(((y - y.mean()) / y.std()) ** 3))
        if abs(skewness) > 1e-4:
            raise WrongAnswerError(f"{sample} the skewness of what your function returns is {skewness:.4g}, not 0.")
        if not np.allclose([y.mean(), y.std()], [0, 1], atol=1e-6):
            raise WrongAnswerError(
                f"{sample} the skewness is 0, but the mean is {y.mean():.4g} and the variance {y.var():.4g}. "
                "Standardize at the end."
            )
        order = np.argsort(z)
        if np.any(np.diff(y[order]) < -1e-9):
            raise WrongAnswerError(
                f"{sample} the numbers have changed their order. Keep t between 1/min z and 1/max z."
            )
        if not np.allclose(_cross_ratios(y[order]), _cross_ratios(z[order]), rtol=1e-3):
            raise WrongAnswerError(
                f"{sample} mean, variance and skewness are right, but it is not the way of leg 3. Use z / (1 − t z)."
            )
    return "Your function runs leg 3, for tails to the right and to the left, and the numbers keep their order."


def _call_undo_skewness(undo_skewness: Callable[..., object], z: np.ndarray) -> np.ndarray:
    """Call the student's function; say what is likely if it divides by zero."""
    try:
        y: np.ndarray = call(undo_skewness, (z,), Array("what your function returns", (z.size,)))
    except WrongAnswerError as error:
        if "not finite" in str(error) or "NaN" in str(error):
            step = "At t = 1/min z and t = 1/max z a number is divided by 0: let t begin and end just inside."
            raise WrongAnswerError(f"{error} {step}") from None
        raise
    return y


def _cross_ratios(x: np.ndarray) -> np.ndarray:
    """Return the cross-ratio of each four neighbors of a sorted sample: Möbius maps, and only they, keep them all."""
    a, b, c, d = x[:-3], x[1:-2], x[2:-1], x[3:]
    ratios: np.ndarray = (c - a) * (d - b) / ((c - b) * (d - a))
    return ratios


def _judge_line(moments: np.ndarray) -> str:
    """Compare with the moments of 7 − 10 x: the standardized sample only changes its sign."""
    mean, variance, skewness, kurtosis = moments
    right = np.array([7 - 10 * 2, 10**2 * 4, -1, 2.5])
    if np.allclose(moments, right, atol=CLOSE):
        return (
            "The moments are −13, 400, −1 and 2.5: the standardized sample changes its sign, and nothing else. "
            "From the third on, decoupled moments do not depend on the unit."
        )
    if abs(mean - right[0]) > CLOSE:
        raise WrongAnswerError(f"The mean is not {mean:.6g}. It goes through the same formula, 7 − 10 c₁.")
    if variance < 0:
        raise WrongAnswerError(f"The variance is {variance:.6g}, but a mean of squares is never negative.")
    if np.isclose(variance, 40, atol=CLOSE):
        raise WrongAnswerError("The variance is not 40. Its unit is the square of the unit of x.")
    if abs(variance - right[1]) > CLOSE:
        raise WrongAnswerError(f"The variance is not {variance:.6g}. Adding 7 does not change it; what does 10 do?")
    if np.isclose(skewness, 1, atol=CLOSE):
        raise WrongAnswerError("The skewness is not 1: a long tail to the right becomes one to the left.")
    if abs(skewness - right[2]) > CLOSE:
        raise WrongAnswerError(f"The skewness is not {skewness:.6g}. It is measured on the standardized sample.")
    if np.isclose(kurtosis, -2.5, atol=CLOSE):
        raise WrongAnswerError("The orthokurtosis is not −2.5: a fourth power has no sign.")
    raise WrongAnswerError(f"The orthokurtosis is not {kurtosis:.6g}. It is measured on a standardized sample, too.")


def _judge_gradients(usual: float, decoupled: float) -> str:
    """Compute the usual moments' gradients from their formulas; those of c₃ and c₄ are orthogonal everywhere."""
    z = (FOUR - FOUR.mean()) / FOUR.std()
    # With respect to x, mean(z^k) has the gradient k/(N std(x)) (z^(k−1) − mean(z^k) z − mean(z^(k−1))).
    skewness, kurtosis = (z ** (k - 1) - np.mean(z**k) * z - np.mean(z ** (k - 1)) for k in (3, 4))
    right = _cosine(skewness, kurtosis)
    if max(abs(usual), abs(decoupled)) > 1 + NEAR_ZERO:
        raise WrongAnswerError("A cosine lies between −1 and 1. Divide the dot product by both lengths.")
    if agrees(usual, right) and agrees(decoupled, 0):
        return (
            f"The cosines are {right:.3f} and 0: skewness and kurtosis are coupled at this sample, and c₃ and c₄ are "
            "decoupled, here as everywhere."
        )
    if agrees(usual, 0) and agrees(decoupled, right):
        raise WrongAnswerError("The two cosines are exchanged. Give the one of the usual moments first.")
    for wrong, words in (
        (
            _cosine(z**2, z**3),
            "That is the cosine of z² and z³: z depends on x through its mean and variance, too.",
        ),
        (_cosine(FOUR**2, FOUR**3), "That is the cosine of the raw moments m₃ and m₄. Skewness is a moment of z."),
    ):
        if agrees(usual, wrong):
            raise WrongAnswerError(f"The first is not right. {words}")
    if agrees(usual, right):
        raise WrongAnswerError(f"The first cosine is right, the second is not {decoupled:.3f}. See the second table.")
    raise WrongAnswerError(
        f"For the first: {describe_given(usual, right)} Differentiate dl.coupled_moments by differences."
    )


def _judge_eight(eight: np.ndarray) -> str:
    """Run the legs; the library says which one does not arrive."""
    if len(different := np.unique(eight)) < 3:
        raise WrongAnswerError(
            f"Your numbers have only {count_noun(len(different), 'different value')}. Equal numbers stay equal, so "
            "mean and variance leave leg 3 nothing to move. Take at least three different values."
        )
    try:
        decouple_moments(eight, 4)
    except InputError as error:
        raise WrongAnswerError(f"An earlier leg fails already: {_reason(error)}. Legs 1 to 3 should succeed.") from None
    try:
        after = decouple_moments(eight, 5).sample
    except InputError as error:
        return f"It cannot be done: {_reason(error)}. Equal numbers stay equal on every leg."
    raise WrongAnswerError(
        f"Leg 4 does reach m₄ = {np.mean(after**4):.4g} with these numbers. "
        "Equal numbers stay equal on every leg: where would ties keep the tails light?"
    )


def _reason(error: InputError) -> str:
    return str(error).partition("; received")[0]


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


EXERCISES = (
    Exercise(
        "2.1",
        (Function("the function undo_skewness"),),
        "The skewness of moebius(z, t) grows with t. scipy.optimize.brentq finds the t at which it is 0, given two "
        "values between which it lies: just inside of 1/min z and of 1/max z.",
        _judge_undo_skewness,
    ),
    Exercise(
        "2.2",
        (Array("the list of moments", (4,)),),
        "Ask what happens to the standardized sample z, and then to the mean of z³ and to the legs after it.",
        _judge_line,
    ),
    Exercise(
        "2.3",
        (Number("the cosine of the usual moments"), Number("the cosine of the decoupled moments")),
        "Two rows of gradients are needed, as in the tables: of dl.coupled_moments by differences, and of "
        "dl.decoupled_gradients. The cosine is a dot product divided by both lengths.",
        _judge_gradients,
    ),
    Exercise(
        "2.4",
        (Array("the sample", (8,)),),
        "A kurtosis of 3 needs values far out, and only few of them. Equal numbers move together, so let several be "
        "the largest, and several the smallest.",
        _judge_eight,
    ),
    Exercise("2.5", (Explanation(),), "What happens to the moments of an image if its pixels are shuffled?"),
)
"""The exercises of this lesson, in order."""
