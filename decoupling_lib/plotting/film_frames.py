"""The frames of a film: what a run shows of itself on its way, thinned out and kept as 8-bit images."""

from __future__ import annotations

import io
import re
from collections.abc import MutableMapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..common.arrays import Floats
from ..engine.context import Step
from ..images.pictures import to_uint8

MAX_SIDE = 384
"""Longest side of a frame in pixels; larger images are shrunk to it."""
PARTS = 24
"""A leg is divided into so many parts; of the points that a run accepts in one of them, the first becomes a frame."""
_NAME = re.compile(r"(?P<place>(?P<step>[123])-(?P<layer>[\w+]+)-\d\d)-(?P<area>\d+)-(?P<progress>[01]\.\d{6})")


@dataclass(frozen=True)
class Frame:
    """An image on the way.

    Parameters
    ----------
    progress : float
        Share of its leg that is done, in [0, 1].
    pixels : ndarray of uint8, shape (H, W, 3)
        The image.
    """

    progress: float
    pixels: NDArray[np.uint8]


class FilmFrames:
    """The frames of Steps 1 to 3 as they come. The method `listen` is the callback of the run.

    A frame that is there stays unless a larger image comes in its place. So a run that was interrupted, and repeats
    some of its points, ends with the frames of an uninterrupted one.

    Parameters
    ----------
    store : mutable mapping of str to bytes, optional
        Where frames are kept as PNG files, by their names; a run that is resumed finds its earlier ones there. Default:
        in memory.

    Examples
    --------
    >>> frames = FilmFrames()
    >>> for progress in (0.0, 0.01, 0.5, 1.0):
    ...     frames.listen(2, "block1_conv1", progress, np.full((16, 16, 3), progress))
    >>> [(frame.progress, int(frame.pixels.max())) for frame in frames.of_leg(2, "block1_conv1")]
    [(0.0, 0), (0.5, 128), (1.0, 255)]
    """

    def __init__(self, store: MutableMapping[str, bytes] | None = None):
        self._store: MutableMapping[str, bytes] = {} if store is None else store
        self._names = {match["place"]: match[0] for match in map(_NAME.fullmatch, self._store) if match}

    def listen(self, step: int, layer: str, progress: float, x: Floats | None) -> None:
        """Keep an accepted point as a frame if it is the first in its part of the leg; see `engine.context.Listener`.

        Parameters
        ----------
        step : int
            A value of `engine.context.Step`.
        layer : str
            Name of the moving block.
        progress : float
            Share of the leg that is done, in [0, 1].
        x : ndarray or None, shape (H, W, 3)
            The image, if it is available.
        """
        if x is None or step not in (Step.ORIGIN, Step.TARGET, Step.TRANSFER) or not np.isfinite(x).all():
            return
        place = f"{int(step)}-{layer}-{int(np.clip(progress, 0, 1) * PARTS):02d}"
        area, before = x.shape[0] * x.shape[1], self._names.get(place)
        if before is not None and area <= _parse(before)[1]:
            return
        file = io.BytesIO()
        Image.fromarray(shrink(to_uint8(x))).save(file, format="PNG")
        name = f"{place}-{area}-{np.clip(progress, 0, 1):.6f}"
        self._store[name] = file.getvalue()
        self._names[place] = name
        if before is not None:
            del self._store[before]

    def clear(self) -> None:
        """Forget all frames, and delete them where they are kept."""
        self._store.clear()
        self._names.clear()

    def of_leg(self, step: int, layer: str) -> list[Frame]:
        """Return the frames of a leg in the order of their progress.

        Parameters
        ----------
        step : int
            1, 2 or 3.
        layer : str
            Name of the moving block.

        Returns
        -------
        list of Frame
            Those of the leg's largest images, since a leg may begin on smaller ones; empty if there are none.
        """
        found = [(_parse(name), name) for place, name in self._names.items() if place[:-3] == f"{int(step)}-{layer}"]
        most = max((area for (_, area), _ in found), default=0)
        chosen = sorted((progress, name) for (progress, area), name in found if area == most)
        return [Frame(progress, self._read(name)) for progress, name in chosen]

    def _read(self, name: str) -> NDArray[np.uint8]:
        with Image.open(io.BytesIO(self._store[name]), formats=("PNG",)) as image:
            return np.asarray(image.convert("RGB"))


def shrink(pixels: NDArray[np.uint8], most: int = MAX_SIDE) -> NDArray[np.uint8]:
    """Return an image whose longest side is at most so many pixels; smaller ones stay as they are.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W, 3)
        The image.
    most : int
        Longest side, at least 1.

    Returns
    -------
    ndarray of uint8
        The image, smoothly shrunk with its aspect kept, at least one pixel high and wide.
    """
    height, width = pixels.shape[:2]
    if max(height, width) <= most:
        return pixels
    scale = most / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def enlarge(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Return an image in which each pixel is a square of `factor` by `factor` pixels.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W, 3)
        The image.
    factor : int
        At least 1.

    Returns
    -------
    ndarray of uint8, shape (factor * H, factor * W, 3)
        The enlarged image.
    """
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def _parse(name: str) -> tuple[float, int]:
    """Return progress and area, in pixels, of the image that became the frame of this name."""
    match = _NAME.fullmatch(name)
    assert match is not None  # a name that `listen` made, or that fitted when the store was opened
    return float(match["progress"]), int(match["area"])
