"""Step 3's last part: closing the gap between the style that was asked for and the one the result shows.

Damped legs impose a style nearly. What the result then lacks is found by a shooting method: its decoupled features
are measured as Step 1 would measure them, and the picture is moved, by quasi-Newton steps of least norm, until they
are the wanted ones. The derivative of the decoupled features is that of the raw ones, carried back through the
(damped) projection of every earlier leg — the decoupled gradients ∇c_k ≈ P_1 ⋯ P_(k-1) ∇f_k of the theory. The thesis
has no such step. It sees the picture, c, and what Step 0 made; where the style is there already, as on a
self-transfer, it does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.linalg import eigh

from .distances import block_error
from .features import Counted, block_slices
from .journal import NOWHERE, Arrays, Journal, Tally
from .legs import Listener, Mover, Reference, Settings, finished_leg, follow_lift, judge_leg, keep_leg
from .newton import correct
from .normalization import Route, normalize
from .ode import FlowResult, Status

CLOSE_ENOUGH = 0.02
"""The relative error of every block's decoupled features at which nothing more is done."""
REGULARIZATION = 0.01  # of the mean eigenvalue of CCᵀ: weak directions would move the picture far (Levenberg-Marquardt)
SECANTS = 3
PATIENCE = 5
"""Steps in a row without a better picture after which the linearization leads nowhere, and no more are made."""
COARSE = 1e-5
"""Tolerance of the legs that are measured on the way; they then err by 1e-4, far below `CLOSE_ENOUGH`."""
CHUNK = 2**21
"""Entries of a Jacobian, 16 MiB in float64, that are computed with at a time: at 512 px the whole is gigabytes."""


@dataclass
class State:
    """Where a refinement stands before it measures a picture: all that it needs to go on.

    Parameters
    ----------
    x : the picture to be measured; count : how many steps led to it, `stale` of them since the best.
    best, best_error, nearest : the best picture so far, its error, and its decoupled features.
    initial : the decoupled features of the first picture; NaN until it has been measured, as `nearest` is.
    measured, moved : the decoupled features of the latest pictures, and these.
    """

    x: np.ndarray
    best: np.ndarray
    initial: np.ndarray
    nearest: np.ndarray
    best_error: float = np.inf
    count: int = 0
    stale: int = 0
    measured: list[np.ndarray] = field(default_factory=list)
    moved: list[np.ndarray] = field(default_factory=list)

    def arrays(self) -> dict[str, np.ndarray]:
        """The same as named arrays, for a journal."""
        return {name: np.asarray(value) for name, value in vars(self).items()}

    @classmethod
    def of(cls, arrays: Arrays) -> State:
        """The inverse of `arrays`."""
        pictures = {name: arrays[name] for name in ("x", "best", "initial", "nearest")}
        numbers = {
            "best_error": float(arrays["best_error"]),
            "count": int(arrays["count"]),
            "stale": int(arrays["stale"]),
        }
        return cls(**pictures, **numbers, **{name: list(arrays[name]) for name in ("measured", "moved")})


