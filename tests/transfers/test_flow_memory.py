"""The memory of applying a flow: what is counted, against what is allocated."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from flows import random_flow
from paths import ROOT

from decoupling_lib.common.memory import MIB
from decoupling_lib.engine.fixed_curve import Curve, carry
from decoupling_lib.transfers import flow_memory
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


def test_the_estimate_counts_tensorflow_where_it_is_not_loaded_yet(monkeypatch):
    """The process that hands out images to workers has not loaded it, and each worker will."""
    flow, shape = random_flow(), (256, 256)
    monkeypatch.setattr(flow_memory, "resident_bytes", lambda: 60 * MIB)
    without = estimate_flow_mib(flow, shape, FlowSettings())
    monkeypatch.setattr(flow_memory, "resident_bytes", lambda: 2000 * MIB)
    assert estimate_flow_mib(flow, shape, FlowSettings()) - without > 2000 - 1000
    code = "import decoupling_lib.networks.tensorflow; from decoupling_lib.common.memory import resident_bytes as held"
    command = [sys.executable, "-c", f"{code}; print(held())"]
    loaded = int(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()[-1])
    assert without > loaded / MIB
