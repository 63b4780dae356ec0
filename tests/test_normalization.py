"""Nested normalization and imposing, on toys whose decoupled features are known or can be had another way."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from decoupling_lib.features import Block, ClosedForm, Counted
from decoupling_lib.flow import FlowResult, integrate
from decoupling_lib.legs import Leg, Record, Reference, Settings, Task
from decoupling_lib.lift import Damping, gradient_scales, is_tangent, to_tangent
from decoupling_lib.normalization import Path, impose, normalize

SAMPLE = np.array([0, 0.5, 1, 1.7, 2.1, 3, 3.4, 5.2, 8.9, 13])
EXACT = Settings(rule="adaptive", steps=2000, tolerance=1e-11, solver_tolerance=1e-12, threshold=1e-9)


def moments(count: int) -> ClosedForm:
    """mean(x), mean(x²), …, one block each."""
    return ClosedForm(
        tuple(Block(f"m{k}", 1) for k in range(1, count + 1)),
        lambda x: np.array([np.mean(x**k) for k in range(1, count + 1)]),
        lambda x: np.stack([k * x ** (k - 1) / x.size for k in range(1, count + 1)]),
    )


def softplus_sums(sizes: tuple[int, ...], pixels: int, seed: int) -> ClosedForm:
    """Sums of softplus units: smooth, curved, and with gradients that no change of variables makes integrable."""
    rng = np.random.default_rng(seed)
    mix = rng.random((sum(sizes), 4 * sum(sizes))) + 0.1
    filters = rng.standard_normal((4 * sum(sizes), pixels))
    return ClosedForm(
        tuple(Block(f"block{k}", size) for k, size in enumerate(sizes, start=1)),
        lambda x: mix @ np.logaddexp(0, filters @ x),
        lambda x: (mix / (1 + np.exp(-filters @ x))) @ filters,
    )


def reference(
    features: ClosedForm, values: np.ndarray, delta: float = 0.0, order: int = 2, at: np.ndarray | None = None
) -> Reference:
    live = np.ones(len(values), bool)
    scales = np.ones(len(values)) if at is None else gradient_scales(features.linearize(at), features.blocks, live)
    return Reference(np.asarray(values, float), live, Damping(delta, scales, order))


def standardize(x: np.ndarray) -> np.ndarray:
    return (x - x.mean()) / x.std()


def point(seed: int, size: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(size)


TOY = softplus_sums((2, 3), 14, 1)
NOISE, FIRST, SECOND = (0.5 * point(seed, 14) for seed in (2, 3, 4))


# Moments: what the legs do and measure


@pytest.mark.parametrize("target", [0.0, -1.5])
def test_the_mean_leg_subtracts(target: float):
    path = normalize(Counted(moments(1)), SAMPLE, reference(moments(1), [target]), EXACT)
    np.testing.assert_allclose(path.x, SAMPLE - SAMPLE.mean() + target, atol=1e-12)
    assert path.style == pytest.approx(SAMPLE.mean())
    assert path.status == "done"


@pytest.mark.parametrize(("mean", "square"), [(0.0, 1.0), (0.0, 7.0), (2.0, 5.0)])
def test_the_second_moments_leg_scales_about_the_mean_and_measures_the_variance(mean: float, square: float):
    path = normalize(Counted(moments(2)), SAMPLE, reference(moments(2), [mean, square]), EXACT)
    np.testing.assert_allclose(path.x, mean + np.sqrt(square - mean**2) * standardize(SAMPLE), atol=1e-9)
    np.testing.assert_allclose(path.style, [SAMPLE.mean(), SAMPLE.var() + mean**2], rtol=1e-9)


def test_the_third_decoupled_feature_is_the_skewness_and_the_fourth_the_orthokurtosis():
    """The leg to zero skewness is y = standardize(z/(1 - tz)): its t from a bracket, not from a flow."""
    z = standardize(SAMPLE)

    def moebius(t: float) -> np.ndarray:
        return standardize(z / (1 - t * z))

    t = brentq(lambda t: np.mean(moebius(t) ** 3), 0.999 / z.min(), 0.999 / z.max(), xtol=1e-15)
    path = normalize(Counted(moments(4)), SAMPLE, reference(moments(4), [0, 1, 0, 3]), EXACT)
    wanted = [SAMPLE.mean(), SAMPLE.var(), np.mean(z**3), np.mean(moebius(t) ** 4)]
    np.testing.assert_allclose(path.style, wanted, rtol=1e-8)


def test_the_orthokurtosis_of_four_points_is_a_function_of_their_cross_ratio():
    """2 - (2λ - 1)⁻², exactly 7/4 for {0, 1, 2, 4}; no fourth leg: its target is where it stands."""
    for a, b, c, d in ((0, 1, 2, 4), (-3, 0.2, 1, 1.5)):
        ratio = (c - a) * (d - b) / ((c - b) * (d - a))
        wanted = 2 - (2 * ratio - 1) ** -2
        at_rest = reference(moments(4), [0, 1, 0, wanted])
        path = normalize(Counted(moments(4)), np.array([a, b, c, d], float), at_rest, EXACT)
        assert path.style[3] == pytest.approx(wanted, rel=1e-8)
    assert wanted != pytest.approx(1.75)


def test_a_leg_is_reached_where_its_target_is_zero():
    path = normalize(Counted(moments(2)), SAMPLE, reference(moments(2), [0, 1]), EXACT)
    assert [leg.status for leg in path.legs] == ["reached", "reached"]


# There and back


@pytest.mark.parametrize("delta", [0.0, 0.05])
@pytest.mark.parametrize("order", [1, 2])
def test_imposing_ones_own_style_is_the_identity(delta: float, order: int):
    cubic = moments(3)
    for features, x, values in ((cubic, SAMPLE / 4, [0.5, 1, 1]), (TOY, FIRST, TOY.values(NOISE))):
        step0 = reference(features, values, delta, order, NOISE if features is TOY else None)
        away = normalize(Counted(features), x, step0, EXACT)
        back = impose(Counted(features), away.x, away.style, step0, EXACT)
        assert away.status == back.status == "done"
        assert np.linalg.norm(away.x - x) > 0.05 * np.linalg.norm(x)
        np.testing.assert_allclose(back.x, x, atol=2e-7)


@pytest.mark.parametrize("features", [moments(3), TOY], ids=["moments", "softplus"])
def test_the_style_measured_afterwards_is_the_style_that_was_imposed(features: ClosedForm):
    first, second = (SAMPLE, np.random.default_rng(1).gamma(2, 1, 10)) if features is not TOY else (FIRST, SECOND)
    values = TOY.values(NOISE) if features is TOY else np.array([0.1, 1.1, 0.2])
    step0 = reference(features, values)
    style = normalize(Counted(features), first, step0, EXACT).style
    noisified = normalize(Counted(features), second, step0, EXACT)
    assert np.linalg.norm(noisified.style - style) > 0.05 * np.linalg.norm(style)
    result = impose(Counted(features), noisified.x, style, step0, EXACT)
    assert np.linalg.norm(result.x - first) > 0.1 * np.linalg.norm(first), "the target's picture, not the origin's"
    np.testing.assert_allclose(normalize(Counted(features), result.x, step0, EXACT).style, style, rtol=1e-7)


def test_imposing_holds_the_lower_blocks_at_the_reference_until_their_turn():
    step0 = reference(TOY, TOY.values(NOISE))
    style = normalize(Counted(TOY), FIRST, step0, EXACT).style
    start = normalize(Counted(TOY), SECOND, step0, EXACT).x
    ends = {}
    impose(Counted(TOY), start, style, step0, EXACT, listen=lambda _, layer, progress, x: ends.update({layer: x}))
    np.testing.assert_allclose(TOY.values(ends["block2"])[:2], step0.values[:2], rtol=1e-8)
    np.testing.assert_allclose(TOY.values(ends["block2"])[2:], style[2:], rtol=1e-8)
    np.testing.assert_allclose(TOY.values(ends["block1"])[:2], style[:2], rtol=1e-8)


def test_gradient_descent_does_not_come_back_and_the_lift_does():
    """Followed exactly, ‖f - v‖² and then ‖f - c‖² descend along two different curves (theory: another 35 %)."""
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
    returned = descend(away, features.values(x))
    assert np.linalg.norm(returned - x) > 0.1 * np.linalg.norm(away - x)

    step0 = reference(features, v)
    lifted = normalize(Counted(features), x, step0, EXACT)
    back = impose(Counted(features), lifted.x, lifted.style, step0, EXACT)
    assert np.linalg.norm(features.values(lifted.x) - v) < 1e-6 * np.linalg.norm(v)
    assert np.linalg.norm(back.x - x) < 1e-7 * np.linalg.norm(lifted.x - x)


# Decoupling


SCALARS = softplus_sums((1, 1, 1), 5, 11)
SCALAR_NOISE, SCALAR_POINT = 0.3 * point(12, 5), 0.6 * point(13, 5)
SCALAR_REFERENCE = reference(SCALARS, SCALARS.values(SCALAR_NOISE))


def scalar_style(x: np.ndarray) -> np.ndarray:
    return normalize(Counted(SCALARS), x, SCALAR_REFERENCE, EXACT).style


def style_gradients(x: np.ndarray, h: float = 1e-4) -> np.ndarray:
    """∇c_1, ∇c_2, ∇c_3 by central differences through the whole normalization."""
    return np.stack([(scalar_style(x + h * e) - scalar_style(x - h * e)) / (2 * h) for e in np.eye(5)], axis=1)


def on_manifold(count: int) -> np.ndarray:
    """A point of R_count that is not on R_(count + 1)."""
    shallow = Reference(SCALAR_REFERENCE.values[:count], np.ones(count, bool), Damping(0.0, np.ones(count)))
    return normalize(Counted(SCALARS.prefix(count)), SCALAR_POINT, shallow, EXACT).x


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_the_style_does_not_change_along_the_flow_of_an_earlier_feature():
    """Anywhere along ∇f_1; along P_1∇f_2 on R_1, where the foot point of both legs stays the same."""
    starts = (SCALAR_POINT, on_manifold(1))
    for k, start in enumerate(starts):

        def along(x: np.ndarray, k: int = k) -> np.ndarray:
            rows = SCALARS.linearize(x).jacobian()
            direction = to_tangent(rows[:k], rows[k]) if k else rows[0]
            return 0.5 * direction / np.linalg.norm(direction)

        moved = integrate(along, start, "adaptive", 400, 1e-12).x
        before, after = scalar_style(start), scalar_style(moved)
        assert abs(after[k] - before[k]) > 0.05 * abs(before[k]), "its own feature does change"
        np.testing.assert_allclose(after[k + 1 :], before[k + 1 :], rtol=1e-8)
        raw = SCALARS.values(moved) - SCALARS.values(start)
        assert np.all(np.abs(raw[k + 1 :]) > 0.01), "the coupled features change"


@pytest.mark.parametrize("earlier", [1, 2])
def test_decoupled_gradients_are_orthogonal_to_an_earlier_one_on_the_manifold_before_it(earlier: int):
    """∇č_j·∇č_k = 0 for j < k at every point of R_{j-1} (R_0: everywhere)."""
    x = on_manifold(earlier - 1) if earlier > 1 else SCALAR_POINT
    gradients = style_gradients(x)
    raw = SCALARS.linearize(x).jacobian()
    for later in range(earlier + 1, 4):
        assert abs(cosine(gradients[earlier - 1], gradients[later - 1])) < 1e-5
        assert abs(cosine(raw[earlier - 1], raw[later - 1])) > 0.05


def test_off_that_manifold_they_are_clearly_not_orthogonal():
    gradients = style_gradients(SCALAR_POINT)
    assert abs(cosine(gradients[0], gradients[2])) < 1e-5
    assert abs(cosine(gradients[1], gradients[2])) > 0.05


def test_on_the_manifold_the_decoupled_gradients_are_the_gram_schmidt_of_the_raw_ones():
    x = on_manifold(3)
    raw = SCALARS.linearize(x).jacobian()
    wanted = np.stack([raw[0], to_tangent(raw[:1], raw[1]), to_tangent(raw[:2], raw[2])])
    np.testing.assert_allclose(style_gradients(x), wanted, atol=1e-5 * np.abs(raw).max())


@pytest.mark.parametrize("seed", range(3))
def test_mean_and_variance_are_decoupled_everywhere_mean_and_mean_square_are_not(seed: int):
    """The thesis's section 2.1 calls mean and variance coupled; by its own Definition 2 they are not."""
    x = np.random.default_rng(seed).gamma(2, 1, 12)
    spread = ClosedForm(
        (Block("mean", 1), Block("variance", 1)),
        lambda y: np.array([y.mean(), y.var()]),
        lambda y: np.stack([np.full(y.size, 1 / y.size), 2 * (y - y.mean()) / y.size]),
    )
    (mean,), (variance,) = np.split(spread.linearize(x).jacobian(), 2)
    square = moments(2).linearize(x).jacobian()[1]
    assert is_tangent(mean[None], variance) and not is_tangent(mean[None], square)
    np.testing.assert_allclose(to_tangent(mean[None], variance), variance, atol=1e-14)
    np.testing.assert_allclose(to_tangent(mean[None], square), variance, atol=1e-14)
    for features, target in ((spread, 1.0), (moments(2), 1.0)):
        alone = ClosedForm(
            features.blocks[1:],
            lambda y, f=features: f.values(y)[1:],
            lambda y, f=features: f.linearize(y).jacobian()[1:],
        )
        moved = normalize(Counted(alone), x, reference(alone, [target]), EXACT).x
        kept = abs(moved.mean() - x.mean()) < 1e-9
        assert kept == (features is spread), "a free leg of the variance keeps the mean, of the mean square does not"


