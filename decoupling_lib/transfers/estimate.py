"""How long a run will take, before it starts: the measured cost of a pass times the passes that it will make.

The number of passes is a range, taken from runs of each method. Where a run is heavier than that (undamped legs, very
dark images, a network with kinks), the estimate is too low.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from ..common.durations import describe_span
from ..engine.context import Settings, Step
from ..engine.newton import MAX_CORRECTIONS
from ..engine.ode import RULES, graded_grid
from ..engine.sobolev import Smoothed, smooth
from ..networks.architectures import IMAGE
from ..networks.channel_means import ChannelMeans
from .setup import Inputs

SPREAD = (0.5, 1.5)
"""The range of the iterations of a symmetric leg, as factors of `count_iterations`."""
COARSE = 0.7
"""The share of these iterations in the legs by which the refinement measures."""
PRODUCTS = (4, 10)
"""Pairs of JVP and VJP that conjugate gradients make for one velocity, with the other rules."""
ADAPTIVE_STEPS = (10, 60)
REFINEMENTS = 3
"""The smallest number of steps that closed the gap between the styles of two images; the user chooses the largest."""
EVALUATIONS = (40, 200)
"""Evaluations of `direct`, if it may make so many."""
PROJECTED_ITERATIONS = (30, 200)
"""Iterations of a leg of `projected`, if it may make so many."""
DESCENT_SHARE = (0.5, 1.0)
"""The share of its iterations that a leg of the annex's descent makes."""
SLOW = 5.0
"""Seconds above which a pass is not repeated only to leave the compilation out of the measurement."""


