"""The last part of Step 3: closing the gap between the style that was asked for and the one that the result has.

Damped legs impose a style only approximately. The rest is found by a shooting method: the decoupled features of the
image are measured as Step 1 measures them, and quasi-Newton steps of least norm move the image until they have the
wanted values. Measuring starts from the multipliers and the gradient Gram matrix of the measurement before. The
derivative of the decoupled features is that of the raw ones, carried back through the (damped)
projections of all earlier legs: the decoupled gradients ∇c_k ≈ P_1 ⋯ P_(k-1) ∇f_k of the theory. (The exact ones, of
`decoupled_features`, take several times as many passes for a single product as the measurement does. An approximation
that is kept and only learns from the steps does not lead to the goal: the gradients change too much.) The thesis has no
such step. The refinement sees the image, c, and what Step 0 determined; where the style is already there, as in a
self-transfer, it does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from ..common.arrays import Floats
from .context import Context, Record, Reference, Step, Task
from .decoupled_gradients import add_product, decoupled_jacobian, product
from .decoupled_leg import follow_lift
from .distances import block_error
from .features import Counted, block_slices
from .journal import NOWHERE, Arrays, Tally
from .leg_state import Guide
from .legs import LegEnd, Outcome, describe_leg, find_finished_leg, keep_leg
from .newton import correct
from .normalization import Route, normalize
from .ode import FlowResult, Status

CLOSE_ENOUGH = 0.02
"""Relative error of the decoupled features of every block at which the refinement is done."""
REGULARIZATION = 0.01  # of the mean eigenvalue of CCᵀ: weak directions would move the image far (Levenberg-Marquardt)
SECANTS = 3
PATIENCE = 5
"""Number of steps in a row without a better image after which the linearization is no guide, and the steps end."""
COARSE = 1e-5
"""Tolerance of the legs that are measured on the way; their error is then 1e-4, far below `CLOSE_ENOUGH`."""


@dataclass(frozen=True)
class State:
    """Where a refinement stands before it measures an image: all that it needs to continue.

    Parameters
    ----------
    x : ndarray, shape (H, W, 3)
        The image to be measured.
    best : ndarray, shape (H, W, 3)
        The best image so far.
    initial, nearest : ndarray, shape (n,)
        The decoupled features of the first image and of the best one; NaN until they have been measured.
    best_error : float
        The relative error of the best image's worst block.
    count, stale : int
        Number of steps that led to x, and how many of them were made since the best image.
    measured, moved : tuple of ndarray
        The decoupled features of the latest images, and these images.
    guides : mapping of str to Guide
        The legs that measured the latest image, by layer.
    """

    x: Floats
    best: Floats
    initial: Floats
    nearest: Floats
    best_error: float = np.inf
    count: int = 0
    stale: int = 0
    measured: tuple[Floats, ...] = ()
    moved: tuple[Floats, ...] = ()
    guides: Mapping[str, Guide] = field(default_factory=dict)

    def arrays(self) -> dict[str, Floats]:
        """Return the state as named arrays, for a journal."""
        arrays = {name: np.asarray(value) for name, value in vars(self).items() if name != "guides"}
        for layer, guide in self.guides.items():
            arrays |= {f"guide.{name}.{layer}": array for name, array in guide._asdict().items()}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> State:
        """Return the state that `arrays` made into named arrays; other names are ignored."""
        found: dict[str, Any] = {each.name: arrays[each.name] for each in fields(cls) if each.name != "guides"}
        layers = [name.removeprefix("guide.grid.") for name in arrays if name.startswith("guide.grid.")]
        guides = {layer: Guide(*(arrays[f"guide.{name}.{layer}"] for name in Guide._fields)) for layer in layers}
        for name, kind in (
            ("best_error", float),
            ("count", int),
            ("stale", int),
            ("measured", tuple),
            ("moved", tuple),
        ):
            found[name] = kind(found[name])
        return cls(**found, guides=guides)


@dataclass(frozen=True)
class Measurement:
    """The decoupled features of an image, and the legs that measured them.

    Parameters
    ----------
    starts : list of ndarray
        The points x̌_0 = x, x̌_1, … at which the blocks were measured.
    values : ndarray, shape (n,)
        c(x).
    guides : mapping of str to Guide
        The legs, by layer; empty for rules without multipliers.
    """

    starts: list[Floats]
    values: Floats
    guides: Mapping[str, Guide]


def refine(context: Context, route: Route) -> Route:
    """Bring the image of an imposed style closer to having that style.

    Parameters
    ----------
    context : Context
        Feature map, reference and settings; `settings.refinements` is the maximum number of steps. Its journal keeps
        the state after each step and the end; what it has already is not done again.
    route : Route
        What `normalization.impose` returned: its `x` and `style`, the wanted c.

    Returns
    -------
    Route
        The best image found, with one more leg, which bears the names of all blocks. The errors of that leg are those
        of the decoupled features of the worst block; its status `reached` means `CLOSE_ENOUGH`. `initial` and
        `achieved` have the decoupled features of the image before and after, NaN if they could not be measured.
    """
    features, settings, listen, journal = context.features, context.settings, context.listen, context.journal
    style, live, slices = route.style, context.reference.live, block_slices(features.blocks)
    name, most = "+".join(slices), max(settings.refinements, 1)
    kept = journal.find(name)
    if kept is not None and (finished := find_finished_leg(features, kept)) is not None:
        if listen is not None:
            listen(Step.TRANSFER, name, 1.0, finished.x)
        return _end(route, finished, kept["initial"], kept["achieved"])
    tally = Tally(features, kept)
    unknown = np.full_like(style, np.nan)
    state = State(route.x, route.x, unknown, unknown) if kept is None else State.from_arrays(kept)
    status: Status = "max_steps"
    try:
        if kept is not None and listen is not None:
            listen(Step.TRANSFER, name, tally.progress, state.x)
        while True:
            measured = _measure(context, state.x, state.guides)
            if measured is None:
                status = "diverged"
                break
            error = max(block_error(measured.values[at], style[at], live[at]) for at in slices.values())
            tally.note(state.count / most, error)
            if listen is not None:
                listen(Step.TRANSFER, name, tally.progress, state.x)
            state = _judge(state, measured, error)
            if state.best_error <= CLOSE_ENOUGH:
                status = "reached"
                break
            if state.count == settings.refinements or state.stale == PATIENCE:
                break
            state = _advance(context, state, measured, style)
            journal.keep(name, state.arrays() | tally.arrays())
    except KeyboardInterrupt:
        status = "interrupted"
    done = 1.0 if status == "reached" else 0.0
    flow = FlowResult(state.best, done, state.count, status, f"{state.count} refinement steps")
    outcome = Outcome(Step.TRANSFER, name, state.initial, state.nearest, style, live, state.best_error)
    leg = describe_leg(outcome, tally, flow)
    if status == "interrupted":
        return replace(route, x=state.best, legs=(*route.legs, leg), status="interrupted")
    end = LegEnd(state.best, leg)
    keep_leg(journal, end, initial=state.initial, achieved=state.nearest)
    return _end(route, end, state.initial, state.nearest)


def _end(route: Route, end: LegEnd, initial: Floats, achieved: Floats) -> Route:
    return replace(route, x=end.x, legs=(*route.legs, end.leg), initial=initial, achieved=achieved)


def _measure(context: Context, x: Floats, guides: Mapping[str, Guide]) -> Measurement | None:
    """Return c(x) and how it was measured; None if a leg broke off."""
    starts: list[Floats] = []

    def move(leg_context: Context, x: Floats, task: Task, record: Record) -> FlowResult:
        starts.append(x)
        return follow_lift(leg_context, x, task, record)

    coarse = replace(context.settings, tolerance=max(context.settings.tolerance, COARSE))
    starts_of_legs = {(Step.TRANSFER, layer): guide for layer, guide in guides.items()}
    measuring = replace(
        context, settings=coarse, step=Step.TRANSFER, listen=None, journal=NOWHERE, move=move, guides=starts_of_legs
    )
    route = normalize(measuring, x, measure_only=True)
    return Measurement([*starts, route.x], route.style, route.guides) if route.status == "done" else None


def _judge(state: State, measured: Measurement, error: float) -> State:
    """Return the state with its image measured."""
    if state.count == 0:
        state = replace(state, initial=measured.values)
    state = replace(state, guides=measured.guides)
    if error < state.best_error:
        return replace(state, best=state.x, best_error=error, nearest=measured.values, stale=0)
    return replace(state, stale=state.stale + 1)


def _advance(context: Context, state: State, latest: Measurement, style: Floats) -> State:
    """Return the state after one more step."""
    settings, reference = context.settings, context.reference
    measured, moved = (*state.measured[-SECANTS:], latest.values), (*state.moved[-SECANTS:], state.x)
    step = _step(context.features, latest.starts, style - latest.values, reference, measured, moved)
    first = context.features.prefix(1)
    stop = first.blocks[0].size
    damping, guide = reference.damping.prefix(stop), state.guides.get(first.blocks[0].name)
    goal, live, gram = 0.1 * settings.threshold, reference.live[:stop], None if guide is None else guide.grams[0]
    end = correct(first, state.x + step, style[:stop], live, damping, goal, gram=gram)
    return replace(state, x=end.x, count=state.count + 1, measured=measured, moved=moved)


def _step(
    features: Counted,
    starts: list[Floats],
    gap: Floats,
    reference: Reference,
    measured: tuple[Floats, ...],
    moved: tuple[Floats, ...],
) -> Floats:
    """Return the regularized step of least norm that closes `gap` to first order, of x's shape."""
    weights = reference.live / np.sqrt(reference.damping.scales)
    rows = decoupled_jacobian(features, starts, reference)
    rows *= weights.astype(rows.dtype)[:, None]
    if len(moved) > 1:  # earlier steps show their effect better than the formula does (multi-secant Broyden update)
        dx = np.stack([np.ravel(moved[-1] - earlier) for earlier in moved[:-1]])
        dc = np.stack([weights * (measured[-1] - earlier) for earlier in measured[:-1]])
        add_product(rows, np.linalg.lstsq(dx @ dx.T, (dc.T - product(rows, dx)).T, rcond=1e-12)[0].T, dx)
    gram = product(rows, rows)
    damped = gram + REGULARIZATION * np.trace(gram) / np.count_nonzero(reference.live) * np.eye(len(gram))
    step = np.zeros((1, rows.shape[1]))
    add_product(step, np.linalg.solve(damped, weights * gap)[None], rows)
    return step.reshape(starts[0].shape)
