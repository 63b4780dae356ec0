"""The refinement closes the gap to the imposed style, and leaves an image alone that has its style."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from journals import MemoryJournal
from toys import FIRST, NOISE, SECOND, TOY, linear_map, point, reference

from decoupling_lib.engine import decoupled_gradients, refinement
from decoupling_lib.engine.context import Context, Reference, Settings
from decoupling_lib.engine.distances import relative_error
from decoupling_lib.engine.features import Counted
from decoupling_lib.engine.lift import Damping
from decoupling_lib.engine.normalization import Route, impose, normalize
from decoupling_lib.engine.refinement import refine

DAMPED = Settings("adaptive", 400, 1e-9, 1e-3, corrections=0)


def impose_by_legs(delta: float = 0.3) -> tuple[Reference, Route]:
    """Impose the style of one point on another by damped legs alone; return the reference and the route."""
    step0 = reference(TOY, TOY.values(NOISE), delta, NOISE)
    style = normalize(Context(Counted(TOY), step0, DAMPED), FIRST).style
    bare = normalize(Context(Counted(TOY), step0, DAMPED), SECOND).x
    return step0, impose(Context(Counted(TOY), step0, DAMPED), bare, style)


def errors(x: np.ndarray, style: np.ndarray, step0: Reference) -> list[float]:
    """Return the relative errors of both blocks of the decoupled features of x."""
    found = normalize(Context(Counted(TOY), step0, DAMPED), x).style
    return [relative_error(found[at], style[at]) for at in (slice(2), slice(2, 5))]


def test_the_gap_that_damping_leaves_is_closed():
    step0, route = impose_by_legs()
    assert max(errors(route.x, route.style, step0)) > 0.02
    calls: list[tuple[int, str, float]] = []
    better = refine(Context(Counted(TOY), step0, DAMPED, listen=lambda *values: calls.append(values[:3])), route)
    assert max(errors(better.x, route.style, step0)) <= 0.02
    *legs, last = better.legs
    assert tuple(legs) == route.legs and better.status == "done"
    assert (last.step, last.layer, last.status) == (3, "block1+block2", "reached")
    assert last.relative_error == pytest.approx(max(errors(better.x, route.style, step0)), rel=1e-3)
    assert last.remaining_fraction < 1 and last.passes.total > 0 and 1 <= last.steps <= DAMPED.refinements
    assert calls == [(3, "block1+block2", k / DAMPED.refinements) for k in range(last.steps + 1)]


def test_an_image_that_has_its_style_already_is_left_as_it_is():
    step0 = reference(TOY, TOY.values(NOISE), 0.3, NOISE)
    away = normalize(Context(Counted(TOY), step0, DAMPED), FIRST)
    back = impose(Context(Counted(TOY), step0, DAMPED), away.x, away.style)
    result = refine(Context(Counted(TOY), step0, DAMPED), back)
    np.testing.assert_array_equal(result.x, back.x)
    assert (result.legs[-1].steps, result.legs[-1].status) == (0, "reached")


def test_the_best_image_is_kept_when_steps_make_it_worse(monkeypatch):
    step0, route = impose_by_legs()
    monkeypatch.setattr(refinement, "_step", lambda features, starts, *rest: 9 * np.ones_like(starts[0]))
    for most, steps in ((3, 3), (16, refinement.PATIENCE)):  # the maximum, or the patience
        result = refine(Context(Counted(TOY), step0, replace(DAMPED, refinements=most)), route)
        np.testing.assert_array_equal(result.x, route.x)
        assert (result.legs[-1].status, result.legs[-1].steps) == ("max_steps", steps)
        assert result.legs[-1].remaining_fraction == 1


@pytest.mark.parametrize("at", [0, 1])
def test_an_interrupted_refinement_keeps_the_best_image(at: int):
    def listen(step: int, layer: str, progress: float, x: np.ndarray) -> None:
        if progress * DAMPED.refinements >= at:
            raise KeyboardInterrupt

    step0, route = impose_by_legs()
    stopped = refine(Context(Counted(TOY), step0, DAMPED, listen=listen), route)
    assert stopped.status == stopped.legs[-1].status == "interrupted" and stopped.legs[-1].steps == at
    assert np.all(np.isfinite(stopped.x))


def test_if_the_legs_that_measure_break_off_the_image_stays_as_it_was(monkeypatch):
    step0, route = impose_by_legs()
    real = refinement.normalize
    monkeypatch.setattr(refinement, "normalize", lambda *a, **k: replace(real(*a, **k), status="diverged"))
    result = refine(Context(Counted(TOY), step0, DAMPED), route)
    np.testing.assert_array_equal(result.x, route.x)
    assert result.status == "done" and result.legs[-1].status == "diverged"
    assert result.legs[-1].relative_error == np.inf and np.isnan(result.legs[-1].mse), "nothing was measured"


def test_a_refinement_step_needs_little_more_memory_than_its_jacobians():
    pixels, sizes = 400_000, (3, 5)
    features = linear_map(sizes, np.random.default_rng(2).standard_normal((sum(sizes), pixels)))
    step0 = Reference(np.zeros(8), np.ones(8, bool), Damping(0.1, np.ones(8)))
    images, measured = [point(seed, pixels) for seed in range(3)], [point(seed, 8) for seed in range(3)]
    tracemalloc.start()
    refinement._step(Counted(features), images[:2], np.ones(8), step0, measured, images)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    jacobians = 8 * pixels * (sizes[0] + sum(sizes))
    some_images, chunk = 8 * 8 * pixels, 8 * decoupled_gradients.CHUNK
    assert jacobians < peak < jacobians + some_images + 2 * chunk


@pytest.mark.parametrize("after", [1, 2])
def test_an_interrupted_refinement_resumes_to_the_same_bits(after: int, monkeypatch):
    monkeypatch.setattr(refinement, "CLOSE_ENOUGH", 1e-7)

    def stop(step: int, layer: str, progress: float, x: np.ndarray) -> None:
        if progress * DAMPED.refinements >= after:
            raise KeyboardInterrupt

    step0, route = impose_by_legs()
    whole, journal = refine(Context(Counted(TOY), step0, DAMPED), route), MemoryJournal()
    broken = refine(Context(Counted(TOY), step0, DAMPED, listen=stop, journal=journal), route)
    assert broken.status == "interrupted" and whole.legs[-1].steps > after
    for _ in range(2):  # the first run finishes it, and the second one finds it finished
        resumed = refine(Context(Counted(TOY), step0, DAMPED, journal=journal), route)
        assert resumed.x.tobytes() == whole.x.tobytes()
        assert replace(resumed.legs[-1], seconds=0.0) == replace(whole.legs[-1], seconds=0.0)
    assert len(journal) == 1
