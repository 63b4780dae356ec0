"""Sample moments: features whose decoupling is known in closed form, or nearly.

The features of a sample x_1..x_N are its population moments m_k = mean(x^k), with ∇m_k = (k/N) x^(k-1). On R_(k-1),
where m_1..m_(k-1) have their reference values, the projected gradient is P_(k-1)∇m_k = (k/N) p_(k-1)(x), with p_j the
monic orthogonal polynomial of degree j of the sample itself. So every leg of the nested normalization moves all
values by one and the same polynomial: it keeps their order, and ties stay ties.

The references are the moments of the standard normal distribution (section 2.2 of the thesis normalizes mean and
variance; Martínez-Enríquez, González & Portilla, arXiv 2207.02132, go on to skewness and kurtosis).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve
from scipy.optimize import brentq

from ..common import validation
from ..common.errors import input_error
from ..engine.features import Block, ClosedForm
from ..engine.ode import integrate

NAMES = ("mean", "variance", "skewness", "kurtosis", "fifth moment", "sixth moment")
MAX_ORDER = len(NAMES)
REFERENCE = np.array([0.0, 1.0, 0.0, 3.0, 0.0, 15.0])
"""v: the first six moments of the standard normal distribution."""

TOLERANCE = 1e-14
NEWTON_STEPS = 3
MAX_STEPS = 5000
_NEAREST_POLE = 1e-100


@dataclass(frozen=True)
class Decoupled:
    """The decoupled moments of a sample, and what the legs made of it.

    Parameters
    ----------
    values : c, (order,): mean, variance, skewness, orthokurtosis, and the decoupled fifth and sixth moments.
    sample : (N,), the sample normalized by `order - 1` legs, so that its first `order - 1` moments are `REFERENCE`'s.
    """

    values: np.ndarray
    sample: np.ndarray


def feature_map(order: int = MAX_ORDER) -> ClosedForm:
    """m_1..m_order of a sample of shape (N,), one block each, for the engine that also moves networks' features."""
    powers = np.arange(1, _order(order) + 1)
    return ClosedForm(
        tuple(Block(f"m{k}", 1) for k in powers),
        lambda x: np.array([np.mean(x**k) for k in powers]),
        lambda x: np.stack([k * x ** (k - 1) / x.size for k in powers]),
    )


def coupled(x: np.ndarray, order: int = MAX_ORDER) -> np.ndarray:
    """Mean, variance, and the standardized moments mean(z^k), k = 3..order; kurtosis is 3 for a normal sample.

    Parameters
    ----------
    x : (N,) finite; from order 3 on, not constant.

    Returns
    -------
    (order,). Raises `InputError` for a sample that cannot be measured.
    """
    x, order = _sample(x), _order(order)
    mean, variance = np.mean(x), np.var(x)
    if order < 3:
        return np.array([mean, variance])[:order]
    z = standardize(x)
    return np.array([mean, variance, *(np.mean(z**k) for k in range(3, order + 1))])


def standardize(x: np.ndarray) -> np.ndarray:
    """(x - mean) / standard deviation, shape (N,): legs 1 and 2, in closed form. Raises `InputError` if constant."""
    x = _sample(x)
    scale = float(np.max(np.abs(x)))
    if np.ptp(x) <= 4 * np.finfo(float).eps * scale:
        raise input_error(
            "the sample", "is constant", float(x[0]), "at least two different values", "it has no variance to normalize"
        )
    # Scaled by the extent first, so that values near the limits of floating point do not overflow when squared.
    z = (x - np.mean(x)) / np.ptp(x / scale) / scale
    z = z - np.mean(z)
    return z / np.sqrt(np.mean(z * z))