# Damping on a linear map, where everything is known


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("steps", [1, 3])
def test_a_damped_leg_leaves_a_known_share_in_each_eigendirection(order: int, steps: int):
    delta = 0.3
    A = np.random.default_rng(3).standard_normal((4, 9)) * np.array([2, 1, 0.5, 0.1])[:, None]
    linear = ClosedForm((Block("all", 4),), lambda x: A @ x, lambda x: A)
    x = point(5, 9)
    eigenvalues, vectors = np.linalg.eigh(A @ A.T)
    for g, direction in zip(eigenvalues, vectors.T, strict=True):
        step0 = reference(linear, A @ x + 3 * direction, delta, order)
        path = normalize(Counted(linear), x, step0, Settings("euler", steps, 1e-5, 1e-12))
        left = delta / (g + delta) if order == 1 else delta**2 / (g**2 + delta**2)
        assert path.legs[0].remaining_fraction == pytest.approx(left, rel=1e-9)
        np.testing.assert_allclose(A @ path.x, A @ x + 3 * (1 - left) * direction, atol=1e-9)


@pytest.mark.parametrize("order", [1, 2])
def test_a_damped_leg_with_held_blocks_and_scales_moves_by_the_filtered_rate(order: int):
    delta, scales = 0.4, np.array([0.5, 0.5, 2, 2, 2])
    A = np.random.default_rng(4).standard_normal((5, 9))
    linear = ClosedForm((Block("held", 2), Block("moving", 3)), lambda x: A @ x, lambda x: A)
    x, values = point(6, 9), np.arange(1.0, 6.0)
    step0 = Reference(values, np.ones(5, bool), Damping(delta, scales, order))

    def filtered(size: int, rate: np.ndarray) -> np.ndarray:
        G, D = A[:size] @ A[:size].T, delta * np.diag(scales[:size])
        return G @ np.linalg.solve(G + (D if order == 1 else D @ np.linalg.inv(G) @ D), rate)

    path = normalize(Counted(linear), x, step0, Settings("euler", 1, 1e-5, 1e-12))
    c1 = A[:2] @ x
    between = x + A[:2].T @ np.linalg.solve(A[:2] @ A[:2].T, filtered(2, values[:2] - c1))
    c2 = A[2:] @ between
    np.testing.assert_allclose(path.style, np.concatenate([c1, c2]), rtol=1e-9)
    end = A @ between + filtered(5, np.concatenate([np.zeros(2), values[2:] - c2]))
    np.testing.assert_allclose(A @ path.x, end, rtol=1e-9)
    assert path.legs[1].held_relative_error == pytest.approx(
        np.linalg.norm(end[:2] - values[:2]) / np.linalg.norm(values[:2])
    )
    assert path.legs[1].relative_error == pytest.approx(
        np.linalg.norm(end[2:] - values[2:]) / np.linalg.norm(values[2:])
    )
    assert path.legs[1].mse == pytest.approx(np.mean((end[2:] - values[2:]) ** 2))


