"""The table of expected numbers: every row of the bundled weights is asserted, on the real network."""

import pytest

from decoupling_lib import architectures, expected, images, networks, zeros
from decoupling_lib.checks import InputError
from decoupling_lib.fidelity import fidelity
from decoupling_lib.options import TUNING

UNKNOWN = "0" * 64


@pytest.fixture(scope="module")
def network():
    layers = architectures.style_layers("vgg16", "thesis", 5)
    return networks.build("vgg16", "hed", layers, softness=TUNING[5].softness, growth=TUNING[5].growth)


@pytest.fixture(scope="module")
def measured(network) -> dict[str, float]:
    noise = images.noise_draws((64, 64), 0, 1)
    numbers = {
        f"fidelity {layer}": entry["relative_difference"] for layer, entry in fidelity(network, noise[0]).items()
    }
    dead = zeros.dead_channels(network, noise)
    return numbers | {f"dead channels {layer}": int(which.sum()) for layer, which in dead.items()}


def test_every_row_of_the_bundled_weights_is_asserted(network, measured):
    rows = expected.table()[network.weights.sha256]["bounds"]
    assert set(rows) == set(measured)
    for name, value in measured.items():
        assert "asserted, within" in expected.confirm(name, value, network.weights.sha256)
        low, high = rows[name]
        for wrong in (low - 0.01, high + 0.01):
            with pytest.raises(AssertionError, match=name):
                expected.confirm(name, wrong, network.weights.sha256)


def test_unknown_weights_say_that_nothing_was_asserted():
    assert expected.bounds("fidelity block1_conv1", UNKNOWN) is None
    assert "not asserted" in expected.confirm("fidelity block1_conv1", 1e9, UNKNOWN)


def test_a_misspelled_name_or_sha_is_refused():
    with pytest.raises(InputError, match="fidelity block1_conv1"):
        expected.confirm("fidelity block1_conv", 0.1, UNKNOWN)
    with pytest.raises(InputError, match="64 hexadecimal"):
        expected.bounds("fidelity block1_conv1", "abc")
