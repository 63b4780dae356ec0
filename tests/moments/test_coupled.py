"""The coupled moments and their feature map, compared with SciPy, finite differences and known laws."""

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from moment_references import SAMPLES
from refusals import refusal
from scipy.stats import gamma, kurtosis, moment, skew
from strategies import small_samples

from decoupling_lib.common.errors import InputError
from decoupling_lib.moments.coupled import (
    MAX_ORDER,
    MOMENT_NAMES,
    MOMENT_REFERENCE,
    coupled_moments,
    moment_feature_map,
    standardize,
)
from decoupling_lib.moments.decoupling import decouple_moments
from decoupling_lib.moments.gradients import decoupled_gradients

each_sample = pytest.mark.parametrize("x", SAMPLES.values(), ids=SAMPLES.keys())


@each_sample
def test_coupled_moments_are_those_of_scipy(x):
    values = coupled_moments(x)
    assert len(values) == len(MOMENT_NAMES) == MAX_ORDER
    np.testing.assert_allclose(values[:4], [np.mean(x), moment(x, 2), skew(x), kurtosis(x, fisher=False)], 1e-11, 1e-13)
    np.testing.assert_allclose(values[4:], [moment(x, k) / moment(x, 2) ** (k / 2) for k in (5, 6)], 1e-11, 1e-12)


def exact_moments(x: np.ndarray) -> list[float]:
    """Return mean, variance and standardized moments: sums of fractions, and roots with 60 digits."""
    values = [Fraction(float(value)) for value in x]
    mean = sum(values) / len(values)
    central = [sum((value - mean) ** k for value in values) / len(values) for k in range(2, MAX_ORDER + 1)]
    with localcontext(prec=60, Emin=-99_999, Emax=99_999):
        first, *rest = (Decimal(m.numerator) / Decimal(m.denominator) for m in (mean, *central))
        return [
            float(first),
            float(rest[0]),
            *(float(rest[k - 2] / rest[0].sqrt() ** k) for k in range(3, MAX_ORDER + 1)),
        ]


STEPS = np.array([0, 1, 5, 7, 20, 22, 30, 44, 61.0])
LARGE = {
    "2^53": 2.0**53 - 100 + STEPS,
    "above 2^53": 2.0**53 + 2 * STEPS,
    "-2^53": -(2.0**53) - 2 * STEPS,
    "two units of 2^53": 2.0**53 + 2 * np.array([0, 0, 0, 1, 1, 1, 1, 2, 2]),
    "1e15 and eighths": 1e15 + STEPS / 8,
    "nanoseconds since 1970": 1.7e18 + 256 * STEPS,
    "1e8 with noise": 1e8 + np.random.default_rng(3).standard_normal(1000),
    "1e150": 1e150 * STEPS,
    "1e-150": 1e-150 * STEPS,
    "1e100 with an offset": 1e100 * (1e9 + STEPS),
}


@pytest.mark.parametrize("x", LARGE.values(), ids=LARGE.keys())
def test_large_and_shifted_values_keep_their_digits(x):
    exact = exact_moments(x)
    np.testing.assert_allclose(coupled_moments(x), exact, rtol=2e-14, atol=1e-14)
    np.testing.assert_allclose(decouple_moments(x, 3).values, exact[:3], rtol=2e-14, atol=1e-14)


@given(x=small_samples, exponent=st.integers(-400, 400))
def test_a_power_of_two_as_the_unit_changes_no_bit(x, exponent):
    assume(len(np.unique(x)) >= 2 and (np.min(np.abs(x[x != 0])) >= 1e-3))
    own, other = coupled_moments(x), coupled_moments(np.ldexp(x, exponent))
    np.testing.assert_array_equal(other[2:], own[2:])
    np.testing.assert_array_equal(other[:2], np.ldexp(own[:2], [exponent, 2 * exponent]))


@pytest.mark.parametrize("unit", [1e200, 1e300, 2e307, 1e-170, 1e-300, 5e-324])
def test_a_variance_beyond_floating_point_is_refused_but_not_the_mean(unit):
    x = unit * np.arange(1.0, 9)
    expected = float(sum(map(Fraction, x.tolist())) / 8)
    assert coupled_moments(x, 1)[0] == pytest.approx(expected, rel=1e-15, abs=5e-324)
    assert decouple_moments(x, 1).values[0] == coupled_moments(x, 1)[0]
    for function in (coupled_moments, decouple_moments, decoupled_gradients):
        assert "floating point" in refusal(function, x, 2) and "power of ten" in refusal(function, x)


