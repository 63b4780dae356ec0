"""How long a run will take, told before it starts: what a pass costs, measured, times the passes it will make.

The passes are those that the methods are seen to make, as a range; where a run is heavier than that (undamped legs,
very dark pictures, a network with kinks), the estimate is too low.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..engine.legs import Settings
from ..engine.newton import CORRECTIONS
from ..networks.architectures import IMAGE
from .setup import Inputs

Range = tuple[float, float]
"""From, to."""

ITERATIONS = (7, 12)
"""Of a symmetric step, each two forward passes and a VJP. Bundled photographs at 64 px, two layers, sixteen steps a
leg: 6.5 to 11 with a mean of 9, and 15 in a leg that came upon a hard place."""
COARSE_ITERATIONS = (5, 8)
"""The same in the legs that the refinement measures by."""
PRODUCTS = (4, 10)
"""JVP and VJP pairs that conjugate gradients make for one velocity of the other rules."""
STAGES = {"euler": 1, "midpoint": 2, "rk4": 4, "adaptive": 12}
ADAPTIVE_STEPS = (10, 60)
REFINEMENTS = 3
"""The fewest steps with which the gap between two pictures' styles was closed; the most is for the user to choose."""
EVALUATIONS = (100, 300)
"""Of `direct`."""
PROJECTED = (0.1, 1.0)
"""The share of its iterations that a leg of `projected` makes; the annex's descent makes nearly all of them."""
SLOW = 5.0
"""Seconds above which a pass is not made a second time only to leave the compiling out of the measurement."""


@dataclass(frozen=True)
class Part:
    """One leg, or the refinement, and the seconds it is expected to take; `step` 4 judges the result."""

    step: int
    layer: str
    seconds: Range


@dataclass(frozen=True)
class Estimate:
    """The parts of a run in order, Step 0 first, and the peak of its memory in MiB."""

    parts: tuple[Part, ...]
    memory_mib: int

    @property
    def seconds(self) -> Range:
        low, high = np.sum([part.seconds for part in self.parts], axis=0)
        return float(low), float(high)

    def __str__(self) -> str:
        return f"estimate: {describe_span(*self.seconds)}, {self.memory_mib:,} MiB"


def describe_span(low: float, high: float) -> str:
    """A range of seconds in words, as in "2 to 5 min"."""
    low = max(low, 1.0)
    (begin, unit), (end, last) = _duration(low), _duration(high)
    between = f"{begin} to {end}" if unit == last else f"{begin} {unit} to {end}"
    return f"{'about ' + end if high < 1.3 * low else between} {last}"


@dataclass(frozen=True)
class Cost:
    """Seconds for the first blocks, `size` features: a forward pass, a VJP (or JVP), and the whole Jacobian."""

    size: int
    forward: float
    vjp: float
    jacobian: float

    def times(self, forward: float, vjp: float, jacobians: float = 0.0) -> float:
        return forward * self.forward + vjp * self.vjp + jacobians * self.jacobian


def estimate_run(inputs: Inputs) -> Estimate:
    """Measures a few passes at the target's size, and adds up a run of them."""
    costs = _measure(inputs)
    parts = [Part(0, "noise", (costs[-1].times(5, 0, 1),) * 2)]
    alone = inputs.self_transfer  # then Step 2 is Step 1
    larger = inputs.origin.array.size / inputs.target.array.size
    for step in (1,) if alone else (1, 2):
        parts += _scaled(larger if step == 1 else 1.0, _walk(inputs, costs, step))
    parts += reversed(_walk(inputs, costs, 3))
    name = "+".join(block.name for block in inputs.features.blocks)
    if inputs.method.name == "direct":
        most = [min(count, inputs.method.iterations) for count in EVALUATIONS]
        parts.append(Part(3, name, (costs[-1].times(most[0], most[0]), costs[-1].times(most[1], most[1]))))
    elif inputs.method.name == "decoupled" and inputs.settings.refinements and len(costs) > 1:
        parts.append(Part(3, name, _refinement(inputs, costs)))
        return Estimate(tuple(parts), inputs.memory_mib)  # the refinement judges
    judging = [_leg(inputs.settings, cost, False, ITERATIONS) for cost in costs[:-1]]
    judged = [Part(4, block.name, seconds) for block, seconds in zip(inputs.features.blocks[:-1], judging, strict=True)]
    if inputs.method.name != "decoupled":
        parts += _scaled(larger, judged)
    return Estimate(tuple(parts + judged), inputs.memory_mib)