@dataclass(frozen=True)
class Range:
    """A range of seconds.

    Parameters
    ----------
    low, high : float
        From, to.
    """

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The mean of both ends."""
        return (self.low + self.high) / 2

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def scaled(self, factor: float) -> Range:
        """Return the range times a factor."""
        return Range(factor * self.low, factor * self.high)


@dataclass(frozen=True)
class Part:
    """One leg, or the refinement, and how long it is expected to take.

    Parameters
    ----------
    step : Step
        The step to which it belongs.
    layer : str
        Name of the moving block, or of all blocks.
    seconds : Range
        Expected duration.
    grid : tuple of float
        Progress at the ends of steps that take the same time each, from 0 to 1.
    """

    step: Step
    layer: str
    seconds: Range
    grid: tuple[float, ...] = (0.0, 1.0)

    def share(self, progress: float) -> float:
        """Return the share of the duration that is over at a progress in [0, 1]."""
        return float(np.interp(progress, self.grid, np.linspace(0, 1, len(self.grid))))


@dataclass(frozen=True)
class Estimate:
    """What a run is expected to take.

    Parameters
    ----------
    parts : tuple of Part
        The parts of the run in order, Step 0 first.
    memory_mib : int
        Peak memory in MiB.
    """

    parts: tuple[Part, ...]
    memory_mib: int

    @property
    def seconds(self) -> Range:
        """Expected duration of the whole run."""
        return sum((part.seconds for part in self.parts), Range(0.0, 0.0))

    def __str__(self) -> str:
        return f"estimate: {describe_span(self.seconds.low, self.seconds.high)}, {self.memory_mib:,} MiB"


@dataclass(frozen=True)
class Cost:
    """Seconds that passes through the first blocks take.

    Parameters
    ----------
    forward, vjp, jacobian : float
        Seconds for a forward pass, for a VJP (or a JVP), and for the whole Jacobian.
    """

    forward: float
    vjp: float
    jacobian: float

    def times(self, forward: float, vjp: float, jacobians: float = 0.0) -> float:
        """Return the seconds for so many passes of each kind."""
        return forward * self.forward + vjp * self.vjp + jacobians * self.jacobian


def count_iterations(steps: int, softness: float, tolerance: float, damping: float = 0.0) -> float:
    """Return about how many iterations a symmetric leg makes; each takes two forward passes and a VJP.

    Fitted to legs of bundled photographs at 32 to 256 px with one and two layers, whose median at 16 steps is 177 for a
    tolerance of 5e-8, 140 for 1e-6 and 113 for 1e-5. Few steps in a network with little smoothing fail and are halved,
    which costs up to ten times the iterations of the steps themselves.

    Parameters
    ----------
    steps : int
        Number of steps.
    softness, tolerance, damping : float
        See `networks.vgg.build_network`, `engine.context.Settings` and `engine.lift.Damping`. What damping spares is
        fitted to the medians of `benchmarks/milder.py`.
    """
    ease = np.clip(0.72 - 0.12 * np.log10(tolerance / 5e-8), 0.3, 1.0) * max(damping / 0.032, 1.0) ** -0.21
    return float(ease * (110 + 5.5 * steps + 28 / softness / (1 + steps / 16)))


def estimate_run(inputs: Inputs) -> Estimate:
    """Measure a few passes at the size of the target, and add up a run of them.

    Parameters
    ----------
    inputs : Inputs
        What the run starts from.
    """
    costs, method, settings, blocks = _measure(inputs), inputs.method_settings, inputs.settings, inputs.features.blocks
    chosen = inputs.reference_images()
    zero = costs[-1].times(len(chosen.images) + 4, 0, chosen.scaled)
    parts = [Part(Step.REFERENCE, chosen.kind, Range(zero, zero))]
    larger = [each.array.size / inputs.target.array.size for each in (inputs.origin, *inputs.others)]
    for factor in larger:
        parts += _scale(factor, _estimate_legs(inputs, costs, Step.ORIGIN))
    if not inputs.self_transfer:  # in a self-transfer Step 2 is Step 1
        parts += _estimate_legs(inputs, costs, Step.TARGET)
    parts += reversed(_estimate_legs(inputs, costs, Step.TRANSFER))
    name, refined = "+".join(block.name for block in blocks), False
    if method.name == "direct":
        low, high = (min(count, method.iterations) for count in EVALUATIONS)
        parts.append(Part(Step.TRANSFER, name, Range(costs[-1].times(low, low), costs[-1].times(high, high))))
    elif method.name == "decoupled" and settings.refinements and len(costs) > 1:
        parts.append(Part(Step.TRANSFER, name, _estimate_refinement(inputs, costs)))
        refined = True
    judging = [
        _decoupled_part(inputs, cost, Step.JUDGING, block.name)
        for block, cost in zip(blocks[:-1], costs[:-1], strict=True)
    ]
    if method.name != "decoupled":
        for factor in larger:
            parts += _scale(factor, judging)
        parts += [] if inputs.self_transfer else judging
    # The end of Step 3, which a refinement has measured already, what it is recolored to, and its 8-bit image.
    judged = (not refined) + (inputs.options.keep_colors or inputs.options.colors_only) + 1
    return Estimate(tuple(parts + judging * judged), inputs.memory_mib)


def _measure(inputs: Inputs) -> list[Cost]:
    """Return the costs by depth, from one warm call of each kind. A row takes one cosine transform, a VJP two."""
    means, x, costs, jacobian, smoothing = inputs.features.map, inputs.target.array, [], 0.0, 0.0
    if isinstance(means, Smoothed):
        length, means = means.length, means.map
        smoothing = _time(lambda: smooth(x.astype(np.float32), length))
    assert isinstance(means, ChannelMeans)
    for depth, block in enumerate(means.blocks, start=1):
        shallow = means.prefix(depth)
        at = shallow.linearize(x)
        forward = _time(lambda shallow=shallow: shallow.linearize(x))  # type: ignore[misc]
        vjp = _time(lambda at=at: at.vjp(np.ones_like(at.values)))  # type: ignore[misc]
        if block.name != IMAGE:
            channels = np.arange(at.rows_at_once(block.name))
            chunk = _time(lambda at=at, layer=block.name, channels=channels: at.rows(layer, channels))  # type: ignore[misc]
            jacobian += (chunk / len(channels) + smoothing / 2) * block.size
        costs.append(Cost(forward, vjp + smoothing, jacobian))
    return costs


def _time(call: Callable[[], object]) -> float:
    for _ in range(2):
        began = time.perf_counter()
        call()
        if (seconds := time.perf_counter() - began) > SLOW:
            break
    return seconds


def _estimate_legs(inputs: Inputs, costs: list[Cost], step: Step) -> list[Part]:
    """Return the legs of Step 1, 2 or 3, shallowest first; none for a method that has none."""
    method = inputs.method_settings
    if method.name == "direct":
        return []
    corrected = step == Step.TRANSFER and not inputs.self_transfer
    parts = []
    for depth, (block, cost) in enumerate(zip(inputs.features.blocks, costs, strict=True)):
        if method.name == "decoupled":
            parts.append(_decoupled_part(inputs, cost, step, block.name, corrected))
            continue
        if method.name == "descent":
            once, (low, high) = cost.times(1, 1), (share * method.iterations for share in DESCENT_SHARE)
        else:
            once = cost.times(4, 2) + (costs[depth - 1].times(1, 0, 1) if depth else 0.0)
            low, high = (min(count, method.iterations) for count in PROJECTED_ITERATIONS)
        parts.append(Part(step, block.name, Range(low * once, high * once)))
    return parts


def _decoupled_part(inputs: Inputs, cost: Cost, step: Step, layer: str, corrected: bool = False) -> Part:
    """Return a decoupled leg with the grid of its steps."""
    settings = inputs.settings
    shallow = layer == inputs.features.blocks[0].name
    grid = graded_grid(settings.steps, *(settings.first_grading if shallow else settings.grading))
    grid = 1 - grid[::-1] if step == Step.TRANSFER else grid
    even = settings.rule == "adaptive"
    seconds = _estimate_leg(inputs, cost, 1.0, corrected, guided=step == Step.TRANSFER)
    return Part(step, layer, seconds, (0.0, 1.0) if even else tuple(grid))


def _estimate_leg(
    inputs: Inputs, cost: Cost, ease: float = 1.0, corrected: bool = False, guided: bool = False
) -> Range:
    """Return the seconds of a leg: in Step 3 it has its Gram matrix from Step 2, and may be corrected at its end."""
    settings, options = inputs.settings, inputs.options
    iterations = ease * count_iterations(settings.steps, options.softness, settings.tolerance, options.damping)
    low, high = _count_passes(settings, iterations, guided)
    (forward, vjp, jacobians), end = high, settings.corrections if corrected else 0
    return Range(cost.times(*low), cost.times(forward + 2 * end, vjp + end, jacobians + min(end, 1)))


def _count_passes(
    settings: Settings, iterations: float, guided: bool
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return the smallest and the largest numbers of forward passes, of VJPs and JVPs, and of Jacobians of a leg.

    The forward passes include one per step by which its end is recorded.
    """
    steps = settings.steps
    if settings.rule == "symmetric":
        few, many = (factor * iterations for factor in SPREAD)
        matrices = 0 if guided else 1
        return (2 * few + 2 * steps, few, matrices), (2 * many + 2 * steps, many, matrices)
    low, high = (_count_explicit_passes(settings, place) for place in (0, 1))
    return low, high


