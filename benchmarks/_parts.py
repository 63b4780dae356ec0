"""Shared by the experiment on independent control: judges of one part of a style each, and effects in a square of four.

A square has two pictures P and Q, and four results on one target: the first part of the style from P or Q, and the
second from P or Q. A result's key is (giver of the first part, giver of the second), as 0 for P and 1 for Q.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from _judges import band_statistics

from decoupling_lib.common.arrays import Floats
from decoupling_lib.networks.gram import gram_matrices
from decoupling_lib.networks.vgg import Network
from decoupling_lib.transfers.evaluation import OTHER_LAYERS

Description = Sequence[Floats]
"""Vectors that describe an image; distances are compared vector by vector."""
Square = Mapping[tuple[int, int], Description]
"""The descriptions of four results by key."""
KEYS = ((0, 0), (0, 1), (1, 0), (1, 1))
MIXED = ((0, 1), (1, 0))
"""The two results whose parts come from different pictures."""
JUDGES = {"colors": 0, "fine": 0, "texture": 1, "raw texture": 1, "bands": 1}
"""The outside judges, and the part of the style that each looks at (0: what block 1 gives; 1: what block 2 gives)."""


def make_judges(network: Network) -> dict[str, Callable[[Floats], Description]]:
    """Return the functions that describe an image, by the names in `JUDGES`.

    colors: the sorted values of each color; their mean absolute difference is the Wasserstein distance. fine: the Gram
    matrix of features of block1_conv2. raw texture: those of the three deeper layers of `OTHER_LAYERS`. texture: the
    same of the image with mean 0.5 and standard deviation 0.2 in each color, so that neither contrast nor color of
    single points counts. bands: statistics of differences of Gaussians, without a network.

    Parameters
    ----------
    network : Network
        See `transfers.evaluation.observer_network`.
    """
    return {
        "colors": lambda x: [np.sort(x[..., k], axis=None) for k in range(3)],
        "fine": partial(_grams, network, OTHER_LAYERS[:1]),
        "texture": lambda x: _grams(network, OTHER_LAYERS[1:], _standardize_colors(x)),
        "raw texture": partial(_grams, network, OTHER_LAYERS[1:]),
        "bands": lambda x: [band_statistics(x)],
    }


def _grams(network: Network, layers: Sequence[str], x: Floats) -> Description:
    found = gram_matrices(network, x)
    return [found[layer].ravel() for layer in layers]


def _standardize_colors(x: Floats) -> Floats:
    return 0.5 + 0.2 * (x - x.mean(axis=(0, 1))) / (x.std(axis=(0, 1)) + 1e-3)


def log_distance(a: Description, b: Description) -> float:
    """Return the mean over vectors of the logarithm of the distance between two descriptions.

    A distance of 0 counts as 1e-9 of the second vector's length.
    """
    logs = []
    for one, other in zip(a, b, strict=True):
        logs.append(np.log(max(float(np.linalg.norm(one - other)), 1e-9 * float(np.linalg.norm(other)), 1e-300)))
    return float(np.mean(logs))


def selectivity(square: Square, part: int) -> float:
    """Return how much more a part of the results depends on its own giver than on the other part's.

    Parameters
    ----------
    square : mapping
        Descriptions of the four results.
    part : int
        Which part the description is to show, 0 or 1.

    Returns
    -------
    float
        The logarithm of the effect of the own giver over that of the other one, each the geometric mean of two. Above
        0 if the own giver matters more.
    """
    effects = [[], []]  # type: list[list[float]]
    for kept in (0, 1):
        effects[0].append(log_distance(square[0, kept], square[1, kept]))
        effects[1].append(log_distance(square[kept, 0], square[kept, 1]))
    return float(np.mean(effects[part]) - np.mean(effects[1 - part]))


def cross_talk(square: Square, part: int, givers: tuple[Description, Description]) -> float:
    """Return how far a part of the results moves with the other part's giver, over the distance of its own givers.

    0 if the parts are independent; 1 if the wrong giver moves it as far as the right one should.

    Parameters
    ----------
    square : mapping
        One vector for each of the four results.
    part : int
        Which part the vector is, 0 or 1.
    givers : tuple
        The same of P and of Q.
    """
    found = []
    for own in (0, 1):
        keys = [(own, other) if part == 0 else (other, own) for other in (0, 1)]
        found.append(log_distance(square[keys[0]], square[keys[1]]) - log_distance(*givers))
    return float(np.mean(np.exp(found)))


def share_left(
    square: Square, part: int, givers: tuple[Description, Description], untouched: Description
) -> dict[str, float]:
    """Return what is left of the distance to a part's giver, as a share of what it was before.

    Parameters
    ----------
    square, part, givers : as in `cross_talk`
        The results and the givers.
    untouched : sequence of ndarray
        The same of the target.

    Returns
    -------
    dict of str to float
        Mean over the results whose parts come from two pictures (`mixed`) and from one (`whole`).
    """
    left = {
        key: float(np.exp(log_distance(square[key], givers[key[part]]) - log_distance(untouched, givers[key[part]])))
        for key in KEYS
    }
    return {
        "mixed": float(np.mean([left[key] for key in MIXED])),
        "whole": float(np.mean([left[key] for key in KEYS if key not in MIXED])),
    }


def nearer(square: Square, part: int, givers: tuple[Description, Description]) -> float:
    """Return in how many of the two mixed results a part is nearer to its own giver than to the other one (a share)."""
    return float(
        np.mean(
            [
                log_distance(square[key], givers[key[part]]) < log_distance(square[key], givers[1 - key[part]])
                for key in MIXED
            ]
        )
    )
