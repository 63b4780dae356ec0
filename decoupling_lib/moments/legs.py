"""The legs of the nested normalization of moments: closed forms up to skewness, one-dimensional flows beyond.

On R_(k-1), where m_1..m_(k-1) have their reference values, the projected gradient is
P_(k-1)∇m_k = (k/N) p_(k-1)(x), with p_j the monic orthogonal polynomial of degree j of the sample itself. So every leg
moves all values by the same polynomial: it keeps their order, and equal values stay equal.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_solve
from scipy.optimize import brentq

from ..common.arrays import Floats
from ..common.errors import input_error
from ..engine.ode import integrate
from .coupled import MOMENT_NAMES, MOMENT_REFERENCE, center, moment_feature_map, standardize

TOLERANCE = 1e-14
"""Error allowed per step of a flow, in the unit of the normalized sample."""
MAX_STEPS = 5000
"""Maximum number of steps of a flow."""
_NEWTON_STEPS = 3
_CLOSEST_POLE = 1e-100


def move_moment(y: Floats, k: int, value: float) -> Floats:
    """Run leg k: move a sample along ±P_(k-1)∇m_k until its moment m_k has a given value.

    Legs 1 to 3 have closed forms. From leg 4 on, m_k itself is the clock of the flow,
    dy/dm_k = p_(k-1) / (k mean(p_(k-1)²)), which is followed with error control and ended by Newton's method.

    Parameters
    ----------
    y : ndarray, shape (N,)
        A sample on R_(k-1): its first k - 1 moments have the values in `MOMENT_REFERENCE`.
    k : int
        Number of the leg, 1 to 6.
    value : float
        The new m_k.

    Returns
    -------
    ndarray, shape (N,)
        A sample on R_(k-1) with this m_k, in the same order.

    Raises
    ------
    InputError
        The leg ends, because its polynomial vanishes on the sample, before the value is reached.
    """
    if k == 1:
        centered = center(y)
        shifted: Floats = np.ldexp(centered.deviations, centered.exponent) + value
        return shifted
    if k == 2:
        scaled: Floats = standardize(y) * np.sqrt(value)
        return scaled
    different, first, place = np.unique(y, return_index=True, return_inverse=True)
    _require_distinct(len(different), k)
    if k == 3:
        return move_skewness(y, value)
    start = float(np.mean(y**k))
    if start == value:
        return y

    def velocity(point: Floats) -> Floats:
        p = orthogonal_polynomials(point, k - 1)[-1]
        return (value - start) * p / (k * np.mean(p * p))

    with np.errstate(all="ignore"):
        flow = integrate(velocity, y, "adaptive", MAX_STEPS, TOLERANCE)
        aim = np.append(MOMENT_REFERENCE[: k - 1], value)
        end = _newton(flow.x, aim)
        gap = np.abs(moment_feature_map(k).values(end) - aim) / _size(aim)
        short = flow.status != "reached" or not np.max(gap) < 1e-9
    if short:
        reached = float(np.mean(flow.x**k))
        close = abs(reached - value) < 1e-3 * _size(value)
        raise input_error(
            f"leg {k} ({MOMENT_NAMES[k - 1]})",
            f"cannot move this sample of {y.size} values to {value:.6g}: "
            + ("it approaches the value without reaching it" if close else f"it stops at {reached:.5g}"),
            start,
            "samples that can be moved there",
            "take more values, break ties with dequantize, or choose a lower order",
        )
    return end[first][place]  # equal values stay equal to the last digit


def move_skewness(z: Floats, skewness: float = 0.0) -> Floats:
    """Run leg 3 in closed form: the Möbius map standardize(z / (1 - t z)) that gives a sample a certain skewness.

    On R_2 the flow along P_2∇m_3 is dy/dτ = y² - m_3 y - 1, a Riccati equation with the same coefficients for every
    value, so it is a Möbius map. Skewness grows with t, which lies between the poles 1/min z and 1/max z: there is
    one t.

    Parameters
    ----------
    z : ndarray, shape (N,)
        A sample with mean 0 and variance 1.
    skewness : float
        The new m_3.

    Returns
    -------
    ndarray, shape (N,)
        A sample with mean 0, variance 1 and this skewness, in the same order.

    Raises
    ------
    InputError
        So many of the values equal the minimum or the maximum that this skewness is out of reach.
    """
    own = float(np.mean(z**3))
    if own == skewness:
        return z
    sign = 1.0 if skewness > own else -1.0
    z, goal = sign * z, sign * skewness
    top, count = float(np.max(z)), z.size
    tied = int(np.count_nonzero(z >= top * (1 - 4 * np.finfo(float).eps)))
    limit = (count - 2 * tied) / np.sqrt(tied * (count - tied))

    # With t = (1 - q)/top, q from 1 to 0, the denominator keeps its full precision next to the pole.
    def map_with(log_q: float) -> Floats:
        return standardize(z / (top - z + np.exp(log_q) * z))

    def gap(log_q: float) -> float:
        return float(np.mean(map_with(log_q) ** 3)) - goal

    if gap(0.0) >= 0:  # the map with q = 1 only rounds: the skewness was the goal up to rounding
        return sign * map_with(0.0)
    low = -1.0
    while goal < limit and low > np.log(_CLOSEST_POLE) and gap(low) < 0:
        low *= 2
    if not (goal < limit and gap(low) >= 0):
        end = "largest" if sign > 0 else "smallest"
        raise input_error(
            "leg 3 (skewness)",
            f"cannot move this sample of {count} values to {skewness:.6g}: it approaches {sign * limit:z.6g}, "
            f"where all other values meet, without reaching it; {tied} of {count} are its {end} value",
            own,
            "samples in which fewer values are the largest or smallest",
            "break ties with dequantize, or choose order 3 or less",
        )
    return sign * map_with(brentq(gap, low, 0.0, xtol=1e-15, rtol=8.9e-16))


def orthogonal_polynomials(y: Floats, degree: int) -> Floats:
    """Return a sample's monic orthogonal polynomials p_0..p_degree at its values: mean(p_i p_j) = 0 for i ≠ j.

    They follow from the Stieltjes recurrence p_(j+1) = (y - a_j) p_j - b_j p_(j-1).

    Parameters
    ----------
    y : ndarray, shape (N,)
        A finite sample.
    degree : int
        The largest degree, at least 0.

    Returns
    -------
    ndarray, shape (degree + 1, N)
        If only n values differ, the rows from p_n on are zero up to rounding.

    References
    ----------
    Gautschi, *Orthogonal Polynomials: Computation and Approximation*, 2004, section 2.2.
    """
    rows = [np.ones_like(y)]
    norms = [1.0]
    for j in range(degree):
        a = np.mean(y * rows[j] ** 2) / norms[j]
        b = norms[j] / norms[j - 1] if j else 0.0
        following = (y - a) * rows[j] - (b * rows[j - 1] if j else 0.0)
        rows.append(following)
        norms.append(float(np.mean(following**2)) or np.finfo(float).tiny)
    return np.stack(rows)


def _newton(y: Floats, aim: Floats) -> Floats:
    """Bring m_1..m_k to `aim` by least-norm Newton steps; each adds a polynomial in y, so that ties stay ties."""
    j = np.arange(1, len(aim) + 1)
    for _ in range(_NEWTON_STEPS):
        gap = aim - np.array([np.mean(y**i) for i in j])
        if not np.all(np.isfinite(gap)) or np.max(np.abs(gap) / _size(aim)) < 1e-15:
            break
        r = np.linalg.qr(np.vander(y, len(aim), increasing=True), mode="r")
        if np.min(np.abs(np.diag(r))) == 0:
            break
        y = y + np.polynomial.polynomial.polyval(y, cho_solve((r, False), y.size * gap / j))
    return y


def _size(aim: Floats | float) -> Floats:
    size: Floats = np.maximum(1.0, np.abs(aim))
    return size


def _require_distinct(distinct: int, k: int) -> None:
    if distinct < k:
        raise input_error(
            f"leg {k} ({MOMENT_NAMES[k - 1]})",
            f"needs {k} different values to move",
            distinct,
            f"a sample with at least {k} different values",
            "take more values, break ties with dequantize, or choose a lower order",
        )
