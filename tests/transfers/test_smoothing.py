"""Transfers with gradients of the Sobolev metric."""

from dataclasses import replace

import numpy as np

from decoupling_lib.transfers.options import Options
from decoupling_lib.transfers.setup import transfer

OPTIONS = Options(layers=2, network="vgg16", weights="random", size=(32, 32), damping=0.3)


def test_a_smoothed_transfer_moves_as_many_means_with_less_fine_detail():
    moved, left = [], []
    for length in (0.0, 2.0):
        result = transfer("coffee", "chelsea", replace(OPTIONS, smoothing=length))
        assert result.status == "done"
        way = result.result - result.target
        moved.append(sum((np.diff(way, axis=axis) ** 2).sum() for axis in (0, 1)) / (way**2).sum())
        left += [result.style_gaps["result"][layer] / result.style_gaps["untouched"][layer] for layer in result.layers]
    assert moved[1] < 0.8 * moved[0] and max(left) < 0.7
