"""Arrays: good ones are not copied, and a refusal names the shape, type or number of values that is wrong."""

import math

import numpy as np
import pytest
from refusals import refusal

from decoupling_lib.common import validation

GRAY = np.full((16, 16, 3), 0.5)


def test_an_image_becomes_float64_and_is_not_copied_if_it_is():
    assert validation.image(GRAY, "a") is GRAY
    converted = validation.image(GRAY.astype(np.float32).tolist(), "a")
    assert converted.dtype == np.float64 and np.array_equal(converted, GRAY)


@pytest.mark.parametrize(
    "bad, fact",
    [
        (GRAY[..., 0], "(16, 16)"),
        (GRAY[..., :2], "(16, 16, 2)"),
        (GRAY[None], "(1, 16, 16, 3)"),
        (GRAY[:15], "(15, 16, 3)"),
        (GRAY[:, :15], "(16, 15, 3)"),
        (GRAY.astype(complex), "complex128"),
        (GRAY.astype(object), "object"),
        ((255 * GRAY).astype(np.uint8), "by 255"),
        ([[1.0, 2.0], [3.0]], "list of 2 entries"),
        ("text", "<U4"),
        (None, "object"),
    ],
)
def test_other_arrays_are_no_images(bad, fact):
    line = refusal(validation.image, bad, "content")
    assert line.startswith("content ") and fact in line


def test_values_that_are_not_finite_are_counted():
    bad = GRAY.copy()
    bad[0, 0, 0] = math.nan
    assert "1 value that is not finite" in refusal(validation.image, bad, "content")
    bad[1, :2, 0] = math.inf, -math.inf
    assert "3 values that are not finite" in refusal(validation.image, bad, "content")


def test_an_image_needs_contrast_in_one_channel():
    colored = GRAY * [0.1, 0.5, 0.9]
    assert "received 0.0;" in refusal(validation.not_constant, colored, "style")
    colored[3, 4, 1] += 0.9 * validation.MIN_SPREAD
    assert f"{validation.MIN_SPREAD:.5f}" in refusal(validation.not_constant, colored, "style")
    colored[3, 4, 1] += 0.2 * validation.MIN_SPREAD
    assert validation.not_constant(colored, "style") is colored


def test_a_sample_is_a_vector_of_float64():
    x = np.array([1.0, 2.0])
    assert validation.sample(x, "x") is x
    assert validation.sample([3, 1], "x").tolist() == [3.0, 1.0]


@pytest.mark.parametrize(
    "bad, fact",
    [
        ([1, 2, math.nan], "not finite"),
        ([[1, 2, 3]], "(1, 3)"),
        ([1, 2], "at least 3"),
        ([[1], [1, 2]], "list of 2 entries"),
        (["a", "b", "c"], "<U1"),
        ([True, False, True], "bool"),
        ([1j, 2, 3], "complex128"),
    ],
)
def test_other_arrays_are_no_samples(bad, fact):
    assert fact in refusal(validation.sample, bad, "x", 3)


def test_compared_arrays_have_one_shape_and_become_float64():
    x, reference = validation.same_shape([[1, 2]], np.ones((1, 2), np.float32))
    assert x.dtype == reference.dtype == np.float64 and x.shape == reference.shape == (1, 2)
    line = refusal(validation.same_shape, np.zeros((2, 1)), np.zeros((1, 2)))
    assert "(2, 1)" in line and "(1, 2)" in line
    refusal(validation.same_shape, [], [])
