"""Mixtures of origins: their style, the reference between them and the target, and what is refused."""

import numpy as np
import pytest
from random_networks import random_weights

from decoupling_lib.common.errors import InputError
from decoupling_lib.engine.context import Context, Settings
from decoupling_lib.engine.features import Counted
from decoupling_lib.engine.normalization import normalize
from decoupling_lib.methods.choice import METHODS, create_method
from decoupling_lib.methods.method import MethodSettings
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network
from decoupling_lib.transfers.estimate import estimate_run
from decoupling_lib.transfers.mixtures import combine_styles, parse_mixture
from decoupling_lib.transfers.options import Options, resolve_options
from decoupling_lib.transfers.run import run_transfer
from decoupling_lib.transfers.setup import gather_inputs, prepare
from decoupling_lib.transfers.steps import measure_reference

RNG = np.random.default_rng(4)
FIRST, SECOND, TARGET = RNG.random((3, 20, 24, 3))
THIRD = RNG.random((18, 20, 3))
QUICK = {
    "layers": 1, "size": (24, 24), "network": "vgg16", "weights": "random", "rule": "rk4", "steps": 3,
    "precision": "mixed",
}  # fmt: skip


@pytest.fixture(scope="module")
def context():
    network = build_network("vgg16", random_weights(), layers=("block1_conv1", "block2_conv1"), softness=0.32)
    means = Counted(ChannelMeans(network, "float64"))
    reference = measure_reference(means, RNG.random((1, *TARGET.shape)), np.ones(192, bool), delta=1.0)
    return Context(means, reference, Settings("rk4", 2, 1e-5, 1e-3, refinements=0))


def run(context, others, method="decoupled", **more):
    chosen = create_method(MethodSettings(method, optimizer="Adam", iterations=4))
    return run_transfer(context, FIRST, TARGET, chosen, others=others, **more)


@pytest.mark.parametrize("method", METHODS)
def test_step_3_is_asked_for_the_weighted_mean_of_the_styles(context, method):
    result = run(context, [(SECOND, 0.3), (THIRD, 0.1)], method)
    assert result.status == "done"
    styles = [result.routes[name].style for name in ("step1", "step1_2", "step1_3")]
    mean = 0.6 * styles[0] + 0.3 * styles[1] + 0.1 * styles[2]
    np.testing.assert_allclose(result.routes["step3"].style, mean, rtol=1e-12)
    decoupled = [normalize(context, x).style for x in (FIRST, SECOND, THIRD)]
    c = 0.6 * decoupled[0] + 0.3 * decoupled[1] + 0.1 * decoupled[2]
    np.testing.assert_allclose(result.style, c, rtol=1e-9)
    after = normalize(context, result.result).style
    for layer, at in result.layers.items():
        gap = np.linalg.norm(after[at] - c[at]) / np.linalg.norm(c[at])
        assert result.style_relative_error[layer] == pytest.approx(gap, rel=1e-5)


def test_a_single_origin_is_the_transfer_to_the_bit_and_each_origin_costs_step_1(context):
    plain, mixed = run(context, []), run(context, [(SECOND, 0.5)])
    assert plain.result.tobytes() == run_transfer(context, FIRST, TARGET).result.tobytes()
    assert [leg.step for leg in plain.legs] == [1, 1, 2, 2, 3, 3]
    assert [leg.step for leg in mixed.legs] == [1, 1, 1, 1, 2, 2, 3, 3]
    assert mixed.passes.total > plain.passes.total


def test_two_halves_of_one_origin_are_that_origin(context):
    twice, plain = run(context, [(FIRST, 0.5)]), run(context, [])
    np.testing.assert_allclose(twice.style, plain.style, rtol=1e-12)
    np.testing.assert_allclose(twice.result, plain.result, atol=1e-6)


def test_strength_goes_from_the_target_to_the_mixture(context):
    half = run(context, [(SECOND, 0.4)], strength=0.5)
    own = half.routes["step2"].style
    np.testing.assert_allclose(half.wanted, 0.5 * own + 0.5 * half.style, rtol=1e-12)


def test_the_target_among_the_origins_is_no_self_transfer(context):
    result = run_transfer(context, TARGET, TARGET, others=[(SECOND, 0.5)])
    own, second = (normalize(context, x).style for x in (TARGET, SECOND))
    np.testing.assert_allclose(result.routes["step3"].style, (own + second) / 2, rtol=1e-9)


def test_the_midpoint_is_halfway_between_the_mixture_and_the_target(pictures):
    options = Options(**QUICK, mix=(("coffee", 0.25),))
    experiment = prepare(*pictures, options)
    f, g, t = (
        ChannelMeans(experiment.network).values(each.array)
        for each in (experiment.origin, experiment.others[0], experiment.target)
    )
    np.testing.assert_allclose(experiment.reference.values, ((0.75 * f + 0.25 * g) + t) / 2, rtol=1e-9)
    assert not experiment.self_transfer and experiment.options.reference == "midpoint"
    again = gather_inputs(pictures[0], pictures[0], options)
    assert not again.self_transfer and again.options.reference == "midpoint"


def test_the_estimate_has_every_leg_that_is_run(pictures):
    for method in ("decoupled", "descent"):
        options = Options(**QUICK | {"layers": 2, "tolerance": 1e-3}, method=method, mix=(("coffee", 0.25),))
        inputs = gather_inputs(*pictures, options)
        steps = [int(part.step) for part in estimate_run(inputs).parts]
        assert steps.count(1) == 4 and steps.count(2) == 2
        assert steps.count(4) == {"decoupled": 2, "descent": 5}[method]


def test_styles_combine_linearly():
    first, second = RNG.random((2, 5))
    assert combine_styles(first, [], ()) is first
    np.testing.assert_allclose(combine_styles(first, [second], (0.25,)), 0.75 * first + 0.25 * second)


def test_texts_of_the_command_line():
    assert parse_mixture(["china:0.3", "C:/a b.png:.5"]) == (("china", 0.3), ("C:/a b.png", 0.5))
    for text in ("china", "china:", ":x", "china:half", ""):
        with pytest.raises(InputError, match="--mix has no share; received .*PICTURE:SHARE"):
            parse_mixture([text])


@pytest.mark.parametrize(
    ("mix", "fragment"),
    [
        ((("china", 1.5),), "share of china is out of range"),
        ((("china", 0.5), ("flower", 0.5)), "leave nothing to ORIGIN"),
        (tuple(("china", 0.01) for _ in range(8)), "at most 7"),
        ((("", 0.5),), "origin in mix"),
    ],
)
def test_bad_mixtures_are_refused(mix, fragment):
    with pytest.raises(InputError, match=fragment):
        resolve_options(Options(mix=mix))


def test_a_mask_of_the_origin_is_refused_with_several():
    with pytest.raises(InputError, match="origin mask does not apply to a mixture"):
        resolve_options(Options(mix=(("china", 0.5),), origin_mask="a.png"))
