"""Shared by the experiments: rank correlations, and their bootstrap intervals over pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from _intervals import Interval
from scipy.stats import rankdata

from decoupling_lib.common.arrays import Floats

RESAMPLES = 5000
FEWEST = 4
"""Smallest number of different values of which a rank correlation is taken."""


def rank_correlation(x: Sequence[float] | Floats, y: Sequence[float] | Floats) -> float:
    """Return Spearman's rank correlation; NaN if one of the two is constant."""
    a, b = (rankdata(each) - (len(each) + 1) / 2 for each in (x, y))
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else float("nan")


def mean_rank_correlation(
    x: Sequence[float],
    y: Sequence[float],
    groups: Sequence[str],
    pictures: Sequence[Sequence[str]],
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return the mean over groups of the rank correlations within them, and its interval over pictures.

    Differences between groups play no part. As in `_intervals.bootstrap_over_pictures`, pictures are drawn, and a
    value counts as often as the product of how often its pictures were drawn.

    Parameters
    ----------
    x, y : sequence of float, length n
        Finite values.
    groups : sequence of str, length n
        The group of each value.
    pictures : sequence of sequence of str, length n
        The pictures of each value.
    seed, resamples : int
        Seed and number of the draws.

    Returns
    -------
    Interval
        Draws in which a group has fewer than `FEWEST` different values are left out.
    """
    first, second, group = np.asarray(x, float), np.asarray(y, float), np.asarray(groups)
    members = [np.flatnonzero(group == name) for name in dict.fromkeys(groups)]
    names = sorted({name for each in pictures for name in each})
    place = {name: number for number, name in enumerate(names)}
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)
    weights = np.ones((resamples, len(first)), int)
    for column, each in enumerate(pictures):
        for name in set(each):
            weights[:, column] *= draws[:, place[name]]
    found = []
    for weight in weights:
        if min(np.count_nonzero(weight[own]) for own in members) >= FEWEST:
            repeated = [np.repeat(own, weight[own]) for own in members]
            found.append(np.mean([rank_correlation(first[own], second[own]) for own in repeated]))
    means = np.array([each for each in found if np.isfinite(each)])
    whole = float(np.mean([rank_correlation(first[own], second[own]) for own in members]))
    if not len(means):
        return Interval(whole, -1.0, 1.0, 1.0, len(first))
    low, high = np.percentile(means, (2.5, 97.5))
    p = max(2 * min(float(np.mean(means <= 0)), float(np.mean(means >= 0))), 1 / len(means))
    return Interval(whole, float(low), float(high), min(p, 1.0), len(first))
