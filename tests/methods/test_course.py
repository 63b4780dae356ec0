"""The progress of iterations: never back, right at its ends, and with an image now and then."""

import numpy as np
import pytest

from decoupling_lib.methods.course import CURVE_POINTS, LOOKS, Course


def follow(errors, iterations, threshold):
    """Return what a course records of iterates with these errors."""
    records = []
    course = Course(lambda *values: records.append(values), iterations, threshold)
    for iteration, error in enumerate(errors):
        course(iteration, error, np.full(1, iteration))
    return records


def test_progress_is_the_share_of_the_iterations_where_the_error_does_not_fall():
    records = follow(np.ones(11), 10, 0.01)
    np.testing.assert_allclose([progress for progress, _, _ in records], np.linspace(0, 1, 11))


def test_progress_is_the_share_of_the_way_on_a_logarithmic_scale_where_that_is_more():
    records = follow([1.0, 0.1, 0.01, 0.001, 0.0001], 100, 1e-4)
    np.testing.assert_allclose([progress for progress, _, _ in records], [0, 0.25, 0.5, 0.75, 1])


@pytest.mark.parametrize("errors", [[1, 0.1, 1, 0.1], [1, np.nan, np.inf, 0.5], [1, 0, 0.2, 5], [0.001, 0.002, 0.1, 3]])
@pytest.mark.parametrize("threshold", [None, 0.0, 0.01])
def test_progress_never_goes_back_and_stays_between_0_and_1(errors, threshold):
    shares = [progress for progress, _, _ in follow(errors, 100, threshold)]
    assert np.all(np.diff(shares) >= 0) and min(shares) >= 0 and max(shares) <= 1


def test_of_many_iterations_some_are_recorded_and_few_are_shown():
    records = follow(np.ones(20001), 20000, None)
    assert CURVE_POINTS <= len(records) <= CURVE_POINTS + 1
    shown = [x for _, _, x in records if x is not None]
    assert 0.8 * LOOKS <= len(shown) <= LOOKS
