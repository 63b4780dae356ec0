"""One time-symmetric step, solved for the image and its multipliers together.

A step of size h leads from x to x' = x + hV. With the midpoint m = (x + x')/2, the scaled Jacobian A and the
multipliers λ,

    V = A(m)ᵀ λ,        f(x') - f(x) + h δ λ = h r.

If x and x' are exchanged and the signs of r and λ are reversed, the two equations stay the same. The same steps taken
in the opposite direction therefore lead back, at any step size, up to the tolerance of the solution. The equations are
solved by quasi-Newton steps for λ with an approximate gradient Gram matrix AAᵀ, followed by V, with Anderson mixing of
both. An iteration takes two forward passes and one VJP, and no linear system is solved to the end on the way. Each step
improves the matrix for the next one (`learn_gram`), since computing it again would take as many VJPs as there are
features.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.linalg.blas import dsymv, dsyr

from ..common.arrays import Floats
from .anderson import Anderson
from .features import FeatureMap
from .leg_state import Guide, Node
from .lift import gram_matrix

DEPTH = 20
"""Number of earlier iterations that Anderson mixing uses: all of them in most steps."""
MAX_ITERATIONS = 40
PATIENCE = 10
"""Iterations without progress after which a solution is as good as the arithmetic allows, or there is none."""
ROUNDING = 30.0
"""Factor by which such a solution may exceed the tolerance: single precision has a floor."""
SLOW = 10
"""An undamped step of more iterations is checked for whether the way back would find the same solution."""
PARTS = (0.25, 0.5, 0.75, 1.0)
"""The parts of a step that is approached from smaller ones."""
HOPELESS = 1e6
"""A residual of the velocity, in units of the image, beyond which nothing converges any more."""
RIDGE = 1e-9  # of the mean eigenvalue: an undamped Gram matrix may be singular
CREDIBLE = (0.2, 5.0)
"""Range of the ratio of an observed response to the expected one, within which it is learned."""
NOTICEABLE = 1e-3
"""Changes of the multipliers that are smaller than this, relative to the largest of a step, teach only rounding."""


def learn_gram(gram: Floats, changes: Floats, responses: Floats) -> Floats:
    """Return a gradient Gram matrix G corrected by what was seen: that a change s of λ moves the features by y = Gs.

    For each pair in turn, G - Gs sᵀG/(sᵀGs) + yyᵀ/(yᵀs), the update of Broyden, Fletcher, Goldfarb and Shanno (Nocedal
    and Wright, *Numerical Optimization*, equation 6.19), which stays positive definite. Pairs that contradict G by more
    than `CREDIBLE` are left out: early iterations have a velocity that does not belong to their multipliers yet.

    Parameters
    ----------
    gram : ndarray, shape (n, n)
        G, symmetric.
    changes, responses : ndarray, shape (m, n)
        s and y of each pair, m at least 0.

    Returns
    -------
    ndarray, shape (n, n)
        `gram` itself if there was nothing to learn.

    Examples
    --------
    >>> learn_gram(np.eye(2), np.array([[1.0, 0.0]]), np.array([[2.0, 0.0]]))
    array([[2., 0.],
           [0., 1.]])
    """
    sizes = np.linalg.norm(changes, axis=-1)
    upper, learned = np.array(gram, order="F"), False  # from here on its upper triangle counts, as in BLAS
    for s, y, size in zip(changes, responses, sizes, strict=True):
        expected = dsymv(1.0, upper, s)
        before, after = s @ expected, s @ y
        if size > NOTICEABLE * sizes.max() and CREDIBLE[0] * before < after < CREDIBLE[1] * before:
            upper = dsyr(-1.0 / before, expected, a=upper, overwrite_a=True)
            upper, learned = dsyr(1.0 / after, y, a=upper, overwrite_a=True), True
    return np.triu(upper) + np.triu(upper, 1).T if learned else gram


def factor_gram(gram: Floats, delta: float) -> Floats:
    """Return the lower Cholesky factor of a scaled gradient Gram matrix (n, n) plus δ, kept regular by `RIDGE`."""
    ridge = delta + RIDGE * np.trace(gram) / len(gram) + np.finfo(float).tiny
    factor: Floats = cholesky(gram + ridge * np.eye(len(gram)), lower=True)
    return factor


class StepSolver:
    """Solves single steps; holds the Gram matrix, which learns from them, and its factor.

    Parameters
    ----------
    features : FeatureMap
        The blocks that are held and moved.
    weights : ndarray, shape (n,)
        By which features are scaled; 0 for those that take no part.
    rate : ndarray, shape (n,)
        r, the wanted df/ds.
    delta : float
        δ, at least 0.
    tolerance : float
        Root mean square change of the image at which a solution is accepted, in the unit of x.
    guide : Guide or None
        A similar leg, whose multipliers are the first guess if it has any.

    Attributes
    ----------
    gram : ndarray, shape (n, n)
        The matrix in use.
    iterations : int
        Number of iterations of the latest step.
    """

    def __init__(
        self, features: FeatureMap, weights: Floats, rate: Floats, delta: float, tolerance: float, guide: Guide | None
    ):
        self._features, self._weights, self._rate = features, weights, weights * rate
        self._delta, self._tolerance = delta, tolerance
        self._guide = guide if guide is not None and len(guide.multipliers) else None
        self.iterations = 0
        nothing = np.empty((0, len(rate)))
        self._seen: tuple[Floats, Floats] = nothing, nothing  # what `learn_gram` receives of the latest solution

    def gram_matrix(self, x: Floats) -> Floats:
        """Return the scaled AAᵀ at x."""
        return gram_matrix(self._features.linearize(x), self._weights)

    def use(self, gram: Floats) -> None:
        """Use a Gram matrix, shape (n, n), from now on."""
        self.gram, self._factor = gram, factor_gram(gram, self._delta)

    def find(
        self, x: Floats, h: float, middle: float, nodes: tuple[Node, ...], thorough: bool
    ) -> tuple[Floats, Floats] | None:
        """Return V and λ of a step, or None if no solution was found that the way back would find as well."""
        attempts: list[Callable[[], tuple[Floats, Floats] | None]]
        attempts = [lambda: self.solve(x, h, *self.guess(x, middle, nodes))]
        if thorough:
            if nodes:
                attempts.append(lambda: self.solve(x, h, *self.guess(x, middle, ())))
            attempts.append(lambda: self.approach(x, h, middle))
        for attempt in attempts:
            self.iterations = 0
            solved = attempt()
            easy = self._delta > 0 or self.iterations <= SLOW
            seen = self._seen
            if solved is not None and (easy or self.returns(x, h, solved[0], middle)):
                self.use(learn_gram(self.gram, *seen))
                return solved
        return None

    def guess(self, x: Floats, s: float, nodes: tuple[Node, ...]) -> tuple[Floats, Floats]:
        """Return V and λ at s: extrapolated through the nodes, or those of the explicit step if there are none."""
        if not nodes:
            multipliers = cho_solve((self._factor, True), self._rate) if self._guide is None else self._guide.at(s)
            return self._features.linearize(x).vjp(self._weights * multipliers), multipliers
        places = [node.s for node in nodes]
        shares = [np.prod([(s - other) / (place - other) for other in places if other != place]) for place in places]
        velocity, multipliers = np.zeros_like(nodes[0].velocity), np.zeros_like(nodes[0].multipliers)
        for share, node in zip(shares, nodes, strict=True):
            velocity, multipliers = velocity + share * node.velocity, multipliers + share * node.multipliers
        if self._guide is not None:  # it knows what lies ahead, and the nodes by how much it is off
            multipliers += self._guide.at(s)
            for share, node in zip(shares, nodes, strict=True):
                multipliers -= share * self._guide.at(node.s)
        return velocity, multipliers

    def approach(self, x: Floats, h: float, middle: float) -> tuple[Floats, Floats] | None:
        """Return V and λ of a step, solved for growing parts of it, each of which guesses the next; None if one fails.

        The solution of a large step may be out of reach from the guess of the explicit step. The way back in particular
        meets steps that were easy on the way there.
        """
        known: list[tuple[float, Floats, Floats]] = []
        for part in PARTS:
            if len(known) < 2:
                velocity, multipliers = known[-1][1:] if known else self.guess(x, middle, ())
            else:
                (first, *one), (second, *two) = known[-2:]
                share = (part - first) / (second - first)
                velocity, multipliers = ((1.0 - share) * a + share * b for a, b in zip(one, two, strict=True))
            solved = self.solve(x, part * h, velocity, multipliers)
            if solved is None:
                return None
            known.append((part, *solved))
        return solved

    def returns(self, x: Floats, h: float, velocity: Floats, middle: float) -> bool:
        """Return whether the step in the opposite direction, guessed from its own start, leads back to x.

        A large undamped step may have several solutions, and then the way back could take another one. The Gram matrix
        is that which the way back would use. (Damping leaves a single one wherever this was tried, and there the test
        would only cost passes.)
        """
        end, gram = x + h * velocity, self.gram
        self.use(self.gram_matrix(end))
        solved = self.solve(end, -h, *self.guess(end, middle, ())) or self.approach(end, -h, middle)
        self.use(gram)
        if solved is None:
            return False
        difference = float(np.linalg.norm(solved[0] - velocity)) * abs(h) / math.sqrt(x.size)
        return difference <= 1e3 * self._tolerance

    def solve(self, x: Floats, h: float, velocity: Floats, multipliers: Floats) -> tuple[Floats, Floats] | None:
        """Return V and λ of the step of size h from x, or None if no solution was found from the guess."""
        before = self._features.values(x)
        mixing = Anderson(DEPTH)
        best, stale, found = np.inf, 0, None
        points, responses = [], []
        for _ in range(MAX_ITERATIONS):
            self.iterations += 1
            at = self._features.linearize(x + 0.5 * h * velocity)
            moved = self._weights * (self._features.values(x + h * velocity) - before) / h
            points.append(multipliers)
            responses.append(moved)
            change = cho_solve((self._factor, True), self._rate - self._delta * multipliers - moved)
            new = multipliers + change, at.vjp(self._weights * (multipliers + change))
            # In these coordinates the multipliers have the same weight as the velocity that they produce.
            residual = np.concatenate([np.ravel(new[1] - velocity), self._factor.T @ change])
            size = abs(h) * float(np.linalg.norm(residual)) / np.sqrt(x.size)
            if not size < HOPELESS * abs(h):
                return None
            if size < best:
                best, stale, found = size, 0, (new[1], new[0])
            else:
                stale += 1
            if best <= self._tolerance or stale >= PATIENCE:
                break
            point = np.concatenate([np.ravel(velocity), self._factor.T @ multipliers])
            mixed = mixing.next(point, residual)
            velocity = mixed[: x.size].reshape(x.shape)
            multipliers = solve_triangular(self._factor.T, mixed[x.size :], lower=False)
        if not best <= ROUNDING * self._tolerance:
            return None
        self._seen = np.diff(points, axis=0), np.diff(responses, axis=0)
        return found
