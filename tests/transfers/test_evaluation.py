"""The outside judges of a transfer, against closed forms and against what they must not see."""

import numpy as np
import pytest

from decoupling_lib.common.errors import InputError
from decoupling_lib.images.pictures import load_picture
from decoupling_lib.networks.activation_maps import activations
from decoupling_lib.networks.vgg import build_network
from decoupling_lib.transfers import evaluation
from decoupling_lib.transfers.evaluation import evaluate, observer_network

NETWORK = build_network("vgg16", "random")
LOOK = observer_network(NETWORK, ("block1_conv2", "block2_conv2"))
ONE, OTHER = (load_picture(name, (32, 32)).array for name in ("coffee", "china"))


def test_a_picture_is_nearest_to_itself():
    judged = evaluate(LOOK, ONE, ONE, ONE)
    assert set(judged.gram.values()) == {0.0} and judged.histogram == judged.color == 0
    assert judged.luminance_ssim == pytest.approx(1) and judged.edges == pytest.approx(1)


def test_the_onlooker_is_the_thesis_network_read_elsewhere():
    assert LOOK.activation == "relu" and LOOK.pooling == "max"
    assert not set(evaluation.OTHER_LAYERS) & set(NETWORK.layers)
    with pytest.raises(InputError, match="block9"):
        observer_network(NETWORK, ("block9_conv1",))


def test_gram_distances_by_an_explicit_sum():
    found = {
        name: {layer: np.einsum("hwi,hwj->ij", f, f, dtype=float) / f[..., 0].size for layer, f in maps.items()}
        for name, maps in (("one", activations(LOOK, ONE)), ("other", activations(LOOK, OTHER)))
    }
    judged = evaluate(LOOK, ONE, OTHER, ONE)
    for layer, distance in judged.gram.items():
        g, wanted = found["one"][layer], found["other"][layer]
        assert distance == pytest.approx(np.sqrt(((g - wanted) ** 2).sum() / (wanted**2).sum()), rel=1e-5)


def test_colors_of_plain_pictures():
    """All pixels of one in one box, all of the other in another; every value is off by 0.3."""
    low, high = np.full((16, 16, 3), 0.2), np.full((16, 16, 3), 0.5)
    low[0, 0], high[0, 0] = 0.21, 0.51  # not constant: SSIM and edges need a spread
    judged = evaluate(LOOK, low, high, low)
    assert judged.histogram == pytest.approx(1) and judged.color == pytest.approx(0.3)


def test_a_histogram_counts_shares_and_holds_the_brightest():
    x = np.zeros((4, 4, 3))
    x[0] = 1.0
    counted = evaluation.color_histogram(x)
    assert counted.sum() == pytest.approx(1) and counted[0] == 0.75 and counted[-1] == 0.25


def test_style_does_not_know_where_and_content_does():
    mixed = np.random.default_rng(0).permutation(ONE.reshape(-1, 3)).reshape(ONE.shape)
    judged = evaluate(LOOK, mixed, ONE, ONE)
    assert judged.histogram == judged.color == 0
    assert judged.luminance_ssim < 0.5 and abs(judged.edges) < 0.3


def test_edges_and_luminance_do_not_know_the_color():
    """A step in green alone, and in gray with the step's luminance (BT.709: 0.7152 of green)."""
    green, gray = np.full((16, 16, 3), 0.2), np.full((16, 16, 3), 0.2)
    green[:, 8:, 1] += 0.5
    gray[:, 8:] += 0.5 * 0.7152
    judged = evaluate(LOOK, green, gray, gray)
    assert judged.edges == pytest.approx(1) and judged.luminance_ssim == pytest.approx(1) and judged.color > 0.05


def test_pictures_are_judged_as_shown():
    wild = ONE * 3 - 1
    assert evaluate(LOOK, wild, OTHER, ONE) == evaluate(LOOK, np.clip(wild, 0, 1), OTHER, ONE)


def test_what_is_left_of_a_distance_is_a_geometric_mean():
    assert evaluation.gram_ratio({"a": 1.0, "b": 9.0}, {"a": 4.0, "b": 9.0}) == pytest.approx(0.5)
