"""Decoupled moments: exact values, two routes to each of them, there and back, and invariances."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from moment_references import (
    GAMMA,
    SAMPLES,
    exact_orthokurtosis,
    exact_symmetric_moments,
    integrated_moments,
)
from strategies import small_samples
from toys import SAMPLE, reference

from decoupling_lib.common.errors import InputError
from decoupling_lib.engine.context import Context, Settings
from decoupling_lib.engine.features import Counted
from decoupling_lib.engine.normalization import impose, normalize
from decoupling_lib.moments.coupled import MOMENT_REFERENCE, moment_feature_map, standardize
from decoupling_lib.moments.decoupling import decouple_moments, impose_moments, orthokurtosis, transfer_moments
from decoupling_lib.moments.legs import move_skewness

FINE = Settings(rule="adaptive", steps=5000, tolerance=1e-12, threshold=1e-12)
each_sample = pytest.mark.parametrize("x", SAMPLES.values(), ids=SAMPLES.keys())


def engine_context(order: int) -> Context:
    features = moment_feature_map(order)
    return Context(Counted(features), reference(features, MOMENT_REFERENCE[:order]), FINE)


def test_mean_variance_and_skewness_are_those_of_exact_arithmetic():
    x = [Fraction(str(float(value))) for value in SAMPLE]
    mean = sum(x) / len(x)
    second, third = (sum((value - mean) ** k for value in x) / len(x) for k in (2, 3))
    expected = [float(mean), float(second), float(third) / float(second) ** 1.5]
    np.testing.assert_allclose(decouple_moments(SAMPLE, 3).values, expected, rtol=1e-13)


@pytest.mark.parametrize("x", [SAMPLE, GAMMA, [0, 1, 2, 4], [0, 0.1, 0.3, 1, 1, 7]], ids=["ten", "gamma", "4", "6"])
def test_orthokurtosis_is_that_of_decimal_arithmetic(x):
    expected = exact_orthokurtosis(x)
    assert orthokurtosis(x) == pytest.approx(expected, rel=1e-12)
    assert orthokurtosis(-np.asarray(x, float)) == pytest.approx(expected, rel=1e-12)


def test_orthokurtosis_of_three_equal_masses():
    """A Möbius map takes any three values to -a, 0, a; variance 1 makes a² = 3/2, so the mean of y⁴ is 3/2."""
    for three in ([0, 1, 5], [-7, 2, 2.5]):
        assert orthokurtosis(np.repeat(three, 4)) == pytest.approx(1.5, abs=1e-13)


def test_orthokurtosis_of_four_points_is_a_function_of_their_cross_ratio():
    """Four values a < b < c < d have orthokurtosis 2 - (2λ - 1)^-2 with λ = (c - a)(d - b) / ((c - b)(d - a)).

    A Möbius map takes them to -1, -r, r, 1. Their kurtosis is 2(1 + r⁴)/(1 + r²)², and 2λ - 1 = (1 + r²)/2r.
    """
    for a, b, c, d in [(0, 1, 2, 4), (0, 1, 2, 3), (-5, 0, 1, 40)]:
        ratio = Fraction((c - a) * (d - b), (c - b) * (d - a))
        expected = 2 - 1 / (2 * ratio - 1) ** 2
        assert orthokurtosis([a, b, c, d]) == pytest.approx(float(expected), abs=1e-13)
    assert orthokurtosis([0, 1, 2, 4]) == pytest.approx(1.75, abs=1e-13)  # λ = 3/2
    for a, b, c, d in np.sort(np.random.default_rng(6).random((20, 4)), axis=1):
        ratio = (c - a) * (d - b) / ((c - b) * (d - a))
        assert orthokurtosis([a, b, c, d]) == pytest.approx(2 - (2 * ratio - 1) ** -2, rel=1e-10)


@pytest.mark.parametrize("magnitudes", [(1, 2, 3, 5), (1, 2, 4, 7, 11), (1, 1, 2, 9, 10, 14)])
def test_symmetric_samples_have_the_moments_of_decimal_arithmetic(magnitudes):
    x = np.array([*magnitudes, *(-m for m in magnitudes)], float)
    fourth, sixth = exact_symmetric_moments(magnitudes)
    values = decouple_moments(x).values
    np.testing.assert_allclose(values[[3, 5]], [fourth, sixth], rtol=1e-12)
    np.testing.assert_allclose(values[[0, 2, 4]], 0, atol=1e-12)


@pytest.mark.parametrize("x", [SAMPLE, GAMMA, SAMPLES["heavy"], -SAMPLES["eight"]], ids=["ten", "gamma", "heavy", "8"])
def test_fifth_and_sixth_moments_are_those_of_an_independent_integration(x):
    x = np.sign(np.mean((x - np.mean(x)) ** 3)) * x  # the reference takes positive skewness
    np.testing.assert_allclose(decouple_moments(x).values[4:], integrated_moments(x), rtol=1e-9, atol=1e-9)


@each_sample
def test_the_engine_gives_the_same_moments(x):
    """The lift, flow and legs that move VGG's channel means, on raw moments with explicit gradients."""
    leg = normalize(engine_context(3), standardize(x)).x
    np.testing.assert_allclose(leg, move_skewness(standardize(x)), atol=1e-10)
    route = normalize(engine_context(6), x, measure_only=True)
    own = decouple_moments(x)
    np.testing.assert_allclose(route.style, own.values, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(route.x, own.sample, atol=1e-8)


def test_the_engine_imposes_the_same_moments():
    target, origin = SAMPLES["normal"], SAMPLES["gamma"]
    style = decouple_moments(origin, 4).values
    there = normalize(engine_context(4), target)
    back = impose(engine_context(4), there.x, style)
    np.testing.assert_allclose(back.x, transfer_moments(origin, target, 4), atol=1e-8)


@each_sample
@pytest.mark.parametrize("order", range(1, 7))
def test_imposing_a_samples_own_moments_gives_it_back(x, order):
    there = decouple_moments(x, order)
    np.testing.assert_allclose(
        [np.mean(there.sample**k) for k in range(1, order)], MOMENT_REFERENCE[: order - 1], atol=1e-12
    )
    assert np.max(np.abs(impose_moments(there.sample, there.values) - x)) < 1e-10 * np.std(x)


@pytest.mark.parametrize("order", range(1, 7))
def test_imposed_moments_are_measured_again(order):
    for origin, target in (("normal", "gamma"), ("gamma", "normal"), ("ten", "uniform"), ("eight", "normal")):
        imposed = transfer_moments(SAMPLES[origin], SAMPLES[target], order)
        expected = decouple_moments(SAMPLES[origin], order).values
        np.testing.assert_allclose(decouple_moments(imposed, order).values, expected, rtol=1e-10, atol=1e-10)
        np.testing.assert_array_equal(np.argsort(imposed), np.argsort(SAMPLES[target]))


@settings(max_examples=30, deadline=None)
@given(x=small_samples, scale=st.floats(0.1, 10), shift=st.floats(-5, 5))
def test_affine_invariance_and_parity(x, scale, shift):
    """Mean and variance follow a change of unit, the others ignore it; a reflection changes the sign of odd ones."""
    assume(len(np.unique(x)) >= 8)
    try:
        own = decouple_moments(x).values
    except InputError:
        assume(False)
    moved = decouple_moments(scale * x + shift).values
    np.testing.assert_allclose(moved[:2], [scale * own[0] + shift, scale**2 * own[1]], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(moved[2:], own[2:], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(decouple_moments(-x).values, own * [-1, 1, -1, 1, -1, 1], rtol=1e-5, atol=1e-5)


@given(x=small_samples)
def test_orthokurtosis_is_at_least_one(x):
    """Pearson's inequality at zero skewness."""
    assume(len(np.unique(x)) >= 3)
    try:
        assert orthokurtosis(x) >= 1 - 1e-12
    except InputError as error:
        assert "leg 3" in str(error)
        ties = max(np.count_nonzero(x == x.min()), np.count_nonzero(x == x.max()))
        assert 2 * ties >= x.size, "only an extreme value held by half of the sample is a dead end"


@given(x=small_samples, place=st.floats(-0.9, 0.9))
def test_orthokurtosis_ignores_moebius_maps_whose_pole_is_outside(x, place):
    """1/(x - pole), with the pole beyond one end at a distance of 0.05 to 0.5 of the range."""
    assume(len(np.unique(x)) >= 4)
    unit = (x - x.min()) / np.ptp(x)
    pole = 1 + 0.05 / (1 - place) if place > 0 else -0.05 / (1 + place)
    try:
        own = orthokurtosis(x)
    except InputError:
        assume(False)
    assert orthokurtosis(1 / (unit - pole)) == pytest.approx(own, rel=1e-8)


def test_orthokurtosis_changes_with_a_moebius_map_whose_pole_is_inside():
    assert abs(orthokurtosis(1 / (SAMPLE - 4)) - orthokurtosis(SAMPLE)) > 0.1


def test_five_different_values_have_six_decoupled_moments_and_come_back():
    """The sixth is measured after leg 5; to change it, a sixth leg would need six different values."""
    x = np.array([0.0, 1, 1, 2, 2, 2, 3, 3, 5])
    there = decouple_moments(x)
    np.testing.assert_allclose(impose_moments(there.sample, there.values), x, atol=1e-10)
    with pytest.raises(InputError, match="leg 6"):
        impose_moments(there.sample, there.values + [0, 0, 0, 0, 0, 1])


@pytest.mark.parametrize(
    ("values", "fragment"),
    [([0, 1, 50.0], "skewness"), ([0, 0, 1.0], "variance"), ([0, 1, np.inf], "not all finite")],
)
def test_moments_that_no_sample_has_are_refused(values, fragment):
    with pytest.raises(InputError, match=fragment):
        impose_moments(decouple_moments(SAMPLE, 3).sample, np.array(values))


def test_a_sample_that_is_not_normalized_is_refused():
    with pytest.raises(InputError, match="off the reference.*decouple_moments"):
        impose_moments(SAMPLE, decouple_moments(SAMPLE, 3).values)


def test_an_unknown_order_is_refused():
    with pytest.raises(InputError, match="order.*7.*6"):
        decouple_moments(SAMPLE, 7)


def test_extreme_units_do_not_overflow():
    expected = decouple_moments(SAMPLE).values[2:]
    for unit in (1e150, 1e-150):
        np.testing.assert_allclose(decouple_moments(unit * SAMPLE).values[2:], expected)
