"""Moments: known values, closed forms, two routes to every decoupled moment, invariances, and dead ends."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import gamma, kurtosis, moment, skew
from toys import SAMPLE

from decoupling_lib.common.errors import InputError
from decoupling_lib.engine.features import Counted
from decoupling_lib.engine.legs import Reference, Settings
from decoupling_lib.engine.lift import Damping, to_tangent
from decoupling_lib.engine.normalization import impose, normalize
from decoupling_lib.moments import decoupling
from decoupling_lib.moments.decoupling import transfer_moments
from decoupling_lib.moments.gradients import decoupled_gradients
from decoupling_lib.moments.samples import dequantize

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
FINE = Settings(rule="adaptive", steps=5000, tolerance=1e-12, solver_tolerance=1e-13, threshold=1e-12)
REFERENCE = Reference(decoupling.REFERENCE, np.ones(6, bool), Damping(0.0, np.ones(6)))
each_sample = pytest.mark.parametrize("x", SAMPLES.values(), ids=SAMPLES.keys())
some_samples = arrays(
    float, st.integers(8, 40), elements=st.floats(-10, 10, allow_subnormal=False).map(lambda v: round(v, 3))
)


def engine_reference(order: int) -> Reference:
    return Reference(decoupling.REFERENCE[:order], np.ones(order, bool), Damping(0.0, np.ones(order)))


def test_values_known_from_elsewhere():
    known = [1.242673044, 2.00890208, -0.2041273131, 10.70316709]
    np.testing.assert_allclose(decoupling.decouple(SAMPLE).values[2:], known, rtol=5e-10)
    known = [2.294055344, 0.5210321292, 14.49884536]
    np.testing.assert_allclose(decoupling.decouple(GAMMA).values[3:], known, rtol=5e-10)


@each_sample
def test_coupled_moments_are_those_of_scipy(x):
    values = decoupling.coupled(x)
    np.testing.assert_allclose(values[:4], [np.mean(x), moment(x, 2), skew(x), kurtosis(x, fisher=False)], 1e-11, 1e-13)
    np.testing.assert_allclose(values[4:], [moment(x, k) / moment(x, 2) ** (k / 2) for k in (5, 6)], 1e-11, 1e-12)


def test_orthokurtosis_of_three_equal_masses_and_of_four_points():
    """Three points: y = ±sqrt(3/2), 0. Four points: a closed form in their cross-ratio."""
    for three in ([0, 1, 5], [-7, 2, 2.5]):
        assert decoupling.orthokurtosis(np.repeat(three, 4)) == pytest.approx(1.5, abs=1e-13)
    assert decoupling.orthokurtosis([0, 1, 2, 4]) == pytest.approx(1.75, abs=1e-13)
    for a, b, c, d in np.sort(np.random.default_rng(6).random((20, 4)), axis=1):
        cross_ratio = (c - a) * (d - b) / ((c - b) * (d - a))
        assert decoupling.orthokurtosis([a, b, c, d]) == pytest.approx(2 - (2 * cross_ratio - 1) ** -2, rel=1e-10)


@each_sample
def test_polynomials_are_monic_and_orthogonal_on_the_sample(x):
    y = decoupling.decouple(x, 4).sample
    p = decoupling.orthogonal_polynomials(y, 5)
    norms = np.sqrt(np.mean(p**2, axis=1))
    np.testing.assert_allclose(p @ p.T / y.size / np.outer(norms, norms), np.eye(6), atol=1e-9)
    for degree, row in enumerate(p):
        np.testing.assert_allclose(np.polynomial.Polynomial.fit(y, row, degree).convert().coef[-1], 1, rtol=1e-6)


@each_sample
def test_the_polynomial_is_the_projected_gradient_of_the_next_moment(x):
    y = decoupling.decouple(x, 4).sample
    gradients = decoupling.feature_map(4).linearize(y).jacobian()
    projected = to_tangent(gradients[:3], gradients[3])
    np.testing.assert_allclose(projected, 4 / y.size * decoupling.orthogonal_polynomials(y, 3)[3], atol=1e-12)


@each_sample
def test_the_engine_gives_the_closed_forms(x):
    """The same lift, flow and legs that move VGG's channel means, on raw moments with explicit gradients."""
    features = Counted(decoupling.feature_map(3))
    leg = normalize(features, decoupling.standardize(x), engine_reference(3), FINE).x
    np.testing.assert_allclose(leg, decoupling.mobius(decoupling.standardize(x)), atol=1e-10)
    path = normalize(Counted(decoupling.feature_map()), x, REFERENCE, FINE, to_the_end=False)
    own = decoupling.decouple(x)
    np.testing.assert_allclose(path.style, own.values, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(path.x, own.sample, atol=1e-8)


def test_the_engine_imposes_moments_as_the_closed_forms_do():
    target, origin = SAMPLES["normal"], SAMPLES["gamma"]
    style = decoupling.decouple(origin, 4).values
    there = normalize(Counted(decoupling.feature_map(4)), target, engine_reference(4), FINE)
    back = impose(Counted(decoupling.feature_map(4)), there.x, style, engine_reference(4), FINE)
    np.testing.assert_allclose(back.x, transfer_moments(origin, target, 4), atol=1e-8)


@each_sample
@pytest.mark.parametrize("order", range(1, 7))
def test_there_and_back(x, order):
    there = decoupling.decouple(x, order)
    np.testing.assert_allclose(
        [np.mean(there.sample**k) for k in range(1, order)], decoupling.REFERENCE[: order - 1], atol=1e-12
    )
    assert np.max(np.abs(decoupling.impose(there.sample, there.values) - x)) < 1e-10 * np.std(x)


@pytest.mark.parametrize("order", range(1, 7))
def test_imposed_moments_are_measured_again(order):
    for origin, target in (("normal", "gamma"), ("gamma", "normal"), ("ten", "uniform"), ("eight", "normal")):
        imposed = transfer_moments(SAMPLES[origin], SAMPLES[target], order)
        wanted = decoupling.decouple(SAMPLES[origin], order).values
        np.testing.assert_allclose(decoupling.decouple(imposed, order).values, wanted, rtol=1e-10, atol=1e-10)


@settings(max_examples=30, deadline=None)
@given(x=some_samples, scale=st.floats(0.1, 10), shift=st.floats(-5, 5))
def test_affine_invariance_and_parity(x, scale, shift):
    """Mean and variance follow a change of unit; the rest ignores it; a mirror turns the sign of odd ones."""
    assume(len(np.unique(x)) >= 8)
    try:
        own = decoupling.decouple(x).values
    except InputError:
        assume(False)
    moved = decoupling.decouple(scale * x + shift).values
    np.testing.assert_allclose(moved[:2], [scale * own[0] + shift, scale**2 * own[1]], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(moved[2:], own[2:], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(decoupling.decouple(-x).values, own * [-1, 1, -1, 1, -1, 1], rtol=1e-5, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(x=some_samples)
def test_order_is_kept_and_ties_stay_ties(x):
    assume(len(np.unique(x)) >= 8)
    try:
        y = decoupling.decouple(x).sample
    except InputError:
        assume(False)
    order = np.argsort(x, kind="stable")
    steps, before = np.diff(y[order]), np.diff(x[order])
    assert np.all(steps[before > 0] > 0)
    assert np.all(steps[before == 0] == 0)


@given(x=some_samples)
def test_kurtosis_is_at_least_one_more_than_squared_skewness(x):
    """Pearson's inequality, for the coupled pair; for the decoupled one it says that c_4 is at least 1."""
    assume(len(np.unique(x)) >= 3)
    values = decoupling.coupled(x)
    assert values[3] >= 1 + values[2] ** 2 - 1e-9 * values[3]
    try:
        assert decoupling.orthokurtosis(x) >= 1 - 1e-12
    except InputError as error:
        assert "leg 3" in str(error)  # an extreme value held by half of the sample


@given(x=some_samples, place=st.floats(-0.9, 0.9))
def test_orthokurtosis_ignores_moebius_maps_whose_pole_is_outside(x, place):
    """1/(x - pole) with the pole beyond an end; each place gives one at a distance of 0.05 to 9 ranges."""
    assume(len(np.unique(x)) >= 4)
    unit = (x - x.min()) / np.ptp(x)
    pole = 1 + 0.05 / (1 - place) if place > 0 else -0.05 / (1 + place)
    try:
        own = decoupling.orthokurtosis(x)
    except InputError:
        assume(False)
    assert decoupling.orthokurtosis(1 / (unit - pole)) == pytest.approx(own, rel=1e-8)


def test_orthokurtosis_feels_a_moebius_map_whose_pole_is_inside():
    assert abs(decoupling.orthokurtosis(1 / (SAMPLE - 4)) - decoupling.orthokurtosis(SAMPLE)) > 0.1


@pytest.mark.parametrize("x", [SAMPLES["ten"], SAMPLES["eight"]], ids=["ten", "eight"])
def test_gradients_are_those_of_finite_differences(x):
    h = 1e-5 * np.std(x)
    differences = np.stack(
        [
            (decoupling.decouple(x + h * e).values - decoupling.decouple(x - h * e).values) / (2 * h)
            for e in np.eye(x.size)
        ],
        axis=1,
    )
    for row, expected in zip(decoupled_gradients(x), differences, strict=True):
        np.testing.assert_allclose(row, expected, atol=1e-6 * np.max(np.abs(expected)))


def cosines(rows: np.ndarray) -> np.ndarray:
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit @ unit.T


@each_sample
def test_the_first_four_gradients_are_orthogonal_everywhere(x):
    """{1, x, x²} closes under brackets, so mean to orthokurtosis are decoupled on the whole space."""
    np.testing.assert_allclose(cosines(decoupled_gradients(x, 4)), np.eye(4), atol=1e-8)


def test_the_last_gradients_are_orthogonal_on_their_manifold_and_not_off_it():
    """∇c_4 and ∇c_5 meet at right angles on R_3, where x has no skewness; elsewhere they do not."""
    off = cosines(decoupled_gradients(SAMPLE))
    on = cosines(decoupled_gradients(decoupling.decouple(SAMPLE, 4).sample))
    deeper = cosines(decoupled_gradients(decoupling.decouple(SAMPLE, 5).sample))
    assert abs(on[3, 4]) < 1e-8 and abs(on[3, 5]) < 1e-8
    assert abs(deeper[4, 5]) < 1e-8
    assert abs(off[3, 4]) > 0.05 and abs(on[4, 5]) > 0.05


def test_dequantize_breaks_ties_and_keeps_the_order_of_bins():
    x = np.random.default_rng(7).poisson(3, 300).astype(float)
    spread = dequantize(x, seed=1)
    assert len(np.unique(spread)) == 300
    np.testing.assert_array_equal(np.rint(spread), x)
    np.testing.assert_array_equal(spread, dequantize(x, seed=1))
    assert np.max(np.abs(dequantize(x, 1, 0.2) - x)) <= 0.1


def refused(x, order: int = 6) -> str:
    with pytest.raises(InputError) as caught:
        decoupling.decouple(np.asarray(x, dtype=float), order)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        ([3] * 9, "constant"),
        ([0, 1] * 10, "needs 3 different"),
        ([0, 1, 5], "needs 4 different"),
        ([0, 0, 0, 0, 1, 2, 3], "smallest value, 4 of 7"),
        ([0, 1, 2, 3, 3, 3], "largest value, 3 of 6"),
        ([1, 2, 3, 4, 5, 6], "to 3: it comes near without end"),
        ([-3, -2.5, 0, 2.5, 3], "to 3: it ends at 2.5"),
        ([-2, -2, -1, 0, 1, 2, 2], "to 3: it ends at 1.75"),
        ([-2, -1, *[0] * 10, 1, 2], "to 3: it ends at 3.5"),
        ([1, 2, np.nan], "not finite"),
        ([[1, 2], [3, 4]], "wrong shape"),
    ],
)
def test_dead_ends_are_named(x, said):
    """Heavy ends of mass m/N each cap a symmetric sample's kurtosis at N/2m; an inner tie leaves it at N/(N - tie)."""
    assert said in refused(x)


def test_a_dead_end_stops_only_the_orders_behind_it():
    assert decoupling.decouple([0, 1] * 10, 3).values == pytest.approx([0.5, 0.25, 0])
    assert decoupling.decouple([1, 2, 3, 4, 5, 6], 4).values[3] == pytest.approx(kurtosis(range(6), fisher=False))
    assert decoupling.decouple([0, 1, 5], 4).values[3] == pytest.approx(1.5)


def test_five_different_values_have_six_decoupled_moments_and_come_back():
    """The sixth is measured after leg 5; only another value of it would need a sixth leg, and six different values."""
    x = np.array([0.0, 1, 1, 2, 2, 2, 3, 3, 5])
    there = decoupling.decouple(x)
    np.testing.assert_allclose(decoupling.impose(there.sample, there.values), x, atol=1e-10)
    with pytest.raises(InputError, match="leg 6"):
        decoupling.impose(there.sample, there.values + [0, 0, 0, 0, 0, 1])


def test_what_cannot_be_imposed_is_refused():
    there = decoupling.decouple(SAMPLE, 3)
    for values, said in (
        ([0, 1, 50.0], "skewness"),
        ([0, 0, 1.0], "variance"),
        ([0, 1, np.inf], "not all finite"),
    ):
        with pytest.raises(InputError, match=said):
            decoupling.impose(there.sample, np.array(values))
    with pytest.raises(InputError, match="off the reference"):
        decoupling.impose(SAMPLE, there.values)
    with pytest.raises(InputError, match="order"):
        decoupling.decouple(SAMPLE, 7)


def test_extreme_units_do_not_overflow():
    for unit in (1e150, 1e-150):
        np.testing.assert_allclose(
            decoupling.decouple(unit * SAMPLE).values[2:], decoupling.decouple(SAMPLE).values[2:]
        )


def test_gamma_samples_converge_to_the_moments_of_the_law():
    """Quantiles as a sample: the coupled skewness and kurtosis of gamma(2) are sqrt(2) and 6."""
    quantiles = gamma.ppf((np.arange(200_000) + 0.5) / 200_000, 2)
    np.testing.assert_allclose(decoupling.coupled(quantiles, 4), [2, 2, np.sqrt(2), 6], rtol=2e-3)
