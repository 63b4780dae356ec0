"""The images of digits: their two parts, their enlargement and their shifts."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from decoupling_lib.common.errors import InputError
from decoupling_lib.networks.digit_images import PARTS, SIDE, digits, shift_images


def test_the_parts_share_no_digit_and_together_are_all_of_them():
    training, held_out = (digits(part) for part in PARTS)
    assert (len(training.labels), len(held_out.labels)) == (1442, 355)
    ours = [image.tobytes() for part in (training, held_out) for image in part.images]
    theirs = [image.tobytes() for image in load_digits().images]
    assert len(set(theirs)) == len(theirs) == len(set(ours)), "no two digits are equal: a shared one would show"
    counts = [np.bincount(part.labels, minlength=10) for part in (training, held_out)]
    np.testing.assert_array_equal(counts[1], sum(counts) // 5)


def test_the_parts_are_always_the_same():
    np.testing.assert_array_equal(digits("held-out").images, digits("held-out").images)


def test_an_unknown_part_is_refused():
    with pytest.raises(InputError, match="test.*held-out"):
        digits("test")


def test_enlarging_keeps_each_digit_recognizable():
    data, original = digits("held-out"), load_digits()
    assert data.images.dtype == np.float32 and data.images.min() >= 0 and data.images.max() <= 1
    # The mean of each 4x4 block is close to the pixel it came from, so the nearest of all digits is the digit itself.
    small = data.images.reshape(-1, 8, 4, 8, 4).mean(axis=(2, 4)).reshape(-1, 64)
    flat = original.images.reshape(-1, 64) / 16
    nearest = np.argmin(((small[:, None] - flat[None]) ** 2).sum(axis=-1), axis=1)
    np.testing.assert_array_equal(original.target[nearest], data.labels)
    assert len(set(nearest)) == len(nearest) == 355


def test_shifts_are_whole_pixels_up_to_two_in_both_directions():
    point = np.zeros((500, SIDE, SIDE), np.float32)
    point[:, 16, 16] = 1
    moved = shift_images(point, np.random.default_rng(0))
    np.testing.assert_array_equal(moved.sum(axis=(1, 2)), 1)
    rows, columns = np.nonzero(moved)[1:]
    offsets = {(int(y) - 16, int(x) - 16) for y, x in zip(rows, columns, strict=True)}
    assert offsets == {(y, x) for y in range(-2, 3) for x in range(-2, 3)}
