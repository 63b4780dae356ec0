"""The scale of each layer: mean activations over a fixed set of pictures, from which the temperatures follow."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ..common.arrays import Floats
from ..common.errors import input_error
from ..images.pictures import load_picture, resize
from .architectures import operations_up_to
from .primitives import preprocess
from .tensorflow import tf
from .weights import Weights

CALIBRATION_PICTURES = (
    *("china", "flower", "astronaut", "brick", "camera", "chelsea"),
    *("coffee", "grass", "gravel", "hubble_deep_field", "retina", "rocket"),
)
"""The pictures, in the order of summation. Another set, or another order, would change the bits of every result."""
CALIBRATION_SIZE = (96, 96)
"""Height and width in pixels to which they are resized."""


def mean_activations(weights: Weights, deepest: str) -> dict[str, float]:
    """Return the mean activation of each convolution in the network with ReLU and maximum pooling.

    The mean is taken over channels, positions and `CALIBRATION_PICTURES`.

    Parameters
    ----------
    weights : Weights
        The network's weights.
    deepest : str
        Name of the last convolution.

    Returns
    -------
    dict of str to float
        Means above 0, by convolution, shallowest first.

    Raises
    ------
    InputError
        A layer is silent on all pictures, or overflows; its mean then sets no scale.
    """
    means = _mean_activations(weights, deepest)
    for name, mean in means:
        if not 0 < mean < math.inf:
            step = "use --activation relu --pooling max, or other weights"
            raise input_error(f"mean activation of {name}", "sets no scale", mean, "a finite number above 0", step)
    return dict(means)


@lru_cache(maxsize=8)
def _mean_activations(weights: Weights, deepest: str) -> tuple[tuple[str, float], ...]:
    operations = operations_up_to(weights.architecture, (deepest,))
    totals: dict[str, float] = {}
    pictures = _calibration_pictures()
    for picture in pictures:
        h = preprocess(tf.constant(picture[None]))
        for kind, name in operations:
            if kind == "pooling":
                h = tf.nn.max_pool2d(h, 2, 2, "VALID")
                continue
            h = tf.nn.relu(tf.nn.conv2d(h, weights.kernels[name], 1, "SAME") + weights.biases[name])
            totals[name] = totals.get(name, 0.0) + float(h.numpy().mean(dtype=np.float64))
    return tuple((name, total / len(pictures)) for name, total in totals.items())


@lru_cache(maxsize=1)
def _calibration_pictures() -> Floats:
    pictures = [resize(load_picture(name).array, CALIBRATION_SIZE) for name in CALIBRATION_PICTURES]
    return np.stack(pictures).astype(np.float32)
