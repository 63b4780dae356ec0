"""Step 3's last part: closing the gap between the style that was asked for and the one the result shows.

Damped legs impose a style nearly. What the result then lacks is found by a shooting method: its decoupled features
are measured as Step 1 would measure them, and the picture is moved, by quasi-Newton steps of least norm, until they
are the wanted ones. The derivative of the decoupled features is that of the raw ones, carried back through the
(damped) projection of every earlier leg — the decoupled gradients ∇c_k ≈ P_1 ⋯ P_(k-1) ∇f_k of the theory. The thesis
has no such step. It sees the picture, c, and what Step 0 made; where the style is there already, as on a
self-transfer, it does nothing.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from scipy.linalg import eigh

from .features import Counted, block_slices
from .flow import FlowResult, Status
from .legs import Listener, Mover, Reference, Settings, block_error, correct, follow_lift, judge_leg
from .normalization import Path, normalize

CLOSE_ENOUGH = 0.02
"""The relative error of every block's decoupled features at which nothing more is done."""
REGULARIZATION = 0.01  # of the mean eigenvalue of CCᵀ: weak directions would move the picture far (Levenberg-Marquardt)
SECANTS = 3
COARSE = 1e-5
"""Tolerance of the legs that are measured on the way; they then err by 1e-4, far below `CLOSE_ENOUGH`."""


def refine(
    features: Counted,
    path: Path,
    reference: Reference,
    settings: Settings,
    listen: Listener | None = None,
) -> Path:
    """The path of an imposed style, its picture brought closer to showing that style; one leg more.

    Parameters
    ----------
    path : as `normalization.impose` returned it: `x`, (H, W, 3), and `style`, the wanted c, (n,).
    settings : `refinements` says how many steps at most. The best picture met is kept.

    Returns
    -------
    A path whose last leg bears the names of all blocks; its errors are those of the decoupled features, the worst
    block's; `reached` means `CLOSE_ENOUGH`.
    """
    began, before = time.perf_counter(), features.passes.copy()
    style, live, slices = path.style, reference.live, block_slices(features.blocks)
    coarse = replace(
        settings,
        tolerance=max(settings.tolerance, COARSE),
        solver_tolerance=max(settings.solver_tolerance, COARSE),
    )
    name, first = "+".join(slices), features.prefix(1)
    curve: list[tuple[int, float]] = []
    x, best, best_error, count = path.x, path.x, np.inf, 0
    status: Status = "max_steps"
    measured: list[np.ndarray] = []
    moved: list[np.ndarray] = []
    initial = nearest = np.full_like(style, np.nan)  # until it has been measured
    try:
        while True:
            starts, shown = _measure(features, x, reference, coarse)
            if shown is None:
                status = "diverged"
                break
            error = max(block_error(shown[at], style[at], live[at]) for at in slices.values())
            curve.append((features.passes.since(before).total, error))
            if listen is not None:
                listen(3, name, count / max(settings.refinements, 1), x)
            if count == 0:
                initial = shown
            if error < best_error:
                best, best_error, nearest = x, error, shown
            if best_error <= CLOSE_ENOUGH:
                status = "reached"
                break
            if count == settings.refinements:
                break
            measured, moved = [*measured[-SECANTS:], shown], [*moved[-SECANTS:], x]
            step = _step(features, starts, style - shown, reference, measured, moved)
            stop = first.blocks[0].size
            x = correct(first, x + step, style[:stop], live[:stop], reference.damping.prefix(stop), settings)
            count += 1
    except KeyboardInterrupt:
        status = "interrupted"
    flow = FlowResult(best, 1.0 if status == "reached" else 0.0, count, status, f"{count} refinement steps")
    passes = features.passes.since(before)
    leg = judge_leg(3, name, float(best_error), 0.0, nearest, style, initial, live, passes, began, flow, tuple(curve))
    return Path(best, style, (*path.legs, leg), "interrupted" if status == "interrupted" else path.status)


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
    rows = weights[:, None] * decoupled_jacobian(features, starts, reference)
    if len(moved) > 1:  # what earlier steps did is known better than by the formula (a multi-secant Broyden update)
        dx = np.stack([np.ravel(moved[-1] - earlier) for earlier in moved[:-1]])
        dc = np.stack([weights * (measured[-1] - earlier) for earlier in measured[:-1]])
        rows += np.linalg.lstsq(dx @ dx.T, (dc.T - rows @ dx.T).T, rcond=1e-12)[0].T @ dx
    gram = rows @ rows.T
    damped = gram + REGULARIZATION * np.trace(gram) / np.count_nonzero(reference.live) * np.eye(len(gram))
    return (np.linalg.solve(damped, weights * gap) @ rows).reshape(starts[0].shape)


def decoupled_jacobian(features: Counted, starts: list[np.ndarray], reference: Reference) -> np.ndarray:
    """An approximation of the decoupled features' gradients at x, shape (n, N).

    A leg moves x by -A⁺(f(x) - v) with the damped inverse A⁺ of the features held and moved; to first order, and
    with the curvature of the features left out, a change dx before the leg is dx - A⁺ A_j dx behind it.

    Parameters
    ----------
    starts : x̌_0 = x, x̌_1, …: where each block's leg begins, the end of the leg before.
    """
    slices = list(block_slices(features.blocks).values())
    weights = reference.live / np.sqrt(reference.damping.scales)
    at = [
        weights[: block.stop, None] * features.prefix(depth).linearize(start).jacobian()
        for depth, (block, start) in enumerate(zip(slices, starts, strict=True), start=1)
    ]
    inverses = []
    for held, block in zip(at[1:], slices, strict=False):
        eigenvalues, vectors = eigh(held[: block.stop] @ held[: block.stop].T)
        inverses.append((vectors * reference.damping.prefix(block.stop).filter(eigenvalues)) @ vectors[block].T)
    decoupled = np.zeros((slices[-1].stop, starts[0].size))
    for depth, block in enumerate(slices):
        rows = at[depth][block]
        for earlier in range(depth - 1, -1, -1):
            moving = slices[earlier]
            held = at[earlier + 1][: moving.stop]
            rows = rows - ((rows @ held.T) @ inverses[earlier]) @ at[earlier][moving]
        decoupled[block] = rows
    return decoupled / np.where(weights > 0, weights, np.inf)[:, None]
