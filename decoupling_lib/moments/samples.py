"""Samples for the moments: numbers from a file, the brightness of an image, and a few by name."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..common import validation
from ..common.arrays import Floats
from ..common.errors import input_error
from ..images.bundled import bundled_pictures
from ..images.pictures import fit, load_picture
from . import tables

MIN_VALUES = 7
"""With fewer values no sample can have the kurtosis 3 that the fifth and sixth decoupled moments need."""
TEN = (0, 0.5, 1, 1.7, 2.1, 3, 3.4, 5.2, 8.9, 13)
"""The numbers of the sample "ten"."""
_GENERATED = ("ten", "gamma")
_LUMINANCE = np.array([0.2125, 0.7154, 0.0721])  # ITU-R BT.709, on the stored (gamma-coded) values


@dataclass(frozen=True, eq=False)
class Sample:
    """A sample and its name.

    Parameters
    ----------
    name : str
        Name of the sample or of its file.
    values : ndarray, shape (N,)
        Finite numbers.
    """

    name: str
    values: Floats


def sample_names() -> tuple[str, ...]:
    """Return the names of the samples that need no file.

    Returns
    -------
    tuple of str
        "ten" (ten numbers), "gamma" (1000 draws of the gamma(2) law), and the bundled pictures.
    """
    return (*_GENERATED, *bundled_pictures())


def load_sample(name: str, max_side: int | None = None, seed: int = 0) -> Sample:
    """Return a sample by its name.

    Parameters
    ----------
    name : str
        One of `sample_names()`.
    max_side : int, optional
        Longest side in pixels to which a picture is shrunk.
    seed : int
        Seed of the noise that breaks the ties of 8-bit pictures.

    Returns
    -------
    Sample
        The numbers, or the brightness of the picture's pixels.

    Raises
    ------
    InputError
        An unknown name.
    """
    name = validation.choice(name, sample_names(), "sample")
    if name == "ten":
        return Sample(name, np.array(TEN, dtype=float))
    if name == "gamma":
        return Sample(name, np.random.default_rng(0).gamma(2, 1, 1000))
    return Sample(name, brightness(load_picture(name).array, max_side, seed))


def read_sample(
    file: str | os.PathLike[str], column: str | None = None, max_side: int | None = None, seed: int = 0
) -> Sample:
    """Read a sample from a text or CSV file, or from an image.

    Parameters
    ----------
    file : str or path
        The file; an image is recognized by its extension.
    column : str, optional
        Name of the column to read, from the first line of a CSV file; needed if several are named.
    max_side : int, optional
        Longest side in pixels to which an image is shrunk.
    seed : int
        Seed of the noise that breaks the ties of 8-bit images.

    Returns
    -------
    Sample
        The numbers, or the brightness of the image's pixels.

    Raises
    ------
    InputError
        There is no such file, it holds something else than numbers or fewer than `MIN_VALUES`, the column is unknown,
        or the image cannot be read.
    """
    path = validation.regular_file(file, "sample file", accepted=tables.ACCEPTED)
    if not _is_image(path):
        values = np.array(tables.read_numbers(path, column))
    elif column is None:
        values = brightness(load_picture(path).array, max_side, seed)
    else:
        raise input_error("column", "is given for an image", column, "a column of a CSV file", "leave out the column")
    return Sample(path.name, validation.sample(values, f"sample {path.name}", MIN_VALUES))


def brightness(image: Floats, max_side: int | None = None, seed: int = 0) -> Floats:
    """Return the luminance of each pixel.

    Values that are 8-bit levels are dequantized inside their bins before shrinking. Ties remain only where the image
    is saturated.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3)
        RGB, nominally in [0, 1].
    max_side : int, optional
        Longest side in pixels to which the image is shrunk.
    seed : int
        Seed of the dequantization.

    Returns
    -------
    ndarray, shape (height * width,)
        Row by row.
    """
    levels = image * 255
    if np.max(np.abs(levels - np.rint(levels))) < 1e-6:
        image = dequantize(image, seed, 1 / 255)
    return np.ravel(fit(image, max_side=max_side) @ _LUMINANCE)


def dequantize(x: Floats, seed: int = 0, width: float | None = None) -> Floats:
    """Move each value at random inside its bin, by at most half a width: ties break, and the bins keep their order.

    8-bit images are full of ties, and no leg can separate tied values, so a leg may end early because of them.

    Parameters
    ----------
    x : ndarray of any shape
        Finite values.
    seed : int
        Seed of the uniform noise.
    width : float, optional
        Width of a bin. Default: the smallest difference between values.

    Returns
    -------
    ndarray, shape of x
        The moved values.

    Raises
    ------
    InputError
        Values that are not finite, or a bad seed.
    """
    x = np.asarray(x, dtype=float)
    if width is None:
        gaps = np.diff(np.unique(validation.sample(np.ravel(x), "the sample")))
        width = float(gaps.min()) if gaps.size else 0.0
    noise = np.random.default_rng(validation.seed(seed)).random(x.shape)
    return x + width * (noise - 0.5)


def _is_image(path: os.PathLike[str]) -> bool:
    extension = os.path.splitext(path)[1].lower()
    return extension in Image.registered_extensions() or extension == ".npy"
