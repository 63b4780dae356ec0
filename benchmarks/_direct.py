"""Shared by the experiments: direct matching of coupled means, a share of the way, and its curves of what it keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from decoupling_lib.common.arrays import Floats, Mask
from decoupling_lib.engine.features import Counted

SHARES = (0.2, 0.4, 0.6, 0.75, 0.85, 0.92, 1.0)
"""Shares of the way from the target's means to the origin's."""


def match_directly(features: Counted, x: Floats, origin: Floats, share: float, live: Mask) -> Floats:
    """Return an image that is moved a share of the way to the origin's means, by L-BFGS to 0.1 %.

    Parameters
    ----------
    features : Counted
        The channel means, which count the passes.
    x, origin : ndarray, shape (H, W, 3)
        The image to be moved, and the one that gives the style.
    share : float
        0 for the means of `x`, 1 for those of the origin.
    live : ndarray of bool, shape (n,)
        The channels that count.
    """
    from decoupling_lib.methods.baselines import descend_lbfgs

    start, end = features.map.values(x), features.map.values(origin)
    aim = start + share * (end - start)
    return descend_lbfgs(features, x, aim, live=live, iterations=600, threshold=1e-3).x


def best_at(style: Sequence[float], content: Sequence[float], wanted: float, untouched: float = 1.0) -> float:
    """Return the best content on a curve where its style is `wanted`.

    The curve begins with the target as it was, at (1, `untouched`), and is straight between its points. Where it passes
    `wanted` more than once, the best content counts. If it never comes that close in style, its closest point counts;
    if it never is that far away, its furthest one. All of this favors the method whose curve it is.

    Parameters
    ----------
    style, content : sequence of float
        What is left of the distance to the origin's style, and what is left of the target (more is better).
    wanted : float
        The style at which to read the curve.
    untouched : float
        The content of the target as it was.
    """
    s, c = np.array([1.0, *style]), np.array([untouched, *content])
    if wanted <= s.min():
        return float(c[s.argmin()])
    if wanted >= s.max():
        return float(c[s.argmax()])
    found = [
        c[k] + (c[k + 1] - c[k]) * (wanted - s[k]) / (s[k + 1] - s[k])
        for k in range(len(s) - 1)
        if s[k] != s[k + 1] and min(s[k], s[k + 1]) <= wanted <= max(s[k], s[k + 1])
    ]
    return float(max(found))
