"""Nested normalization and its reversal, on toys whose decoupled features are known or computed in another way."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from toys import EXACT, FIRST, NOISE, SAMPLE, SECOND, TOY, point, reference, softplus_sums

from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.context import Context, Record, Settings, Step, Task
from decoupling_lib.engine.features import Counted
from decoupling_lib.engine.legs import Leg
from decoupling_lib.engine.normalization import Route, impose, normalize, retracing
from decoupling_lib.engine.ode import FlowResult
from decoupling_lib.moments.coupled import moment_feature_map


def standardize(x: np.ndarray) -> np.ndarray:
    return (x - x.mean()) / x.std()


# Moments: what the legs do and measure


@pytest.mark.parametrize("target", [0.0, -1.5])
def test_the_leg_of_the_mean_subtracts(target: float):
    mean = moment_feature_map(1)
    route = normalize(Context(Counted(mean), reference(mean, [target]), EXACT), SAMPLE)
    np.testing.assert_allclose(route.x, SAMPLE - SAMPLE.mean() + target, atol=1e-12)
    assert route.style == pytest.approx(SAMPLE.mean())
    assert route.status == "done"


@pytest.mark.parametrize(("mean", "square"), [(0.0, 1.0), (0.0, 7.0), (2.0, 5.0)])
def test_the_leg_of_the_second_moment_scales_about_the_mean_and_measures_the_variance(mean: float, square: float):
    moments = moment_feature_map(2)
    route = normalize(Context(Counted(moments), reference(moments, [mean, square]), EXACT), SAMPLE)
    np.testing.assert_allclose(route.x, mean + np.sqrt(square - mean**2) * standardize(SAMPLE), atol=1e-9)
    np.testing.assert_allclose(route.style, [SAMPLE.mean(), SAMPLE.var() + mean**2], rtol=1e-9)


def test_the_third_decoupled_feature_is_the_skewness_and_the_fourth_the_orthokurtosis():
    """The leg to zero skewness ends at y = standardize(z/(1 - tz)), with t by a root finder and not by a flow."""
    z = standardize(SAMPLE)

    def moebius(t: float) -> np.ndarray:
        return standardize(z / (1 - t * z))

    t = brentq(lambda t: np.mean(moebius(t) ** 3), 0.999 / z.min(), 0.999 / z.max(), xtol=1e-15)
    moments = moment_feature_map(4)
    route = normalize(Context(Counted(moments), reference(moments, [0, 1, 0, 3]), EXACT), SAMPLE)
    wanted = [SAMPLE.mean(), SAMPLE.var(), np.mean(z**3), np.mean(moebius(t) ** 4)]
    np.testing.assert_allclose(route.style, wanted, rtol=1e-8)


def test_the_orthokurtosis_of_four_points_is_a_function_of_their_cross_ratio():
    """It is 2 - (2λ - 1)⁻², exactly 7/4 for {0, 1, 2, 4}; as it is the reference value, the fourth leg stays."""
    for a, b, c, d in ((0, 1, 2, 4), (-3, 0.2, 1, 1.5)):
        ratio = (c - a) * (d - b) / ((c - b) * (d - a))
        wanted = 2 - (2 * ratio - 1) ** -2
        step0 = reference(moment_feature_map(4), [0, 1, 0, wanted])
        route = normalize(Context(Counted(moment_feature_map(4)), step0, EXACT), np.array([a, b, c, d], float))
        assert route.style[3] == pytest.approx(wanted, rel=1e-8)
    assert wanted != pytest.approx(1.75)


# There and back


@pytest.mark.parametrize("delta", [0.0, 0.05])
def test_imposing_the_own_style_is_the_identity(delta: float):
    cubic = moment_feature_map(3)
    for features, x, values in ((cubic, SAMPLE / 4, [0.5, 1, 1]), (TOY, FIRST, TOY.values(NOISE))):
        step0 = reference(features, values, delta, NOISE if features is TOY else None)
        away = normalize(Context(Counted(features), step0, EXACT), x)
        back = impose(Context(Counted(features), step0, EXACT), away.x, away.style)
        assert away.status == back.status == "done"
        assert np.linalg.norm(away.x - x) > 0.05 * np.linalg.norm(x)
        np.testing.assert_allclose(back.x, x, atol=2e-7)


@pytest.mark.parametrize("features", [moment_feature_map(3), TOY], ids=["moments", "softplus"])
def test_the_style_of_the_result_is_the_style_that_was_imposed(features: ClosedForm):
    first, second = (SAMPLE, np.random.default_rng(1).gamma(2, 1, 10)) if features is not TOY else (FIRST, SECOND)
    values = TOY.values(NOISE) if features is TOY else np.array([0.1, 1.1, 0.2])
    step0 = reference(features, values)
    style = normalize(Context(Counted(features), step0, EXACT), first).style
    bare_target = normalize(Context(Counted(features), step0, EXACT), second)
    assert np.linalg.norm(bare_target.style - style) > 0.05 * np.linalg.norm(style)
    result = impose(Context(Counted(features), step0, EXACT), bare_target.x, style)
    assert np.linalg.norm(result.x - first) > 0.1 * np.linalg.norm(first), "it is another image than the origin"
    np.testing.assert_allclose(normalize(Context(Counted(features), step0, EXACT), result.x).style, style, rtol=1e-7)


def test_imposing_holds_the_lower_blocks_at_the_reference_until_their_own_legs():
    step0 = reference(TOY, TOY.values(NOISE))
    style = normalize(Context(Counted(TOY), step0, EXACT), FIRST).style
    start = normalize(Context(Counted(TOY), step0, EXACT), SECOND).x
    ends = {}
    impose(
        Context(Counted(TOY), step0, EXACT, listen=lambda _, layer, progress, x: ends.update({layer: x})), start, style
    )
    np.testing.assert_allclose(TOY.values(ends["block2"])[:2], step0.values[:2], rtol=1e-8)
    np.testing.assert_allclose(TOY.values(ends["block2"])[2:], style[2:], rtol=1e-8)
    np.testing.assert_allclose(TOY.values(ends["block1"])[:2], style[:2], rtol=1e-8)


def test_gradient_descent_does_not_return_and_the_lift_does():
    """The descents of ‖f - v‖² and then of ‖f - c‖², followed exactly, take two different curves."""
    features = softplus_sums((6,), 16, 5)
    x, v = point(6, 16), features.values(0.3 * point(7, 16))

    def descend(start: np.ndarray, aim: np.ndarray) -> np.ndarray:
        def down(_: float, y: np.ndarray) -> np.ndarray:
            at = features.linearize(y)
            return -at.vjp(at.values - aim)

        end = solve_ivp(down, (0, 1e5), start, method="LSODA", rtol=1e-10, atol=1e-12).y[:, -1]
        assert np.linalg.norm(features.values(end) - aim) < 1e-6 * np.linalg.norm(aim), "solved to the end"
        return end

    away = descend(x, v)
    back = descend(away, features.values(x))
    assert np.linalg.norm(back - x) > 0.1 * np.linalg.norm(away - x)

    step0 = reference(features, v)
    lift = normalize(Context(Counted(features), step0, EXACT), x)
    lift_back = impose(Context(Counted(features), step0, EXACT), lift.x, lift.style)
    assert np.linalg.norm(features.values(lift.x) - v) < 1e-6 * np.linalg.norm(v)
    assert np.linalg.norm(lift_back.x - x) < 1e-7 * np.linalg.norm(lift.x - x)


# Another mover


def collect_tasks(run: Callable[..., Route], *arguments: np.ndarray) -> list[Task]:
    """Return the tasks that a mover receives which stays where it is."""
    tasks = []

    def stay(context: Context, x: np.ndarray, task: Task, record: Record) -> FlowResult:
        tasks.append(task)
        assert sum(block.size for block in context.features.blocks) == task.aim.size
        return FlowResult(x, 1.0, 1, "reached", "it stays")

    route = run(Context(Counted(TOY), reference(TOY, TOY.values(NOISE)), EXACT, move=stay), *arguments)
    assert isinstance(route.legs[0], Leg) and route.legs[0].status == "reached"
    np.testing.assert_array_equal(route.x, FIRST)
    return tasks


def test_normalizing_moves_each_block_from_where_it_is_to_the_reference():
    v, f = TOY.values(NOISE), TOY.values(FIRST)
    one, two = collect_tasks(normalize, FIRST)
    assert (one.step, one.layer, one.moving) == (1, "block1", slice(0, 2))
    assert (two.step, two.layer, two.moving) == (1, "block2", slice(2, 5))
    np.testing.assert_array_equal(one.aim, v[:2])
    np.testing.assert_array_equal(two.aim, v)
    np.testing.assert_array_equal(np.concatenate([one.start, two.start]), f)
    assert not one.imposing and not two.imposing


def test_the_style_is_measured_without_the_last_leg():
    step0 = reference(TOY, TOY.values(NOISE))
    whole = normalize(Context(Counted(TOY), step0, EXACT), FIRST)
    alone = normalize(Context(Counted(TOY), step0, EXACT), FIRST, measure_only=True)
    np.testing.assert_array_equal(alone.style, whole.style)
    assert [leg.layer for leg in alone.legs] == ["block1"] and alone.status == "done"


def test_imposing_moves_each_block_from_the_reference_to_the_style_and_holds_the_lower_ones():
    v, c = TOY.values(NOISE), np.arange(5.0)
    two, one = collect_tasks(impose, FIRST, c)
    assert (two.step, two.layer) == (3, "block2") and (one.step, one.layer) == (3, "block1")
    np.testing.assert_array_equal(two.aim, [*v[:2], *c[2:]])
    np.testing.assert_array_equal(two.start, v[2:])
    np.testing.assert_array_equal(one.aim, c[:2])
    assert one.imposing and two.imposing
    np.testing.assert_array_equal(one.start, v[:2])


def test_the_legs_of_a_route_guide_those_of_a_similar_image():
    context = Context(Counted(TOY), reference(TOY, TOY.values(NOISE), 0.05, NOISE), Settings(steps=6, tolerance=1e-12))
    route = normalize(context, FIRST)
    guides = {(Step.ORIGIN, layer): guide for layer, guide in route.guides.items()}
    assert [layer for _, layer in guides] == [block.name for block in TOY.blocks]
    plain, guided = Counted(TOY), Counted(TOY)
    ends = [
        normalize(replace(context, features=features, guides=chosen), FIRST + 1e-4 * NOISE).x
        for features, chosen in ((plain, {}), (guided, guides))
    ]
    np.testing.assert_allclose(*ends, atol=1e-8)
    assert guided.passes.jacobian_rows < plain.passes.jacobian_rows


def test_the_way_back_begins_with_the_gram_matrices_of_the_way_there():
    """It needs no Jacobian rows, and ends where it would end without them."""
    context = Context(Counted(TOY), reference(TOY, TOY.values(NOISE), 0.05, NOISE), Settings(steps=6, tolerance=1e-12))
    there = normalize(context, FIRST)
    style = there.style + 0.01
    ends, rows = [], []
    for known in (retracing(context, there), replace(retracing(context, there), guides={})):
        counted = Counted(TOY)
        ends.append(impose(replace(known, features=counted), there.x, style).x)
        rows.append(counted.passes.jacobian_rows)
    np.testing.assert_allclose(*ends, atol=1e-8)
    assert rows[0] < rows[1]
