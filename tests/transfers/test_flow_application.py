"""Flows on images: what a transfer did at its own size, undoing, strengths, sizes, corrections, and refusals."""

from dataclasses import replace

import numpy as np
import pytest
from flows import random_flow
from random_networks import random_weights

from decoupling_lib.common.errors import InputError
from decoupling_lib.engine.features import block_slices
from decoupling_lib.engine.fixed_curve import CurveError
from decoupling_lib.images.pictures import load_picture
from decoupling_lib.images.quality import psnr
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.weights import default_source
from decoupling_lib.transfers.flow_application import apply_flow
from decoupling_lib.transfers.flow_making import extract_flow, flow_options, make_flow
from decoupling_lib.transfers.flow_network import find_network
from decoupling_lib.transfers.flow_settings import FlowSettings
from decoupling_lib.transfers.options import Options
from decoupling_lib.transfers.setup import prepare
from decoupling_lib.transfers.tuning import TUNING

EXACT = FlowSettings(exact=True)
ONE = Options(layers=1, network="vgg16", weights="hed", size=(24, 24))
BY_TRANSFER = replace(ONE, reference="midpoint", damping=TUNING[1].damping)
"""The defaults of a transfer between two images."""


def picture(height=40, width=33, seed=3):
    coarse = np.random.default_rng(seed).random((5, 5, 3))
    return np.kron(coarse, np.ones((height // 5 + 1, width // 5 + 1, 1)))[:height, :width]


@pytest.fixture(scope="module")
def solved():
    experiment = prepare("coffee", "chelsea", flow_options(ONE))
    transfer = experiment.run()
    return experiment, transfer, extract_flow(experiment, transfer)


def test_a_flow_repeats_its_own_transfer(solved):
    experiment, transfer, flow = solved
    applied = apply_flow(flow, experiment.target.array)
    assert psnr(applied.x.astype(float), transfer.result) > 55
    for leg, own in zip(applied.legs, (*transfer.routes["step2"].legs, *transfer.routes["step3"].legs), strict=True):
        assert (leg.step, leg.layer) == (int(own.step), own.layer)
        assert leg.relative_error == pytest.approx(own.relative_error, abs=2e-3)
        assert leg.held_relative_error == pytest.approx(own.held_relative_error, abs=2e-3)
    np.testing.assert_array_equal(flow.origin_style, transfer.style)


def test_a_flow_that_is_applied_and_undone_returns_the_image(solved):
    flow, x = solved[2], picture(44, 61)
    there = apply_flow(flow, x, EXACT)
    back = apply_flow(flow, there.x, FlowSettings(undo=True))
    assert psnr(there.x, x) < 30 and psnr(back.x, x) > 60
    assert all(leg.relative_error is None for leg in back.legs)
    assert [(leg.step, leg.layer) for leg in back.legs] == [(leg.step, leg.layer) for leg in there.legs[::-1]]


def test_a_partial_strength_is_undone_by_the_same_strength(solved):
    flow, x = solved[2], picture()
    there = apply_flow(flow, x, FlowSettings(0.4, exact=True)).x
    assert psnr(apply_flow(flow, there, FlowSettings(0.4, undo=True)).x, x) > 60
    assert psnr(apply_flow(flow, there, FlowSettings(0.6, undo=True)).x, x) < 40


def test_a_flow_returns_an_image_that_one_by_the_options_of_a_transfer_loses():
    """Imposing the channel means of the dark retina pulls the pixels of rocket together, far beyond 16 digits."""
    x, returned = load_picture("rocket", ONE.size).array, {}
    for options in (BY_TRANSFER, ONE):
        flow = make_flow("retina", "rocket", options)
        there = apply_flow(flow, x, EXACT)
        assert there.legs[-1].relative_error < 0.3 * there.legs[-1].start_error
        returned[flow.reversible] = psnr(apply_flow(flow, there.x, FlowSettings(undo=True)).x, x)
    assert returned[False] < 40 and returned[True] > 60


def test_where_an_exact_step_has_no_solution_the_defaults_are_advised():
    flow, x = make_flow("china", "rocket", BY_TRANSFER), load_picture("rocket", ONE.size).array
    with pytest.raises(CurveError, match="default reference and damping"):
        apply_flow(flow, x, EXACT)


def test_flows_have_a_reference_and_a_damping_of_their_own():
    filled = flow_options(ONE)
    assert filled.reference == "noise" and filled.damping > 10 * TUNING[1].damping
    chosen = flow_options(BY_TRANSFER)
    assert (chosen.reference, chosen.damping) == ("midpoint", TUNING[1].damping)


def test_flows_are_those_of_the_pixel_metric():
    assert flow_options(ONE).smoothing == 0
    with pytest.raises(InputError, match="smoothing"):
        flow_options(replace(ONE, smoothing=2.0))


def test_with_many_layers_no_flow_counts_as_reversible(solved):
    flow = solved[2]
    assert flow.reversible and replace(flow, legs=3 * flow.legs).reversible
    assert not replace(flow, legs=4 * flow.legs).reversible
    assert not replace(flow, delta=0.9).reversible and not replace(flow, reference="midpoint").reversible


def test_strength_zero_is_the_identity_and_more_strength_leads_farther(solved):
    flow, x = solved[2], picture()
    assert psnr(apply_flow(flow, x, FlowSettings(0.0, exact=True)).x, x) > 60
    ways = [np.linalg.norm(apply_flow(flow, x, FlowSettings(s)).x - x) for s in (0.05, 0.3, 1.0)]
    assert ways[0] < ways[1] < ways[2]


def test_multipliers_per_pixel_move_a_larger_image_alike(solved):
    """An image repeated beside itself has the same channel means, but for the seams, and moves in the same way."""
    flow, x = solved[2], picture(48, 48)
    once = apply_flow(flow, x).x
    twice = apply_flow(flow, np.concatenate([x, x], axis=1)).x
    assert np.abs(twice[:, :20] - once[:, :20]).max() < 2e-3


def test_tiles_give_the_whole():
    flow, x = random_flow(), picture(61, 47)
    whole, tiled = (apply_flow(flow, x, FlowSettings(tile=tile)).x for tile in (None, 22))
    assert np.abs(whole - x).max() > 0.02
    assert np.abs(whole - tiled).max() < 1e-5


def test_corrections_bring_channel_means_closer_to_their_aims(solved):
    flow, x = solved[2], load_picture("chelsea", (40, 40)).array
    plain, corrected = (apply_flow(flow, x, FlowSettings(corrections=n)) for n in (0, 3))
    assert all(leg.corrections <= 3 for leg in corrected.legs) and any(leg.corrections for leg in corrected.legs)
    assert (
        corrected.legs[0].relative_error < plain.legs[0].relative_error == pytest.approx(plain.legs[0].relative_error)
    )
    assert [leg.passes.vjp for leg in corrected.legs] != [leg.passes.vjp for leg in plain.legs]


def test_errors_are_those_of_the_channel_means():
    flow, x = random_flow(), picture()
    applied = apply_flow(flow, x, EXACT)
    features = ChannelMeans(find_network(flow), "float64")
    first = list(block_slices(flow.blocks).values())[0]
    f, style = features.values(applied.x)[first], flow.origin_style[first]
    assert applied.legs[-1].relative_error == pytest.approx(np.linalg.norm(f - style) / np.linalg.norm(style), rel=1e-9)
    v = flow.values[first]
    start = np.linalg.norm(features.values(x)[first] - v) / np.linalg.norm(v)
    assert applied.legs[0].start_error == pytest.approx(start, rel=1e-9)


def test_steps_are_counted_to_the_end():
    flow, seen = random_flow(), []
    for settings in (FlowSettings(), EXACT):
        apply_flow(flow, picture(), settings, on_step=seen.append)
        assert seen == list(range(1, flow.steps * settings.parts + 1))
        seen.clear()


def test_both_legs_of_a_layer_share_one_grid(solved):
    experiment, transfer, flow = solved
    guide = transfer.routes["step3"].guides["block1_conv1"]
    halved = guide._replace(
        grid=np.insert(guide.grid, 1, guide.grid[1] / 2), multipliers=guide.multipliers[[0, *range(16)]]
    )
    route = transfer.routes["step3"]
    route = replace(route, guides={**route.guides, "block1_conv1": halved})
    again = extract_flow(experiment, replace(transfer, routes={**transfer.routes, "step3": route}))
    leg, before = again.legs[0], flow.legs[0]
    np.testing.assert_allclose(leg.back.grid, 1.0 - leg.there.grid[::-1], atol=1e-15)
    assert leg.there.steps == leg.back.steps == 17
    np.testing.assert_array_equal(leg.there.multipliers, before.there.multipliers[[*range(16), 15]])


@pytest.mark.parametrize("values", [
    {"strength": 1.5}, {"strength": "much"}, {"strength": float("nan")}, {"corrections": -1}, {"corrections": 1.5},
    {"corrections": 2, "undo": True},
])  # fmt: skip
def test_settings_out_of_range_are_refused(values):
    with pytest.raises(InputError):
        FlowSettings(**values)


@pytest.mark.parametrize("values", [
    {"method": "direct"}, {"rule": "rk4"}, {"activation": "relu"}, {"pooling": "max"}, {"keep_colors": True},
])  # fmt: skip
def test_options_without_multipliers_are_refused(values):
    with pytest.raises(InputError):
        make_flow("coffee", "chelsea", replace(ONE, **values))


def test_weights_of_another_checksum_are_refused():
    flow = random_flow()
    with pytest.raises(InputError, match="sha256"):
        find_network(replace(flow, network={**flow.network, "sha256": "0" * 64}))
    with pytest.raises(InputError, match="not available"):
        find_network(replace(flow, network={**flow.network, "weights": "/no/such/file.h5"}))
    assert default_source("vgg16", "random")[1] == "random"
    assert find_network(flow).weights.sha256 == random_weights().sha256


def test_a_flow_with_wild_multipliers_ends_with_one_line():
    flow = random_flow()
    legs = tuple(replace(leg, there=leg.there.scale(1e6)) for leg in flow.legs)
    with pytest.raises(CurveError, match="step 1 of 3"):
        apply_flow(replace(flow, legs=legs), picture())


def test_an_image_that_does_not_fit_is_refused():
    with pytest.raises(InputError):
        apply_flow(random_flow(), np.zeros((1, 9, 3)))
