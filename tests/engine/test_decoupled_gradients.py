"""Gradients of the decoupled features, and the matrix products by pieces that they use."""

from collections.abc import Callable

import numpy as np
import pytest
from toys import EXACT, linear_map, point, reference, softplus_sums

from decoupling_lib.engine import decoupled_gradients
from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.context import Context, Reference
from decoupling_lib.engine.decoupled_gradients import add_product, decoupled_jacobian, product
from decoupling_lib.engine.features import Counted
from decoupling_lib.engine.lift import Damping
from decoupling_lib.engine.normalization import normalize
from decoupling_lib.engine.tangent import to_tangent


def find_starts(features: ClosedForm, x: np.ndarray, step0: Reference) -> list[np.ndarray]:
    """Return x̌_0, x̌_1, …, each by a normalization with fewer blocks."""
    found = [x]
    for depth in range(1, len(features.blocks)):
        shallow = features.prefix(depth)
        n = sum(block.size for block in shallow.blocks)
        part = Reference(step0.values[:n], step0.live[:n], step0.damping.prefix(n))
        found.append(normalize(Context(Counted(shallow), part, EXACT), x).x)
    return found


def central_differences(style: Callable[[np.ndarray], np.ndarray], x: np.ndarray, h: float) -> np.ndarray:
    return np.stack([(style(x + h * e) - style(x - h * e)) / (2 * h) for e in np.eye(x.size)], axis=1)


@pytest.mark.parametrize(("delta", "held"), [(0.0, 1.0), (0.3, 1.0), (0.3, 7.0)])
def test_the_decoupled_jacobian_is_exact_for_linear_features(delta: float, held: float):
    features = linear_map((2, 1, 2), np.random.default_rng(3).standard_normal((5, 9)))
    scales = np.array([2.0, 2.0, 0.5, 1.0, 1.0])
    step0 = Reference(point(4, 5), np.ones(5, bool), Damping(delta, scales, (1.0, held, held)))
    x = point(5, 9)

    def style(y: np.ndarray) -> np.ndarray:
        return normalize(Context(Counted(features), step0, EXACT), y, measure_only=True).style

    found = decoupled_jacobian(Counted(features), find_starts(features, x, step0), step0)
    np.testing.assert_allclose(found, central_differences(style, x, 0.5), atol=1e-6)


def test_at_the_reference_and_undamped_it_is_the_gram_schmidt_of_the_gradients():
    features = softplus_sums((1, 1, 1), 6, 9)
    x = 0.4 * point(10, 6)
    step0 = reference(features, features.values(x))
    raw = features.linearize(x).jacobian()
    wanted = np.stack([raw[0], to_tangent(raw[:1], raw[1]), to_tangent(raw[:2], raw[2])])
    np.testing.assert_allclose(decoupled_jacobian(Counted(features), [x, x, x], step0), wanted, atol=1e-10)


def test_the_row_of_a_dead_feature_is_zero_and_changes_no_other_row():
    rows = np.random.default_rng(6).standard_normal((4, 7))
    step0 = Reference(np.zeros(4), np.array([True, False, True, True]), Damping(0.1, np.ones(4)))
    found = decoupled_jacobian(Counted(linear_map((2, 2), rows)), [point(7, 7)] * 2, step0)
    np.testing.assert_array_equal(found[1], 0)
    gain = rows[2:] @ rows[0] / (rows[0] @ rows[0] + 0.1)
    np.testing.assert_allclose(found[2:], rows[2:] - np.outer(gain, rows[0]), rtol=1e-12)


@pytest.mark.parametrize("chunk", [1, 20, 10**6])
def test_products_by_pieces_are_those_of_the_whole_matrices(chunk: int, monkeypatch):
    monkeypatch.setattr(decoupled_gradients, "CHUNK", chunk)
    rng = np.random.default_rng(1)
    a, b, factors = rng.standard_normal((3, 11)), rng.standard_normal((2, 11)), rng.standard_normal((3, 2))
    np.testing.assert_allclose(product(a, b), a @ b.T, rtol=1e-13)
    total = a.copy()
    add_product(total, factors, b)
    np.testing.assert_allclose(total, a + factors @ b, rtol=1e-13)


def test_products_of_single_precision_are_computed_in_double_precision():
    """Single precision loses 1 beside 2²⁴."""
    a = np.array([[2.0**24, 1.0, -(2.0**24)]], dtype=np.float32)
    found = product(a, np.ones((1, 3), dtype=np.float32))
    assert found.dtype == np.float64 and found[0, 0] == 1.0
    sums = np.zeros((1, 1), dtype=np.float32)
    add_product(sums, np.array([[2.0**24, 1.0, -(2.0**24)]]), np.ones((3, 1), dtype=np.float32))
    assert sums.dtype == np.float32 and sums[0, 0] == 1.0
