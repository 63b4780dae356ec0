"""Gradients in a Sobolev metric: motions of an image are also measured by how much they differ from pixel to pixel.

The gradient of a feature is the direction in which it grows fastest among all motions of one length, so it depends on
how lengths are measured. The thesis adds up squared pixel values. Then a ripple of one pixel's width costs no more than
a change of brightness, and flows draw ripples into skies. Here the length of a motion v is

    ‖v‖² = Σ v² + ℓ² Σ (differences of v between neighbors)² = vᵀ(I + ℓ²L)v,

where L is the discrete Laplacian with reflecting edges. In this metric the gradient of a feature is K∇f with
K = (I + ℓ²L)⁻¹, two features are decoupled when ∇f_iᵀ K ∇f_j = 0, and lifts are the motions of least Sobolev length.
All that was said of legs holds with Jᵀ replaced by K Jᵀ; with ℓ = 0 nothing changes. The cosine transform turns L into
multiplications, so K takes two transforms.

Sobolev gradients are an old tool of variational problems (J. W. Neuberger, *Sobolev Gradients and Differential
Equations*, 1997). In feature visualization, images are preconditioned by frequency for the same purpose (C. Olah and
others, "Feature Visualization", Distill, 2017).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.fft import dctn, idctn

from ..common.arrays import Floats, Mask
from .features import Block, FeatureMap, Linearization

_AXES = (0, 1)


def smooth(field: Floats, length: float) -> Floats:
    """Return (I + ℓ²L)⁻¹ of a field.

    Parameters
    ----------
    field : ndarray, shape (H, W, C)
        For instance a gradient.
    length : float
        ℓ in pixels, at least 0.

    Returns
    -------
    ndarray, shape (H, W, C)
        Of the same type. Sums over all pixels are kept.

    Examples
    --------
    >>> ripple = np.array([1.0, -1.0, -1.0, 1.0])[None, :, None]  # an eigenvector: Lv = 2v
    >>> smooth(ripple, 2.0).ravel().round(6)
    array([ 0.111111, -0.111111, -0.111111,  0.111111])
    """
    weights = _transfer_function(field.shape[:2], length)[..., None].astype(field.dtype)
    smoothed: Floats = idctn(dctn(field, axes=_AXES, norm="ortho") * weights, axes=_AXES, norm="ortho")
    return smoothed


@dataclass(frozen=True)
class Smoothed:
    """A feature map whose gradients are those of the Sobolev metric.

    Parameters
    ----------
    map : FeatureMap
        The features, of images of shape (H, W, C).
    length : float
        ℓ in pixels, at least 0.
    seen : ndarray of bool, shape (H, W), optional
        Pixels that may move; the features must depend on no others. Then J S = J for the projection S onto them, and
        S K S is as good a metric as K. Default: all.
    """

    map: FeatureMap
    length: float
    seen: Mask | None = None

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Blocks of the map."""
        return self.map.blocks

    def values(self, x: Floats) -> Floats:
        """Return f(x), shape (n,)."""
        return self.map.values(x)

    def linearize(self, x: Floats) -> SmoothedLinearization:
        """Return the values and the operators at x, from one forward pass."""
        height, width, channels = x.shape
        return SmoothedLinearization(self.map.linearize(x), self.length, (height, width, channels), self.seen)

    def prefix(self, count: int) -> Smoothed:
        """Return the map of the first `count` blocks in the same metric."""
        return replace(self, map=self.map.prefix(count))


class SmoothedLinearization:
    """A feature map at one point, with the gradients of the Sobolev metric.

    Parameters
    ----------
    at : Linearization
        The map at the point.
    length : float
        ℓ in pixels.
    shape : tuple of int
        (H, W, C) of the image.
    seen : ndarray of bool, shape (H, W), optional
        See `Smoothed`.
    """

    def __init__(self, at: Linearization, length: float, shape: tuple[int, int, int], seen: Mask | None = None):
        self._at, self._length, self._shape, self._seen = at, length, shape, seen
        self.values = at.values

    def jvp(self, dx: Floats) -> Floats:
        """Return J dx, shape (n,): rates do not depend on the metric."""
        return self._at.jvp(dx)

    def vjp(self, w: Floats) -> Floats:
        """Return K Jᵀ w, the gradient of the weighted sum of the features, of x's shape."""
        return self._smooth(self._at.vjp(w))

    def hvp(self, w: Floats, dx: Floats) -> Floats:
        """Return the change of the gradient K Jᵀ w per unit of `dx`, of x's shape."""
        return self._smooth(self._at.hvp(w, dx))

    def jacobian(self, wanted: Mask | None = None) -> Floats:
        """Return rows whose inner products are those of the gradients in this metric, ∇f_iᵀ K ∇f_j.

        The rows are cosine transforms of K^(1/2)∇f_i. So products of rows have a meaning, and products of rows and
        images have none.

        Parameters
        ----------
        wanted : ndarray of bool, shape (n,), optional
            Rows where it is False are zero and cost nothing. Default: all rows.
        """
        rows = self._at.jacobian(wanted)
        weights = np.sqrt(_transfer_function(self._shape[:2], self._length))[..., None].astype(rows.dtype)
        for place in range(len(rows)) if wanted is None else np.flatnonzero(wanted):
            transformed = dctn(rows[place].reshape(self._shape), axes=_AXES, norm="ortho")
            rows[place] = (weights * transformed).ravel()
        return rows

    def _smooth(self, field: Floats) -> Floats:
        smoothed = smooth(field, self._length)
        return smoothed if self._seen is None else smoothed * self._seen[..., None]


@lru_cache(maxsize=8)
def _transfer_function(shape: tuple[int, int], length: float) -> Floats:
    """Return the eigenvalues of K, by the frequencies of the cosine transform."""
    rows, columns = (4 * np.sin(np.pi * np.arange(side) / (2 * side)) ** 2 for side in shape)
    inverse: Floats = 1.0 / (1.0 + length**2 * (rows[:, None] + columns))
    return inverse
