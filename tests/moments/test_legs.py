"""The legs: their polynomials, the Möbius map, the flows against SciPy's, and where they end."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from moment_references import SAMPLES, follow_projected_gradient, without_skewness
from scipy.stats import kurtosis
from strategies import small_samples

from decoupling_lib.common.errors import InputError
from decoupling_lib.engine.tangent import to_tangent
from decoupling_lib.moments.coupled import MOMENT_REFERENCE, moment_feature_map, standardize
from decoupling_lib.moments.decoupling import decouple_moments
from decoupling_lib.moments.legs import move_moment, move_skewness, orthogonal_polynomials

each_sample = pytest.mark.parametrize("x", SAMPLES.values(), ids=SAMPLES.keys())


@each_sample
def test_the_polynomials_are_monic_and_orthogonal_on_the_sample(x):
    y = decouple_moments(x, 4).sample
    p = orthogonal_polynomials(y, 5)
    norms = np.sqrt(np.mean(p**2, axis=1))
    np.testing.assert_allclose(p @ p.T / y.size / np.outer(norms, norms), np.eye(6), atol=1e-9)
    for degree, row in enumerate(p):
        np.testing.assert_allclose(np.polynomial.Polynomial.fit(y, row, degree).convert().coef[-1], 1, rtol=1e-6)


def test_the_polynomials_vanish_from_the_number_of_different_values_on():
    p = orthogonal_polynomials(np.array([-1.0, -1, 0, 1, 1]), 4)
    assert np.abs(p[:3]).max(axis=1).min() > 0.5 and np.abs(p[3:]).max() < 1e-15


@each_sample
def test_the_polynomial_is_the_projected_gradient_of_the_next_moment(x):
    y = decouple_moments(x, 4).sample
    gradients = moment_feature_map(4).linearize(y).jacobian()
    projected = to_tangent(gradients[:3], gradients[3])
    np.testing.assert_allclose(projected, 4 / y.size * orthogonal_polynomials(y, 3)[3], atol=1e-12)


@each_sample
@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_first_legs_set_their_moment_and_hold_the_earlier_ones(x, k):
    y = decouple_moments(x, k).sample
    moved = move_moment(y, k, 0.3)
    np.testing.assert_allclose(
        [np.mean(moved**j) for j in range(1, k + 1)], [*MOMENT_REFERENCE[: k - 1], 0.3], atol=1e-12
    )


@pytest.mark.parametrize("name", ["ten", "gamma"])
def test_the_skewness_leg_is_the_moebius_map_of_decimal_arithmetic(name):
    expected = standardize(np.array([float(value) for value in without_skewness(SAMPLES[name])]))
    np.testing.assert_allclose(move_skewness(standardize(SAMPLES[name])), expected, atol=1e-12)


@each_sample
def test_a_moebius_map_keeps_cross_ratios(x):
    z = standardize(np.unique(x)[[0, 1, 3, 5, 7]])
    y = move_skewness(z, 0.1)

    def cross_ratio(v, a, b, c, d):
        return (v[a] - v[c]) * (v[b] - v[d]) / ((v[b] - v[c]) * (v[a] - v[d]))

    for place in ((0, 1, 2, 3), (1, 2, 3, 4), (0, 1, 3, 4)):
        assert cross_ratio(y, *place) == pytest.approx(cross_ratio(z, *place), rel=1e-9)


@pytest.mark.parametrize(("k", "change"), [(4, 0.3), (4, -0.1), (5, 0.5), (6, 0.3)])
@pytest.mark.parametrize("name", ["ten", "gamma", "normal"])
def test_the_later_legs_follow_the_projected_gradient(name, k, change):
    y = decouple_moments(SAMPLES[name], k).sample
    value = float(np.mean(y**k)) + change
    np.testing.assert_allclose(move_moment(y, k, value), follow_projected_gradient(y, k, value), atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(x=small_samples)
def test_order_is_kept_and_ties_stay_ties(x):
    assume(len(np.unique(x)) >= 8)
    try:
        y = decouple_moments(x).sample
    except InputError:
        assume(False)
    order = np.argsort(x, kind="stable")
    steps, before = np.diff(y[order]), np.diff(x[order])
    assert np.all(steps[before > 0] > 0)
    assert np.all(steps[before == 0] == 0)


def refusal(x, order: int = 6) -> str:
    with pytest.raises(InputError) as caught:
        decouple_moments(np.asarray(x, dtype=float), order)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize(
    ("x", "fragments"),
    [
        ([0, 1] * 10, ("leg 3", "received 2", "3 different values")),
        ([0, 1, 5], ("leg 4", "received 3", "4 different values")),
        ([0, 0, 0, 0, 1, 2, 3], ("leg 3", "smallest value", "4 of 7", "to 0", f"{1 / np.sqrt(12):.6g}")),
        ([0, 1, 2, 3, 3, 3], ("leg 3", "largest value", "3 of 6", "to 0")),
        ([1, 2, 3, 4, 5, 6], ("leg 4", "to 3", "approaches")),
        ([-3, -2.5, 0, 2.5, 3], ("leg 4", "to 3", f"{5 / 2:g}")),
        ([-2, -2, -1, 0, 1, 2, 2], ("leg 4", "to 3", f"{7 / 4:g}")),
        ([-2, -1, *[0] * 10, 1, 2], ("leg 4", "to 3", f"{14 / 4:g}")),
    ],
)
def test_dead_ends_are_named_with_leg_target_and_the_value_reached(x, fragments):
    """Where a leg ends.

    - m equal values at one end of N leave two different values in the limit, of skewness (N - 2m)/√(m(N - m)).
    - Ends of mass m/N each cap the kurtosis of a symmetric sample at N/2m; an inner tie leaves it at N/(N - tie).
    """
    line = refusal(x)
    assert all(fragment in line for fragment in (*fragments, "dequantize", "order"))


def test_a_dead_end_stops_only_the_orders_after_it():
    assert decouple_moments([0, 1] * 10, 3).values == pytest.approx([0.5, 0.25, 0])
    assert decouple_moments([1, 2, 3, 4, 5, 6], 4).values[3] == pytest.approx(kurtosis(range(6), fisher=False))
    assert decouple_moments([0, 1, 5], 4).values[3] == pytest.approx(1.5)
