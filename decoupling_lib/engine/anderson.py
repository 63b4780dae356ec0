"""Anderson acceleration of fixed-point iterations."""

from __future__ import annotations

import numpy as np


class Anderson:
    """Anderson mixing of a fixed-point iteration z <- z + residual(z) (Walker & Ni, SIAM J. Numer. Anal. 49, 2011).

    Parameters
    ----------
    depth : how many earlier differences are mixed.
    """

    def __init__(self, depth: int):
        self._depth = depth
        self._last: tuple[np.ndarray, np.ndarray] | None = None
        self._count = 0

    def next(self, z: np.ndarray, residual: np.ndarray) -> np.ndarray:
        """The next iterate, from the latest and its residual, both of shape (n,)."""
        if self._last is None:
            # Rings of the latest differences of residuals, and of iterates and residuals together.
            self._changes, self._moves = np.empty((2, self._depth, z.size))
            self._gram = np.zeros((self._depth, self._depth))
        else:
            self._note(z - self._last[0], residual - self._last[1])
        self._last = z, residual
        used = min(self._count, self._depth)
        gram, changes = self._gram[:used, :used], self._changes[:used]
        shares = np.linalg.lstsq(gram, changes @ residual, rcond=1e-11)[0]
        return z + residual - shares @ self._moves[:used]

    def _note(self, dz: np.ndarray, change: np.ndarray) -> None:
        length = np.linalg.norm(change)
        if length == 0:
            return
        place = self._count % self._depth
        self._count += 1
        used = min(self._count, self._depth)
        self._changes[place] = change / length
        self._moves[place] = (dz + change) / length
        self._gram[place, :used] = self._gram[:used, place] = self._changes[:used] @ self._changes[place]