def _count_explicit_passes(settings: Settings, place: int) -> tuple[float, float, float]:
    """Return the same for a rule other than the symmetric one: the smallest numbers, or the largest."""
    accepted = min(settings.steps, ADAPTIVE_STEPS[place]) if settings.rule == "adaptive" else settings.steps
    velocities = RULES[settings.rule].stages * accepted
    return velocities + accepted, 2 * PRODUCTS[place] * velocities, 1 + place


def _estimate_refinement(inputs: Inputs, costs: list[Cost]) -> Range:
    """Return the seconds of steps that each measure the image, compute all Jacobians and correct the first block."""
    measure = sum((_estimate_leg(inputs, cost, COARSE) for cost in costs[:-1]), Range(0.0, 0.0))
    jacobians = sum(cost.jacobian for cost in costs)
    low, high = (jacobians + costs[0].times(2 * n, n, 1) for n in (MAX_CORRECTIONS // 4, MAX_CORRECTIONS))
    most = inputs.settings.refinements
    few, many = (0, 0) if inputs.self_transfer else (min(REFINEMENTS, most), most)
    return Range((few + 1) * measure.low + few * low, (many + 1) * measure.high + many * high)


def _scale(factor: float, parts: Iterable[Part]) -> list[Part]:
    return [replace(part, seconds=part.seconds.scaled(factor)) for part in parts]
