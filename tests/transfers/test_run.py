"""Whole transfers by each method on a small random network."""

from dataclasses import replace

import numpy as np
import pytest
from journals import MemoryJournal

from decoupling_lib.engine import normalization, refinement
from decoupling_lib.engine.context import Context, Settings, Step
from decoupling_lib.engine.features import Counted, Passes
from decoupling_lib.images.quality import psnr
from decoupling_lib.methods import stepwise
from decoupling_lib.methods.choice import METHODS, create_method
from decoupling_lib.methods.method import MethodSettings
from decoupling_lib.networks.channel_means import ChannelMeans
from decoupling_lib.networks.vgg import build_network
from decoupling_lib.transfers import run as run_module
from decoupling_lib.transfers.run import run_transfer
from decoupling_lib.transfers.steps import measure_reference

SHAPE = (20, 24, 3)
LAYERS = ("block1_conv1", "block2_conv1")
QUICK, CAREFUL = (Settings("rk4", steps, 1e-5, 1e-3, refinements=3) for steps in (2, 4))
ROWS, COLUMNS = np.mgrid[: SHAPE[0], : SHAPE[1]]
WAVES = np.stack([0.5 + 0.4 * np.sin(COLUMNS / 3), 0.5 + 0.3 * np.cos(ROWS / 2), 0.3 + 0.01 * COLUMNS], axis=-1)
RAMP = np.stack([ROWS / 25, 0.2 + 0.02 * COLUMNS + 0.1 * np.sin(ROWS * COLUMNS / 9), 0.6 - ROWS / 50], axis=-1)


@pytest.fixture(scope="module")
def means():
    return ChannelMeans(build_network("vgg16", "random", layers=LAYERS, softness=0.32, seed=1), "float64")


@pytest.fixture(scope="module")
def reference(means):
    noise = np.random.default_rng(0).random((1, *SHAPE))
    return measure_reference(Counted(means), noise, np.ones(192, bool), delta=1.0)


@pytest.fixture(scope="module")
def run(means, reference):
    """Return a function that runs a transfer by a method, given by its name or its settings."""

    def run(origin, target, method="decoupled", listen=None, settings=QUICK, **keywords):
        named = isinstance(method, str)
        chosen = MethodSettings(method, optimizer="Adam", iterations=6) if named else method
        context = Context(Counted(means), reference, settings, listen=listen, **keywords)
        return run_transfer(context, origin, target, create_method(chosen))

    return run


@pytest.fixture(scope="module")
def transfers(run):
    """Return one uninterrupted transfer by each method."""
    return {method: run(WAVES, RAMP, method) for method in METHODS}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_runs_to_the_end_and_is_judged_in_one_way(transfers, means, reference, method):
    result = transfers[method]
    assert result.status == "done"
    end = result.routes["step3"].x
    assert end.shape == SHAPE and np.isfinite(end).all() and not np.array_equal(end, RAMP)
    judged = ["origin_style", "target_style"] if method != "decoupled" else []
    assert list(result.routes) == ["step1", "step2", "step3", *judged, "result_style", "saved_style"]
    # The error is ‖c(result) - c‖/‖c‖, with c by Step 1 of the decoupled method on each image.
    # Where a refinement has judged, it has done so with its coarse tolerance.
    coarse = replace(QUICK, tolerance=max(QUICK.tolerance, refinement.COARSE)) if method == "decoupled" else QUICK
    c, again = (
        normalization.normalize(Context(Counted(means), reference, settings), x).style
        for x, settings in ((WAVES, QUICK), (end, coarse))
    )
    expected = {
        layer: np.linalg.norm(again[at] - c[at]) / np.linalg.norm(c[at])
        for layer, at in zip(LAYERS, (slice(64), slice(64, 192)), strict=True)
    }
    assert result.style_relative_error == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_gaps_of_the_target_of_the_result_and_of_what_is_saved_of_it(transfers, means, reference, method):
    result = transfers[method]
    saved = np.round(255 * np.clip(result.result, 0, 1)) / 255
    c, before, after = (
        normalization.normalize(Context(Counted(means), reference, QUICK), x).style for x in (WAVES, RAMP, saved)
    )
    for name, style in (("untouched", before), ("saved", after)):
        wanted = {
            layer: np.linalg.norm(style[at] - c[at]) / np.linalg.norm(c[at]) for layer, at in result.layers.items()
        }
        assert result.style_gaps[name] == pytest.approx(wanted, rel=1e-5, abs=1e-9)
    assert result.style_gaps["result"] == result.style_relative_error
    assert bool(result.style_gaps["unrefined"]) == (method == "decoupled")
    for layer, at in result.layers.items():
        way = np.abs(before - c)[at]
        left = np.abs(result.routes["result_style"].style - c)[at]
        far = way > 0.1 * way.mean()
        assert result.worst_channels[layer] == pytest.approx(np.max(left[far] / way[far]), rel=1e-4)


