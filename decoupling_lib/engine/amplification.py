"""By how much a leg stretches small changes of an image, on the way there and on the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..common import validation
from ..common.arrays import Floats
from .leg_derivative import SolvedLeg

MAX_PRODUCTS = 12
TOLERANCE = 0.02
"""Relative change of the estimate at which the power iteration ends."""


@dataclass(frozen=True)
class Amplification:
    """Growth of small changes of the image along a leg at a constant rate: ‖after‖/‖before‖.

    Parameters
    ----------
    there, back : float
        The largest growth, that is the largest singular value of the leg's derivative M and of its inverse. A power
        iteration approaches it from below.
    white_there, white_back : float
        The growth of white noise: the root mean square of the singular values, estimated from one draw.
    """

    there: float
    back: float
    white_there: float
    white_back: float


def amplification(leg: SolvedLeg, products: int = MAX_PRODUCTS, seed: int = 0) -> Amplification:
    """Return by how much a leg stretches small changes of an image.

    The error of a self-transfer follows the growth on the way back (`benchmarks/amplification.py`). The leg is taken at
    the constant rate with which it was followed, so that the way back is its inverse.

    Parameters
    ----------
    leg : SolvedLeg
        A leg of `decoupled_features.record_legs`.
    products : int
        Maximum number of products with MᵀM per direction, at least 1. Each costs several times as much as the leg.
    seed : int
        Seed of the first direction.

    Returns
    -------
    Amplification
        Both ways.

    References
    ----------
    Golub and Van Loan, *Matrix Computations*, section 8.2 (power iteration).
    """
    validation.integer_in_range(products, "products", 1, 10_000)
    there = replace(leg, aims_at_values=False)
    back = there.reversed()
    start = np.random.default_rng(validation.seed(seed)).standard_normal(leg.points[0].shape)
    largest, white = _grow(there.push, there.pull, start, products)
    largest_back, white_back = _grow(back.push, back.pull, start, products)
    return Amplification(largest, largest_back, white, white_back)


def _grow(
    push: Callable[[Floats], Floats], pull: Callable[[Floats], Floats], start: Floats, products: int
) -> tuple[float, float]:
    """Return the largest growth and that of the start."""
    before = start / np.linalg.norm(start)
    after = push(before)
    white = largest = float(np.linalg.norm(after))
    for _ in range(products - 1):
        before = pull(after)
        before /= np.linalg.norm(before)
        after = push(before)
        previous, largest = largest, float(np.linalg.norm(after))
        if largest - previous <= TOLERANCE * previous:
            break
    return largest, white
