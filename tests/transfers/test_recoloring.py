"""The target's colors kept, or only the colors transferred: what is exchanged, and that the judging is honest."""

import numpy as np
import pytest
from journals import MemoryJournal
from random_networks import random_weights

from decoupling_lib.engine.context import Context, Settings
from decoupling_lib.engine.features import Counted
from decoupling_lib.engine.normalization import normalize
from decoupling_lib.images.luminance import luminance
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network
from decoupling_lib.transfers.estimate import estimate_run
from decoupling_lib.transfers.options import Options
from decoupling_lib.transfers.recoloring import choose_recoloring, describe_recoloring
from decoupling_lib.transfers.run import run_transfer
from decoupling_lib.transfers.setup import gather_inputs
from decoupling_lib.transfers.steps import measure_reference

RNG = np.random.default_rng(8)
ORIGIN, TARGET = RNG.random((2, 20, 24, 3))
LAYERS = ("block1_conv1", "block2_conv1")
KINDS = {"keep_colors": ("style", "target"), "colors_only": ("target", "style")}


def chrominance(x):
    return x - luminance(x)[..., None]


@pytest.fixture(scope="module")
def context():
    network = build_network("vgg16", random_weights(), layers=LAYERS, softness=0.32)
    means = Counted(ChannelMeans(network, "float64"))
    reference = measure_reference(means, RNG.random((1, *TARGET.shape)), np.ones(192, bool), delta=1.0)
    return Context(means, reference, Settings("rk4", 2, 1e-5, 1e-3, refinements=0))


@pytest.fixture(scope="module")
def plain(context):
    return run_transfer(context, ORIGIN, TARGET)


@pytest.mark.parametrize("kind", KINDS)
def test_each_image_gives_its_part_and_steps_1_to_3_do_not_change(context, plain, kind):
    result = run_transfer(context, ORIGIN, TARGET, recolor=choose_recoloring(Options(**{kind: True}), TARGET))
    np.testing.assert_array_equal(result.routes["step3"].x, plain.result)
    assert result.passes == plain.passes and plain.recolored is None
    images = {"style": plain.result, "target": TARGET}
    gives_luminance, gives_chrominance = KINDS[kind]
    np.testing.assert_allclose(luminance(result.result), luminance(images[gives_luminance]), atol=1e-12)
    np.testing.assert_allclose(chrominance(result.result), chrominance(images[gives_chrominance]), atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_style_that_is_told_is_that_of_the_recolored_image(context, plain, kind):
    result = run_transfer(context, ORIGIN, TARGET, recolor=choose_recoloring(Options(**{kind: True}), TARGET))
    c = normalize(context, ORIGIN).style
    saved = np.round(255 * np.clip(result.result, 0, 1)) / 255
    for name, x in (("before_recoloring", plain.result), ("result", result.result), ("saved", saved)):
        style = normalize(context, x).style
        for layer, at in result.layers.items():
            gap = np.linalg.norm(style[at] - c[at]) / np.linalg.norm(c[at])
            assert result.style_gaps[name][layer] == pytest.approx(gap, rel=1e-6), (name, layer)
    assert result.style_gaps["result"] == result.style_relative_error != result.style_gaps["before_recoloring"]
    assert plain.style_gaps["before_recoloring"] == {}


def test_a_refined_transfer_is_recolored_and_judged_again(context):
    refined = Context(context.features, context.reference, Settings("rk4", 2, 1e-5, 1e-3, refinements=2))
    recolor = choose_recoloring(Options(keep_colors=True), TARGET)
    journal = MemoryJournal()
    result = run_transfer(Context(**vars(refined) | {"journal": journal}), ORIGIN, TARGET, recolor=recolor)
    assert result.routes["step3_style"].legs == () and len(result.routes["result_style"].legs) == 1
    again = run_transfer(Context(**vars(refined) | {"journal": journal}), ORIGIN, TARGET, recolor=recolor)
    np.testing.assert_array_equal(again.result, result.result)
    assert again.style_gaps == result.style_gaps


def test_options_say_what_is_exchanged():
    assert choose_recoloring(Options(), TARGET) is None and describe_recoloring(Options()) is None
    for kind, (gives_luminance, gives_chrominance) in KINDS.items():
        found = describe_recoloring(Options(**{kind: True}))
        assert found == {"luminance": gives_luminance, "chrominance": gives_chrominance}


@pytest.mark.parametrize("kind", KINDS)
def test_the_estimate_has_every_leg_that_is_run(pictures, kind):
    options = Options(layers=2, size=(24, 24), network="vgg16", weights="random", rule="rk4", steps=2, tolerance=1e-3)
    plain, recolored = (
        [part.step for part in estimate_run(gather_inputs(*pictures, each)).parts]
        for each in (options, Options(**vars(options) | {kind: True}))
    )
    assert recolored == [*plain, plain[-1]]
