"""A whole transfer by any of the four methods, with the same measurements on each.

`decoupled` is the damped horizontal lift; `projected` explicit descent along the held features' tangent space (what
the thesis's text asks for); `descent` the thesis's annex; `direct` all layers' coupled means at once, without
normalization. Whatever the method, the style that was imposed is judged with one yardstick: Step 1 of the decoupled
method, made afresh on the result and compared with the origin's. (The refinement ends by doing just that.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..engine.distances import relative_error
from ..engine.features import Counted, Passes, block_slices
from ..engine.journal import NOWHERE, Chapter, Journal, Tally
from ..engine.legs import Leg, Listener, Mover, Record, Reference, Settings, Task, finished_leg, judge_leg, keep_leg
from ..engine.normalization import Route, impose, normalize
from ..engine.ode import FlowResult
from ..methods import baselines, projected
from .steps import impose_style, measure_style, remove_style

METHODS = ("decoupled", "projected", "descent", "direct")
STEPS = ("step1", "step2", "step3")
CHAPTERS = (*STEPS, "origin_style", "result_style")
"""The paths of a transfer by name, and the chapters of its journal."""
CURVE_POINTS = 500
"""A descent's curve and progress are heard about so many times a leg."""


@dataclass(frozen=True)
class Method:
    """A method's own settings; all but the name are those of `baselines` and `projected`.

    `learning_rate` None is 5e-4 for `descent` (the annex's) and Cauchy's step, halved where it is too
    long, for `projected`. `annex_slips` reproduces two departures of the annex's code from the thesis's text in
    `descent`: legs end at a mean squared error of 1 in Step 1 and 0.05 in Step 2, run all iterations in Step 3
    (`baselines.ANNEX_THRESHOLDS`; `threshold` is set aside), and Step 3 asks layers 1..l for c all at once.
    """

    name: str = "decoupled"
    optimizer: str = "SGD"
    learning_rate: float | None = None
    iterations: int = 2000
    threshold: float = 0.01
    annex_slips: bool = False


@dataclass(frozen=True)
class Transfer:
    """A finished transfer, or one that was broken off.

    Parameters
    ----------
    origin, target : (H, W, 3) float, unclipped.
    layers : where each block stands in the feature vector.
    paths : what was run, by name: `step1`, `step2`, `step3`, then `origin_style` (Step 1 of the decoupled method on the
        origin, where the method's own Step 1 is another) and `result_style` (the same on the result).
    """

    origin: np.ndarray
    target: np.ndarray
    layers: Mapping[str, slice]
    paths: Mapping[str, Route]

    @property
    def status(self) -> str:
        """`done`, or what broke the transfer off; a result that could not be judged is still a result."""
        broken = ((name, path.status) for name, path in self.paths.items() if path.status != "done")
        return next((status for name, status in broken if name in STEPS or status == "interrupted"), "done")

    @property
    def legs(self) -> tuple[Leg, ...]:
        """The legs of Steps 1 to 3, in the order of running."""
        return tuple(leg for name in STEPS if name in self.paths for leg in self.paths[name].legs)

    @property
    def passes(self) -> Passes:
        """What Steps 1 to 3 cost; judging the result is not counted."""
        total = Passes()
        for leg in self.legs:
            total.add(leg.passes)
        return total

    @property
    def style(self) -> np.ndarray | None:
        """c of the origin by the yardstick, (n,)."""
        path = self.paths.get("origin_style", self.paths.get("step1"))
        return None if path is None else path.style

    @property
    def style_relative_error(self) -> dict[str, float]:
        """‖c(result) - c‖/‖c‖ by layer; empty for a transfer that was not judged."""
        judged = self.paths.get("result_style")
        if judged is None or judged.status != "done" or self.style is None:
            return {}
        return {name: relative_error(judged.style[at], self.style[at]) for name, at in self.layers.items()}


def run_transfer(
    features: Counted,
    origin: np.ndarray,
    target: np.ndarray,
    reference: Reference,
    settings: Settings,
    method: Method = Method(),  # noqa: B008 - frozen
    listen: Listener | None = None,
    journal: Journal = NOWHERE,
) -> Transfer:
    """Runs Steps 1 to 3 and judges the result.

    Parameters
    ----------
    features : the feature map, counting its passes.
    origin, target : (H, W, 3), not necessarily of one size. The same picture twice is the self-transfer.
    reference : of Step 0.
    journal : keeps what is done, a chapter a path; what an earlier run wrote there is not run again, and the outcome
        is that of a run at one go, to the bit.
    """
    paths: dict[str, Route] = {}
    plan = _plan(features, origin, target, reference, settings, method, listen, journal)
    if np.array_equal(origin, target):
        # Step 2 would repeat Step 1 to the bit; the thesis leaves it out as well (figure 4.4).
        plan["step2"] = lambda done: _again(done["step1"])
    for name, make in plan.items():
        paths[name] = make(paths)
        if paths[name].status != "done":
            break
    return Transfer(origin, target, block_slices(features.blocks), paths)


