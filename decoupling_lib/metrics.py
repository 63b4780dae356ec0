"""How far a result is from what it should be: between two pictures, between features and their targets."""

from __future__ import annotations

import math

import numpy as np

from . import checks

_WINDOW = 11  # pixels: the Gaussian of 1.5 pixels cut at 3.5 standard deviations, as in Wang et al. 2004
_SIGMA = 1.5


def psnr(x: np.ndarray, reference: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, 10 log10(1 / mean((x - reference)^2)), on unclipped values.

    Parameters
    ----------
    x, reference : float arrays of one shape, nominally in [0, 1]: the peak is 1 whatever they hold.

    Returns
    -------
    dB; infinite when the two are equal, NaN when a value is.

    Raises
    ------
    InputError : the shapes differ or there is no value.
    """
    x, reference = _pair(x, reference)
    mse = float(np.mean((x - reference) ** 2))
    return math.inf if mse == 0 else -10 * math.log10(mse)


def ssim(x: np.ndarray, reference: np.ndarray) -> float:
    """Structural similarity, mean over pixels and color channels, for a data range of 1; 1 for equal images.

    The window is the Gaussian of 1.5 pixels over 11x11 pixels. When a side is shorter than 11 pixels, the
    window becomes the largest odd one that fits and the Gaussian shrinks in proportion.

    Parameters
    ----------
    x, reference : float images of shape (H, W, 3), nominally in [0, 1], sides at least 3 pixels; not clipped.

    Raises
    ------
    InputError : the shapes differ, are not those of color images, or a side is shorter than 3 pixels.

    References
    ----------
    Wang, Bovik, Sheikh & Simoncelli, IEEE Transactions on Image Processing 13(4), 2004.
    """
    from skimage.metrics import structural_similarity  # half a second to import: only when asked for

    x, reference = _pair(x, reference)
    if x.ndim != 3 or x.shape[2] != 3 or min(x.shape[:2]) < 3:
        accepted = "shape (height, width, 3), sides at least 3"
        raise checks.problem("image", "has the wrong shape for SSIM", x, accepted, "give a color image")
    side = min(_WINDOW, *x.shape[:2])
    window = side if side % 2 else side - 1
    similarity = structural_similarity(
        x,
        reference,
        win_size=window,
        data_range=1.0,
        channel_axis=2,
        gaussian_weights=True,
        sigma=_SIGMA * window / _WINDOW,
        use_sample_covariance=False,
    )
    return float(similarity)


def max_error(x: np.ndarray, reference: np.ndarray) -> float:
    """Largest absolute difference of two arrays of one shape; `InputError` when the shapes differ."""
    x, reference = _pair(x, reference)
    return float(np.abs(x - reference).max())


def relative_error(f: np.ndarray, v: np.ndarray, live: np.ndarray | None = None) -> float:
    """‖f - v‖/‖v‖ over the live channels.

    Parameters
    ----------
    f, v : features and their target, shape (n,).
    live : bool, shape (n,): the channels that count (default: all).

    Returns
    -------
    0 when f = v on the live channels (also when none is live); infinite when only v vanishes there.

    Raises
    ------
    InputError : the shapes differ or there is no value.
    """
    f, v = _live(live, f, v)
    return _ratio(float(np.linalg.norm(f - v)), float(np.linalg.norm(v)))


def remaining_fraction(
    f: np.ndarray, v: np.ndarray, c: np.ndarray, live: np.ndarray | None = None
) -> tuple[float, float]:
    """The part of a leg's way from c to v left at f: ‖f - v‖/‖c - v‖, and that of the worst channel alone.

    Parameters
    ----------
    f, v, c : features now, their target, and where the leg began, shape (n,).
    live : bool, shape (n,): the channels that count (default: all).

    Returns
    -------
    (block, worst channel). A channel that began exactly at its target has no way to go and is left out of the
    worst one. 0 when there is nothing left; the block's is infinite when it left a target at which it began.

    Raises
    ------
    InputError : the shapes differ or there is no value.
    """
    f, v, c = _live(live, f, v, c)
    left, way = np.abs(f - v), np.abs(c - v)
    block = _ratio(float(np.linalg.norm(left)), float(np.linalg.norm(way)))
    moved = way > 0
    worst = float(np.max(left[moved] / way[moved])) if moved.any() else 0.0
    return block, worst


def _ratio(part: float, whole: float) -> float:
    if whole == 0:
        return 0.0 if part == 0 else math.inf
    return part / whole


def _live(live: np.ndarray | None, *vectors: np.ndarray) -> list[np.ndarray]:
    first = np.asarray(vectors[0])
    mask = np.ones(first.shape, dtype=bool) if live is None else np.asarray(live)
    if mask.shape != first.shape or mask.dtype != bool:
        accepted = f"booleans of shape {first.shape}"
        raise checks.problem("mask of live channels", "does not fit", mask, accepted, "give one per channel")
    return [_pair(vector, first)[0][mask] for vector in vectors]


def _pair(x: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, reference = (np.asarray(values, dtype=np.float64) for values in (x, reference))
    if x.shape != reference.shape:
        accepted = f"shape {reference.shape}"
        raise checks.problem("array", "differs in shape from its reference", x, accepted, "compare like sizes")
    if x.size == 0:
        raise checks.problem("array", "is empty", x, "at least one value", "give some values")
    return x, reference