def _measure(inputs: Inputs) -> list[Cost]:
    """The costs by depth; one warm call of each kind."""
    means, x, costs, jacobian = inputs.features.map, inputs.target.array, [], 0.0
    for depth, block in enumerate(means.blocks, start=1):
        at = means.prefix(depth).linearize(x)
        forward = _timed(lambda at=depth: means.prefix(at).linearize(x))
        vjp = _timed(lambda at=at: at.vjp(np.ones_like(at.values)))
        if block.name != IMAGE:
            chunk = _timed(lambda at=at, layer=block.name: at.rows(layer, np.arange(at.rows_at_once(layer))))
            jacobian += chunk * block.size / at.rows_at_once(block.name)
        costs.append(Cost(at.values.size, forward, vjp, jacobian))
    return costs


def _timed(call: Callable[[], object]) -> float:
    for _ in range(2):
        began = time.perf_counter()
        call()
        if (seconds := time.perf_counter() - began) > SLOW:
            break
    return seconds


def _walk(inputs: Inputs, costs: list[Cost], step: int) -> list[Part]:
    """The legs of Step 1, 2 or 3, shallowest first; none where the method has none."""
    method, imposing = inputs.method, step == 3
    if method.name == "direct":
        return []
    parts = []
    for depth, (block, cost) in enumerate(zip(inputs.features.blocks, costs, strict=True)):
        if method.name == "decoupled":
            seconds = _leg(inputs.settings, cost, imposing and not inputs.self_transfer, ITERATIONS)
        elif method.name == "descent":
            seconds = (cost.times(method.iterations, method.iterations),) * 2
        else:
            once = cost.times(4, 2) + (costs[depth - 1].times(1, 0, 1) if depth else 0.0)
            seconds = tuple(share * method.iterations * once for share in PROJECTED)
        parts.append(Part(step, block.name, seconds))
    return parts


def _leg(settings: Settings, cost: Cost, corrected: bool, iterations: Range) -> Range:
    """A decoupled leg; one that imposes another picture's style is corrected at its end."""
    ends = (0, CORRECTIONS if corrected else 0)
    return tuple(
        cost.times(forward + 2 * end, vjp + 2 * end, jacobians + end)
        for (forward, vjp, jacobians), end in zip(_passes(settings, cost.size, iterations), ends, strict=True)
    )


def _passes(settings: Settings, size: int, iterations: Range) -> Iterator[tuple[float, float, float]]:
    """Forward passes (one a step to look at its end), VJPs and JVPs, and Jacobians of a leg, at least and at most."""
    steps = settings.steps
    if settings.rule == "symmetric":
        for count, grams in zip(iterations, (1, settings.gram_matrices(size)), strict=True):
            yield steps * (2 * count + 2), steps * count, grams
        return
    for place, pairs in enumerate(PRODUCTS):
        accepted = min(steps, ADAPTIVE_STEPS[place]) if settings.rule == "adaptive" else steps
        velocities = STAGES[settings.rule] * accepted
        yield velocities + accepted, 2 * pairs * velocities, 1 + place


def _refinement(inputs: Inputs, costs: list[Cost]) -> Range:
    """Each step measures the picture, makes Jacobians of all depths, and corrects the first block."""
    measures = np.sum([_leg(inputs.settings, cost, False, COARSE_ITERATIONS) for cost in costs[:-1]], axis=0)
    jacobians = sum(cost.jacobian for cost in costs)
    moves = [jacobians + costs[0].times(2 * n, 2 * n, n) for n in (CORRECTIONS // 2, CORRECTIONS)]
    most = inputs.settings.refinements
    counts = (0, 0) if inputs.self_transfer else (min(REFINEMENTS, most), most)
    return tuple(float((n + 1) * measure + n * move) for n, measure, move in zip(counts, measures, moves, strict=True))


def _scaled(factor: float, parts: list[Part]) -> list[Part]:
    return [Part(part.step, part.layer, tuple(factor * each for each in part.seconds)) for part in parts]


def _duration(seconds: float) -> tuple[str, str]:
    """A number and its unit, as short as they can be."""
    if seconds >= 5400:
        return f"{seconds / 3600:.{int(seconds < 36000)}f}", "h"
    return (f"{seconds / 60:.0f}", "min") if seconds >= 90 else (f"{seconds:.0f}", "s")
