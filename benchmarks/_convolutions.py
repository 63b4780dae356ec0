"""Shared by the benchmarks of cost: how long a network's convolutions take by themselves, and how many operations."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from decoupling_lib.networks.vgg import Network

REPEATS = 5


def convolution_operations(network: Network, shape: tuple[int, int]) -> int:
    """Count the multiplications and additions in the convolutions of one forward pass."""
    return sum(2 * 9 * inputs * outputs * h * w for _, (h, w), inputs, outputs in _convolutions(network, shape))


def seconds_of_convolutions(network: Network, shape: tuple[int, int], precision: str) -> tuple[float, float]:
    """Time a network's convolutions alone, without bias, activation, pooling and means.

    Parameters
    ----------
    network : Network
        The network.
    shape : tuple of int
        Height and width of the image.
    precision : str
        float32 or float64.

    Returns
    -------
    forward, backward : float
        Seconds of all convolutions, from inputs to outputs and from gradients of outputs to those of inputs.
    """
    import tensorflow as tf

    forward = backward = 0.0
    for _, (height, width), inputs, outputs in _convolutions(network, shape):
        x, y = (
            tf.cast(tf.random.stateless_normal((1, height, width, n), (0, n)), precision) for n in (inputs, outputs)
        )
        kernel = tf.cast(tf.random.stateless_normal((3, 3, inputs, outputs), (1, 2)), precision)
        there = tf.function(lambda x, kernel: tf.nn.conv2d(x, kernel, 1, "SAME"))
        back = tf.function(lambda y, kernel, shape=x.shape: tf.nn.conv2d_transpose(y, kernel, shape, 1, "SAME"))
        forward += median_seconds(lambda there=there, x=x, kernel=kernel: there(x, kernel).numpy())
        backward += median_seconds(lambda back=back, y=y, kernel=kernel: back(y, kernel).numpy())
    return forward, backward


def _convolutions(network: Network, shape: tuple[int, int]) -> list[tuple[str, tuple[int, int], int, int]]:
    """Return name, size, and numbers of channels in and out of every convolution."""
    (height, width), inputs, found = shape, 3, []
    for kind, name in network.operations:
        if kind == "pooling":
            height, width = height // 2, width // 2
        else:
            outputs = network.channels(name)
            found.append((name, (height, width), inputs, outputs))
            inputs = outputs
    return found


def median_seconds(call: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the median time of several calls after a first one, which compiles."""
    call()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds))