# Step 3's closing correction

DAMPED = Settings("adaptive", 400, 1e-9, 1e-10, 1e-3)


def damped_reference(order: int, delta: float = 0.02) -> Reference:
    return reference(TOY, TOY.values(NOISE), delta, order, NOISE)


@pytest.mark.parametrize("order", [1, 2])
def test_a_damped_step_3_reaches_another_pictures_style_only_by_its_correction(order: int):
    step0 = damped_reference(order)
    style = normalize(Counted(TOY), FIRST, step0, DAMPED).style
    start = normalize(Counted(TOY), SECOND, step0, DAMPED).x
    plain = impose(Counted(TOY), start, style, step0, DAMPED, step=1)
    closed = impose(Counted(TOY), start, style, step0, DAMPED, step=3)
    assert max(leg.relative_error for leg in plain.legs) > 3 * DAMPED.threshold
    assert [leg.status for leg in closed.legs] == ["reached", "reached"]
    assert max(leg.relative_error for leg in closed.legs) <= 0.1 * DAMPED.threshold


@pytest.mark.parametrize("order", [1, 2])
def test_the_correction_leaves_the_held_block_where_the_leg_left_it(order: int):
    step0 = damped_reference(order)
    style = normalize(Counted(TOY), FIRST, step0, DAMPED).style
    start = normalize(Counted(TOY), SECOND, step0, DAMPED).x
    held = {}
    for step in (1, 3):
        leg = impose(Counted(TOY), start, style, step0, DAMPED, step=step).legs[0]
        assert leg.layer == "block2"
        held[step] = leg.held_relative_error
    assert held[1] > DAMPED.threshold
    assert held[3] == pytest.approx(held[1], abs=0.1 * DAMPED.threshold)


