"""The gradient Gram matrix that learns from steps."""

import numpy as np
import pytest

from decoupling_lib.engine.symmetric_step import learn_gram

RANDOM = np.random.default_rng(5)
ROWS = RANDOM.standard_normal((4, 9))
TRUE = ROWS @ ROWS.T


def roughly(matrix: np.ndarray) -> np.ndarray:
    """Return a positive definite matrix that is some ten percent off."""
    root = np.linalg.cholesky(matrix) + 0.1 * np.tril(RANDOM.standard_normal(matrix.shape))
    return root @ root.T


def test_the_latest_pair_is_learned_exactly_and_the_matrix_stays_positive_definite():
    gram = roughly(TRUE)
    for _ in range(5):
        change = RANDOM.standard_normal(4)
        gram = learn_gram(gram, change[None], (TRUE @ change)[None])
        np.testing.assert_allclose(gram @ change, TRUE @ change, rtol=1e-10)
        np.testing.assert_allclose(gram, gram.T, rtol=1e-12)
        assert np.linalg.eigvalsh(gram).min() > 0


def test_pairs_in_conjugate_directions_teach_the_whole_matrix():
    _, vectors = np.linalg.eigh(TRUE)
    learned = learn_gram(roughly(TRUE), vectors.T, vectors.T @ TRUE)
    np.testing.assert_allclose(learned, TRUE, rtol=1e-8)


@pytest.mark.parametrize(
    ("change", "response"),
    [
        pytest.param(np.eye(4)[0], -np.eye(4)[0], id="the opposite sign"),
        pytest.param(np.eye(4)[0], 1e3 * np.eye(4)[0], id="far too large"),
        pytest.param(np.zeros(4), np.ones(4), id="no change"),
        pytest.param(np.full(4, np.nan), np.ones(4), id="not a number"),
    ],
)
def test_a_pair_that_contradicts_the_matrix_is_left_out(change: np.ndarray, response: np.ndarray):
    gram = np.eye(4)
    assert learn_gram(gram, change[None], response[None]) is gram


def test_a_change_at_the_level_of_rounding_is_left_out():
    changes = np.stack([np.eye(4)[0], 1e-6 * np.eye(4)[1]])
    learned = learn_gram(np.eye(4), changes, np.stack([2 * np.eye(4)[0], 5e-6 * np.eye(4)[1]]))
    np.testing.assert_allclose(learned, np.diag([2.0, 1, 1, 1]))


def test_nothing_seen_changes_nothing():
    gram = np.eye(2)
    assert learn_gram(gram, np.empty((0, 2)), np.empty((0, 2))) is gram
