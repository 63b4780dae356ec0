"""The last part of Step 3: closing the gap between the style that was asked for and the one that the result has.

Damped legs impose a style only approximately. The rest is found by a shooting method: the decoupled features of the
image are measured as Step 1 measures them, and quasi-Newton steps of least norm move the image until they have the
wanted values. The derivative of the decoupled features is that of the raw ones, carried back through the (damped)
projections of all earlier legs: the decoupled gradients ∇c_k ≈ P_1 ⋯ P_(k-1) ∇f_k of the theory. The thesis has no such
step. The refinement sees the image, c, and what Step 0 determined; where the style is already there, as in a
self-transfer, it does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..common.arrays import Floats
from .context import Context, Record, Reference, Step, Task
from .decoupled_gradients import add_product, decoupled_jacobian, product
from .decoupled_leg import follow_lift
from .distances import block_error
from .features import Counted, block_slices
from .journal import NOWHERE, Arrays, Tally
from .legs import Outcome, describe_leg, find_finished_leg, keep_leg
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

    def arrays(self) -> dict[str, Floats]:
        """Return the state as named arrays, for a journal."""
        return {name: np.asarray(value) for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> State:
        """Return the state that `arrays` made into named arrays; other names are ignored."""
        return cls(
            x=arrays["x"],
            best=arrays["best"],
            initial=arrays["initial"],
            nearest=arrays["nearest"],
            best_error=float(arrays["best_error"]),
            count=int(arrays["count"]),
            stale=int(arrays["stale"]),
            measured=tuple(arrays["measured"]),
            moved=tuple(arrays["moved"]),
        )


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
        of the decoupled features of the worst block; its status `reached` means `CLOSE_ENOUGH`. `achieved` has the
        decoupled features of the image, NaN if they could not be measured.
    """
    features, settings, listen, journal = context.features, context.settings, context.listen, context.journal
    style, live, slices = route.style, context.reference.live, block_slices(features.blocks)
    name, most = "+".join(slices), max(settings.refinements, 1)
    kept = journal.find(name)
    if kept is not None and (finished := find_finished_leg(features, kept)) is not None:
        if listen is not None:
            listen(Step.TRANSFER, name, 1.0, finished[0])
        return Route(finished[0], style, (*route.legs, finished[1]), route.status, kept["achieved"])
    tally = Tally(features, kept)
    unknown = np.full_like(style, np.nan)
    state = State(route.x, route.x, unknown, unknown) if kept is None else State.from_arrays(kept)
    status: Status = "max_steps"
    try:
        if kept is not None and listen is not None:
            listen(Step.TRANSFER, name, tally.progress, state.x)
        while True:
            starts, measured = _measure(context, state.x)
            if measured is None:
                status = "diverged"
                break
            error = max(block_error(measured[at], style[at], live[at]) for at in slices.values())
            tally.note(state.count / most, error)
            if listen is not None:
                listen(Step.TRANSFER, name, tally.progress, state.x)
            state = _judge(state, measured, error)
            if state.best_error <= CLOSE_ENOUGH:
                status = "reached"
                break
            if state.count == settings.refinements or state.stale == PATIENCE:
                break
            state = _advance(context, state, starts, measured, style)
            journal.keep(name, state.arrays() | tally.arrays())
    except KeyboardInterrupt:
        status = "interrupted"
    done = 1.0 if status == "reached" else 0.0
    flow = FlowResult(state.best, done, state.count, status, f"{state.count} refinement steps")
    outcome = Outcome(Step.TRANSFER, name, state.initial, state.nearest, style, live, state.best_error)
    leg = describe_leg(outcome, tally, flow)
    if status == "interrupted":
        return Route(state.best, style, (*route.legs, leg), "interrupted")
    keep_leg(journal, state.best, leg, achieved=state.nearest)
    return Route(state.best, style, (*route.legs, leg), route.status, state.nearest)


def _measure(context: Context, x: Floats) -> tuple[list[Floats], Floats | None]:
    """Return the points x̌_0 = x, x̌_1, … at which the blocks are measured, and c(x); None if a leg broke off."""
    starts: list[Floats] = []

    def move(leg_context: Context, x: Floats, task: Task, record: Record) -> FlowResult:
        starts.append(x)
        return follow_lift(leg_context, x, task, record)

    coarse = replace(
        context.settings,
        tolerance=max(context.settings.tolerance, COARSE),
        solver_tolerance=max(context.settings.solver_tolerance, COARSE),
    )
    measuring = replace(context, settings=coarse, step=Step.TRANSFER, listen=None, journal=NOWHERE, move=move)
    route = normalize(measuring, x, measure_only=True)
    return [*starts, route.x], route.style if route.status == "done" else None


def _judge(state: State, measured: Floats, error: float) -> State:
    """Return the state with its image measured."""
    if state.count == 0:
        state = replace(state, initial=measured)
    if error < state.best_error:
        return replace(state, best=state.x, best_error=error, nearest=measured, stale=0)
    return replace(state, stale=state.stale + 1)


def _advance(context: Context, state: State, starts: list[Floats], latest: Floats, style: Floats) -> State:
    """Return the state after one more step."""
    settings, reference = context.settings, context.reference
    measured, moved = (*state.measured[-SECANTS:], latest), (*state.moved[-SECANTS:], state.x)
    step = _step(context.features, starts, style - latest, reference, measured, moved)
    first = context.features.prefix(1)
    stop = first.blocks[0].size
    damping = reference.damping.prefix(stop)
    goal, live = 0.1 * settings.threshold, reference.live[:stop]
    x, _ = correct(first, state.x + step, style[:stop], live, damping, goal, settings.solver_tolerance)
    return replace(state, x=x, count=state.count + 1, measured=measured, moved=moved)


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
