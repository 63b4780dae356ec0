"""Gradients of the decoupled moments, by the adjoint of each leg's flow."""

from __future__ import annotations

import numpy as np

from ..common import validation
from ..common.arrays import Floats
from ..engine.ode import integrate
from .coupled import MAX_ORDER, MOMENT_REFERENCE, center, check_order, standardize
from .legs import MAX_STEPS, TOLERANCE, move_moment


def decoupled_gradients(x: Floats, order: int = MAX_ORDER) -> Floats:
    """Return the gradients of the decoupled moments: each ∇m_k, pulled back through the legs before it.

    Legs 1 and 2 have derivatives in closed form. Those of the others solve the adjoint equation of the leg's flow.

    Parameters
    ----------
    x : ndarray, shape (N,)
        A finite sample.
    order : int
        Number of moments, 1 to 6.

    Returns
    -------
    ndarray, shape (order, N)
        ∇c_1..∇c_order at x.

    Raises
    ------
    InputError
        As from `decoupling.decouple_moments`.

    References
    ----------
    Hairer, Nørsett & Wanner, *Solving Ordinary Differential Equations I*, section I.14, run backwards.
    """
    x = validation.sample(x, "the sample")
    order = check_order(order)
    centered = center(x)
    spread = np.sqrt(centered.variance()) if order >= 2 else 0.0
    y = x
    ends: list[Floats] = []
    for k in range(1, order):
        y = move_moment(y, k, MOMENT_REFERENCE[k - 1])
        ends.append(y)
    rows: Floats = np.empty((0, x.size))
    for k in range(order, 3, -1):
        point = ends[k - 2]
        rows = np.vstack([_raw_gradient(point, k)[None], rows])
        rows = _pull_back(ends[k - 3], point, k - 1, rows)
    if order >= 3:
        rows = np.vstack([_raw_gradient(ends[1], 3)[None], rows])
    if order >= 2:
        z = standardize(x)
        rows = rows - np.mean(rows, axis=1, keepdims=True) - np.mean(rows * z, axis=1, keepdims=True) * z
        deviations = np.ldexp(centered.deviations, centered.exponent)
        rows = np.vstack([_raw_gradient(deviations, 2)[None], rows / spread])
    return np.vstack([np.full((1, x.size), 1 / x.size), rows])


def _pull_back(start: Floats, end: Floats, k: int, rows: Floats) -> Floats:
    """Return wᵀ Dx̌ for covectors w at the end of leg k, shape (r, N): backwards along it, with dw/ds = -(DF)ᵀ w."""
    span = float(np.mean(end**k) - np.mean(start**k))

    def backwards(state: Floats) -> Floats:
        y, w = state[0], state[1:]
        velocity, transposed = _clock_field(y, k, w)
        return span * np.vstack([-velocity[None], transposed])

    arrived = rows @ _clock_field(end, k, rows)[0]
    flow = integrate(backwards, np.vstack([end[None], rows]), "adaptive", MAX_STEPS, TOLERANCE)
    # A leg ends at a fixed m_k, not after a fixed time: moving its start along ∇m_k changes the time it takes.
    return flow.x[1:] - np.outer(arrived, _raw_gradient(start, k))


def _clock_field(y: Floats, k: int, w: Floats) -> tuple[Floats, Floats]:
    """Return F = A⁺e_k, the velocity at which m_k grows by 1, (N,), and (DF)ᵀw for each row of w, (r, N).

    With F = Σ_j λ_j ∇m_j, λ = G⁻¹e_k and G = AAᵀ:  (DF)ᵀw = Σ_j λ_j H_j w - Σ_ij μ_i λ_j ∇G_ij,  μ = G⁻¹A w.
    """
    n, j = y.size, np.arange(1, k + 1)
    powers = np.vander(y, 2 * k, increasing=True).T
    means = powers.mean(axis=1)
    gradient_gram = np.outer(j, j) * means[j[:, None] + j - 2] / n
    jacobian = j[:, None] * powers[:k] / n
    multipliers = np.linalg.solve(gradient_gram, np.eye(k)[-1])
    curvature = (multipliers[1:] * j[1:] * (j[1:] - 1) / n) @ powers[: k - 1]
    mu = np.linalg.solve(gradient_gram, jacobian @ w.T)
    change = np.zeros((2 * k - 2, len(w)))  # coefficients of y^0 .. y^(2k-3)
    for a in j:
        for b in j:
            if a + b > 2:
                change[a + b - 3] += mu[a - 1] * multipliers[b - 1] * a * b * (a + b - 2) / n**2
    return multipliers @ jacobian, curvature * w - change.T @ powers[: 2 * k - 2]


def _raw_gradient(y: Floats, k: int) -> Floats:
    return k * y ** (k - 1) / y.size
