"""Decoupled moments: measured by nested normalization, and imposed by running its legs backwards.

References
----------
Martínez-Enríquez, González & Portilla, *Deterministic decoupling of global features and its application to data
analysis*, arXiv 2207.02132, 2022: from mean and variance (section 2.2 of the thesis) on to skewness and kurtosis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..common import validation
from ..common.arrays import Floats
from ..common.errors import input_error
from .coupled import MAX_ORDER, MOMENT_REFERENCE, center, check_order, standardize
from .legs import move_moment


@dataclass(frozen=True)
class DecoupledMoments:
    """The decoupled moments of a sample, and the sample that the legs made of it.

    Parameters
    ----------
    values : ndarray, shape (order,)
        c: mean, variance, skewness, orthokurtosis, and the decoupled fifth and sixth moments.
    sample : ndarray, shape (N,)
        The sample normalized by order - 1 legs: its first order - 1 moments have the values in `MOMENT_REFERENCE`.
    """

    values: Floats
    sample: Floats


def decouple_moments(x: Floats, order: int = MAX_ORDER) -> DecoupledMoments:
    """Measure the decoupled moments: c_k is m_k after legs 1..k-1 (equation 2.4 of the thesis, nested).

    Parameters
    ----------
    x : ndarray, shape (N,)
        A finite sample.
    order : int
        Number of moments, 1 to 6.

    Returns
    -------
    DecoupledMoments
        The moments c_1..c_order and the normalized sample.

    Raises
    ------
    InputError
        A leg cannot be run: too few values differ, too many are equal, or too few values can have the reference; or
        the variance is beyond the range of floating point.

    Examples
    --------
    >>> print(decouple_moments([0, 1, 2, 3, 4], 4).values)
    [2.  2.  0.  1.7]
    """
    y, order = validation.sample(x, "the sample"), check_order(order)
    values = np.empty(order)
    centered = center(y)
    values[0] = centered.mean
    if order >= 2:
        values[1] = centered.variance()
        y = np.ldexp(centered.deviations, centered.exponent) if order == 2 else standardize(y)
    for k in range(3, order + 1):
        values[k - 1] = np.mean(y**k)
        if k < order:
            y = move_moment(y, k, MOMENT_REFERENCE[k - 1])
    return DecoupledMoments(values, y)


def orthokurtosis(x: Floats) -> float:
    """Return c_4, the kurtosis of a sample after its skewness is undone.

    It is invariant to Möbius maps whose pole lies outside of the range of the sample.

    Parameters
    ----------
    x : ndarray, shape (N,)
        A finite sample with at least three different values.

    Returns
    -------
    float
        At least 1.

    Raises
    ------
    InputError
        Leg 3 cannot be run: half of the values or more are the largest or the smallest, or only two differ.
    """
    return float(decouple_moments(x, 4).values[3])


def impose_moments(normalized: Floats, values: Floats) -> Floats:
    """Run the legs backwards: give a normalized sample the decoupled moments of another one.

    Parameters
    ----------
    normalized : ndarray, shape (N,)
        `DecoupledMoments.sample` of the same order as `values`: on R_(order-1), with a last moment of its own.
    values : ndarray, shape (order,)
        c, the decoupled moments; order 1 to 6.

    Returns
    -------
    ndarray, shape (N,)
        A sample with these decoupled moments, in the order of `normalized`.

    Raises
    ------
    InputError
        No sample of this size with these ties has such moments, or `normalized` is not on the manifold.
    """
    y, values = validation.sample(normalized, "the normalized sample"), np.asarray(values, dtype=float)
    order = check_order(len(values))
    if not np.all(np.isfinite(values)):
        raise input_error("moments to impose", "are not all finite", values, "finite numbers", "measure them again")
    if order > 1 and not values[1] > 0:
        raise input_error("variance to impose", "is not positive", float(values[1]), "above 0", "choose another one")
    with np.errstate(over="ignore"):
        off = max((abs(np.mean(y**k) - MOMENT_REFERENCE[k - 1]) for k in range(1, order)), default=0.0)
        last = float(np.mean(y**order))
    if off > 1e-6:
        raise input_error(
            "normalized sample",
            f"has moments {off:.1g} off the reference",
            y,
            f"a sample normalized by {order - 1} legs",
            "take decouple_moments(x, order).sample",
        )
    with np.errstate(over="ignore"):
        # In a self-transfer the last moment has its value already, and may have no leg to move it.
        if last != values[-1]:
            y = move_moment(y, order, values[-1])
        for k in range(order - 1, 0, -1):
            y = move_moment(y, k, values[k - 1])
    if not np.all(np.isfinite(y)):
        accepted, step = "moments of finite numbers", "impose a mean or variance closer to 0"
        raise input_error("the imposed sample", "is beyond the range of floating point", values, accepted, step)
    return y


def transfer_moments(origin: Floats, target: Floats, order: int = MAX_ORDER) -> Floats:
    """Give the target the decoupled moments of the origin: Steps 1 to 3 of the thesis for two samples.

    Parameters
    ----------
    origin : ndarray, shape (M,)
        The sample whose moments are taken.
    target : ndarray, shape (N,)
        The sample whose values keep their order.
    order : int
        Number of moments, 1 to 6.

    Returns
    -------
    ndarray, shape (N,)
        The transferred sample.

    Raises
    ------
    InputError
        As from `decouple_moments` and `impose_moments`.
    """
    return impose_moments(decouple_moments(target, order).sample, decouple_moments(origin, order).values)
