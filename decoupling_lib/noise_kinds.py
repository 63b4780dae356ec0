"""Kinds of noise besides the uniform one of `images.uniform_noise`, to ask what noise wakes in a network."""

from __future__ import annotations

import numpy as np

from . import checks, images

KINDS = ("uniform", "normal", "gray", "natural")
SPREAD = 0.2
"""Standard deviation of `normal` and `natural` noise before clipping, in units of the pixels."""


def noise(kind: str, shape: tuple[int, int], seed: int) -> np.ndarray:
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
    checks.choice(kind, KINDS, "kind of noise")
    height, width = checks.shape(shape)
    if kind == "uniform":
        return images.uniform_noise((height, width), seed)
    generator = np.random.default_rng(checks.seed(seed))
    if kind == "gray":
        return np.repeat(generator.random((height, width, 1)), 3, axis=-1)
    values = generator.standard_normal((height, width, 3))
    if kind == "natural":
        frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
        frequency[0, 0] = 1 / max(height, width)  # the mean of a picture: as strong as its slowest wave
        values = np.fft.ifft2(np.fft.fft2(values, axes=(0, 1)) / frequency[..., None], axes=(0, 1)).real
        values = (values - values.mean(axis=(0, 1))) / values.std(axis=(0, 1))
    return np.clip(0.5 + SPREAD * values, 0, 1)
