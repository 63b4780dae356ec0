"""Anderson acceleration of fixed-point iterations."""

from __future__ import annotations

import numpy as np

from ..common.arrays import Floats

_SINGULAR = {np.dtype(np.float64): 1e-11, np.dtype(np.float32): 1e-5}
"""Relative eigenvalue below which a combination of differences is rounding, by the type of the iterates."""


class Anderson:
    """Anderson mixing of a fixed-point iteration z ← z + residual(z).

    Parameters
    ----------
    depth : int
        Number of earlier differences that are mixed, at least 1.

    References
    ----------
    Walker and Ni, "Anderson acceleration for fixed-point iterations", SIAM J. Numer. Anal. 49, 2011.
    """

    def __init__(self, depth: int):
        self._depth = depth
        self._last: tuple[Floats, Floats] | None = None
        self._count = 0

    def next(self, z: Floats, residual: Floats) -> Floats:
        """Return the next iterate.

        Parameters
        ----------
        z : ndarray of float64 or float32, shape (n,)
            The latest iterate. Both arrays are kept, and overwritten at the next call: images of many megapixels are
            among them, of which each copy counts.
        residual : ndarray, shape (n,)
            Its residual.

        Returns
        -------
        ndarray, shape (n,)
            The mixed iterate; z + residual at the first call.
        """
        if self._last is None:
            # Ring buffers of the latest differences of residuals, and of iterates and residuals added.
            self._changes, self._moves = np.empty((2, self._depth, z.size), z.dtype)
            self._gram = np.zeros((self._depth, self._depth))
        else:
            before = self._last
            self._remember(np.subtract(z, before[0], out=before[0]), np.subtract(residual, before[1], out=before[1]))
            del before  # two arrays of the size of z
        self._last = z, residual
        used = min(self._count, self._depth)
        gram, changes = self._gram[:used, :used], self._changes[:used]
        shares = np.linalg.lstsq(gram, changes @ residual, rcond=_SINGULAR[z.dtype])[0]
        mixed: Floats = z + residual
        mixed -= shares.astype(z.dtype) @ self._moves[:used]
        return mixed

    def _remember(self, dz: Floats, change: Floats) -> None:
        length = np.linalg.norm(change)
        if length == 0:
            return
        place = self._count % self._depth
        self._count += 1
        used = min(self._count, self._depth)
        np.divide(change, length, out=self._changes[place])
        np.add(dz, change, out=self._moves[place])
        self._moves[place] /= length
        self._gram[place, :used] = self._gram[:used, place] = self._changes[:used] @ self._changes[place]
