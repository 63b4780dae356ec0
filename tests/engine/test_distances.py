"""Distances between features and targets: values computed by hand, and the conventions for special cases."""

import math
import subprocess
import sys

import numpy as np
import pytest

from decoupling_lib.common.errors import InputError
from decoupling_lib.engine import distances


def test_the_block_error_is_relative_unless_the_target_is_zero():
    f, live = np.array([3.0, 4.0, 9.0]), np.array([True, True, False])
    assert distances.block_error(f, np.array([0.0, 5.0, 7.0]), live) == pytest.approx(math.sqrt(9 + 1) / 5)
    assert distances.block_error(f, np.array([0.0, 0.0, 7.0]), live) == pytest.approx(5)


def test_the_relative_error_counts_live_channels_only():
    f, v = np.array([3.0, 4.0, 9.0]), np.array([0.0, 5.0, 0.0])
    assert distances.relative_error(f, v) == pytest.approx(math.sqrt(9 + 1 + 81) / 5)
    assert distances.relative_error(f, v, np.array([False, True, False])) == pytest.approx(0.2)
    assert distances.relative_error(f, v, np.array([False, False, False])) == 0
    assert distances.relative_error(f, v, np.array([True, False, False])) == math.inf


def test_the_remaining_fraction_is_that_computed_by_hand():
    v, c, f = np.zeros(3), np.array([3.0, 4.0, 100.0]), np.array([1.5, -1.0, 100.0])
    live = np.array([True, True, False])
    block, worst = distances.remaining_fraction(f, v, c, live)
    assert block == pytest.approx(math.hypot(1.5, 1) / 5) and worst == pytest.approx(0.5)
    assert distances.remaining_fraction(c, v, c) == (1.0, 1.0)
    assert distances.remaining_fraction(v, v, c) == (0.0, 0.0)


def test_the_remaining_fraction_of_a_leg_that_began_at_its_target():
    v = np.array([1.0, 2.0])
    # The first channel began at its target: it counts in the block, but not as the worst channel.
    assert distances.remaining_fraction(np.array([1.3, 2.4]), v, np.array([1.0, 3.0])) == pytest.approx((0.5, 0.4))
    assert distances.remaining_fraction(v, v, v) == (0.0, 0.0)
    assert distances.remaining_fraction(v + 1, v, v)[0] == math.inf


@pytest.mark.parametrize(
    "call",
    [
        lambda: distances.relative_error(np.zeros(2), np.zeros(2), np.array([True])),
        lambda: distances.relative_error(np.zeros(2), np.zeros(2), np.array([1, 0])),
        lambda: distances.remaining_fraction(np.zeros(2), np.zeros(2), np.zeros(3)),
    ],
)
def test_arrays_that_cannot_be_compared_are_refused(call):
    with pytest.raises(InputError, match="received .*; accepted: "):
        call()


def test_the_import_loads_no_heavy_library():
    code = "import sys, decoupling_lib.engine.distances; print({'skimage', 'tensorflow'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
