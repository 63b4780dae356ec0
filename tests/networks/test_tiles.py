"""Tiles against the whole image: channel means and gradients at every tile size, at borders and for odd sides."""

import numpy as np
import pytest
from random_networks import random_weights

from decoupling_lib.common.errors import InputError
from decoupling_lib.networks import tiles
from decoupling_lib.networks.architectures import style_layers
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.tile_plan import default_side, minimum_side, plan_axis, reach
from decoupling_lib.networks.tiles import TiledMeans
from decoupling_lib.networks.vgg import build_network

CLOSE = 1e-6


def network(layers, layer_set="thesis", **options):
    return build_network(None, random_weights(), style_layers("vgg16", layer_set, layers), **options)


def image(height, width):
    return np.random.default_rng(0).random((height, width, 3))


def largest_difference(a, b):
    return np.abs(a - b).max() / np.abs(b).max()


def assert_equal_to_the_whole(reader, x, side, dtype="mixed", close=CLOSE):
    at = ChannelMeans(reader, dtype).linearize(x)
    w, tiled = np.random.default_rng(1).standard_normal(at.values.size), TiledMeans(reader, dtype, side)
    assert largest_difference(tiled.values(x), at.values) < close
    assert largest_difference(tiled.pullback(x, w), at.vjp(w)) < close
    assert largest_difference(tiled.linearize(x).vjp(w), at.vjp(w)) < close


@pytest.mark.parametrize("side", [20, 21, 22, 23, 27, 31, 40, 64, 66])
def test_two_layers_at_any_tile_size(side):
    assert_equal_to_the_whole(network(2), image(67, 46), side)


@pytest.mark.parametrize(("layers", "layer_set", "shape", "side"), [
    (1, "thesis", (19, 33), 6),
    (1, "dists", (31, 20), 11),
    (2, "dists", (41, 50), 29),
    (3, "thesis", (75, 61), 57),
])  # fmt: skip
def test_other_layers_and_odd_sides(layers, layer_set, shape, side):
    assert_equal_to_the_whole(network(layers, layer_set), image(*shape), side)


@pytest.mark.slow
@pytest.mark.parametrize(("layers", "layer_set"), [(4, "thesis"), (5, "thesis"), (5, "dists")])
def test_deep_layers(layers, layer_set):
    reader = network(layers, layer_set)
    side = minimum_side(reader.operations) + 3
    assert_equal_to_the_whole(reader, image(side + 41, side - 17), side, close=1e-5)  # rounding of ten convolutions


def test_kinks_and_average_pooling():
    for options in ({"activation": "relu", "pooling": "max"}, {"pooling": "average"}):
        assert_equal_to_the_whole(network(2, **options), image(45, 52), 24)


def test_double_precision_is_equal_to_rounding():
    reader, x = network(2), image(45, 52)
    at = ChannelMeans(reader, "float64").linearize(x)
    w, tiled = np.random.default_rng(1).standard_normal(at.values.size), TiledMeans(reader, "float64", 24)
    assert largest_difference(tiled.values(x), at.values) < 1e-13
    assert largest_difference(tiled.pullback(x, w), at.vjp(w)) < 1e-13


def test_a_smaller_halo_would_show(monkeypatch):
    halo, stride = reach(network(2).operations)
    monkeypatch.setattr(tiles, "reach", lambda operations: (halo - 2 * stride, stride))
    with pytest.raises(AssertionError):
        assert_equal_to_the_whole(network(2), image(67, 46), 24)


def test_a_gradient_depends_on_no_pixel_beyond_the_reach():
    reader, x = network(2), image(60, 60)
    halo, stride = reach(reader.operations)
    w = np.random.default_rng(1).standard_normal(sum(block.size for block in ChannelMeans(reader).blocks))
    before = ChannelMeans(reader, "float64").linearize(x).vjp(w)
    x[30, 30] += 0.5
    rows, columns = np.nonzero(np.abs(ChannelMeans(reader, "float64").linearize(x).vjp(w) - before).sum(-1))
    farthest = max(abs(rows - 30).max(), abs(columns - 30).max())
    assert halo - stride < farthest < halo + stride  # the halo is counted from multiples of the stride


def test_single_precision_images_stay_so():
    x = image(45, 52).astype(np.float32)
    gradient = TiledMeans(network(2), side=24).pullback(x, np.ones(192))
    assert gradient.dtype == np.float32


@pytest.mark.parametrize(("halo", "stride"), [(2, 1), (8, 2), (24, 4), (128, 16)])
def test_spans_keep_every_pixel_once_with_its_halo(halo, stride):
    least = 2 * halo + 2 * stride
    for length in range(stride, 6 * least, 7):
        for side in (least, least + 3, 2 * least + 1):
            spans = plan_axis(length, side, halo, stride)
            kept = [pixel for span in spans for pixel in range(span.first, span.last)]
            assert kept == list(range(length))
            assert len({span.stop - span.start for span in spans}) == 1
            for span in spans:
                assert span.stop - span.start <= side and span.start % stride == 0 and span.first % stride == 0
                assert span.start == 0 or span.first - span.start >= halo
                whole = span.start + (span.stop - span.start) // stride * stride
                assert span.stop == length or whole - span.last >= halo


def test_the_default_tile_is_large_beside_its_halo():
    for layers in (1, 2, 5):
        chain = network(layers).operations
        assert minimum_side(chain) <= default_side(chain) and 8 * reach(chain)[0] <= default_side(chain)


@pytest.mark.parametrize("side", [0, 19, 10**6, 24.0])
def test_a_tile_that_leaves_nothing_is_refused(side):
    with pytest.raises(InputError, match="side of a tile"):
        TiledMeans(network(2), side=side)


@pytest.mark.parametrize("shape", [(1, 20, 3), (20, 20), (20, 20, 4)])
def test_an_image_that_does_not_fit_is_refused(shape):
    with pytest.raises(InputError, match="image"):
        TiledMeans(network(2)).values(np.zeros(shape))
