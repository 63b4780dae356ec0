"""Gradients of the Sobolev metric, compared with dense matrices."""

import numpy as np
import pytest
from toys import softplus_sums

from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.context import Context, Reference, Settings
from decoupling_lib.engine.features import Block, Counted
from decoupling_lib.engine.lift import Damping, Lift
from decoupling_lib.engine.normalization import impose, normalize, retracing
from decoupling_lib.engine.sobolev import Smoothed, smooth

SHAPE = (4, 5, 3)
RNG = np.random.default_rng(5)


def metric(length: float) -> np.ndarray:
    """Return I + length² L for images of `SHAPE`, where L sums over the edges between neighboring pixels."""
    places = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    edges = [*zip(places[1:].ravel(), places[:-1].ravel(), strict=True)]
    edges += zip(places[:, 1:].ravel(), places[:, :-1].ravel(), strict=True)
    laplacian = np.zeros((places.size, places.size))
    for a, b in edges:
        laplacian[[a, b, a, b], [a, b, b, a]] += [1, 1, -1, -1]
    return np.eye(places.size) + length**2 * laplacian


def images() -> ClosedForm:
    """Return sums of softplus units of the pixels of an image, in blocks of 2 and 3."""
    flat = softplus_sums((2, 3), int(np.prod(SHAPE)), seed=4)
    return ClosedForm(
        flat.blocks,
        lambda x: flat.function(x.ravel()),
        lambda x: flat.gradient(x.ravel()),
        lambda x, w: flat.curvature(x.ravel(), w),
    )


@pytest.mark.parametrize("length", [0.0, 0.7, 3.0])
def test_smoothing_solves_the_equation_of_the_metric(length: float):
    field = RNG.standard_normal(SHAPE)
    smoothed = smooth(field, length)
    np.testing.assert_allclose(metric(length) @ smoothed.ravel(), field.ravel(), rtol=1e-10, atol=1e-12)
    assert smoothed.sum() == pytest.approx(field.sum()) and smooth(field.astype("f4"), length).dtype == np.float32


def test_operators_are_those_of_the_map_with_smoothed_gradients():
    plain, smoothed = images(), Smoothed(images(), 1.5)
    inverse, x, dx, w = np.linalg.inv(metric(1.5)), *RNG.standard_normal((2, *SHAPE)), RNG.standard_normal(5)
    at, own = plain.linearize(x), smoothed.linearize(x)
    np.testing.assert_array_equal(own.values, plain.values(x))
    np.testing.assert_array_equal(smoothed.values(x), plain.values(x))
    np.testing.assert_array_equal(own.jvp(dx), at.jvp(dx))
    rows = plain.gradient(x)
    np.testing.assert_allclose(own.vjp(w).ravel(), inverse @ (w @ rows), rtol=1e-10, atol=1e-12)
    h = 1e-5
    change = (smoothed.linearize(x + h * dx).vjp(w) - smoothed.linearize(x - h * dx).vjp(w)) / (2 * h)
    np.testing.assert_allclose(own.hvp(w, dx), change, rtol=1e-6, atol=1e-8)
    found = own.jacobian()
    np.testing.assert_allclose(found @ found.T, rows @ inverse @ rows.T, rtol=1e-10)
    some = own.jacobian(np.array([True, False, True, True, False]))
    np.testing.assert_array_equal(some[[0, 2, 3]], found[[0, 2, 3]])
    assert not some[[1, 4]].any()
    first = smoothed.prefix(1)
    assert first.blocks == plain.blocks[:1] == smoothed.blocks[:1] and first.length == 1.5
    np.testing.assert_allclose(first.linearize(x).vjp(w[:2]).ravel(), inverse @ (w[:2] @ rows[:2]), rtol=1e-10)


def test_a_lift_is_the_motion_of_least_sobolev_length():
    """In that metric it is perpendicular to every motion that leaves the features as they are."""
    x, rate = RNG.standard_normal(SHAPE), np.array([0.0, 0.0, 1.0, -2.0, 0.5])
    lift = Lift(rate, np.ones(5, bool), Damping(0.0, np.ones(5)), tolerance=1e-12)
    velocity = lift.velocity(Smoothed(images(), 2.0).linearize(x)).ravel()
    rows = images().gradient(x)
    np.testing.assert_allclose(rows @ velocity, rate, atol=1e-8)
    _, _, basis = np.linalg.svd(rows)
    np.testing.assert_allclose(basis[5:] @ metric(2.0) @ velocity, 0, atol=1e-7)


def test_legs_reach_the_reference_and_lead_back():
    features = Counted(Smoothed(images(), 2.0))
    x = 0.3 * RNG.standard_normal(SHAPE)
    values = images().values(x) + 0.2 * RNG.standard_normal(5)
    reference = Reference(values, np.ones(5, bool), Damping(0.0, np.ones(5)))
    context = Context(features, reference, Settings(steps=8, tolerance=1e-12))
    there = normalize(context, x)
    assert there.status == "done"
    np.testing.assert_allclose(images().values(there.x), values, rtol=1e-3)
    back = impose(retracing(context, there), there.x, there.style)
    np.testing.assert_allclose(back.x, x, atol=1e-6)
    assert np.abs(there.x - normalize(Context(Counted(images()), reference, context.settings), x).x).max() > 1e-3


def test_a_ripple_is_a_longer_motion_than_a_change_of_brightness():
    """Two features with gradients of one length: the metric leaves the even one as it is, and shrinks the other."""
    even, ripple = np.ones(SHAPE), np.ones(SHAPE) * np.where(np.indices(SHAPE[:2]).sum(0) % 2, 1, -1)[..., None]
    rows = np.stack([even.ravel(), ripple.ravel()])
    pair = ClosedForm((Block("pair", 2),), lambda x: rows @ x.ravel(), lambda _: rows)
    lengths = np.linalg.norm(Smoothed(pair, 2.0).linearize(even).jacobian(), axis=1)
    assert lengths[0] == pytest.approx(np.sqrt(60)) and lengths[1] < 0.3 * lengths[0]
