"""The table of expected numbers: every bound for the bundled weights is asserted, on the real network."""

import pytest

from decoupling_lib.common.errors import InputError
from decoupling_lib.images.noise import noise_draws
from decoupling_lib.networks import architectures, expected_bounds
from decoupling_lib.networks.dead_channels import find_dead_channels
from decoupling_lib.networks.fidelity import fidelity
from decoupling_lib.networks.vgg import Network, build_network
from decoupling_lib.transfers.options import TUNING

UNKNOWN = "0" * 64


@pytest.fixture(scope="module")
def network() -> Network:
    layers = architectures.style_layers("vgg16", "thesis", 5)
    return build_network("vgg16", "hed", layers, softness=TUNING[5].softness, growth=TUNING[5].growth)


@pytest.fixture(scope="module")
def measured(network: Network) -> dict[str, float]:
    noise = noise_draws((64, 64), 0, 1)
    numbers = {
        f"fidelity {layer}": entry["relative_difference"] for layer, entry in fidelity(network, noise[0]).items()
    }
    dead = find_dead_channels(network, noise)
    return numbers | {f"dead channels {layer}": int(mask.sum()) for layer, mask in dead.items()}


def test_every_bound_of_the_bundled_weights_is_asserted(network: Network, measured: dict[str, float]):
    rows = expected_bounds.table()[network.weights.sha256]["bounds"]
    assert len(measured) == 10 and set(rows) == set(measured)
    for name, value in measured.items():
        line = expected_bounds.confirm(name, value, network.weights.sha256)
        assert name in line and "asserted" in line and "not asserted" not in line
        low, high = rows[name]
        assert expected_bounds.bounds(name, network.weights.sha256) == (low, high)
        for wrong in (low - 0.01, high + 0.01):
            with pytest.raises(AssertionError, match=name):
                expected_bounds.confirm(name, wrong, network.weights.sha256)


def test_with_unknown_weights_nothing_is_asserted():
    assert expected_bounds.bounds("fidelity block1_conv1", UNKNOWN) is None
    assert "not asserted" in expected_bounds.confirm("fidelity block1_conv1", 1e9, UNKNOWN)


def test_a_misspelled_name_or_checksum_is_refused():
    with pytest.raises(InputError, match="fidelity block1_conv1"):
        expected_bounds.confirm("fidelity block1_conv", 0.1, UNKNOWN)
    with pytest.raises(InputError, match="64 hexadecimal"):
        expected_bounds.bounds("fidelity block1_conv1", "abc")
