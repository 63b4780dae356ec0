"""Shared by the experiments: intervals of means over pairs of pictures, and Holm's correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 20_000


@dataclass(frozen=True)
class Interval:
    """A mean with its bootstrap interval.

    Parameters
    ----------
    mean : float
        The mean over what was measured.
    low, high : float
        Ends of the 95 % percentile interval.
    p : float
        Two-sided: twice the smaller share of resampled means on one side of 0, at least 1/`RESAMPLES`.
    count : int
        Number of values.
    """

    mean: float
    low: float
    high: float
    p: float
    count: int

    def __str__(self) -> str:
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def bootstrap_over_pictures(
    values: Sequence[float], pictures: Sequence[Sequence[str]], seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Return the mean of values that each belong to one or several pictures, and its interval over pictures.

    Values that share a picture are not independent, so pictures are drawn and not values: a value counts as often as
    the product of how often its pictures were drawn (the pigeonhole bootstrap: Owen 2007, "The pigeonhole bootstrap",
    Annals of Applied Statistics 1). The interval is somewhat too wide rather than too narrow.

    Parameters
    ----------
    values : sequence of float, length n
        Finite values.
    pictures : sequence of sequence of str, length n
        The pictures of each value.
    seed : int
        Seed of the draws.
    resamples : int
        Number of draws.

    Returns
    -------
    Interval
        Draws in which no value counts are left out.
    """
    x = np.asarray(values, dtype=float)
    names = sorted({name for each in pictures for name in each})
    place = {name: number for number, name in enumerate(names)}
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)
    weights = np.ones((resamples, len(x)))
    for column, each in enumerate(pictures):
        for name in set(each):
            weights[:, column] *= draws[:, place[name]]
    sums = weights.sum(axis=1)
    means = (weights @ x)[sums > 0] / sums[sums > 0]
    low, high = np.percentile(means, (2.5, 97.5))
    p = max(2 * min(float(np.mean(means <= 0)), float(np.mean(means >= 0))), 1 / len(means))
    return Interval(float(x.mean()), float(low), float(high), min(p, 1.0), len(x))


def correct_by_holm(p: Mapping[str, float]) -> dict[str, float]:
    """Return Holm's adjusted p-values of a family of tests, by their names (Holm 1979).

    Examples
    --------
    >>> correct_by_holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'c': 0.06, 'b': 0.06}
    """
    adjusted, largest = {}, 0.0
    for rank, name in enumerate(sorted(p, key=p.__getitem__)):
        largest = max(largest, min(1.0, (len(p) - rank) * p[name]))
        adjusted[name] = largest
    return adjusted