@pytest.mark.parametrize("order", [1, 2])
def test_a_correction_that_damping_slows_down_still_helps_and_is_not_called_reached(order: int):
    """Features weaker than δ close slowly (by δ²/(g² + δ²) a pass at order 2)."""
    step0 = damped_reference(order, 0.1)
    style = normalize(Counted(TOY), FIRST, step0, DAMPED).style
    start = normalize(Counted(TOY), SECOND, step0, DAMPED).x
    plain, closed = (impose(Counted(TOY), start, style, step0, DAMPED, step=step).legs[0] for step in (1, 3))
    assert DAMPED.threshold < closed.relative_error < 0.5 * plain.relative_error
    assert closed.status == "damped_end"


@pytest.mark.parametrize("order", [1, 2])
def test_on_a_self_transfer_the_correction_does_nothing(order: int):
    step0 = damped_reference(order)
    away = normalize(Counted(TOY), FIRST, step0, DAMPED)
    assert max(leg.relative_error for leg in away.legs) > 3 * DAMPED.threshold, "the damping matters"
    plain, closed = (impose(Counted(TOY), away.x, away.style, step0, DAMPED, step=step) for step in (1, 3))
    assert np.max(np.abs(closed.x - plain.x)) < 10 * DAMPED.tolerance
    assert np.max(np.abs(closed.x - FIRST)) < 100 * DAMPED.tolerance


