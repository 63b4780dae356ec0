"""Fidelity by its definition, and how it depends on softness."""

import numpy as np
import pytest
from random_networks import random_weights

from decoupling_lib.common.errors import InputError
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.fidelity import fidelity, fidelity_worst
from decoupling_lib.networks.vgg import Network, build_network

RNG = np.random.default_rng(5)
ODD = RNG.random((17, 22, 3))


def network(activation="softplus", pooling="smooth", softness=0.2) -> Network:
    return build_network(weights=random_weights(), activation=activation, pooling=pooling, softness=softness)


def test_fidelity_is_exact_for_the_thesis_network():
    exact = {"relative_difference": 0.0, "correlation": 1.0}
    assert fidelity(network("relu", "max"), ODD) == {"block1_conv1": exact, "block2_conv1": exact}


def test_fidelity_falls_with_softness():
    rough, fine = (fidelity(network(softness=tau), ODD) for tau in (1.0, 0.05))
    assert list(rough) == list(fine) == ["block1_conv1", "block2_conv1"]
    for layer, found in fine.items():
        assert 0 < found["relative_difference"] < rough[layer]["relative_difference"]
        assert rough[layer]["correlation"] < found["correlation"] < 1


def test_fidelity_by_its_definition_and_the_worst_over_images():
    smooth, images = network(), [ODD, ODD**3, RNG.random((20, 20, 3))]
    each = [fidelity(smooth, x) for x in images]
    f, g = (ChannelMeans(net).values(ODD)[64:192] for net in (smooth, smooth.as_thesis()))
    found = each[0]["block2_conv1"]
    assert found["relative_difference"] == pytest.approx(np.linalg.norm(f - g) / np.linalg.norm(g))
    assert found["correlation"] == pytest.approx(np.corrcoef(f, g)[0, 1])
    worst = fidelity_worst(smooth, images)
    assert list(worst) == list(smooth.layers)
    for layer in smooth.layers:
        assert worst[layer]["relative_difference"] == max(d[layer]["relative_difference"] for d in each)
        assert worst[layer]["correlation"] == min(d[layer]["correlation"] for d in each)


def test_the_worst_of_no_images_is_refused():
    with pytest.raises(InputError, match="images.*at least one"):
        fidelity_worst(network(), [])
