"""Tangent directions: those that move no feature to first order."""

from __future__ import annotations

import numpy as np

from ..common.arrays import Floats


def to_tangent(jacobian: Floats, dx: Floats) -> Floats:
    """Return P dx with P = I - Jᵀ(JJᵀ)⁺J: the part of a direction that moves no feature to first order.

    Parameters
    ----------
    jacobian : ndarray, shape (n, N)
        One feature gradient per row.
    dx : ndarray
        A direction: any shape of N entries.

    Returns
    -------
    ndarray, shape of dx
        The projected direction.

    See Also
    --------
    is_tangent : The matching test. Features are decoupled where their gradients are orthogonal (Definition 2 of the
        thesis).

    Examples
    --------
    >>> to_tangent(np.array([[0.0, 2.0]]), np.array([3.0, 4.0]))
    array([3., 0.])
    """
    coefficients = np.linalg.lstsq(jacobian @ jacobian.T, jacobian @ np.ravel(dx), rcond=1e-13)[0]
    projected: Floats = dx - (coefficients @ jacobian).reshape(np.shape(dx))
    return projected


def is_tangent(jacobian: Floats, dx: Floats, tolerance: float = 1e-8) -> bool:
    """Return whether a direction moves no feature to first order.

    Parameters
    ----------
    jacobian : ndarray, shape (n, N)
        One feature gradient per row.
    dx : ndarray
        A direction: any shape of N entries.
    tolerance : float
        Largest rate that counts as none, relative to the norms of the gradient and of the direction.

    Returns
    -------
    bool
        True if every feature stays where it is.
    """
    scale = np.linalg.norm(jacobian, axis=1) * np.linalg.norm(dx)
    return bool(np.all(np.abs(jacobian @ np.ravel(dx)) <= tolerance * np.maximum(scale, np.finfo(float).tiny)))
