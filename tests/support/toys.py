"""Feature maps small enough for closed forms, and settings that follow them almost exactly."""

import numpy as np

from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.context import Reference, Settings
from decoupling_lib.engine.features import Block
from decoupling_lib.engine.lift import Damping, gradient_scales, squared_gradient_norms
from decoupling_lib.moments.samples import TEN

SAMPLE = np.array(TEN)
EXACT = Settings(rule="adaptive", steps=2000, tolerance=1e-11, threshold=1e-9)


def softplus_sums(sizes: tuple[int, ...], pixels: int, seed: int) -> ClosedForm:
    """Return sums of softplus units: smooth, curved, and with gradients that are not integrable in any variables."""
    rng = np.random.default_rng(seed)
    mix = rng.random((sum(sizes), 4 * sum(sizes))) + 0.1
    filters = rng.standard_normal((4 * sum(sizes), pixels))
    return ClosedForm(
        tuple(Block(f"block{k}", size) for k, size in enumerate(sizes, start=1)),
        lambda x: mix @ np.logaddexp(0, filters @ x),
        lambda x: (mix / (1 + np.exp(-filters @ x))) @ filters,
        lambda x, w: softplus_curvature(filters, x, w @ mix),
    )


def softplus_curvature(filters: np.ndarray, x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the second derivative of the sum of softplus units with these weights."""
    y = filters @ x
    return (filters.T * (weights / (4 * np.cosh(y / 2) ** 2))) @ filters


def fading_sums(seed: int) -> ClosedForm:
    """Return nine sums of softplus units of 14 variables, the last ones weak, in blocks of 2, 3 and 4."""
    rng = np.random.default_rng(seed)
    mix = rng.standard_normal((9, 20)) * np.logspace(0, -1.5, 9)[:, None]
    filters = rng.standard_normal((20, 14)) / 2
    return ClosedForm(
        (Block("first", 2), Block("second", 3), Block("third", 4)),
        lambda x: mix @ np.logaddexp(0, filters @ x),
        lambda x: (mix / (1 + np.exp(-filters @ x))) @ filters,
        lambda x, w: softplus_curvature(filters, x, w @ mix),
    )


def linear_map(sizes: tuple[int, ...], rows: np.ndarray) -> ClosedForm:
    """Return the features `rows @ x` in blocks of the given sizes."""
    blocks = tuple(Block(f"block{k}", size) for k, size in enumerate(sizes, start=1))
    return ClosedForm(blocks, lambda x: rows @ x, lambda _: rows)


def reference(features: ClosedForm, values: np.ndarray, delta: float = 0.0, at: np.ndarray | None = None) -> Reference:
    """Return a reference without dead channels, damped by `delta` on the scales of the gradients at a point."""
    live = np.ones(len(values), bool)
    norms = np.ones(len(values)) if at is None else squared_gradient_norms(features.linearize(at), live)
    scales = np.ones(len(values)) if at is None else gradient_scales(norms, features.blocks, live)
    return Reference(np.asarray(values, float), live, Damping(delta, scales))


def point(seed: int, size: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(size)


TOY, FADING = softplus_sums((2, 3), 14, 1), fading_sums(4)
NOISE, FIRST, SECOND = (0.5 * point(seed, 14) for seed in (2, 3, 4))

# Two blocks on 12 numbers: LINEAR, whose iterations have closed forms, and CURVED.
RNG = np.random.default_rng(0)
BLOCKS = (Block("low", 2), Block("high", 3))
A = RNG.normal(size=(5, 12))
X = RNG.normal(size=(2, 2, 3))
V = np.array([1.0, -2.0, 3.0, 1.5, -1.0])
LINEAR = ClosedForm(BLOCKS, lambda x: A @ x.ravel(), lambda x: A)
Q = np.array([(m + m.T) / 2 for m in RNG.normal(size=(5, 12, 12))])
# f_i = a_i·x + 0.05 xᵀQ_i x: every feature is curved.
CURVED = ClosedForm(
    BLOCKS,
    lambda x: A @ x.ravel() + 0.05 * np.einsum("nij,i,j->n", Q, x.ravel(), x.ravel()),
    lambda x: A + 0.1 * Q @ x.ravel(),
)


def relative(f: np.ndarray, v: np.ndarray) -> float:
    """Return the relative difference of `f` from `v`."""
    return float(np.linalg.norm(f - v) / np.linalg.norm(v))


def history(run, *arguments, **options):
    """Return the result of an iteration, and the arguments of each call of its `on_step`."""
    calls = []
    result = run(*arguments, on_step=lambda *values: calls.append(values), **options)
    return result, calls
