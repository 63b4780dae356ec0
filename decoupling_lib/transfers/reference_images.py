"""The images from which Step 0 measures the reference, by its name in `references`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..common.arrays import Floats
from ..images.noise import make_noise, noise_draws
from ..images.pictures import load_picture, resize
from ..networks.calibration import CALIBRATION_PICTURES
from .mixtures import own_share

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
    weights : tuple of float, optional
        Weights of the images in the mean. Default: equal.
    """

    kind: str
    images: tuple[Floats, ...]
    scaled: int
    weights: tuple[float, ...] | None = None


def gather_reference_images(
    kind: str,
    origin: Floats,
    target: Floats,
    seed: int = 0,
    draws: int = 1,
    others: Sequence[Floats] = (),
    shares: Sequence[float] = (),
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
    others : sequence of ndarray, shape (H, W, 3) each
        Further origins of a mixture.
    shares : sequence of float
        Their shares. The midpoint is halfway between the mixture's means and the target's.

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
    if kind == "midpoint" and others:
        images = (origin, *others, target)
        return ReferenceImages(kind, images, len(images), tuple(w / 2 for w in (own_share(shares), *shares, 1.0)))
    images = (origin, target) if kind == "midpoint" else (target,)
    return ReferenceImages(kind, images, len(images))
