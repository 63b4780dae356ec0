"""The images from which Step 0 measures the reference, by its name in `references`."""

from __future__ import annotations

from dataclasses import dataclass

from ..common.arrays import Floats
from ..images.noise import make_noise, noise_draws
from ..images.pictures import load_picture, resize
from ..networks.calibration import CALIBRATION_PICTURES

MAX_SCALED = 4
"""Number of images at which the scales of the damping are measured: all rows of the Jacobian are needed at each."""


@dataclass(frozen=True)
class ReferenceImages:
    """The images from which Step 0 measures the reference.

    Parameters
    ----------
    kind : str
        A name in `REFERENCES`.
    images : tuple of ndarray, shape (H, W, 3) each
        Their mean channel means are the reference values. Sizes may differ.
    scaled : int
        Number of images, from the first on, at which the scales of the damping are measured.
    """

    kind: str
    images: tuple[Floats, ...]
    scaled: int


def gather_reference_images(
    kind: str, origin: Floats, target: Floats, seed: int = 0, draws: int = 1
) -> ReferenceImages:
    """Return the images of a reference.

    Parameters
    ----------
    kind : str
        A name in `REFERENCES`.
    origin, target : ndarray, shape (H, W, 3)
        The images of the transfer. Noise and photographs get the size of the target.
    seed : int
        Seed of the noise.
    draws : int
        Number of noise images.

    Returns
    -------
    ReferenceImages
        At least one image of each kind.
    """
    shape = target.shape[:2]
    if kind == "noise":
        images = tuple(noise_draws(shape, seed, draws))
        return ReferenceImages(kind, images, 1)
    if kind == "natural":
        images = tuple(make_noise("natural", shape, (seed + k) % 2**32) for k in range(draws))
        return ReferenceImages(kind, images, 1)
    if kind == "photographs":
        images = tuple(resize(load_picture(name).array, shape) for name in CALIBRATION_PICTURES)
        return ReferenceImages(kind, images, MAX_SCALED)
    images = (origin, target) if kind == "midpoint" else (target,)
    return ReferenceImages(kind, images, len(images))