def _plan(
    features: Counted,
    origin: np.ndarray,
    target: np.ndarray,
    reference: Reference,
    settings: Settings,
    method: Method,
    listen: Listener | None,
    journal: Journal,
) -> dict[str, Callable[[Mapping[str, Route]], Route]]:
    """What is run, in order, each given what was run before. Step 3 is given the target's end and the style alone."""

    step1, step2, step3, origin_style, result_style = (Chapter(journal, title) for title in CHAPTERS)

    def judge(x: np.ndarray, chapter: Journal) -> Route:
        return normalize(features, x, reference, settings, 4, listen, to_the_end=False, journal=chapter)

    if method.name == "decoupled":
        return {
            "step1": lambda done: measure_style(features, origin, reference, settings, listen, step1),
            "step2": lambda done: remove_style(features, target, reference, settings, listen, step2),
            "step3": lambda done: impose_style(
                features, done["step2"].x, done["step1"].style, reference, settings, listen, step3
            ),
            "result_style": lambda done: _measured(done["step3"]) or judge(done["step3"].x, result_style),
        }
    yardstick = {
        "origin_style": lambda done: judge(origin, origin_style),
        "result_style": lambda done: judge(done["step3"].x, result_style),
    }
    if method.name == "direct":
        return {
            "step1": lambda done: Route(origin, features.values(origin), (), "done"),
            "step2": lambda done: Route(target, features.values(target), (), "done"),
            "step3": lambda done: _direct(features, target, done["step1"].style, reference, method, listen, step3),
            **yardstick,
        }
    move = _projected(method) if method.name == "projected" else _descent(method, None)

    def back(done: Mapping[str, Route]) -> Route:
        style = done["step1"].style
        mover = _descent(method, style) if method.name == "descent" and method.annex_slips else move
        return impose(features, done["step2"].x, style, reference, settings, 3, listen, mover, step3)

    return {
        "step1": lambda done: normalize(features, origin, reference, settings, 1, listen, move, journal=step1),
        "step2": lambda done: normalize(features, target, reference, settings, 2, listen, move, journal=step2),
        "step3": back,
        **yardstick,
    }


def _measured(imposed: Route) -> Route | None:
    """What the refinement saw when it last did Step 1 on its picture, at no further cost; None where there was none."""
    if imposed.shown is None:
        return None
    return Route(imposed.x, imposed.shown, (), "done" if np.isfinite(imposed.shown).all() else "diverged")


def _again(path: Route) -> Route:
    """Step 1 as Step 2 of the same picture, at no cost."""
    return replace(path, legs=tuple(replace(leg, step=2, passes=Passes(), seconds=0.0) for leg in path.legs))


def _descent(method: Method, style: np.ndarray | None) -> Mover:
    """The annex's leg: descent of the summed losses; with a style, all layers up to this one are asked for it."""

    def move(
        features: Counted, x: np.ndarray, task: Task, reference: Reference, settings: Settings, record: Record
    ) -> FlowResult:
        return baselines.descend(
            features,
            x,
            task.aim if style is None else style[: task.aim.size],
            live=task.live,
            optimizer=method.optimizer,
            learning_rate=method.learning_rate or 5e-4,
            iterations=method.iterations,
            threshold=baselines.ANNEX_THRESHOLDS[task.step] if method.annex_slips else method.threshold,
            absolute=method.annex_slips,
            on_step=_thinned(record, method.iterations),
        )

    return move


def _projected(method: Method) -> Mover:
    def move(
        features: Counted, x: np.ndarray, task: Task, reference: Reference, settings: Settings, record: Record
    ) -> FlowResult:
        return projected.projected(
            features,
            x,
            task.aim,
            live=task.live,
            learning_rate=method.learning_rate,
            iterations=method.iterations,
            threshold=method.threshold,
            on_step=_thinned(record, method.iterations),
        )

    return move


def _thinned(record: Record, iterations: int) -> Callable[[int, float], None]:
    every = max(1, iterations // CURVE_POINTS)

    def on_step(iteration: int, error: float) -> None:
        if iteration % every == 0:
            record(iteration / iterations, error, None)

    return on_step


def _direct(
    features: Counted,
    x: np.ndarray,
    goal: np.ndarray,
    reference: Reference,
    method: Method,
    listen: Listener | None,
    journal: Journal,
) -> Route:
    """All layers' coupled means at once, as one leg that bears the name of all layers."""
    name, live = "+".join(block.name for block in features.blocks), reference.live
    if (finished := finished_leg(features, journal.find(name))) is not None:
        if listen is not None:
            listen(3, name, 1.0, finished[0])
        return Route(finished[0], goal, (finished[1],), "done")
    tally, first = Tally(features), features.map.values(x)

    def on_step(iteration: int, error: float) -> None:
        tally.note(iteration / method.iterations, error)
        if listen is not None:
            listen(3, name, iteration / method.iterations, None)

    try:
        flow = baselines.direct(
            features, x, goal, live=live, iterations=method.iterations, threshold=method.threshold, on_step=on_step
        )
    except KeyboardInterrupt:
        flow = FlowResult(x, 0.0, 0, "interrupted", "interrupted")
    f = features.map.values(flow.x)
    error = max(relative_error(f[at], goal[at], live[at]) for at in block_slices(features.blocks).values())
    leg = judge_leg(3, name, error, 0.0, f, goal, first, live, tally, flow)
    # L-BFGS that finds no further descent has done what it can; the error says how far that is.
    status = flow.status if flow.status in ("diverged", "interrupted") else "done"
    if status == "done":
        keep_leg(journal, flow.x, leg)
    return Route(flow.x, goal, (leg,), status)
