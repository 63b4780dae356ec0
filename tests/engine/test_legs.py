"""One leg: what it records, what its listener receives, and how it ends early."""

import numpy as np
import pytest
from toys import EXACT, FIRST, NOISE, SAMPLE, TOY, reference

from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.context import Context, Reference, Settings, Step
from decoupling_lib.engine.features import Block, Counted
from decoupling_lib.engine.lift import Damping
from decoupling_lib.engine.normalization import impose, normalize
from decoupling_lib.moments.coupled import moment_feature_map

DAMPED = Settings("adaptive", 400, 1e-9, 1e-3)


def test_legs_record_what_they_did():
    step0 = reference(TOY, TOY.values(NOISE))
    away = normalize(Context(Counted(TOY), step0, EXACT, step=Step.TARGET), FIRST)
    back = impose(Context(Counted(TOY), step0, EXACT), away.x, away.style)
    assert [(leg.step, leg.layer, leg.live_channels) for leg in away.legs] == [(2, "block1", 2), (2, "block2", 3)]
    assert [(leg.step, leg.layer) for leg in back.legs] == [(3, "block2"), (3, "block1")]
    for leg in away.legs + back.legs:
        assert leg.status == "reached" and leg.relative_error <= EXACT.threshold
        counts, errors = zip(*leg.curve, strict=True)
        assert counts[0] == 0 and list(counts) == sorted(counts) and len(counts) == leg.steps + 1
        assert errors[-1] < 1e-6 * errors[0]


def test_the_listener_receives_each_leg_from_start_to_end():
    received: dict[str, list[float]] = {}
    step0 = reference(TOY, TOY.values(NOISE))

    def listen(step: int, layer: str, progress: float, x: np.ndarray | None) -> None:
        assert step == 1 and x is not None and x.shape == FIRST.shape
        received.setdefault(layer, []).append(progress)

    normalize(Context(Counted(TOY), step0, EXACT, listen=listen), FIRST)
    assert list(received) == ["block1", "block2"]
    for progress in received.values():
        assert progress[0] == 0 and progress[-1] == 1 and np.all(np.diff(progress) > 0)


@pytest.mark.parametrize("at", [0.0, 0.5])
def test_an_interruption_ends_the_route_at_the_last_accepted_point(at: float):
    last = {}

    def listen(step: int, layer: str, progress: float, x: np.ndarray) -> None:
        last["x"] = x.copy()
        if layer == "block2" and progress >= at:
            raise KeyboardInterrupt

    step0 = reference(TOY, TOY.values(NOISE))
    settings = Settings("rk4", 10, threshold=1e-9, first_grading=(1, 1), grading=(1, 1))
    route = normalize(Context(Counted(TOY), step0, settings, listen=listen), FIRST)
    assert route.status == "interrupted"
    assert [leg.status for leg in route.legs] == ["reached", "interrupted"]
    assert route.legs[1].steps == 10 * at
    np.testing.assert_array_equal(route.x, last["x"])


def test_a_target_out_of_reach_ends_the_route_at_its_leg():
    """No sample has a mean square below its squared mean."""
    moments = moment_feature_map(3)
    route = normalize(Context(Counted(moments), reference(moments, [1.0, -2.0, 0.0]), DAMPED), SAMPLE)
    assert route.status in ("stalled", "diverged")
    assert [leg.layer for leg in route.legs] == ["m1", "m2"]
    assert route.legs[-1].status == route.status
    assert np.all(np.isfinite(route.x))


@pytest.mark.parametrize("delta", [0.0, 0.05])
def test_dead_features_are_recorded_but_take_no_part(delta: float):
    """A feature that never moves, with another reference value, is added to two that do."""
    with_dead = ClosedForm(
        (Block("block1", 3), Block("block2", 3)),
        lambda x: np.insert(TOY.values(x), 1, 0.7),
        lambda x: np.insert(TOY.linearize(x).jacobian(), 1, 0.0, axis=0),
    )
    values, live = np.insert(TOY.values(NOISE), 1, 5.0), np.arange(6) != 1
    step0 = Reference(values, live, Damping(delta, np.ones(6)))
    route = normalize(Context(Counted(with_dead), step0, EXACT), FIRST)
    plain = normalize(Context(Counted(TOY), reference(TOY, TOY.values(NOISE), delta), EXACT), FIRST)
    np.testing.assert_allclose(route.x, plain.x, atol=1e-9)
    np.testing.assert_allclose(np.delete(route.style, 1), plain.style, rtol=1e-9)
    assert route.style[1] == 0.7
    assert [leg.live_channels for leg in route.legs] == [2, 3]
    for leg, same in zip(route.legs, plain.legs, strict=True):
        assert leg.relative_error == pytest.approx(same.relative_error, abs=1e-9)