def orthogonal_polynomials(y: np.ndarray, degree: int) -> np.ndarray:
    """Values at the sample of its monic orthogonal polynomials p_0..p_degree: mean(p_i p_j) = 0 for i ≠ j.

    By the Stieltjes recurrence p_(j+1) = (y - a_j) p_j - b_j p_(j-1) (Gautschi, *Orthogonal Polynomials*, 2004,
    section 2.2).

    Parameters
    ----------
    y : (N,).

    Returns
    -------
    (degree + 1, N). A row is zero from p_n on, n the number of different values.
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


def decouple(x: np.ndarray, order: int = MAX_ORDER) -> Decoupled:
    """The decoupled moments c_1..c_order: c_k is m_k after legs 1..k-1 (equation 2.4 of the thesis, nested).

    Parameters
    ----------
    x : (N,) finite.
    order : 1 to 6.

    Raises
    ------
    InputError : a leg cannot be made: too few different values, too heavy a tie, or too few values for the reference.
    """
    y, order = _sample(x), _order(order)
    values = np.empty(order)
    for k in range(1, order + 1):
        values[k - 1] = np.mean(y**k)
        if k < order:
            y = move(y, k, REFERENCE[k - 1])
    return Decoupled(values, y)


def orthokurtosis(x: np.ndarray) -> float:
    """c_4: the kurtosis that a sample has once its skewness is undone; at least 1, invariant to Möbius maps."""
    return float(decouple(x, 4).values[3])


def impose(normalized: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The legs backwards: a sample with the decoupled moments `values` and the order of `normalized`.

    Parameters
    ----------
    normalized : (N,), `Decoupled.sample` of the same order as `values`: on R_(order-1), its last moment its own.
    values : c, (order,).

    Raises
    ------
    InputError : no sample of this size and these ties has such moments, or `normalized` is not on the manifold.
    """
    y, values = _sample(normalized), np.asarray(values, dtype=float)
    order = _order(len(values))
    if not np.all(np.isfinite(values)):
        raise input_error("moments to impose", "are not all finite", values, "finite numbers", "measure them anew")
    if order > 1 and not values[1] > 0:
        raise input_error("variance to impose", "is not positive", float(values[1]), "above 0", "change it")
    off = max((abs(np.mean(y**k) - REFERENCE[k - 1]) for k in range(1, order)), default=0.0)
    if off > 1e-6:
        raise input_error(
            "normalized sample",
            f"has moments {off:.1g} off the reference",
            y,
            f"a sample normalized by {order - 1} legs",
            "take decouple(x, order).sample",
        )
    if float(np.mean(y**order)) != values[-1]:  # on a self-transfer the last moment is there, and may have no leg
        y = move(y, order, values[-1])
    for k in range(order - 1, 0, -1):
        y = move(y, k, values[k - 1])
    return y


def transfer_moments(origin: np.ndarray, target: np.ndarray, order: int = MAX_ORDER) -> np.ndarray:
    """The target with the decoupled moments of the origin: Steps 1 to 3 of the thesis for two samples."""
    return impose(decouple(target, order).sample, decouple(origin, order).values)


def move(y: np.ndarray, k: int, value: float) -> np.ndarray:
    """Leg k: from a sample on R_(k-1) along ±P_(k-1)∇m_k until m_k is `value`.

    Legs 1 to 3 have closed forms; from 4 on, m_k itself is the clock of the flow,
    dy/dm_k = p_(k-1) / (k mean(p_(k-1)²)), followed with error control and ended by Newton's method.

    Raises
    ------
    InputError : the leg ends (its polynomial vanishes on the sample) before the value is reached.
    """
    if k == 1:
        return y - np.mean(y) + value
    if k == 2:
        return standardize(y) * np.sqrt(value)
    different, first, place = np.unique(y, return_index=True, return_inverse=True)
    _require_distinct(len(different), k)
    if k == 3:
        return mobius(y, value)
    start = float(np.mean(y**k))
    if start == value:
        return y

    def velocity(point: np.ndarray) -> np.ndarray:
        p = orthogonal_polynomials(point, k - 1)[-1]
        return (value - start) * p / (k * np.mean(p * p))

    with np.errstate(all="ignore"):
        flow = integrate(velocity, y, "adaptive", MAX_STEPS, TOLERANCE)
        aim = np.append(REFERENCE[: k - 1], value)
        end = _newton(flow.x, aim)
        short = flow.status != "reached" or not np.max(np.abs(feature_map(k).values(end) - aim) / _size(aim)) < 1e-9
    if short:
        reached = float(np.mean(flow.x**k))
        near = abs(reached - value) < 1e-3 * _size(value)
        raise input_error(
            f"leg {k} ({NAMES[k - 1]})",
            f"cannot bring this sample of {y.size} values to {value:.6g}: "
            + ("it comes near without end" if near else f"it ends at {reached:.5g}"),
            start,
            "samples that can be brought there",
            "take more values, break ties with dequantize, or choose a lower order",
        )
    return end[first][place]  # a tie stays one to the last digit


