"""Closing the gap to the imposed style: its derivative, its effect, and that it leaves alone what is right."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from journals import MemoryJournal
from toys import EXACT, FIRST, NOISE, SECOND, TOY, point, reference, softplus_sums

from decoupling_lib.engine import decoupled_gradients, refinement
from decoupling_lib.engine.context import Context, Reference, Settings
from decoupling_lib.engine.distances import relative_error
from decoupling_lib.engine.features import Block, ClosedForm, Counted
from decoupling_lib.engine.lift import Damping
from decoupling_lib.engine.normalization import Route, impose, normalize
from decoupling_lib.engine.refinement import decoupled_jacobian, refine
from decoupling_lib.engine.tangent import to_tangent

DAMPED = Settings("adaptive", 400, 1e-9, 1e-10, 1e-3)


def linear(sizes: tuple[int, ...], pixels: int, seed: int) -> tuple[ClosedForm, np.ndarray]:
    rows = np.random.default_rng(seed).standard_normal((sum(sizes), pixels))
    blocks = tuple(Block(f"block{k}", size) for k, size in enumerate(sizes))
    return ClosedForm(blocks, lambda x: rows @ x, lambda x: rows), rows


def starts(features: ClosedForm, x: np.ndarray, step0: Reference) -> list[np.ndarray]:
    """x̌_0, x̌_1, …, each by normalizing with fewer blocks."""
    found = [x]
    for depth in range(1, len(features.blocks)):
        shallow = features.prefix(depth)
        n = sum(block.size for block in shallow.blocks)
        part = Reference(step0.values[:n], step0.live[:n], step0.damping.prefix(n))
        found.append(normalize(Context(Counted(shallow), part, EXACT), x).x)
    return found


def by_differences(style: Callable[[np.ndarray], np.ndarray], x: np.ndarray, h: float) -> np.ndarray:
    return np.stack([(style(x + h * e) - style(x - h * e)) / (2 * h) for e in np.eye(x.size)], axis=1)


@pytest.mark.parametrize(("delta", "held"), [(0.0, 1.0), (0.3, 1.0), (0.3, 7.0)])
def test_the_decoupled_jacobian_is_exact_for_linear_features(delta: float, held: float):
    features, _ = linear((2, 1, 2), 9, 3)
    scales = np.array([2.0, 2.0, 0.5, 1.0, 1.0])
    step0 = Reference(point(4, 5), np.ones(5, bool), Damping(delta, scales, (1.0, held, held)))
    x = point(5, 9)

    def style(y: np.ndarray) -> np.ndarray:
        return normalize(Context(Counted(features), step0, EXACT), y, measure_only=True).style

    found = decoupled_jacobian(Counted(features), starts(features, x, step0), step0)
    np.testing.assert_allclose(found, by_differences(style, x, 0.5), atol=1e-6)


def test_undamped_and_at_the_reference_it_is_the_gram_schmidt_of_the_gradients():
    features = softplus_sums((1, 1, 1), 6, 9)
    x = 0.4 * point(10, 6)
    step0 = reference(features, features.values(x))
    raw = features.linearize(x).jacobian()
    wanted = np.stack([raw[0], to_tangent(raw[:1], raw[1]), to_tangent(raw[:2], raw[2])])
    np.testing.assert_allclose(decoupled_jacobian(Counted(features), [x, x, x], step0), wanted, atol=1e-10)


def test_dead_features_have_no_row():
    features, rows = linear((2, 2), 7, 6)
    step0 = Reference(np.zeros(4), np.array([True, False, True, True]), Damping(0.1, np.ones(4)))
    found = decoupled_jacobian(Counted(features), [point(7, 7)] * 2, step0)
    np.testing.assert_array_equal(found[1], 0)
    gain = rows[2:] @ rows[0] / (rows[0] @ rows[0] + 0.1)
    np.testing.assert_allclose(found[2:], rows[2:] - np.outer(gain, rows[0]), rtol=1e-12)


def imposed(delta: float = 0.3) -> tuple[Reference, Route]:
    """The style of one point on another, by damped legs alone."""
    step0 = reference(TOY, TOY.values(NOISE), delta, NOISE)
    style = normalize(Context(Counted(TOY), step0, DAMPED), FIRST).style
    noisified = normalize(Context(Counted(TOY), step0, DAMPED), SECOND)
    return step0, impose(Context(Counted(TOY), step0, DAMPED), noisified.x, style)


def errors(x: np.ndarray, style: np.ndarray, step0: Reference) -> list[float]:
    again = normalize(Context(Counted(TOY), step0, DAMPED), x).style
    return [relative_error(again[at], style[at]) for at in (slice(2), slice(2, 5))]


def test_the_gap_that_damping_left_is_closed():
    step0, path = imposed()
    assert max(errors(path.x, path.style, step0)) > 0.02
    heard: list[tuple[int, str, float]] = []
    better = refine(Context(Counted(TOY), step0, DAMPED, listen=lambda *what: heard.append(what[:3])), path)
    assert max(errors(better.x, path.style, step0)) <= 0.02
    *legs, last = better.legs
    assert tuple(legs) == path.legs and better.status == "done"
    assert (last.step, last.layer, last.status) == (3, "block1+block2", "reached")
    assert last.relative_error == pytest.approx(max(errors(better.x, path.style, step0)), rel=1e-3)
    assert last.remaining_fraction < 1 and last.passes.total > 0 and 1 <= last.steps <= DAMPED.refinements
    assert heard == [(3, "block1+block2", k / DAMPED.refinements) for k in range(last.steps + 1)]


def test_what_shows_its_style_already_is_left_as_it_is():
    step0 = reference(TOY, TOY.values(NOISE), 0.3, NOISE)
    there = normalize(Context(Counted(TOY), step0, DAMPED), FIRST)
    back = impose(Context(Counted(TOY), step0, DAMPED), there.x, there.style)
    same = refine(Context(Counted(TOY), step0, DAMPED), back)
    np.testing.assert_array_equal(same.x, back.x)
    assert (same.legs[-1].steps, same.legs[-1].status) == (0, "reached")


def test_the_best_picture_is_kept_when_steps_make_it_worse(monkeypatch):
    step0, path = imposed()
    monkeypatch.setattr(refinement, "_step", lambda features, starts, *rest: np.ones_like(starts[0]))
    for most, made in ((3, 3), (16, refinement.PATIENCE)):  # no more than allowed, nor than there is hope for
        kept = refine(Context(Counted(TOY), step0, replace(DAMPED, refinements=most)), path)
        np.testing.assert_array_equal(kept.x, path.x)
        assert (kept.legs[-1].status, kept.legs[-1].steps) == ("max_steps", made)
        assert kept.legs[-1].remaining_fraction == 1


@pytest.mark.parametrize("at", [0, 1])
def test_an_interrupt_keeps_the_best_picture(at: int):
    def listen(step: int, layer: str, progress: float, x: np.ndarray) -> None:
        if progress * DAMPED.refinements >= at:
            raise KeyboardInterrupt

    step0, path = imposed()
    stopped = refine(Context(Counted(TOY), step0, DAMPED, listen=listen), path)
    assert stopped.status == stopped.legs[-1].status == "interrupted" and stopped.legs[-1].steps == at
    assert np.all(np.isfinite(stopped.x))


def test_legs_that_break_off_end_it_with_what_was_there(monkeypatch):
    step0, path = imposed()
    real = refinement.normalize
    monkeypatch.setattr(refinement, "normalize", lambda *a, **k: replace(real(*a, **k), status="diverged"))
    kept = refine(Context(Counted(TOY), step0, DAMPED), path)
    np.testing.assert_array_equal(kept.x, path.x)
    assert kept.status == "done" and kept.legs[-1].status == "diverged"
    assert kept.legs[-1].relative_error == np.inf and np.isnan(kept.legs[-1].mse), "nothing was measured"


def test_a_refinement_step_takes_hardly_more_memory_than_its_jacobians():
    pixels, sizes = 400_000, (3, 5)
    features, rows = linear(sizes, pixels, 2)
    step0 = Reference(np.zeros(8), np.ones(8, bool), Damping(0.1, np.ones(8)))
    pictures, measured = [point(seed, pixels) for seed in range(3)], [point(seed, 8) for seed in range(3)]
    tracemalloc.start()
    refinement._step(Counted(features), pictures[:2], np.ones(8), step0, measured, pictures)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    jacobians = 8 * pixels * (sizes[0] + sum(sizes))
    some_pictures, chunk = 8 * 8 * pixels, 8 * decoupled_gradients.CHUNK
    assert jacobians < peak < jacobians + some_pictures + 2 * chunk


@pytest.mark.parametrize("after", [1, 2])
def test_a_broken_refinement_goes_on_to_the_bit(after: int, monkeypatch):
    monkeypatch.setattr(refinement, "CLOSE_ENOUGH", 1e-7)

    def stop(step: int, layer: str, progress: float, x: np.ndarray) -> None:
        if progress * DAMPED.refinements >= after:
            raise KeyboardInterrupt

    step0, path = imposed()
    whole, kept = refine(Context(Counted(TOY), step0, DAMPED), path), MemoryJournal()
    broken = refine(Context(Counted(TOY), step0, DAMPED, listen=stop, journal=kept), path)
    assert broken.status == "interrupted" and whole.legs[-1].steps > after
    features = Counted(TOY)
    rest = refine(Context(features, step0, DAMPED, journal=kept), path)
    for again in (
        rest,
        refine(Context(features, step0, DAMPED, journal=kept), path),
    ):  # what is finished is not run again
        assert again.x.tobytes() == whole.x.tobytes()
        assert replace(again.legs[-1], seconds=0.0) == replace(whole.legs[-1], seconds=0.0)
    assert len(kept) == 1
