"""Shared by the experiment on independent control: judges of one part of a style each, and effects in a square of four.

A square has two pictures P and Q, and four results on one target: the first part of the style from P or Q, and the
second from P or Q. A result's key is (giver of the first part, giver of the second), as 0 for P and 1 for Q.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

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

    colors: the sorted values of each color; their distance is the Wasserstein distance of order 2. fine: the Gram
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


def examine(
    experiment: Any, results: Mapping[Any, Floats], images: list[Floats], yardsticks: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what all judges and yardsticks say of a square of results, as saved with 8 bits.

    Parameters
    ----------
    experiment : Experiment
        Network, and coupled means with their live channels.
    results : mapping
        The four images, unclipped.
    images : list of ndarray
        The target, P and Q.
    yardsticks : mapping of str to Context
        Contexts of the legs that measure decoupled styles. The coupled means are measured too, also before saving.
    """
    from skimage.metrics import structural_similarity

    from decoupling_lib.images.pictures import out_of_range_fraction, to_uint8
    from decoupling_lib.transfers.evaluation import edge_strength, observer_network

    target, *givers = images
    saved = {key: to_uint8(x) / 255.0 for key, x in results.items()}
    row: dict[str, Any] = {"selectivity": {}, "nearer": {}, "left": {}, "cross_talk": {}, "unmeasured": []}
    row["clipped"] = float(np.mean([out_of_range_fraction(x) for x in results.values()]))
    for name, describe in make_judges(observer_network(experiment.network)).items():
        part, square = JUDGES[name], {key: describe(x) for key, x in saved.items()}
        both = (describe(givers[0]), describe(givers[1]))
        row["selectivity"][name] = selectivity(square, part)
        row["nearer"][name] = nearer(square, part, both)
        row["left"][name] = share_left(square, part, both, describe(target))
    for name, context in {"coupled": None, "coupled, unsaved": None, **yardsticks}.items():
        look = _make_yardstick(experiment, context)
        vectors = {key: look(x) for key, x in (results if "unsaved" in name else saved).items()}
        before, *own = (look(image) for image in images)
        if any(each is None for each in (before, *own, *vectors.values())):
            row["unmeasured"].append(name)
            continue
        for part in (0, 1):
            square = {key: [each[part]] for key, each in vectors.items()}
            both = ([own[0][part]], [own[1][part]])
            row["left"][f"{name}, part {part + 1}"] = share_left(square, part, both, [before[part]])
            row["cross_talk"][f"{name}, part {part + 1}"] = cross_talk(square, part, both)
    similar = [structural_similarity(x, target, channel_axis=2, data_range=1.0) for x in saved.values()]
    edges = edge_strength(target).ravel()
    alike = [np.corrcoef(edge_strength(x).ravel(), edges)[0, 1] for x in saved.values()]
    return row | {"ssim": float(np.mean(similar)), "edges": float(np.mean(alike))}


def _make_yardstick(experiment: Any, context: Any) -> Callable[[Floats], Any]:
    """Return the function that measures both parts of a style, or None where a leg does not end."""
    from decoupling_lib.engine.normalization import normalize

    place = experiment.features.blocks[0].size
    live = (experiment if context is None else context).reference.live

    def look(x: Floats) -> tuple[Floats, Floats] | None:
        if context is None:
            values = experiment.features.map.values(x)
        else:
            route = normalize(context, x, measure_only=True)
            if route.status != "done":
                return None
            values = route.style
        return values[:place][live[:place]], values[place:][live[place:]]

    return look