def test_a_result_that_the_refinement_measured_is_not_measured_again(transfers, run):
    refined, plain = transfers["decoupled"], run(WAVES, RAMP, settings=replace(QUICK, refinements=0))
    assert refined.routes["result_style"].legs == () and len(plain.routes["result_style"].legs) == 1
    assert max(refined.style_relative_error.values()) == pytest.approx(refined.legs[-1].relative_error)


def test_the_saved_image_is_measured_from_the_legs_of_the_result(run, means, reference):
    """Its legs are nearly those of the result, so their Gram matrices need no Jacobian rows."""
    settings = Settings("symmetric", 4, 1e-9, 1e-3, refinements=0)
    result = run(WAVES, RAMP, settings=settings)
    (first,), (again,) = (result.routes[name].legs for name in ("result_style", "saved_style"))
    assert again.passes.jacobian_rows == 0 < first.passes.jacobian_rows
    assert again.passes.total < first.passes.total
    saved = np.round(255 * np.clip(result.result, 0, 1)) / 255
    from_nothing = normalization.normalize(Context(Counted(means), reference, settings), saved).style
    assert result.routes["saved_style"].style == pytest.approx(from_nothing, rel=1e-7)


@pytest.mark.parametrize("method", METHODS)
def test_passes_are_the_sum_over_the_legs_of_steps_1_to_3(transfers, method):
    result = transfers[method]
    legs = [leg for step in ("step1", "step2", "step3") for leg in result.routes[step].legs]
    for kind in ("forward", "jvp", "vjp", "jacobian_rows"):
        assert getattr(result.passes, kind) == sum(getattr(leg.passes, kind) for leg in legs)
    assert len(legs) == {"direct": 1, "decoupled": 7}.get(method, 6)
    assert all(leg.passes.forward > 0 and leg.curve for leg in legs)


def test_a_self_transfer_returns_and_its_step_2_costs_nothing(run):
    result = run(RAMP, RAMP.copy(), settings=CAREFUL)
    assert result.status == "done" and psnr(result.routes["step3"].x, RAMP) > 40
    assert np.max(np.abs(result.routes["step2"].x - RAMP)) > 0.1, "the image moved"
    for one, two in zip(result.routes["step1"].legs, result.routes["step2"].legs, strict=True):
        assert two == replace(one, step=2, passes=Passes(), seconds=0.0) and one.passes.total > 0
    assert np.array_equal(result.routes["step1"].x, result.routes["step2"].x)


@pytest.mark.parametrize("method", ["decoupled", "projected", "descent"])
def test_an_interrupted_transfer_resumes_to_the_same_arrays(run, transfers, method):
    journal = MemoryJournal()

    def stop(step, layer, progress, x):
        if (step, layer) == (2, LAYERS[1]) and progress > 0.3:
            raise KeyboardInterrupt

    broken = run(WAVES, RAMP, method, stop, journal=journal)
    assert broken.status == "interrupted" and broken.style_relative_error == {}
    assert list(broken.routes) == ["step1", "step2"]
    assert list(journal) == ["step1.block1_conv1", "step1.block2_conv1", "step2.block1_conv1"]
    calls, ends = [], [(int(name[4]), name[6:], 1.0) for name in journal]
    resumed = run(WAVES, RAMP, method, lambda *values: calls.append(values[:3]), journal=journal)
    assert calls[:3] == ends and not set(calls[3:]) & set(ends), "finished legs are not run again"
    assert_same_transfer(resumed, transfers[method])


def assert_same_transfer(one, other):
    """Require the same arrays to the bit and the same records of all legs; only their durations may differ."""
    assert one.status == other.status and list(one.routes) == list(other.routes)
    for name, route in other.routes.items():
        assert one.routes[name].x.tobytes() == route.x.tobytes()
        assert one.routes[name].style.tobytes() == route.style.tobytes()
        legs = (tuple(replace(leg, seconds=0.0) for leg in each) for each in (one.routes[name].legs, route.legs))
        assert repr(next(legs)) == repr(next(legs))  # NaN equals NaN
        assert [leg.curve for leg in one.routes[name].legs] == [leg.curve for leg in route.legs]


SYMMETRIC = Settings("symmetric", 3, 1e-5, 1e-3, refinements=2)


@pytest.fixture(scope="module")
def uninterrupted(run):
    return run(WAVES, RAMP, settings=SYMMETRIC)


