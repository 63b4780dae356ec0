"""Where nested normalization makes the gradients of features orthogonal, and where it does not."""

import numpy as np
import pytest
from toys import EXACT, point, reference, softplus_sums

from decoupling_lib.engine.closed_form import ClosedForm
from decoupling_lib.engine.context import Context, Reference
from decoupling_lib.engine.features import Block, Counted
from decoupling_lib.engine.lift import Damping
from decoupling_lib.engine.normalization import normalize
from decoupling_lib.engine.ode import integrate
from decoupling_lib.engine.tangent import is_tangent, to_tangent
from decoupling_lib.moments.coupled import moment_feature_map

SCALARS = softplus_sums((1, 1, 1), 5, 11)
SCALAR_NOISE, SCALAR_POINT = 0.3 * point(12, 5), 0.6 * point(13, 5)
SCALAR_REFERENCE = reference(SCALARS, SCALARS.values(SCALAR_NOISE))


def scalar_style(x: np.ndarray) -> np.ndarray:
    return normalize(Context(Counted(SCALARS), SCALAR_REFERENCE, EXACT), x).style


def style_gradients(x: np.ndarray, h: float = 1e-4) -> np.ndarray:
    """∇c_1, ∇c_2, ∇c_3 by central differences through the whole normalization."""
    return np.stack([(scalar_style(x + h * e) - scalar_style(x - h * e)) / (2 * h) for e in np.eye(5)], axis=1)


def on_manifold(count: int) -> np.ndarray:
    """A point of R_count that is not on R_(count + 1)."""
    shallow = Reference(SCALAR_REFERENCE.values[:count], np.ones(count, bool), Damping(0.0, np.ones(count)))
    return normalize(Context(Counted(SCALARS.prefix(count)), shallow, EXACT), SCALAR_POINT).x


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_the_style_does_not_change_along_the_flow_of_an_earlier_feature():
    """Along ∇f_1 from any point; along P_1∇f_2 on R_1, where both legs keep their foot point."""
    starts = (SCALAR_POINT, on_manifold(1))
    for k, start in enumerate(starts):

        def along(x: np.ndarray, k: int = k) -> np.ndarray:
            rows = SCALARS.linearize(x).jacobian()
            direction = to_tangent(rows[:k], rows[k]) if k else rows[0]
            return 0.5 * direction / np.linalg.norm(direction)

        moved = integrate(along, start, "adaptive", 400, 1e-12).x
        before, after = scalar_style(start), scalar_style(moved)
        assert abs(after[k] - before[k]) > 0.05 * abs(before[k]), "the feature itself changes"
        np.testing.assert_allclose(after[k + 1 :], before[k + 1 :], rtol=1e-8)
        raw = SCALARS.values(moved) - SCALARS.values(start)
        assert np.all(np.abs(raw[k + 1 :]) > 0.01), "the coupled features change"


@pytest.mark.parametrize("earlier", [1, 2])
def test_decoupled_gradients_are_orthogonal_to_an_earlier_one_on_the_manifold_before_it(earlier: int):
    """∇č_j·∇č_k = 0 for j < k at every point of R_{j-1} (R_0: everywhere)."""
    x = on_manifold(earlier - 1) if earlier > 1 else SCALAR_POINT
    gradients = style_gradients(x)
    raw = SCALARS.linearize(x).jacobian()
    for later in range(earlier + 1, 4):
        assert abs(cosine(gradients[earlier - 1], gradients[later - 1])) < 1e-5
        assert abs(cosine(raw[earlier - 1], raw[later - 1])) > 0.05


def test_off_that_manifold_they_are_not_orthogonal():
    gradients = style_gradients(SCALAR_POINT)
    assert abs(cosine(gradients[0], gradients[2])) < 1e-5
    assert abs(cosine(gradients[1], gradients[2])) > 0.05


def test_on_the_manifold_the_decoupled_gradients_are_the_gram_schmidt_of_the_raw_ones():
    x = on_manifold(3)
    raw = SCALARS.linearize(x).jacobian()
    wanted = np.stack([raw[0], to_tangent(raw[:1], raw[1]), to_tangent(raw[:2], raw[2])])
    np.testing.assert_allclose(style_gradients(x), wanted, atol=1e-5 * np.abs(raw).max())


@pytest.mark.parametrize("seed", range(3))
def test_mean_and_variance_are_decoupled_everywhere_and_mean_and_mean_square_are_not(seed: int):
    """The thesis's section 2.1 calls mean and variance coupled; by its own Definition 2 they are not."""
    x = np.random.default_rng(seed).gamma(2, 1, 12)
    spread = ClosedForm(
        (Block("mean", 1), Block("variance", 1)),
        lambda y: np.array([y.mean(), y.var()]),
        lambda y: np.stack([np.full(y.size, 1 / y.size), 2 * (y - y.mean()) / y.size]),
    )
    (mean,), (variance,) = np.split(spread.linearize(x).jacobian(), 2)
    square = moment_feature_map(2).linearize(x).jacobian()[1]
    assert is_tangent(mean[None], variance) and not is_tangent(mean[None], square)
    np.testing.assert_allclose(to_tangent(mean[None], variance), variance, atol=1e-14)
    np.testing.assert_allclose(to_tangent(mean[None], square), variance, atol=1e-14)
    for features in (spread, moment_feature_map(2)):
        alone = ClosedForm(
            features.blocks[1:],
            lambda y, f=features: f.values(y)[1:],
            lambda y, f=features: f.linearize(y).jacobian()[1:],
        )
        moved = normalize(Context(Counted(alone), reference(alone, [1.0]), EXACT), x).x
        kept = abs(moved.mean() - x.mean()) < 1e-9
        assert kept == (features is spread), (
            "a free leg of the variance keeps the mean, one of the mean square does not"
        )
