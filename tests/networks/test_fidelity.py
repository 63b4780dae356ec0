"""Fidelity by its definition, and its direction with softness."""

import numpy as np
import pytest

from decoupling_lib.common.errors import InputError
from decoupling_lib.networks import weights
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.fidelity import fidelity, fidelity_worst
from decoupling_lib.networks.vgg import build_network

RNG = np.random.default_rng(5)
ODD = RNG.random((17, 22, 3))
RANDOM = weights.read("vgg16", "random", seed=1)


def network(activation="softplus", pooling="smooth"):
    return build_network(weights=RANDOM, activation=activation, pooling=pooling)


def test_fidelity_is_exact_for_the_thesis_network_and_falls_with_softness():
    assert set(map(tuple, (d.items() for d in fidelity(network("relu", "max"), ODD).values()))) == {
        (("relative_difference", 0.0), ("correlation", 1.0))
    }
    rough, fine = (fidelity(build_network(weights=RANDOM, softness=tau), ODD) for tau in (1.0, 0.05))
    for layer, told in fine.items():
        assert 0 < told["relative_difference"] < rough[layer]["relative_difference"]
        assert rough[layer]["correlation"] < told["correlation"] < 1


def test_fidelity_by_its_definition_and_the_worst_over_images():
    smooth, pictures = network(), [ODD, ODD**3, RNG.random((20, 20, 3))]
    each = [fidelity(smooth, x) for x in pictures]
    f, g = (ChannelMeans(net).values(ODD)[64:192] for net in (smooth, smooth.as_thesis()))
    told = each[0]["block2_conv1"]
    assert told["relative_difference"] == pytest.approx(np.linalg.norm(f - g) / np.linalg.norm(g))
    assert told["correlation"] == pytest.approx(np.corrcoef(f, g)[0, 1])
    worst = fidelity_worst(smooth, pictures)
    for layer in smooth.layers:
        assert worst[layer]["relative_difference"] == max(d[layer]["relative_difference"] for d in each)
        assert worst[layer]["correlation"] == min(d[layer]["correlation"] for d in each)


def test_the_worst_of_no_images_is_refused():
    with pytest.raises(InputError, match="images"):
        fidelity_worst(network(), [])
