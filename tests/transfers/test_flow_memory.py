"""The memory of applying a flow: what is counted, against what is allocated."""

import tracemalloc

import numpy as np
import pytest
from flows import random_flow

from decoupling_lib.engine.fixed_curve import Curve, carry
from decoupling_lib.transfers.flow_memory import IMAGES, estimate_flow_mib
from decoupling_lib.transfers.flow_settings import FlowSettings


def test_the_estimate_grows_with_the_image_and_with_precision():
    flow = random_flow()
    small, large = (estimate_flow_mib(flow, (side, side), FlowSettings()) for side in (1000, 4000))
    images = IMAGES * 4 * 3 * (4000**2 - 1000**2) / 2**20
    assert large - small == pytest.approx(images, rel=0.05)
    assert estimate_flow_mib(flow, (4000, 4000), FlowSettings(exact=True)) - large > images


def test_the_images_in_memory_are_those_that_the_estimate_counts():
    """NumPy tells tracemalloc of its arrays; the start is counted here since it was made before."""

    def grow(x, w):
        y = np.clip(x, -50, 50)
        np.exp(y, out=y)
        y *= x.dtype.type(w[0])
        return y

    curve, start = Curve(np.linspace(0.0, 1.0, 5), np.full((4, 1), 0.3)), np.zeros(200_000, np.float32)
    tracemalloc.start()
    try:
        carry(grow, start, curve, 1e-6)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert IMAGES - 1 < 1 + most / start.nbytes < IMAGES + 0.1
