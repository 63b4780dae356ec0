"""Shared by the experiments on recognition: patches of the bundled pictures, and the nuisances that they suffer."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter

from decoupling_lib.common.arrays import Floats
from decoupling_lib.images.pictures import load_picture, resize

SIDE = 256
"""Side in pixels to which the central square of a picture is resized."""
PATCH = 32
MIN_CONTRAST = 0.02
"""Smallest standard deviation of the mean of the three colors: flatter patches show nothing to be recognized."""
STRENGTHS = {
    "contrast": (0.6, 0.3),
    "dimming": (0.6, 0.3),
    "color cast": (0.3, 0.6),
    "noise": (0.05, 0.1),
    "blur": (1.0, 2.0),
    "shift": (4, 16),
}
"""By nuisance, the weaker and the stronger one; see `disturb`."""
Place = tuple[int, int]
"""Top and left edge of a patch in pixels."""


@lru_cache(maxsize=16)
def load_square(name: str) -> Floats:
    """Return the central square of a picture, resized to `SIDE`; callers do not change it."""
    picture = load_picture(name).array
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return resize(picture[top : top + side, left : left + side], (SIDE, SIDE))


def choose_places(picture: Floats, half: str, count: int) -> list[Place]:
    """Return the places of patches, evenly spread over those of one half that are not flat.

    Patches lie on a grid without overlap. If fewer than `count` are not flat, all of them are returned.

    Parameters
    ----------
    picture : ndarray, shape (SIDE, SIDE, 3)
        The picture.
    half : str
        "left" or "right".
    count : int
        Number of patches.
    """
    columns = range(0, SIDE // 2, PATCH) if half == "left" else range(SIDE // 2, SIDE, PATCH)
    places = [(top, left) for top in range(0, SIDE, PATCH) for left in columns]
    usable = [place for place in places if cut(picture, place).mean(axis=-1).std() >= MIN_CONTRAST]
    if len(usable) <= count:
        return usable
    return [usable[int(k)] for k in np.linspace(0, len(usable) - 1, count).round()]


def cut(picture: Floats, place: Place) -> Floats:
    """Return the patch at a place."""
    top, left = place
    return picture[top : top + PATCH, left : left + PATCH]


def disturb(picture: Floats, place: Place, nuisance: str, strength: float, seed: int) -> Floats:
    """Return the patch at a place as a nuisance leaves it, clipped to [0, 1].

    contrast: x -> 0.5 + strength (x - 0.5). dimming: x -> strength x. color cast: green and blue are weakened, by half
    the strength and by the strength. noise: normal, with this standard deviation. blur: of the whole picture, by a
    Gaussian with this standard deviation in pixels. shift: down and sideways by so many pixels, away from the edge of
    the picture and never over its middle.

    Parameters
    ----------
    picture : ndarray, shape (SIDE, SIDE, 3)
        The picture.
    place : tuple of int
        Where the patch is.
    nuisance : str
        A key of `STRENGTHS`.
    strength : float
        How strong it is.
    seed : int
        Seed of the noise.
    """
    if nuisance == "shift":
        return cut(picture, _shift(place, int(strength)))
    if nuisance == "blur":
        return cut(gaussian_filter(picture, (strength, strength, 0), mode="reflect"), place)
    x = cut(picture, place)
    if nuisance == "contrast":
        x = 0.5 + strength * (x - 0.5)
    elif nuisance == "dimming":
        x = strength * x
    elif nuisance == "color cast":
        x = x * np.array([1.0, 1.0 - strength / 2, 1.0 - strength])
    elif nuisance == "noise":
        x = x + strength * np.random.default_rng(seed).standard_normal(x.shape)
    else:
        raise ValueError(f"nuisance {nuisance!r} is not one of {', '.join(STRENGTHS)}")
    return np.clip(x, 0.0, 1.0)


def _shift(place: Place, pixels: int) -> Place:
    top, left = place
    middle = SIDE // 2
    down = pixels if top + pixels + PATCH <= SIDE else -pixels
    sideways = (
        pixels if (left + pixels + PATCH <= SIDE and (left >= middle or left + pixels + PATCH <= middle)) else -pixels
    )
    return top + down, left + sideways


def standardize(x: Floats, by_color: bool) -> Floats:
    """Return a patch with mean 0.5 and standard deviation 0.2, over all values or in each color; not clipped."""
    axes = (0, 1) if by_color else None
    return 0.5 + 0.2 * (x - x.mean(axis=axes)) / (x.std(axis=axes) + 1e-3)
