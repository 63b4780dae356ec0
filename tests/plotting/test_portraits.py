"""Drawings of normalization: the computed points are on the manifolds, and the axes show what was computed."""

import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from decoupling_lib.plotting import portraits

matplotlib.use("Agg")
STARTS = [np.array(point) for point in [(1.6, 1.1), (-1.0, 0.4), (0.3, 0.2)]]


@pytest.mark.parametrize("steepness", [2.0, 3.0])
def test_gradient_curves_are_power_functions_that_end_on_the_ellipse(steepness):
    plane = portraits.portrait(portraits.bowl(steepness), STARTS, 0.7, (-2, 2, -2, 2))
    for start, curve in zip(STARTS, plane.curves, strict=True):
        np.testing.assert_array_equal(curve[0], start)
        x, y = np.abs(curve.T)
        np.testing.assert_allclose(y, abs(start[1]) * (x / abs(start[0])) ** steepness, rtol=1e-7)
        assert (x[-1] ** 2 + steepness * y[-1] ** 2) / 2 == pytest.approx(0.7, abs=1e-9)


def test_the_nested_manifolds_are_those_of_three_values():
    space = portraits.nested_portrait(np.array([0.2, 4.4, 1.0]))
    np.testing.assert_allclose(space.plane.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(space.circle.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(space.circle.std(axis=1), 1, rtol=1e-12)
    known = sorted(itertools.permutations([-np.sqrt(1.5), 0.0, np.sqrt(1.5)]))
    np.testing.assert_allclose(sorted(map(tuple, np.round(space.points, 9))), np.round(known, 9), atol=1e-8)


def test_each_leg_begins_where_the_one_before_it_ended_and_holds_the_earlier_moments():
    space = portraits.nested_portrait(np.array([0.2, 4.4, 1.0]))
    assert len(space.legs) == 3
    for before, after in itertools.pairwise(space.legs):
        np.testing.assert_allclose(after[0], before[-1], atol=1e-8)
    np.testing.assert_allclose(space.legs[1].mean(axis=1), 0, atol=1e-8)
    np.testing.assert_allclose(space.legs[2].std(axis=1), 1, atol=1e-8)
    order = np.argsort([0.2, 4.4, 1.0])
    assert all(np.all(np.diff(point[order]) > 0) for leg in space.legs for point in leg)


def test_the_axes_show_what_was_computed():
    figure = Figure()
    flat, space, table = figure.add_subplot(131), figure.add_subplot(132, projection="3d"), figure.add_subplot(133)
    plane = portraits.portrait(portraits.bowl(), STARTS, 1.0, (-2, 2, -2, 2))
    portraits.show_portrait(flat, plane)
    lines = [line.get_xydata() for line in flat.lines]
    assert all(any(np.array_equal(line, curve) for line in lines) for curve in plane.curves)
    nested = portraits.nested_portrait(np.array([0.2, 4.4, 1.0]))
    portraits.show_nested(space, nested)
    assert [text.get_text() for text in space.get_legend().get_texts()] == [
        f"leg to {goal}" for goal in ("mean 0", "variance 1", "skewness 0")
    ]
    portraits.show_cosines(table, np.array([[1.0, -0.25], [-0.25, 1.0]]), ["a", "b"], "title")
    assert [text.get_text() for text in table.texts] == ["1.00", "-0.25", "-0.25", "1.00"]
    figure.canvas.draw()
