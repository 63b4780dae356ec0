"""Measures that judge a transfer from outside: closed forms, and what they must not depend on."""

import numpy as np
import pytest

from decoupling_lib.common.errors import InputError
from decoupling_lib.images.pictures import load_picture
from decoupling_lib.networks.activation_maps import activations
from decoupling_lib.networks.vgg import build_network
from decoupling_lib.transfers import evaluation
from decoupling_lib.transfers.evaluation import evaluate, observer_network

NETWORK = build_network("vgg16", "random")
OBSERVER = observer_network(NETWORK, ("block1_conv2", "block2_conv2"))
COFFEE, CHINA = (load_picture(name, (32, 32)).array for name in ("coffee", "china"))


def test_an_image_is_closest_to_itself():
    found = evaluate(OBSERVER, COFFEE, COFFEE, COFFEE)
    assert set(found.gram.values()) == {0.0} and found.histogram == found.color == 0
    assert found.luminance_ssim == pytest.approx(1) and found.edges == pytest.approx(1)


def test_the_observer_is_the_network_of_the_thesis_with_other_style_layers():
    assert OBSERVER.activation == "relu" and OBSERVER.pooling == "max"
    assert not set(evaluation.OTHER_LAYERS) & set(NETWORK.layers)
    with pytest.raises(InputError, match="block9"):
        observer_network(NETWORK, ("block9_conv1",))


def test_gram_distances_are_those_of_explicit_sums():
    grams = {
        name: {layer: np.einsum("hwi,hwj->ij", f, f, dtype=float) / f[..., 0].size for layer, f in maps.items()}
        for name, maps in (("coffee", activations(OBSERVER, COFFEE)), ("china", activations(OBSERVER, CHINA)))
    }
    found = evaluate(OBSERVER, COFFEE, CHINA, COFFEE)
    for layer, distance in found.gram.items():
        g, wanted = grams["coffee"][layer], grams["china"][layer]
        assert distance == pytest.approx(np.sqrt(((g - wanted) ** 2).sum() / (wanted**2).sum()), rel=1e-5)


def test_colors_of_plain_images():
    """All pixels of each image are in one box of colors, and every value differs by 0.3."""
    low, high = np.full((16, 16, 3), 0.2), np.full((16, 16, 3), 0.5)
    low[0, 0], high[0, 0] = 0.21, 0.51  # not constant: SSIM and edges need a range of values
    found = evaluate(OBSERVER, low, high, low)
    assert found.histogram == pytest.approx(1) and found.color == pytest.approx(0.3)


def test_a_histogram_has_shares_and_includes_the_brightest_color():
    x = np.zeros((4, 4, 3))
    x[0] = 1.0
    shares = evaluation.color_histogram(x)
    assert shares.sum() == pytest.approx(1) and shares[0] == 0.75 and shares[-1] == 0.25


def test_content_depends_on_the_places_of_pixels_and_the_style_of_colors_does_not():
    shuffled = np.random.default_rng(0).permutation(COFFEE.reshape(-1, 3)).reshape(COFFEE.shape)
    found = evaluate(OBSERVER, shuffled, COFFEE, COFFEE)
    assert found.histogram == found.color == 0
    assert found.luminance_ssim < 0.5 and abs(found.edges) < 0.3


def test_edges_and_luminance_do_not_depend_on_the_color():
    """One image has a step in green alone, the other a step in gray of the same luminance (BT.709: 0.7152 of green)."""
    green, gray = np.full((16, 16, 3), 0.2), np.full((16, 16, 3), 0.2)
    green[:, 8:, 1] += 0.5
    gray[:, 8:] += 0.5 * 0.7152
    found = evaluate(OBSERVER, green, gray, gray)
    assert found.edges == pytest.approx(1) and found.luminance_ssim == pytest.approx(1) and found.color > 0.05


def test_images_are_judged_as_shown():
    wide = COFFEE * 3 - 1
    assert evaluate(OBSERVER, wide, CHINA, COFFEE) == evaluate(OBSERVER, np.clip(wide, 0, 1), CHINA, COFFEE)


def test_the_ratio_of_gram_distances_is_a_geometric_mean_over_layers():
    assert evaluation.gram_ratio({"a": 1.0, "b": 9.0}, {"a": 4.0, "b": 9.0}) == pytest.approx(0.5)
