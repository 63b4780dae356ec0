"""The coupled moments and their feature map, compared with SciPy, finite differences and known laws."""

import numpy as np
import pytest
from hypothesis import assume, given
from moment_references import SAMPLES
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

each_sample = pytest.mark.parametrize("x", SAMPLES.values(), ids=SAMPLES.keys())


@each_sample
def test_coupled_moments_are_those_of_scipy(x):
    values = coupled_moments(x)
    assert len(values) == len(MOMENT_NAMES) == MAX_ORDER
    np.testing.assert_allclose(values[:4], [np.mean(x), moment(x, 2), skew(x), kurtosis(x, fisher=False)], 1e-11, 1e-13)
    np.testing.assert_allclose(values[4:], [moment(x, k) / moment(x, 2) ** (k / 2) for k in (5, 6)], 1e-11, 1e-12)


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