@pytest.mark.parametrize("every", [1, 5])
def test_a_run_that_is_interrupted_every_few_points_ends_as_an_uninterrupted_one(run, uninterrupted, every):
    """Each run is interrupted after `every` accepted points, not counting repeated ones, and the next one resumes."""
    journal, seen, stops = MemoryJournal(), set(), 0

    def resume():
        new = set()

        def stop(step, layer, progress, x):
            point = (step, layer, progress, x.tobytes())
            if point not in seen and progress > 0:
                new.add(point)
            if len(new) == every:
                raise KeyboardInterrupt

        try:
            return run(WAVES, RAMP, listen=stop, settings=SYMMETRIC, journal=journal)
        except KeyboardInterrupt:  # between two legs
            return None
        finally:
            seen.update(new)

    while (result := resume()) is None or result.status == "interrupted":
        stops += 1
    assert stops >= 20 // every
    assert_same_transfer(result, uninterrupted)
    assert result.passes == uninterrupted.passes and result.passes.total > 0
    assert len(journal) == 8, "one state per leg, one of the refinement, which judges, and one of the saved image"


def test_step_3_receives_no_array_of_the_origin_but_its_style(run, monkeypatch):
    """Neither the origin nor its normalized image is among its arguments, or in a field of one."""
    received = []
    real = run_module.impose_style
    monkeypatch.setattr(run_module, "impose_style", lambda *arguments: received.append(arguments) or real(*arguments))
    result = run(WAVES, RAMP)
    arrays = []

    def collect(value, depth=4):
        if isinstance(value, np.ndarray):
            arrays.append(value)
        elif depth:
            parts = value if isinstance(value, (list, tuple)) else getattr(value, "__dict__", {}).values()
            for part in parts:
                collect(part, depth - 1)

    collect(received)
    assert any(array is result.routes["step2"].x for array in arrays)
    assert any(array is result.routes["step1"].style for array in arrays)
    for image in (WAVES, result.routes["step1"].x):
        for array in arrays:
            assert not np.shares_memory(array, image) and not np.array_equal(array, image)


@pytest.mark.parametrize("slips", [False, True])
def test_annex_slips_change_the_stop_rules_and_the_targets_of_step_3(run, reference, monkeypatch, slips):
    calls, real = [], stepwise.descend

    def descend(features, x, targets, **options):
        calls.append((targets.copy(), options["threshold"], options["absolute"]))
        return real(features, x, targets, **options)

    monkeypatch.setattr(stepwise, "descend", descend)
    result = run(WAVES, RAMP, MethodSettings("descent", iterations=2, threshold=0.02, annex_slips=slips))
    c, v = result.routes["step1"].style, reference.values
    deep = c if slips else np.concatenate([v[:64], c[64:]])
    wanted_targets = [v[:64], v, v[:64], v, deep, c[:64]]
    assert len(calls) == 6 and np.linalg.norm(c[:64] - v[:64]) > 0.1 * np.linalg.norm(v[:64])
    for (targets, _, _), expected in zip(calls, wanted_targets, strict=True):
        np.testing.assert_array_equal(targets, expected)
    rules = [(1.0, True)] * 2 + [(0.05, True)] * 2 + [(None, True)] * 2 if slips else [(0.02, False)] * 6
    assert [(threshold, absolute) for _, threshold, absolute in calls] == rules


def test_annex_slips_end_legs_by_mean_squared_error_and_run_step_3_to_the_end(run):
    method = MethodSettings("descent", optimizer="Adam", learning_rate=0.01, iterations=40, annex_slips=True)
    result = run(WAVES, RAMP, method)
    legs = {(leg.step, leg.layer): leg for leg in result.legs}
    for (step, _), leg in legs.items():
        assert leg.steps == 40 or (step < 3 and leg.mse <= {1: 1.0, 2: 0.05}[step])
    assert all(leg.steps == 40 for (step, _), leg in legs.items() if step == 3)


def test_a_leg_of_descent_is_reached_exactly_if_its_error_is_within_the_threshold(run):
    method = MethodSettings("descent", optimizer="Adam", learning_rate=0.01, iterations=200, threshold=0.3)
    for leg in run(WAVES, RAMP, method).legs:
        assert (leg.status == "reached") == (leg.relative_error <= 0.3)
        assert leg.status in ("reached", "max_steps")


def test_a_result_that_cannot_be_judged_is_still_a_result(run, monkeypatch):
    real = run_module.normalize

    def fail_on_judging(context, x, **keywords):
        route = real(context, x, **keywords)
        return replace(route, status="diverged") if context.step == Step.JUDGING else route

    monkeypatch.setattr(run_module, "normalize", fail_on_judging)
    result = run(WAVES, RAMP, settings=replace(QUICK, refinements=0))
    assert result.routes["result_style"].status == "diverged"
    assert result.status == "done" and result.style_relative_error == {}
