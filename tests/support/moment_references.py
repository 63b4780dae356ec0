"""Samples, and their decoupled moments computed without the library: in decimal arithmetic, or by SciPy's solvers.

Orthokurtosis. Up to scale and position, leg 3 replaces the values by u_i = d_i / (1 + q d_i), with d_i the distance of
value i from the smallest one: a Möbius map. The one q with zero skewness is bisected in 50 decimal digits.

Symmetric samples. Their odd moments are 0, and leg 4 solves a Bernoulli equation: with u_i = y_i² it is
du_i/dτ = 2 u_i² - 2 κ(τ) u_i with common κ, so 1/u_i follows a linear equation, and u_i is again replaced by
u_i / (1 - β u_i) up to scale. The one β with kurtosis 3 is bisected in the same way.

Other samples. SciPy's DOP853 follows ±P∇m_k by arc length, with P from a QR factorization of the explicit gradients,
up to the event at which m_k has its value.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext

import numpy as np
from scipy.integrate import solve_ivp
from toys import SAMPLE

GAMMA = np.random.default_rng(0).gamma(2, 1, 1000)
SAMPLES = {
    "ten": SAMPLE,
    "gamma": GAMMA,
    "normal": np.random.default_rng(1).standard_normal(100),
    "uniform": 1000 + 100 * np.random.default_rng(2).random(30),
    "two humps": np.concatenate([np.random.default_rng(3).normal(m, 0.2, 150) for m in (-3, 3)]),
    "heavy": np.random.default_rng(4).standard_cauchy(500),
    "eight": -np.random.default_rng(5).exponential(size=8),
}
DIGITS = 50


def standardized_moment(values: Sequence[Decimal], k: int) -> Decimal:
    """mean(z^k) of the standardized values z."""
    mean = sum(values) / len(values)
    deviations = [value - mean for value in values]
    variance = sum(d * d for d in deviations) / len(values)
    return sum(d**k for d in deviations) / len(values) / variance.sqrt() ** k


def bisect(function: Callable[[Decimal], Decimal], low: Decimal, high: Decimal) -> Decimal:
    """The root of a function that is positive at `low` and negative at `high`."""
    assert function(low) > 0 > function(high)
    for _ in range(150):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return (low + high) / 2


def without_skewness(x: Sequence[float]) -> list[Decimal]:
    """The values after leg 3, up to scale and position; the skewness of x must be positive."""
    values = [Decimal(float(value)) for value in x]
    distances = [value - min(values) for value in values]

    def mapped(q: Decimal) -> list[Decimal]:
        return [d / (1 + q * d) for d in distances]

    return mapped(bisect(lambda q: standardized_moment(mapped(q), 3), Decimal(0), Decimal(10**6) / max(distances)))


def exact_orthokurtosis(x: Sequence[float]) -> float:
    """c_4 of a sample with positive skewness."""
    with localcontext(prec=DIGITS):
        return float(standardized_moment(without_skewness(x), 4))


def exact_symmetric_moments(magnitudes: Sequence[int]) -> tuple[float, float]:
    """c_4 and c_6 of the sample ±magnitudes, whose kurtosis must be below 3."""
    with localcontext(prec=DIGITS):
        squares = [Decimal(m) ** 2 for m in magnitudes]

        def mean_power(beta: Decimal, k: int) -> Decimal:
            """mean(y^(2k)) at the kurtosis that β leads to, with mean(y²) = 1."""
            u = [square / (1 - beta * square) for square in squares]
            return sum(value**k for value in u) / len(u) / (sum(u) / len(u)) ** k

        pole = 1 / max(squares)
        beta = bisect(lambda b: 3 - mean_power(b, 2), Decimal(0), pole * (1 - Decimal(10) ** -20))
        return float(mean_power(Decimal(0), 2)), float(mean_power(beta, 3))


def follow_projected_gradient(y: np.ndarray, k: int, value: float) -> np.ndarray:
    """The end of leg k, from a sample on R_(k-1) to m_k = `value`."""
    powers = np.arange(1, k)
    sign = 1.0 if value > np.mean(y**k) else -1.0

    def field(_: float, point: np.ndarray) -> np.ndarray:
        held = np.linalg.qr(np.stack([j * point ** (j - 1) for j in powers], axis=1))[0]
        gradient = k * point ** (k - 1)
        for _ in range(2):  # the second time removes the rounding errors of the first
            gradient = gradient - held @ (held.T @ gradient)
        return sign * gradient / np.linalg.norm(gradient)

    def arrival(_: float, point: np.ndarray) -> float:
        return np.mean(point**k) - value

    arrival.terminal = True
    span = (0.0, 100 * np.sqrt(y.size))
    flow = solve_ivp(field, span, y, "DOP853", events=arrival, rtol=1e-13, atol=1e-14)
    assert flow.status == 1, "the event ends the flow"
    return flow.y_events[0][0]


def integrated_moments(x: np.ndarray) -> tuple[float, float]:
    """c_5 and c_6 of a sample with positive skewness."""
    with localcontext(prec=DIGITS):
        y = np.array([float(value) for value in without_skewness(x)])
    y = (y - y.mean()) / y.std()
    y = follow_projected_gradient(y, 4, 3.0)
    fifth = float(np.mean(y**5))
    return fifth, float(np.mean(follow_projected_gradient(y, 5, 0.0) ** 6))