# What is told of the legs


def test_legs_tell_what_they_did():
    step0 = reference(TOY, TOY.values(NOISE))
    away = normalize(Counted(TOY), FIRST, step0, EXACT, step=2)
    back = impose(Counted(TOY), away.x, away.style, step0, EXACT)
    assert [(leg.step, leg.layer, leg.live_channels) for leg in away.legs] == [(2, "block1", 2), (2, "block2", 3)]
    assert [(leg.step, leg.layer) for leg in back.legs] == [(3, "block2"), (3, "block1")]
    for leg in away.legs + back.legs:
        assert leg.status == "reached" and leg.relative_error <= EXACT.threshold
        counts, errors = zip(*leg.curve, strict=True)
        assert counts[0] == 0 and list(counts) == sorted(counts) and len(counts) == leg.steps + 1
        assert errors[-1] < 1e-6 * errors[0]


def test_listener_hears_each_leg_from_start_to_end():
    heard: dict[str, list[float]] = {}
    step0 = reference(TOY, TOY.values(NOISE))

    def listen(step: int, layer: str, progress: float, x: np.ndarray | None) -> None:
        assert step == 1 and x is not None and x.shape == FIRST.shape
        heard.setdefault(layer, []).append(progress)

    normalize(Counted(TOY), FIRST, step0, EXACT, listen=listen)
    assert list(heard) == ["block1", "block2"]
    for progress in heard.values():
        assert progress[0] == 0 and progress[-1] == 1 and np.all(np.diff(progress) > 0)


@pytest.mark.parametrize("at", [0.0, 0.5])
def test_an_interrupt_ends_the_run_at_the_last_accepted_point(at: float):
    last = {}

    def listen(step: int, layer: str, progress: float, x: np.ndarray) -> None:
        last["x"] = x.copy()
        if layer == "block2" and progress >= at:
            raise KeyboardInterrupt

    step0 = reference(TOY, TOY.values(NOISE))
    settings = Settings("rk4", 10, threshold=1e-9)
    path = normalize(Counted(TOY), FIRST, step0, settings, listen=listen)
    assert path.status == "interrupted"
    assert [leg.status for leg in path.legs] == ["reached", "interrupted"]
    assert path.legs[1].steps == 10 * at
    np.testing.assert_array_equal(path.x, last["x"])


