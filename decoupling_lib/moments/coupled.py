"""The moments of a sample: their names and reference values, the usual coupled moments, and their feature map.

The features of a sample x_1..x_N are its population moments m_k = mean(x^k), with ∇m_k = (k/N) x^(k-1). Their reference
values are the moments of the standard normal distribution (section 2.2 of the thesis normalizes mean and variance).
"""

from __future__ import annotations

import numpy as np

from ..common import validation
from ..common.arrays import Floats
from ..common.errors import input_error
from ..engine.features import Block, ClosedForm

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
        Another shape or type, a constant sample, or an order out of range.

    Examples
    --------
    >>> print(coupled_moments([0, 1, 2, 3, 4], 4))
    [2.  2.  0.  1.7]
    """
    x, order = validation.sample(x, "the sample"), check_order(order)
    mean, variance = np.mean(x), np.var(x)
    if order < 3:
        return np.array([mean, variance])[:order]
    z = standardize(x)
    return np.array([mean, variance, *(np.mean(z**k) for k in range(3, order + 1))])


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
    scale = float(np.max(np.abs(x)))
    if np.ptp(x) <= 4 * np.finfo(float).eps * scale:
        step = "take a sample that has a variance to normalize"
        raise input_error("the sample", "is constant", float(x[0]), "at least two different values", step)
    # Scaled by the extent first, so that values near the limits of floating point do not overflow when squared.
    z = (x - np.mean(x)) / np.ptp(x / scale) / scale
    z = z - np.mean(z)
    standardized: Floats = z / np.sqrt(np.mean(z * z))
    return standardized


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