def mobius(z: np.ndarray, skewness: float = 0.0) -> np.ndarray:
    """Leg 3 in closed form: standardize(z / (1 - t z)) with the one t at which the skewness is as asked.

    On R_2 the flow along P_2∇m_3 is dy/dτ = y² - m_3 y - 1, a Riccati equation with the same coefficients for every
    value, so it is a Möbius map. Skewness grows with t, whose poles 1/max z and 1/min z bound it.

    Parameters
    ----------
    z : (N,), mean 0 and variance 1.

    Raises
    ------
    InputError : a minimum or maximum holds so many of the values that this skewness is out of reach.
    """
    own = float(np.mean(z**3))
    if own == skewness:
        return z
    sign = 1.0 if skewness > own else -1.0
    z, goal = sign * z, sign * skewness
    top, count = float(np.max(z)), z.size
    tied = int(np.count_nonzero(z >= top * (1 - 4 * np.finfo(float).eps)))
    limit = (count - 2 * tied) / np.sqrt(tied * (count - tied))

    # With t = (1 - q)/top, q from 1 to 0, the denominator keeps full precision next to the pole.
    def mapped(log_q: float) -> np.ndarray:
        return standardize(z / (top - z + np.exp(log_q) * z))

    def gap(log_q: float) -> float:
        return float(np.mean(mapped(log_q) ** 3)) - goal

    low = -1.0
    while goal < limit and low > np.log(_NEAREST_POLE) and gap(low) < 0:
        low *= 2
    if not (goal < limit and gap(low) >= 0):
        end = "largest" if sign > 0 else "smallest"
        raise input_error(
            "leg 3 (skewness)",
            f"cannot bring this sample of {count} values to {skewness:.6g}: it ends at {sign * limit:.6g}, "
            f"where its {end} value, {tied} of {count}, stands alone",
            own,
            "samples whose extreme values are fewer",
            "break ties with dequantize, or choose order 3 or less",
        )
    return sign * mapped(brentq(gap, low, 0.0, xtol=1e-15, rtol=8.9e-16))


def _newton(y: np.ndarray, aim: np.ndarray) -> np.ndarray:
    """Least-norm Newton steps that bring m_1..m_k to `aim`: each adds a polynomial in y, so that ties stay ties."""
    j = np.arange(1, len(aim) + 1)
    for _ in range(NEWTON_STEPS):
        gap = aim - np.array([np.mean(y**i) for i in j])
        if not np.all(np.isfinite(gap)) or np.max(np.abs(gap) / _size(aim)) < 1e-15:
            break
        r = np.linalg.qr(np.vander(y, len(aim), increasing=True), mode="r")
        if np.min(np.abs(np.diag(r))) == 0:
            break
        y = y + np.polynomial.polynomial.polyval(y, cho_solve((r, False), y.size * gap / j))
    return y


def _size(aim: np.ndarray | float) -> np.ndarray:
    return np.maximum(1.0, np.abs(aim))


def _require_distinct(distinct: int, k: int) -> None:
    if distinct < k:
        raise input_error(
            f"leg {k} ({NAMES[k - 1]})",
            f"needs {k} different values to move",
            distinct,
            f"a sample with at least {k} different values",
            "take more values, break ties with dequantize, or choose a lower order",
        )


def _sample(x: np.ndarray) -> np.ndarray:
    return validation.sample(x, "the sample")


def _order(order: int) -> int:
    return validation.integer_in_range(order, "order", 1, MAX_ORDER)