def test_a_target_out_of_reach_ends_the_run_at_its_leg():
    """No sample has a mean square below its squared mean."""
    path = normalize(Counted(moments(3)), SAMPLE, reference(moments(3), [1.0, -2.0, 0.0]), DAMPED)
    assert path.status in ("stalled", "diverged")
    assert [leg.layer for leg in path.legs] == ["m1", "m2"]
    assert path.legs[-1].status == path.status
    assert np.all(np.isfinite(path.x))


def test_a_leg_with_too_few_steps_says_so_and_the_next_one_goes_on():
    settings = Settings("adaptive", 1, 1e-12, 1e-12, 1e-9)
    path = normalize(Counted(TOY), FIRST, reference(TOY, TOY.values(NOISE)), settings)
    assert [leg.status for leg in path.legs] == ["max_steps", "max_steps"] and path.status == "done"


def test_a_damped_leg_that_ends_short_of_the_threshold_says_so():
    path = normalize(Counted(TOY), FIRST, damped_reference(2, 0.1), DAMPED)
    assert [leg.status for leg in path.legs] == ["damped_end", "damped_end"]
    assert all(leg.relative_error > DAMPED.threshold for leg in path.legs)


@pytest.mark.parametrize("delta", [0.0, 0.05])
def test_dead_features_are_told_but_take_no_part(delta: float):
    """A feature that never moves, with another reference value, beside two that do."""
    with_dead = ClosedForm(
        (Block("block1", 3), Block("block2", 3)),
        lambda x: np.insert(TOY.values(x), 1, 0.7),
        lambda x: np.insert(TOY.linearize(x).jacobian(), 1, 0.0, axis=0),
    )
    values, live = np.insert(TOY.values(NOISE), 1, 5.0), np.arange(6) != 1
    step0 = Reference(values, live, Damping(delta, np.ones(6)))
    path = normalize(Counted(with_dead), FIRST, step0, EXACT)
    plain = normalize(Counted(TOY), FIRST, reference(TOY, TOY.values(NOISE), delta), EXACT)
    np.testing.assert_allclose(path.x, plain.x, atol=1e-9)
    np.testing.assert_allclose(np.delete(path.style, 1), plain.style, rtol=1e-9)
    assert path.style[1] == 0.7
    assert [leg.live_channels for leg in path.legs] == [2, 3]
    for leg, same in zip(path.legs, plain.legs, strict=True):
        assert leg.relative_error == pytest.approx(same.relative_error, abs=1e-9)


# Another way to make a leg


def collect(run: Callable[..., Path], *arguments: np.ndarray) -> list[Task]:
    """The tasks that a run gives to a mover that stays where it is."""
    tasks = []

    def stay(
        features: Counted, x: np.ndarray, task: Task, step0: Reference, settings: Settings, record: Record
    ) -> FlowResult:
        tasks.append(task)
        assert sum(block.size for block in features.blocks) == task.aim.size
        return FlowResult(x, 1.0, 1, "reached", "stayed")

    path = run(Counted(TOY), *arguments, reference(TOY, TOY.values(NOISE)), EXACT, move=stay)
    assert isinstance(path.legs[0], Leg) and path.legs[0].status == "max_steps"
    np.testing.assert_array_equal(path.x, FIRST)
    return tasks


def test_normalizing_asks_each_block_for_the_reference_from_where_it_is():
    v, f = TOY.values(NOISE), TOY.values(FIRST)
    one, two = collect(normalize, FIRST)
    assert (one.step, one.layer, one.moving) == (1, "block1", slice(0, 2))
    assert (two.step, two.layer, two.moving) == (1, "block2", slice(2, 5))
    np.testing.assert_array_equal(one.aim, v[:2])
    np.testing.assert_array_equal(two.aim, v)
    np.testing.assert_array_equal(np.concatenate([one.start, two.start]), f)


def test_imposing_asks_each_block_for_the_style_and_the_lower_ones_for_the_reference():
    v, c = TOY.values(NOISE), np.arange(5.0)
    two, one = collect(impose, FIRST, c)
    assert (two.step, two.layer) == (3, "block2") and (one.step, one.layer) == (3, "block1")
    np.testing.assert_array_equal(two.aim, [*v[:2], *c[2:]])
    np.testing.assert_array_equal(two.start, v[2:])
    np.testing.assert_array_equal(one.aim, c[:2])
    np.testing.assert_array_equal(one.start, v[:2])