@pytest.mark.parametrize("x", [[1.5], [1e308] * 9, [0.1] * 7, [0.0] * 3, [5e-324] * 8, [-np.finfo(float).max] * 3])
def test_a_constant_sample_has_a_mean_and_no_shape(x):
    np.testing.assert_array_equal(coupled_moments(x, 2), [x[0], 0])
    np.testing.assert_array_equal(decouple_moments(x, 2).values, [x[0], 0])
    for function in (coupled_moments, decouple_moments, standardize):
        assert "constant" in refusal(function, x)


@pytest.mark.parametrize("x", [[], [1], [1, 2], [1, 2, 3], [1e308, -1e308], [2.0**53, 2.0**53 + 2]])
def test_few_values_have_moments_or_are_refused_in_one_line(x):
    try:
        assert np.isfinite(coupled_moments(x)).all()
    except InputError:
        refusal(coupled_moments, x)
    refusal(decouple_moments, x)


@pytest.mark.parametrize("order", range(1, MAX_ORDER + 1))
def test_a_lower_order_has_the_first_moments(order):
    np.testing.assert_array_equal(coupled_moments(SAMPLES["ten"], order), coupled_moments(SAMPLES["ten"])[:order])


def test_the_reference_has_the_moments_of_the_normal_law():
    """E[x^k] = (k - 1) E[x^(k-2)], by integration by parts."""
    expected = {0: 1.0, 1: 0.0}
    for k in range(2, MAX_ORDER + 1):
        expected[k] = (k - 1) * expected[k - 2]
    np.testing.assert_array_equal(MOMENT_REFERENCE, [expected[k] for k in range(1, MAX_ORDER + 1)])


def test_gamma_quantiles_have_the_moments_of_the_law():
    """The skewness and the kurtosis of gamma(2) are √2 and 6."""
    quantiles = gamma.ppf((np.arange(200_000) + 0.5) / 200_000, 2)
    np.testing.assert_allclose(coupled_moments(quantiles, 4), [2, 2, np.sqrt(2), 6], rtol=2e-3)


@given(x=small_samples)
def test_kurtosis_is_at_least_one_more_than_squared_skewness(x):
    """Pearson's inequality."""
    assume(len(np.unique(x)) >= 3)
    values = coupled_moments(x)
    assert values[3] >= 1 + values[2] ** 2 - 1e-9 * values[3]


def test_the_feature_map_has_the_raw_moments_and_their_gradients():
    x, features = SAMPLES["ten"], moment_feature_map()
    assert [block.size for block in features.blocks] == [1] * MAX_ORDER
    np.testing.assert_allclose(features.values(x), [np.mean(x**k) for k in range(1, 7)], rtol=1e-14)
    step = 1e-5
    slopes = [(features.values(x + step * e) - features.values(x - step * e)) / (2 * step) for e in np.eye(x.size)]
    for row, expected in zip(features.linearize(x).jacobian(), np.stack(slopes, axis=1), strict=True):
        np.testing.assert_allclose(row, expected, atol=1e-8 * np.abs(expected).max())
    assert features.prefix(2).values(x).shape == (2,)


@pytest.mark.parametrize("unit", [1e150, 1e-150, 1.0])
def test_standardizing_survives_extreme_units(unit):
    z = standardize(unit * SAMPLES["ten"])
    np.testing.assert_allclose([np.mean(z), np.mean(z**2)], [0, 1], atol=1e-14)
    np.testing.assert_allclose(z, standardize(SAMPLES["ten"]), rtol=1e-13)


@pytest.mark.parametrize(
    ("x", "order", "fragments"),
    [
        ([3.0] * 9, 3, ("constant", "3.0", "two different")),
        ([1, 2, np.nan], 3, ("not finite",)),
        ([[1, 2], [3, 4]], 3, ("wrong shape", "(2, 2)")),
        ([1, 2, 4], 7, ("order", "7", "6")),
        ([1, 2, 4], 0, ("order", "0", "1")),
    ],
)
def test_what_cannot_be_measured_is_refused(x, order, fragments):
    with pytest.raises(InputError) as caught:
        coupled_moments(x, order)
    assert str(caught.value).isprintable()
    assert all(fragment in str(caught.value) for fragment in fragments)


def test_a_constant_sample_still_has_mean_and_variance():
    np.testing.assert_array_equal(coupled_moments([3.0] * 9, 2), [3, 0])
