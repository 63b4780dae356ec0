"""A style flow of random weights and small random multipliers, for tests: made in no time, and as valid as any."""

from functools import cache

import numpy as np
from random_networks import random_weights

from decoupling_lib.engine.features import block_slices
from decoupling_lib.engine.fixed_curve import Curve
from decoupling_lib.networks.architectures import style_layers
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network
from decoupling_lib.transfers.style_flow import FlowLeg, ImageRecord, StyleFlow

GRID = np.array([0.0, 0.2, 0.5, 1.0])


@cache
def random_flow(layers: int = 2, seed: int = 0) -> StyleFlow:
    """Return a flow of three steps per leg that moves a picture by some hundredths."""
    network, rng = (
        build_network(None, random_weights(), style_layers("vgg16", "thesis", layers)),
        np.random.default_rng(seed),
    )
    x = rng.random((24, 24, 3))
    at = ChannelMeans(network).linearize(x)
    scales = np.einsum("ij,ij->i", rows := at.jacobian().astype(float), rows) * 24**2
    legs = []
    for layer, block in block_slices(ChannelMeans(network).blocks).items():
        n = block.stop
        there, back = (_gentle(rng.standard_normal((3, n)) / np.sqrt(scales[:n]), rows[:n]) for _ in range(2))
        gram = (rows[:n] @ rows[:n].T * 24**2 / np.sqrt(np.outer(scales[:n], scales[:n]))).astype(np.float32)
        legs.append(FlowLeg(layer, Curve(GRID, there), Curve(1.0 - GRID[::-1], back), gram, gram))
    n = len(scales)
    return StyleFlow(
        network=network.describe(),
        seed=1,  # that of `random_weights`
        reference="midpoint",
        values=at.values,
        live=np.arange(n) != n - 1,
        delta=0.03,
        scales=scales,
        origin_style=at.values * 1.1,
        target_style=at.values * 0.9,
        legs=tuple(legs),
        origin=ImageRecord("one", "a" * 64, 24, 24),
        target=ImageRecord("two", "b" * 64, 24, 24),
    )


def _gentle(multipliers: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return multipliers per pixel, scaled to velocities of 0.03 at the image of these Jacobian rows."""
    speeds = np.sqrt(np.mean(np.square(multipliers @ rows), axis=-1, keepdims=True))
    scaled: np.ndarray = 0.03 * multipliers / speeds / 24**2
    return scaled
