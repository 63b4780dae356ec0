"""Styles between the target's own and that of the origin: what Step 3 is asked for, and how it is judged."""

from dataclasses import replace

import numpy as np
import pytest
from random_networks import random_weights

from decoupling_lib.engine.context import Context, Settings
from decoupling_lib.engine.features import Counted
from decoupling_lib.engine.normalization import normalize
from decoupling_lib.images.quality import psnr
from decoupling_lib.methods.choice import METHODS, create_method
from decoupling_lib.methods.method import MethodSettings
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network
from decoupling_lib.transfers.run import run_transfer
from decoupling_lib.transfers.steps import measure_reference, mix_styles

ROWS, COLUMNS = np.mgrid[:20, :24]
ORIGIN = np.stack([0.5 + 0.4 * np.sin(COLUMNS / 3), 0.5 + 0.3 * np.cos(ROWS / 2), 0.3 + 0.01 * COLUMNS], axis=-1)
TARGET = np.stack([ROWS / 25, 0.2 + 0.02 * COLUMNS + 0.1 * np.sin(ROWS * COLUMNS / 9), 0.6 - ROWS / 50], axis=-1)


@pytest.fixture(scope="module")
def context():
    network = build_network("vgg16", random_weights(), layers=("block1_conv1", "block2_conv1"), softness=0.32)
    means = Counted(ChannelMeans(network, "float64"))
    noise = np.random.default_rng(0).random((1, *TARGET.shape))
    reference = measure_reference(means, noise, np.ones(192, bool), delta=1.0)
    return Context(means, reference, Settings("rk4", 4, 1e-5, 1e-3, refinements=0))


def run(context, strength, method="decoupled"):
    chosen = create_method(MethodSettings(method, optimizer="Adam", iterations=6))
    return run_transfer(context, ORIGIN, TARGET, chosen, strength=strength)


def test_a_mixture_is_on_the_line_between_the_styles_and_ends_to_the_bit():
    own, other = np.random.default_rng(1).random((2, 9))
    np.testing.assert_array_equal(mix_styles(own, other, 1.0), other)
    np.testing.assert_array_equal(mix_styles(own, other, 0.0), own)
    np.testing.assert_allclose(mix_styles(own, other, 0.25), own + 0.25 * (other - own))


@pytest.mark.parametrize("method", METHODS)
def test_step_3_is_asked_for_the_mixture_and_steps_1_and_2_do_not_change(context, method):
    full, part = run(context, 1.0, method), run(context, 0.25, method)
    for name in ("step1", "step2"):
        np.testing.assert_array_equal(full.routes[name].x, part.routes[name].x)
    own, other = (part.routes[name].style for name in ("step2", "step1"))
    np.testing.assert_allclose(part.routes["step3"].style, 0.75 * own + 0.25 * other, rtol=1e-12)
    np.testing.assert_array_equal(full.routes["step3"].style, other)


@pytest.mark.parametrize("method", ["decoupled", "direct"])
def test_gaps_are_measured_against_the_decoupled_style_that_was_asked_for(context, method):
    part = run(context, 0.25, method)
    origin, target, result = (normalize(context, x).style for x in (ORIGIN, TARGET, part.result))
    wanted = 0.75 * target + 0.25 * origin
    np.testing.assert_allclose(part.wanted, wanted, rtol=1e-9)
    np.testing.assert_allclose(part.style, origin, rtol=1e-9)
    for name, style, aim in (
        ("untouched", target, wanted), ("result", result, wanted), ("from_origin", result, origin),
    ):  # fmt: skip
        for layer, at in part.layers.items():
            gap = np.linalg.norm(style[at] - aim[at]) / np.linalg.norm(aim[at])
            assert part.style_gaps[name][layer] == pytest.approx(gap, rel=1e-5), (name, layer)


def test_full_strength_is_the_transfer_to_the_bit_and_needs_no_second_gap(context):
    plain = run_transfer(context, ORIGIN, TARGET)
    full = run(context, 1.0)
    assert full.result.tobytes() == plain.result.tobytes() and full.style_gaps == plain.style_gaps
    assert full.wanted is full.style and full.style_gaps["from_origin"] == {}


def test_without_strength_the_target_returns(context):
    none = run(context, 0.0)
    assert none.status == "done" and psnr(none.result, TARGET) > 40
    assert np.abs(none.routes["step2"].x - TARGET).max() > 0.1, "the image moved"
    plain = run(context, 1.0)
    assert none.style_gaps["untouched"] == {layer: 0.0 for layer in none.layers}
    assert none.style_gaps["from_origin"] == pytest.approx(plain.style_gaps["untouched"], rel=1e-2)
    assert none.worst_channels == {layer: 0.0 for layer in none.layers}, "no channel had a way to go"


def test_the_way_grows_with_the_strength(context):
    quick = replace(context, settings=replace(context.settings, steps=2))
    lengths = [np.linalg.norm(run(quick, strength).result - TARGET) for strength in (0.0, 0.3, 0.6, 1.0)]
    assert lengths == sorted(lengths) and lengths[0] < 0.2 * lengths[1]