def refine(
    features: Counted,
    path: Route,
    reference: Reference,
    settings: Settings,
    listen: Listener | None = None,
    journal: Journal = NOWHERE,
) -> Route:
    """The path of an imposed style, its picture brought closer to showing that style; one leg more.

    Parameters
    ----------
    path : as `normalization.impose` returned it: `x`, (H, W, 3), and `style`, the wanted c, (n,).
    settings : `refinements` says how many steps at most. The best picture met is kept.
    journal : keeps the state after each step, and the end; what it has already is not done again.

    Returns
    -------
    A path whose last leg bears the names of all blocks; its errors are those of the decoupled features, the worst
    block's; `reached` means `CLOSE_ENOUGH`. `shown` has those features; NaN where they could not be measured.
    """
    style, live, slices = path.style, reference.live, block_slices(features.blocks)
    name, most = "+".join(slices), max(settings.refinements, 1)
    kept = journal.find(name)
    if (finished := finished_leg(features, kept)) is not None:
        if listen is not None:
            listen(3, name, 1.0, finished[0])
        return Route(finished[0], style, (*path.legs, finished[1]), path.status, kept["shown"])
    coarse = replace(
        settings,
        tolerance=max(settings.tolerance, COARSE),
        solver_tolerance=max(settings.solver_tolerance, COARSE),
    )
    tally = Tally(features, kept)
    unknown = np.full_like(style, np.nan)
    state = State(path.x, path.x, unknown, unknown) if kept is None else State.of(kept)
    status: Status = "max_steps"
    try:
        if kept is not None and listen is not None:
            listen(3, name, tally.progress, state.x)
        while True:
            starts, shown = _measure(features, state.x, reference, coarse)
            if shown is None:
                status = "diverged"
                break
            error = max(block_error(shown[at], style[at], live[at]) for at in slices.values())
            tally.note(state.count / most, error)
            if listen is not None:
                listen(3, name, tally.progress, state.x)
            if state.count == 0:
                state.initial = shown
            if error < state.best_error:
                state.best, state.best_error, state.nearest, state.stale = state.x, error, shown, 0
            else:
                state.stale += 1
            if state.best_error <= CLOSE_ENOUGH:
                status = "reached"
                break
            if state.count == settings.refinements or state.stale == PATIENCE:
                break
            state = _moved(features, state, starts, shown, style, reference, settings)
            journal.keep(name, state.arrays() | tally.arrays())
    except KeyboardInterrupt:
        status = "interrupted"
    done = 1.0 if status == "reached" else 0.0
    flow = FlowResult(state.best, done, state.count, status, f"{state.count} refinement steps")
    leg = judge_leg(3, name, state.best_error, 0.0, state.nearest, style, state.initial, live, tally, flow)
    if status == "interrupted":
        return Route(state.best, style, (*path.legs, leg), "interrupted")
    keep_leg(journal, state.best, leg, shown=state.nearest)
    return Route(state.best, style, (*path.legs, leg), path.status, state.nearest)


def _moved(
    features: Counted,
    state: State,
    starts: list[np.ndarray],
    shown: np.ndarray,
    style: np.ndarray,
    reference: Reference,
    settings: Settings,
) -> State:
    """The state after one step more; the one given stays as it is."""
    measured, moved = [*state.measured[-SECANTS:], shown], [*state.moved[-SECANTS:], state.x]
    step = _step(features, starts, style - shown, reference, measured, moved)
    first = features.prefix(1)
    stop = first.blocks[0].size
    damping = reference.damping.prefix(stop)
    goal, live = 0.1 * settings.threshold, reference.live[:stop]
    x = correct(first, state.x + step, style[:stop], live, damping, goal, settings.solver_tolerance)
    return replace(state, x=x, count=state.count + 1, measured=measured, moved=moved)


def _measure(
    features: Counted, x: np.ndarray, reference: Reference, settings: Settings
) -> tuple[list[np.ndarray], np.ndarray | None]:
    """The points x̌_0 = x, x̌_1, … at which the blocks are measured, and c(x); None if a leg broke off."""
    starts: list[np.ndarray] = []

    def noting(features: Counted, x: np.ndarray, *rest: object) -> object:
        starts.append(x)
        return follow_lift(features, x, *rest)  # type: ignore[arg-type]

    mover: Mover = noting  # type: ignore[assignment]
    walk = normalize(features, x, reference, settings, 3, move=mover, to_the_end=False)
    return [*starts, walk.x], walk.style if walk.status == "done" else None


