"""Anderson acceleration: its first step, its exactness on linear problems, and its memory."""

import numpy as np
import pytest

from decoupling_lib.engine.anderson import Anderson

SIZE = 6


def contraction(radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return M and b of the iteration z ← M z + b, where M has the spectral radius, and its fixed point."""
    rng = np.random.default_rng(1)
    matrix = rng.standard_normal((SIZE, SIZE))
    matrix *= radius / np.abs(np.linalg.eigvals(matrix)).max()
    b = rng.standard_normal(SIZE)
    return matrix, b, np.linalg.solve(np.eye(SIZE) - matrix, b)


def distances(radius: float, depth: int, steps: int) -> list[float]:
    """Return the distances of the iterates from the fixed point."""
    matrix, b, fixed_point = contraction(radius)
    mixing, z, found = Anderson(depth), np.zeros(SIZE), []
    for _ in range(steps):
        z = mixing.next(z, matrix @ z + b - z)
        found.append(float(np.linalg.norm(z - fixed_point)))
    return found


def test_the_first_step_adds_the_residual():
    z, residual = np.arange(3.0), np.array([0.5, -1.0, 2.0])
    np.testing.assert_array_equal(Anderson(2).next(z, residual), z + residual)


def test_two_iterates_determine_a_linear_equation_in_one_variable():
    """For z ← z/2 + 3 the secant through any two iterates has its root at the fixed point 6."""
    mixing, z = Anderson(1), np.array([0.0])
    for _ in range(2):
        z = mixing.next(z, z / 2 + 3 - z)
    assert z[0] == pytest.approx(6, rel=1e-14)


@pytest.mark.parametrize("radius", [0.9, 3.0])
def test_a_linear_problem_is_solved_in_one_step_more_than_it_has_unknowns(radius: float):
    """With differences of all iterates it equals GMRES, also where the plain iteration diverges."""
    found = distances(radius, SIZE, SIZE + 1)
    assert found[-1] < 1e-8 < found[SIZE - 2]


def test_a_deeper_memory_converges_faster():
    ends = [distances(0.9, depth, 30)[-1] for depth in (1, 2, 3)]
    plain = 0.9**30 * np.linalg.norm(contraction(0.9)[2])
    assert ends[2] < ends[1] < ends[0] and ends[1] < 1e-3 * plain


def test_only_the_latest_differences_are_used():
    """After more steps than its depth, the mixing does not depend on the first iterates."""
    matrix, b, _ = contraction(0.9)
    rng = np.random.default_rng(2)
    points, ends = list(rng.standard_normal((4, SIZE))), []
    for first in (rng.standard_normal(SIZE), rng.standard_normal(SIZE)):
        mixing = Anderson(3)
        for z in (first, *points):
            end = mixing.next(z.copy(), matrix @ z + b - z)
        ends.append(end)
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-9)


def test_a_repeated_point_is_no_difference():
    mixing, z, residual = Anderson(2), np.zeros(2), np.array([1.0, 2.0])
    for _ in range(3):
        np.testing.assert_array_equal(mixing.next(z.copy(), residual.copy()), z + residual)
