"""Images on curves of fixed multipliers: closed forms, the way back, the order of steps, and what has no solution."""

import numpy as np
import pytest
from scipy.optimize import brentq
from toys import CURVED, TOY, point

from decoupling_lib.engine.context import Context, Reference, Settings
from decoupling_lib.engine.features import Counted
from decoupling_lib.engine.fixed_curve import Curve, CurveError, carry, join_grids
from decoupling_lib.engine.lift import Damping
from decoupling_lib.engine.normalization import normalize


def pull_back(features):
    return lambda x, w: features.linearize(x).vjp(w)


def spectral(x, w):
    """Jᵀ w of mean(x²) and mean(|Dx|²) of a periodic signal: 2/N (w_0 x + w_1 DᵀDx)."""
    return 2 / x.size * (w[0] * x + w[1] * (2 * x - np.roll(x, 1) - np.roll(x, -1)))


EQUAL = np.linspace(0.0, 1.0, 17)


def test_two_quadratic_features_filter_the_frequencies_of_a_signal():
    n, a, b = 64, 0.3, -0.2
    x, laplacian = point(5, n), 2 - 2 * np.cos(2 * np.pi * np.fft.fftfreq(n))
    curve = Curve(EQUAL, np.tile([n * a / 2, n * b / 2], (16, 1)))  # so that V = (a + b DᵀD) x
    end = carry(spectral, x, curve, 1e-14).x
    # An implicit midpoint step multiplies by the Cayley transform; their product is the exponential up to h².
    rates = (a + b * laplacian) / 16
    steps = ((1 + rates / 2) / (1 - rates / 2)) ** 16
    np.testing.assert_allclose(np.fft.fft(end), steps * np.fft.fft(x), atol=1e-11)
    np.testing.assert_allclose(np.fft.fft(end), np.exp(a + b * laplacian) * np.fft.fft(x), atol=5e-3)


def test_the_observed_order_of_the_steps_is_two():
    n, x = 32, point(6, 32)
    curve = Curve(np.array([0.0, 1.0]), n / 2 * np.array([[0.4, -0.1]]))
    rates = 0.4 - 0.1 * (2 - 2 * np.cos(2 * np.pi * np.fft.fftfreq(n)))
    exact = np.fft.ifft(np.exp(rates) * np.fft.fft(x)).real
    errors = [np.abs(carry(spectral, x, curve.subdivide(parts), 1e-14).x - exact).max() for parts in (8, 16)]
    assert 1.9 < np.log2(errors[0] / errors[1]) < 2.1


@pytest.mark.parametrize(("features", "x"), [(TOY, 0.5 * point(2, 14)), (CURVED, point(3, 12).reshape(2, 2, 3))])
def test_the_way_back_returns_to_rounding_on_uneven_steps(features, x):
    grid = np.array([0.0, 0.05, 0.3, 0.6, 1.0])
    curve = Curve(grid, 0.1 * np.random.default_rng(0).standard_normal((4, len(features.values(x)))))
    there = carry(pull_back(features), x, curve, 1e-15).x
    back = carry(pull_back(features), there, curve.reverse(), 1e-15).x
    assert np.abs(there - x).max() > 0.05
    np.testing.assert_allclose(back, x, atol=1e-13)


def test_the_curve_of_a_solved_leg_leads_where_the_leg_led():
    x, start = 0.5 * point(2, 14), 0.5 * point(3, 14)
    live, scales = np.ones(5, bool), np.full(5, 2.0)
    reference = Reference(TOY.values(x), live, Damping(0.01, scales))
    route = normalize(Context(Counted(TOY), reference, Settings(steps=32, tolerance=1e-12, corrections=0)), start)
    for depth, layer in enumerate(("block1", "block2"), start=1):
        guide, map_ = route.guides[layer], TOY.prefix(depth)
        curve = Curve(guide.grid, guide.multipliers / np.sqrt(scales[: guide.multipliers.shape[1]]))
        start = carry(pull_back(map_), start, curve, 1e-13).x
    np.testing.assert_allclose(start, route.x, atol=1e-10)


def test_a_single_precision_image_stays_one():
    curve = Curve(EQUAL, np.tile([1.0, -0.5], (16, 1)))
    x = point(5, 64).astype(np.float32)
    assert carry(lambda x, w: spectral(x, w).astype(x.dtype), x, curve, 1e-5).x.dtype == np.float32


def test_steps_are_counted_and_reported():
    seen = []
    carried = carry(spectral, point(5, 64), Curve(EQUAL, np.zeros((16, 2))), 1e-9, seen.append)
    assert seen == list(range(1, 17))
    assert carried.pullbacks == 16  # nothing moves, which a single evaluation per step shows


@pytest.mark.parametrize("rate", [1e3, np.nan])
def test_a_step_without_a_solution_ends_with_one_line(rate):
    def explode(x, w):
        return w[0] * np.exp(np.clip(x, -50, 50))

    with pytest.raises(CurveError, match="step 1 of 2") as error:
        carry(explode, np.ones(3), Curve(np.array([0.0, 0.5, 1.0]), np.full((2, 1), rate)), 1e-9)
    assert "\n" not in str(error.value)


def test_a_step_without_a_solution_is_taken_in_halves():
    """V = 0.8 exp(hV/2) has no solution at h = 1, since 0.8 > 2/e, the largest value of V exp(-V/2)."""

    def grow(x, w):
        return w[0] * np.exp(np.clip(x, -50, 50))

    curve, expected = Curve(np.array([0.0, 1.0]), np.full((1, 1), 0.8)), 0.0
    with pytest.raises(CurveError):
        carry(grow, np.zeros(1), curve, 1e-12)
    for _ in range(2):
        expected += 0.5 * brentq(lambda v, x=expected: 0.8 * np.exp(x + v / 4) - v, 0.0, 4.0, xtol=1e-14)
    seen = []
    carried = carry(grow, np.zeros(1), curve, 1e-12, seen.append, max_halvings=3)
    assert carried.x == pytest.approx(expected) and carried.halvings == 1 and seen == [1]


def test_a_curve_on_a_finer_grid_is_the_same_curve():
    curve = Curve(np.array([0.0, 0.25, 1.0]), np.array([[1.0], [2.0]]))
    finer = curve.on_grid(join_grids(curve.grid, np.array([0.0, 0.5, 1.0])))
    np.testing.assert_array_equal(finer.grid, [0.0, 0.25, 0.5, 1.0])
    np.testing.assert_array_equal(finer.multipliers.ravel(), [1.0, 2.0, 2.0])
    np.testing.assert_allclose(curve.subdivide(2).grid, [0.0, 0.125, 0.25, 0.625, 1.0])
    np.testing.assert_array_equal(curve.subdivide(2).multipliers.ravel(), [1.0, 1.0, 2.0, 2.0])


def test_a_mixture_with_the_way_back_leads_from_the_start_to_the_other_end():
    curve = Curve(EQUAL, np.tile([4.0, -3.0], (16, 1)))
    np.testing.assert_array_equal(curve.mix(curve.scale(2.0), 0.25).multipliers[0], [5.0, -3.75])
    x = point(5, 64)
    there = carry(spectral, x, curve, 1e-14).x
    own = curve.reverse().mix(curve.scale(7.0), 0.0)
    np.testing.assert_allclose(carry(spectral, there, own, 1e-14).x, x, atol=1e-13)


def test_points_that_differ_by_rounding_are_one():
    grid = np.linspace(0.0, 1.0, 8)
    assert len(join_grids(grid, 1.0 - (1.0 - grid))) == 8
