"""Samples for the moments: numbers from a file, the brightness of an image, and a few by name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..common import validation
from ..common.arrays import Floats
from ..common.errors import input_error, os_input_error
from ..common.safe_npz import parse_npy
from ..images.bundled import bundled_pictures
from ..images.kinds import is_picture
from ..images.pictures import fit, load_picture
from . import tables
from .table_options import check_options
from .table_reading import Reading

MIN_VALUES = 7
"""With fewer values no sample can have the kurtosis 3 that the fifth and sixth decoupled moments need."""
TEN = (0, 0.5, 1, 1.7, 2.1, 3, 3.4, 5.2, 8.9, 13)
"""The numbers of the sample "ten"."""
_GENERATED = ("ten", "gamma")
_BRIGHTNESS = "the brightness of an image's pixels"
_ARRAY = b"\x93NUMPY"
_RECOGNIZED_BYTES = 2**16  # binary files have control characters within them
_MAX_ARRAY_BYTES = 2**27
_LARGEST_EXACT = 2**53
_FINEST_BIN = 16
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
    description : str
        One line that says what the sample is, and what a file was taken for.
    reading : Reading or None
        What a table of numbers was taken for; None for other samples.
    notes : tuple of str
        What the user should know about how an image was read; see `images.pictures.Picture`.
    """

    name: str
    values: Floats
    description: str
    reading: Reading | None = None
    notes: tuple[str, ...] = ()


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
        return Sample(name, np.array(TEN, dtype=float), "ten numbers")
    if name == "gamma":
        return Sample(name, np.random.default_rng(0).gamma(2, 1, 1000), "1000 draws of the gamma(2) law")
    return Sample(name, brightness(load_picture(name).array, max_side, seed), _BRIGHTNESS)


def read_sample(
    file: str | os.PathLike[str],
    column: str | int | None = None,
    max_side: int | None = None,
    seed: int = 0,
    *,
    delimiter: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    header: bool | None = None,
) -> Sample:
    """Read a sample from a text or CSV file, from a one-dimensional .npy array, or from an image.

    What is not stated about a text file is found out. If that leaves several possibilities, the file is refused.

    Parameters
    ----------
    file : str or path
        The file; whether it is text, an image or an array is recognized by its content.
    column : str or int, optional
        Name of the column to read, or its number, counted from 1; a name comes first. Needed if several are named.
    max_side : int, optional
        Longest side in pixels to which an image is shrunk.
    seed : int
        Seed of the noise that breaks the ties of 8-bit images.
    delimiter : str, optional
        What separates the cells: "comma", "semicolon", "tab", "pipe", "blanks" (runs of spaces and tabs), "none" (one
        number per line), or the character itself.
    decimal : str, optional
        The decimal mark: "point" or "comma", or the mark itself.
    thousands : str, optional
        The thousands mark: "comma", "point", "space", "apostrophe", "underscore" or "none", or the mark itself.
    header : bool, optional
        Whether the first line names the columns.

    Returns
    -------
    Sample
        The numbers, or the brightness of the image's pixels.

    Raises
    ------
    InputError
        There is no such file, it holds something else than numbers or fewer than `MIN_VALUES`, it can be read in
        several ways, the column is unknown, an option is not accepted or given for an image or array, or the image
        cannot be read.
    """
    path = validation.regular_file(file, "sample file", accepted=tables.ACCEPTED)
    options = check_options(column, delimiter, decimal, thousands, header)
    reading, notes = None, tuple[str, ...]()
    start, end = _read_ends(path)
    if not is_picture(start, end, path.name):
        table = tables.read_table(path, options)
        values, reading, description = np.array(table.values), table.reading, table.reading.describe()
    elif options.given:
        accepted, step = "options of text and CSV files", "leave it out"
        raise input_error(options.given[0], "is given for an image or array", path.name, accepted, step)
    elif start.startswith(_ARRAY) and (array := _read_list(path)) is not None:
        values, description = array, _describe_list(array)
    else:
        picture = load_picture(path)
        values, description, notes = brightness(picture.array, max_side, seed), _BRIGHTNESS, picture.notes
    return Sample(path.name, validation.sample(values, f"sample {path.name}", MIN_VALUES), description, reading, notes)


def _read_list(path: Path) -> np.ndarray | None:
    """Return the one-dimensional array in a .npy file; None if it is an image, or damaged, which its reader reports."""
    try:
        if path.stat().st_size > _MAX_ARRAY_BYTES:
            array = np.load(path, mmap_mode="r", allow_pickle=False)  # large images have a limit of their own
        else:
            array = parse_npy(path.read_bytes())
    except OSError as error:
        raise os_input_error(error, "sample file", path, tables.ACCEPTED) from None
    except Exception:  # damaged headers raise exceptions of every kind
        return None
    if array.ndim == 3 or (array.ndim == 2 and min(array.shape) >= validation.MIN_SIDE):
        return None
    accepted = "one dimension, or the height, width and channels of an image"
    if array.ndim != 1:
        raise input_error(f"sample file {path.name}", "has the wrong shape", array, accepted, "flatten it")
    if array.nbytes > _MAX_ARRAY_BYTES:
        accepted = f"at most {_MAX_ARRAY_BYTES} bytes"
        raise input_error("sample file", "is too large", f"{array.nbytes} bytes", accepted, "take fewer numbers")
    return array


def _describe_list(array: np.ndarray) -> str:
    text = f"a one-dimensional array of type {array.dtype}"
    large = array[(array > _LARGEST_EXACT) | (array < -_LARGEST_EXACT)].tolist() if array.dtype.kind in "iu" else []
    rounded = sum(int(float(number)) != number for number in large)
    return text + (f"; whole numbers above 2^53 rounded to the nearest double: {rounded}" if rounded else "")


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
        Values that are not finite, too large, or so large beside their gaps that nothing lies between them; or a bad
        seed.
    """
    x = np.asarray(x, dtype=float)
    noise = np.random.default_rng(validation.seed(seed)).random(x.shape) - 0.5
    with np.errstate(over="ignore"):
        moved = x + (_smallest_gap(x) if width is None else width) * noise
    if not np.all(np.isfinite(moved)):
        accepted, step = "smaller values", "divide all values by a power of ten"
        raise input_error("the sample", "is too large to be spread", float(np.max(np.abs(x))), accepted, step)
    return moved


def _read_ends(path: Path) -> tuple[bytes, bytes]:
    """Return the bytes of a file by which its kind is recognized."""
    try:
        with open(path, "rb") as file:
            start = file.read(_RECOGNIZED_BYTES)
            file.seek(-min(_RECOGNIZED_BYTES, path.stat().st_size), os.SEEK_END)
            return start, file.read()
    except OSError as error:
        raise os_input_error(error, "sample file", path, tables.ACCEPTED) from None


def _smallest_gap(x: Floats) -> float:
    """Return the smallest difference between values; refuse it if doubles cannot divide it where values are equal."""
    different, counts = np.unique(validation.sample(np.ravel(x), "the sample"), return_counts=True)
    if len(different) < 2:
        return 0.0
    gap = float(np.min(np.diff(different)))
    if not gap > _FINEST_BIN * np.max(np.spacing(np.abs(different[counts > 1])), initial=0.0):
        accepted, step = f"gaps above {_FINEST_BIN} units in the last place", "subtract what all values have in common"
        raise input_error("the smallest gap between values", "is too small to be divided", gap, accepted, step)
    return gap