def _step(
    features: Counted,
    starts: list[np.ndarray],
    gap: np.ndarray,
    reference: Reference,
    measured: list[np.ndarray],
    moved: list[np.ndarray],
) -> np.ndarray:
    """The regularized step of least norm that closes `gap` to first order, of x's shape."""
    weights = reference.live / np.sqrt(reference.damping.scales)
    rows = decoupled_jacobian(features, starts, reference)
    rows *= weights.astype(rows.dtype)[:, None]
    if len(moved) > 1:  # what earlier steps did is known better than by the formula (a multi-secant Broyden update)
        dx = np.stack([np.ravel(moved[-1] - earlier) for earlier in moved[:-1]])
        dc = np.stack([weights * (measured[-1] - earlier) for earlier in measured[:-1]])
        _add(rows, np.linalg.lstsq(dx @ dx.T, (dc.T - _product(rows, dx)).T, rcond=1e-12)[0].T, dx)
    gram = _product(rows, rows)
    damped = gram + REGULARIZATION * np.trace(gram) / np.count_nonzero(reference.live) * np.eye(len(gram))
    step = np.zeros((1, rows.shape[1]))
    _add(step, np.linalg.solve(damped, weights * gap)[None], rows)
    return step.reshape(starts[0].shape)


def decoupled_jacobian(features: Counted, starts: list[np.ndarray], reference: Reference) -> np.ndarray:
    """An approximation of the decoupled features' gradients at x, shape (n, N).

    A leg moves x by -A⁺(f(x) - v) with the damped inverse A⁺ of the features held and moved; to first order, and
    with the curvature of the features left out, a change dx before the leg is dx - A⁺ A_j dx behind it.

    Parameters
    ----------
    starts : x̌_0 = x, x̌_1, …: where each block's leg begins, the end of the leg before.

    Returns
    -------
    In the network's dtype. Nothing of its size is made beside it: Jacobians are changed in place.
    """
    slices = list(block_slices(features.blocks).values())
    weights = reference.live / np.sqrt(reference.damping.scales)
    at = []
    for depth, (block, start) in enumerate(zip(slices, starts, strict=True), start=1):
        rows = features.prefix(depth).linearize(start).jacobian(reference.live[: block.stop])
        rows *= weights[: block.stop, None].astype(rows.dtype)
        at.append(rows)
    inverses = []
    for place, (passed, block) in enumerate(zip(at[1:], slices, strict=False)):
        damping = reference.damping.leg(place, block)
        # From the scaling of `weights` to the leg's own and back; the moving block's is the same.
        ease = np.sqrt(reference.damping.scales[: block.stop] / damping.scales)
        eigenvalues, vectors = eigh(ease[:, None] * _product(passed[: block.stop], passed[: block.stop]) * ease)
        inverse = (vectors * damping.filter(eigenvalues)) @ vectors[block].T
        inverses.append(ease[:, None] * inverse)
    # The deepest first: the raw rows of a block are used by the deeper ones, and by them only.
    decoupled = at[-1]
    for depth, block in reversed(list(enumerate(slices))):
        rows = at[depth][block]
        for earlier in range(depth - 1, -1, -1):
            moving = slices[earlier]
            back = _product(rows, at[earlier + 1][: moving.stop]) @ inverses[earlier]
            _add(rows, -back, at[earlier][moving])
        decoupled[block] = rows
        del at[depth]
    decoupled /= np.where(weights > 0, weights, np.inf)[:, None].astype(decoupled.dtype)
    return decoupled


def _columns(entries: int, size: int) -> Iterator[slice]:
    """Slices over `size` columns of `entries` rows, about `CHUNK` numbers in each."""
    width = max(1, CHUNK // max(entries, 1))
    return (slice(begin, begin + width) for begin in range(0, size, width))


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a bᵀ in float64, whatever the dtypes of a and b."""
    total = np.zeros((len(a), len(b)))
    for columns in _columns(len(a) + len(b), a.shape[1]):
        total += a[:, columns].astype(float) @ b[:, columns].astype(float).T
    return total


def _add(a: np.ndarray, factors: np.ndarray, b: np.ndarray) -> None:
    """a += factors b in place, computed in float64."""
    for columns in _columns(len(a) + len(b), a.shape[1]):
        a[:, columns] += factors @ b[:, columns].astype(float)
