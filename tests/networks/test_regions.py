"""Channel means over a region: their definition, their derivatives, where gradients vanish, and no region at all."""

import numpy as np
import pytest
from random_networks import random_weights

from decoupling_lib.common.errors import InputError
from decoupling_lib.networks.activation_maps import linearize_maps
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.compiled import compile_network
from decoupling_lib.networks.regions import Region, position_weights, seen_pixels
from decoupling_lib.networks.vgg import Network, build_network

RNG = np.random.default_rng(6)
ODD = RNG.random((17, 22, 3))
WEIGHTS = np.where(RNG.random((17, 22)) < 0.4, 0.0, RNG.random((17, 22)))
LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1")
DISTS = ("image", "block1_conv2", "block2_conv2")
POOLED = {"image": 1, "block1_conv1": 1, "block1_conv2": 1, "block2_conv1": 2, "block2_conv2": 2, "block3_conv1": 4}


def network(layers=LAYERS, activation="softplus", pooling="smooth") -> Network:
    return build_network(weights=random_weights(), layers=layers, activation=activation, pooling=pooling)


def means(weights=WEIGHTS, layers=LAYERS, **choices) -> ChannelMeans:
    return ChannelMeans(network(layers, **choices), "float64", Region(weights))


def block_means(weights, side):
    """Return the means over squares of a side; rows and columns that fill no square are left out."""
    rows, columns = (n // side for n in weights.shape)
    return np.array(
        [
            [weights[side * i : side * (i + 1), side * j : side * (j + 1)].mean() for j in range(columns)]
            for i in range(rows)
        ]
    )


@pytest.mark.parametrize("layers", [LAYERS, DISTS])
def test_values_are_weighted_means_of_the_activation_maps(layers):
    expected = []
    for layer, found in linearize_maps(network(layers), ODD, "float64").maps.items():
        own = block_means(WEIGHTS, POOLED[layer])
        expected.append(np.einsum("ij,ijc->c", own, found) / own.sum())
    np.testing.assert_allclose(means(layers=layers).values(ODD), np.concatenate(expected), rtol=1e-12)


@pytest.mark.parametrize("layers", [LAYERS[:1], LAYERS, DISTS])
@pytest.mark.parametrize("place", [(0, 0), (8, 9), (13, 4), (12, 18)])
def test_the_seen_pixels_are_those_with_a_gradient(layers, place):
    weights = np.zeros((17, 22))
    weights[place[0] : place[0] + 4, place[1] : place[1] + 2] = 0.5
    features = means(weights, layers=layers)
    gradient = features.linearize(ODD).vjp(RNG.standard_normal(sum(block.size for block in features.blocks)))
    np.testing.assert_array_equal(seen_pixels(features.region, features.network), np.any(gradient != 0, axis=-1))


@pytest.mark.parametrize("pooling", ["smooth", "average"])
@pytest.mark.parametrize("layers", [LAYERS, DISTS])
def test_derivatives_of_first_and_second_order_are_central_differences(layers, pooling):
    features = means(layers=layers, pooling=pooling)
    at = features.linearize(ODD)
    w, dx, step = RNG.standard_normal(len(at.values)), RNG.standard_normal(ODD.shape), 1e-5
    np.testing.assert_array_equal(at.values, features.values(ODD))
    slope = (features.values(ODD + step * dx) - features.values(ODD - step * dx)) / (2 * step)
    np.testing.assert_allclose(at.jvp(dx), slope, atol=1e-6 * np.abs(slope).max())
    bend = (features.linearize(ODD + step * dx).vjp(w) - features.linearize(ODD - step * dx).vjp(w)) / (2 * step)
    np.testing.assert_allclose(at.hvp(w, dx), bend, atol=1e-6 * np.abs(bend).max())


@pytest.mark.parametrize("layers", [LAYERS, DISTS])
@pytest.mark.parametrize(("activation", "pooling"), [("softplus", "smooth"), ("relu", "max")])
def test_the_gradient_is_the_transpose_and_rows_are_gradients(layers, activation, pooling):
    at = means(layers=layers, activation=activation, pooling=pooling).linearize(ODD)
    w, dx = RNG.standard_normal(len(at.values)), RNG.standard_normal(ODD.shape)
    assert w @ at.jvp(dx) == pytest.approx(np.vdot(at.vjp(w), dx), rel=1e-10)
    rows = at.jacobian()
    for index in (0, 2, 40, 66, 130, 190):
        gradient = at.vjp(np.eye(len(w))[index])
        np.testing.assert_allclose(rows[index], gradient.ravel(), atol=1e-12 * np.abs(rows).max())


@pytest.mark.parametrize("level", [1.0, 0.3])
@pytest.mark.parametrize("layers", [LAYERS, DISTS])
def test_equal_weights_are_no_region(layers, level):
    plain = ChannelMeans(network(layers), "float64").linearize(ODD)
    at = means(np.full((17, 22), level), layers).linearize(ODD)
    w, dx = RNG.standard_normal(len(at.values)), RNG.standard_normal(ODD.shape)
    np.testing.assert_allclose(at.values, plain.values, rtol=1e-12)
    for found, expected in (
        (at.jvp(dx), plain.jvp(dx)),
        (at.vjp(w), plain.vjp(w)),
        (at.hvp(w, dx), plain.hvp(w, dx)),
        (at.jacobian(), plain.jacobian()),
    ):
        np.testing.assert_allclose(found, expected, atol=1e-12 * np.abs(expected).max())


def test_gradients_vanish_exactly_beyond_the_receptive_field():
    weights = np.zeros((17, 22))
    weights[:, :8] = 1.0
    at = means(weights, LAYERS[:2]).linearize(ODD)
    gradient = at.vjp(RNG.standard_normal(len(at.values)))
    # The last position of block2_conv1 is number 3. It sees pooled columns up to 4, so pixels up to 9, and two more
    # convolutions before the pooling see two pixels further.
    assert not gradient[:, 12:].any() and (np.abs(gradient[:, :12]).max(axis=(0, 2)) > 0).all()
    assert not at.jacobian().reshape(-1, *ODD.shape)[:, :, 12:].any()
    elsewhere = ODD.copy()
    elsewhere[:, 12:] = RNG.random((17, 10, 3))
    np.testing.assert_array_equal(means(weights, LAYERS[:2]).values(elsewhere), at.values)


def test_an_image_of_another_size_has_the_region_resized():
    weights = np.zeros((32, 48))
    weights[:16] = 1.0
    for layer, found in zip(LAYERS, position_weights(Region(weights), network(), (16, 24, 3)), strict=True):
        rows = found.numpy()[0, :, :, 0].sum(axis=1)
        middle = len(rows) // 2
        assert rows.sum() == pytest.approx(1.0) and rows[: middle + 1].sum() > 0.95, layer
        assert found.shape == (1, 16 // POOLED[layer], 24 // POOLED[layer], 1)


def test_a_prefix_keeps_the_region():
    whole = means()
    part = whole.prefix(2)
    assert part == whole.prefix(2) and part.region is whole.region
    np.testing.assert_allclose(part.values(ODD), whole.values(ODD)[:192], rtol=1e-12)


def test_a_region_that_pooling_leaves_out_is_refused():
    weights = np.zeros((17, 22))
    weights[16] = 1.0  # the last row has no window
    ChannelMeans(network(LAYERS[:1]), "float64", Region(weights)).values(ODD)
    with pytest.raises(InputError, match="block2_conv1.*white"):
        means(weights).values(ODD)


def test_functions_are_traced_once_with_a_region_and_once_without():
    compile_network.cache_clear()
    for region in (None, Region(WEIGHTS), Region(WEIGHTS[::-1])):
        features = ChannelMeans(network(LAYERS[:2]), "float64", region)
        for x in (ODD, ODD / 2):
            at = features.linearize(x)
            at.jvp(at.vjp(at.values))
    program = compile_network(network(LAYERS[:2]), "float64")
    counts = [each.experimental_get_tracing_count() for each in (program.linearize, program.jvp, program.vjp)]
    assert counts == [2, 2, 2]


def test_the_share_is_the_mean_weight():
    assert Region(np.array([[0.0, 1.0], [0.5, 0.5]])).share == 0.5
