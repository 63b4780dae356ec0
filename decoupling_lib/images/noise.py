"""Noise images: the uniform noise of Step 0, and other kinds that show which channels each kind leaves dead."""

from __future__ import annotations

import numpy as np

from ..common import validation
from ..common.arrays import Floats

NOISE_KINDS = ("uniform", "normal", "gray", "natural")
"""What `make_noise` can make."""
SPREAD = 0.2
"""Standard deviation of normal and natural noise before clipping, in units of the pixel values."""


def noise_draws(shape: tuple[int, int], seed: int, draws: int) -> Floats:
    """Return independent images of uniform noise.

    Draw 0 comes from ``SeedSequence(seed)`` itself and so equals ``uniform_noise(shape, seed)``. Draw k > 0 comes from
    the k-th child of this sequence. A draw does not depend on the number of draws.

    Parameters
    ----------
    shape : tuple of int
        (height, width) in pixels.
    seed : int
        Seed of the sequence, 0 <= seed < 2**32.
    draws : int
        Number of images, at least 1; all together they have at most `validation.MAX_PIXELS` pixels.

    Returns
    -------
    ndarray of float64, shape (draws, height, width, 3)
        Values in [0, 1).

    Raises
    ------
    InputError
        The shape, the seed or the number of draws is not accepted.
    """
    height, width = validation.shape(shape, "shape")
    count = validation.integer_in_range(draws, "draws", 1, validation.MAX_PIXELS // (height * width))
    root = np.random.SeedSequence(validation.seed(seed))
    generators = map(np.random.default_rng, [root, *root.spawn(count - 1)])
    return np.stack([generator.random((height, width, 3)) for generator in generators])


def make_noise(kind: str, shape: tuple[int, int], seed: int) -> Floats:
    """Return a noise image of a given kind.

    Parameters
    ----------
    kind : {"uniform", "normal", "gray", "natural"}
        "uniform" is `uniform_noise`. "normal" has independent normal values around 0.5. "gray" is uniform, with equal
        red, green and blue. "natural" has normal values that are correlated between neighbors as in photographs:
        amplitudes fall as 1/frequency, independently in each color.
    shape : tuple of int
        (height, width) in pixels.
    seed : int
        Seed of the generator, 0 <= seed < 2**32; equal seeds give equal images.

    Returns
    -------
    ndarray of float64, shape (height, width, 3)
        Values in [0, 1]; normal and natural noise is clipped to it.

    Raises
    ------
    InputError
        The kind, the shape or the seed is not accepted.
    """
    validation.choice(kind, NOISE_KINDS, "kind of noise")
    height, width = validation.shape(shape)
    if kind == "uniform":
        return uniform_noise((height, width), seed)
    generator = np.random.default_rng(validation.seed(seed))
    if kind == "gray":
        return np.repeat(generator.random((height, width, 1)), 3, axis=-1)
    values: Floats = generator.standard_normal((height, width, 3))
    if kind == "natural":
        values = _correlate_neighbors(values)
    clipped: Floats = np.clip(0.5 + SPREAD * values, 0, 1)
    return clipped


def uniform_noise(shape: tuple[int, int], seed: int) -> Floats:
    """Return an image of uniform noise, as Step 0 uses it.

    Parameters
    ----------
    shape : tuple of int
        (height, width) in pixels.
    seed : int
        Seed of ``np.random.default_rng``, 0 <= seed < 2**32.

    Returns
    -------
    ndarray of float64, shape (height, width, 3)
        Values in [0, 1).

    Raises
    ------
    InputError
        The shape or the seed is not accepted.
    """
    height, width = validation.shape(shape, "shape")
    return np.random.default_rng(validation.seed(seed)).random((height, width, 3))


def _correlate_neighbors(values: Floats) -> Floats:
    """Divide the amplitudes of white noise by the frequency, then give each color mean 0 and variance 1."""
    height, width = values.shape[:2]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    frequency[0, 0] = 1 / max(height, width)  # the mean of the image: as strong as its slowest wave
    values = np.fft.ifft2(np.fft.fft2(values, axes=(0, 1)) / frequency[..., None], axes=(0, 1)).real
    standardized: Floats = (values - values.mean(axis=(0, 1))) / values.std(axis=(0, 1))
    return standardized
