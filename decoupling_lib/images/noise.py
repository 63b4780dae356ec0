"""Kinds of noise besides the uniform one of `images.uniform_noise`, to ask what noise wakes in a network."""

from __future__ import annotations

import numpy as np

from ..common import validation

NOISE_KINDS = ("uniform", "normal", "gray", "natural")
SPREAD = 0.2
"""Standard deviation of `normal` and `natural` noise before clipping, in units of the pixels."""


def make_noise(kind: str, shape: tuple[int, int], seed: int) -> np.ndarray:
    """An image of noise, (H, W, 3) float in [0, 1].

    Parameters
    ----------
    kind : `uniform`, that of Step 0; `normal`, independent values around 0.5; `gray`, uniform with red, green and blue
        alike; `natural`, normal values of which near ones are alike as in photographs: amplitudes fall like
        1/frequency, alone in each color.
    shape : (H, W), pixels.
    seed : the same image each time.

    Raises `InputError` for another kind, shape or seed.
    """
    validation.choice(kind, NOISE_KINDS, "kind of noise")
    height, width = validation.shape(shape)
    if kind == "uniform":
        return uniform_noise((height, width), seed)
    generator = np.random.default_rng(validation.seed(seed))
    if kind == "gray":
        return np.repeat(generator.random((height, width, 1)), 3, axis=-1)
    values = generator.standard_normal((height, width, 3))
    if kind == "natural":
        frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
        frequency[0, 0] = 1 / max(height, width)  # the mean of a picture: as strong as its slowest wave
        values = np.fft.ifft2(np.fft.fft2(values, axes=(0, 1)) / frequency[..., None], axes=(0, 1)).real
        values = (values - values.mean(axis=(0, 1))) / values.std(axis=(0, 1))
    return np.clip(0.5 + SPREAD * values, 0, 1)


def uniform_noise(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Return noise uniform on [0, 1) of shape (height, width, 3) from `np.random.default_rng(seed)`."""
    height, width = validation.shape(shape, "shape")
    return np.random.default_rng(validation.seed(seed)).random((height, width, 3))


def noise_draws(shape: tuple[int, int], seed: int, draws: int) -> np.ndarray:
    """Return independent uniform noise images, shape (draws, height, width, 3).

    Draw 0 comes from `SeedSequence(seed)` itself, hence equals `uniform_noise(shape, seed)`; draw k > 0 comes
    from its k-th spawned child. A draw does not depend on how many are made. Raises `InputError` for a bad
    shape or seed, or draws that together exceed `checks.MAX_PIXELS`.
    """
    height, width = validation.shape(shape, "shape")
    count = int(validation.in_range(draws, "draws", 1, validation.MAX_PIXELS // (height * width), integer=True))
    root = np.random.SeedSequence(validation.seed(seed))
    generators = map(np.random.default_rng, [root, *root.spawn(count - 1)])
    return np.stack([generator.random((height, width, 3)) for generator in generators])
