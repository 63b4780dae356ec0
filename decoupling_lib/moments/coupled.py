"""The moments of a sample: their names and reference values, the usual coupled moments, and their feature map.

The features of a sample x_1..x_N are its population moments m_k = mean(x^k), with ∇m_k = (k/N) x^(k-1). Their reference
values are the moments of the standard normal distribution (section 2.2 of the thesis normalizes mean and variance).
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np

from ..common import validation
from ..common.arrays import Floats
from ..common.errors import input_error
from ..engine.closed_form import ClosedForm
from ..engine.features import Block

MOMENT_NAMES = ("mean", "variance", "skewness", "kurtosis", "fifth moment", "sixth moment")
"""The names of the moments, in order."""
MAX_ORDER = len(MOMENT_NAMES)
MOMENT_REFERENCE = np.array([0.0, 1.0, 0.0, 3.0, 0.0, 15.0])
"""v: the first six moments of the standard normal distribution."""


def moment_feature_map(order: int = MAX_ORDER) -> ClosedForm:
    """Return the map of the raw moments m_1..m_order, for the engine that also moves the features of networks.

    Parameters
    ----------
    order : int
        Number of moments, 1 to 6.

    Returns
    -------
    ClosedForm
        Maps a sample, shape (N,), to its moments, shape (order,), in one block each.

    Raises
    ------
    InputError
        An order out of range.
    """
    powers = np.arange(1, check_order(order) + 1)
    return ClosedForm(
        tuple(Block(f"m{k}", 1) for k in powers),
        lambda x: np.array([np.mean(x**k) for k in powers]),
        lambda x: np.stack([k * x ** (k - 1) / x.size for k in powers]),
    )


def coupled_moments(x: Floats, order: int = MAX_ORDER) -> Floats:
    """Return mean, variance and standardized moments, as they are commonly used.

    The standardized moments are mean(z^k), with z the standardized sample; a normal sample has kurtosis 3.

    Parameters
    ----------
    x : ndarray, shape (N,)
        A finite sample; from order 3 on, not constant.
    order : int
        Number of moments, 1 to 6.

    Returns
    -------
    ndarray, shape (order,)
        In the order of `MOMENT_NAMES`.

    Raises
    ------
    InputError
        Another shape or type, a constant sample, a variance beyond the range of floating point, or an order out of
        range.

    Examples
    --------
    >>> print(coupled_moments([0, 1, 2, 3, 4], 4))
    [2.  2.  0.  1.7]
    """
    x, order = validation.sample(x, "the sample"), check_order(order)
    centered = center(x)
    if order < 2:
        return np.array([centered.mean])
    first = [centered.mean, centered.variance()]
    if order < 3:
        return np.array(first)
    z = standardize(x)
    return np.array([*first, *(np.mean(z**k) for k in range(3, order + 1))])


def standardize(x: Floats) -> Floats:
    """Return (x - mean) / standard deviation: legs 1 and 2 in closed form.

    Parameters
    ----------
    x : ndarray, shape (N,)
        A finite sample that is not constant.

    Returns
    -------
    ndarray, shape (N,)
        With mean 0 and variance 1.

    Raises
    ------
    InputError
        Another shape or type, or a constant sample.
    """
    x = validation.sample(x, "the sample")
    if np.all(x == x[0]):
        step = "take a sample that has a variance to normalize"
        raise input_error("the sample", "is constant", float(x[0]), "at least two different values", step)
    deviations = center(x).deviations
    standardized: Floats = deviations / np.sqrt(np.mean(deviations**2))
    return standardized


@dataclass(frozen=True, eq=False)
class Centered:
    """The mean of a sample and the deviations from it.

    Parameters
    ----------
    mean : float
        The mean.
    deviations : ndarray, shape (N,)
        In units of ``2**exponent``, from -2 to 2: their squares neither overflow nor underflow.
    exponent : int
        Of the smallest power of two above all values.
    """

    mean: float
    deviations: Floats
    exponent: int

    def variance(self) -> float:
        """Return the mean square of the deviations.

        Returns
        -------
        float
            The variance in the units of the sample; 0 if it is constant.

        Raises
        ------
        InputError
            It is too large or too small for floating point.
        """
        scaled = float(np.mean(self.deviations**2))
        try:
            variance = math.ldexp(scaled, 2 * self.exponent)
        except OverflowError:
            variance = math.inf
        if math.isinf(variance) or (scaled > 0 and variance < sys.float_info.min):
            large = math.isinf(variance)
            what = f"is too {'large' if large else 'small'} for floating point"
            accepted = f"variances from {sys.float_info.min:.1g} to {sys.float_info.max:.1g}"
            step = f"{'divide' if large else 'multiply'} all values by a power of ten"
            spread = f"deviations of about 1e{round(math.log10(scaled) / 2 + self.exponent * math.log10(2))}"
            raise input_error("the variance of the sample", what, spread, accepted, step)
        return variance


def center(x: Floats) -> Centered:
    """Return the mean of a sample and its deviations, with all their digits.

    The mean of values that are large beside their deviations, such as whole numbers near 2^53, is rounded; subtracting
    the mean of the deviations makes up for it. The power of two keeps values near 1e308 from overflowing.

    Parameters
    ----------
    x : ndarray, shape (N,)
        A finite sample.

    Returns
    -------
    Centered
        The mean and the deviations.
    """
    exponent = int(np.frexp(np.max(np.abs(x)))[1])
    scaled = np.ldexp(x, -exponent)
    rounded = np.mean(scaled)
    deviations = scaled - rounded
    rest = np.mean(deviations)
    # Rounding must not move the mean past the extreme values, where the largest numbers would overflow.
    mean = np.ldexp(np.clip(rounded + rest, np.min(scaled), np.max(scaled)), exponent)
    return Centered(float(mean), deviations - rest, exponent)


def check_order(order: int) -> int:
    """Return the order of a moment as an integer.

    Parameters
    ----------
    order : int
        1 to 6.

    Returns
    -------
    int
        The same number.

    Raises
    ------
    InputError
        Another type, or out of range.
    """
    return validation.integer_in_range(order, "order", 1, MAX_ORDER)
