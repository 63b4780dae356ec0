"""Samples for the moments: numbers from a text or CSV file, the brightness of a picture, and a few by name."""

from __future__ import annotations

import csv
import math
import os
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..common import validation
from ..common.errors import input_error, join_names, os_input_error
from ..images.bundled import bundled_pictures
from ..images.pictures import fit, load_picture

LEAST = 7
"""With fewer values no sample can have the kurtosis 3 that the fifth and sixth decoupled moments need."""
TEN = (0, 0.5, 1, 1.7, 2.1, 3, 3.4, 5.2, 8.9, 13)
_NAMED = ("ten", "gamma")
MAX_BYTES = 2**24
"""Largest file of numbers read; while it is parsed each takes some ten times its own length."""
_ACCEPTED = "numbers separated by commas, semicolons, white space or line ends, or a picture"
_LUMINANCE = np.array([0.2125, 0.7154, 0.0721])  # ITU-R BT.709, on the stored (gamma-coded) values


@dataclass(frozen=True, eq=False)
class Sample:
    """A sample (N,) with the name it came under."""

    name: str
    values: np.ndarray


def names() -> tuple[str, ...]:
    """The samples that need no file: ten numbers, 1000 gamma(2) draws, and the bundled pictures."""
    return (*_NAMED, *bundled_pictures())


def named(name: str, max_side: int | None = None, seed: int = 0) -> Sample:
    """A sample by name; `InputError` for another than `names()`."""
    name = validation.choice(name, names(), "sample")
    if name == "ten":
        return Sample(name, np.array(TEN, dtype=float))
    if name == "gamma":
        return Sample(name, np.random.default_rng(0).gamma(2, 1, 1000))
    return Sample(name, brightness(load_picture(name).array, max_side, seed))


def read(file: str | os.PathLike[str], column: str | None = None, max_side: int | None = None, seed: int = 0) -> Sample:
    """The numbers of a text or CSV file, all of them or one column's; or the brightness of a picture's pixels.

    Parameters
    ----------
    column : the column's name in the file's first line; needed where the named columns are several.
    max_side : pixels; a larger picture is shrunk to it.
    seed : of the noise that breaks the ties of 8-bit pictures.

    Raises
    ------
    InputError : no such file, not numbers, fewer than `LEAST` values, an unknown column, an unreadable picture.
    """
    path = validation.regular_file(file, "sample file", accepted=_ACCEPTED)
    if _is_picture(path):
        if column is not None:
            raise input_error("column", "is given for a picture", column, "a column of a CSV file", "leave it out")
        values = brightness(load_picture(path).array, max_side, seed)
    else:
        values = _parse(path, column)
    return Sample(path.name, validation.sample(values, f"sample {path.name}", LEAST))


def brightness(image: np.ndarray, max_side: int | None = None, seed: int = 0) -> np.ndarray:
    """The luminance of each pixel, (H W,), of an image (H, W, 3), shrunk to `max_side` if larger.

    8-bit levels are dequantized inside their bins, before shrinking, which leaves ties where a picture is saturated.
    """
    levels = image * 255
    if np.max(np.abs(levels - np.rint(levels))) < 1e-6:
        image = dequantize(image, seed, 1 / 255)
    return np.ravel(fit(image, max_side=max_side) @ _LUMINANCE)


def dequantize(x: np.ndarray, seed: int = 0, width: float | None = None) -> np.ndarray:
    """The sample with each value moved at random inside its bin, ± width/2: ties break, the order of bins stays.

    8-bit pictures are full of ties, and ties stay ties in every leg, which makes false dead ends.

    Parameters
    ----------
    x : any shape, finite. seed : of the uniform noise. width : of a bin; default the smallest gap between values.
    """
    x = np.asarray(x, dtype=float)
    if width is None:
        gaps = np.diff(np.unique(validation.sample(np.ravel(x), "the sample")))
        width = float(gaps.min()) if gaps.size else 0.0
    noise = np.random.default_rng(validation.seed(seed)).random(x.shape)
    return x + width * (noise - 0.5)


def _is_picture(path: os.PathLike[str]) -> bool:
    extension = os.path.splitext(path)[1].lower()
    return extension in Image.registered_extensions() or extension == ".npy"


def _parse(path: os.PathLike[str], column: str | None) -> list[float]:
    label = os.path.basename(path)
    try:
        if (size := os.stat(path).st_size) > MAX_BYTES:
            raise input_error("sample file", "is too large", f"{size} bytes", f"at most {MAX_BYTES}", "give fewer")
        with open(path, encoding="utf-8-sig") as file:
            text = file.read()
    except UnicodeDecodeError:
        step = "save it as UTF-8 text, or give a picture its own extension"
        raise input_error("sample file", "is not text", label, _ACCEPTED, step) from None
    except OSError as error:
        raise os_input_error(error, "sample file", path, _ACCEPTED) from None
    rows = [(number, _cells(line, label, number)) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    header = rows[0][1] if rows and len(rows) > 1 and not any(_is_number(cell) for cell in rows[0][1]) else None
    if header is None:
        if column is not None:
            raise input_error(
                "column", "is given for a file without names", column, "a first line of names", "leave it out"
            )
        return [_number(cell, label, number) for number, cells in rows for cell in cells]
    if column is None and len(header) > 1:
        raise input_error("sample file", "has several columns", label, join_names(header), "choose one with --column")
    place = header.index(validation.choice(column, header, "column")) if column is not None else 0
    for number, cells in rows[1:]:
        if len(cells) != len(header):
            what = f"has {len(cells)} cells in line {number}"
            raise input_error("sample file", what, label, f"{len(header)}, as in its first line", "mend the line")
    return [_number(cells[place], label, number) for number, cells in rows[1:]]


def _cells(line: str, label: str, number: int) -> list[str]:
    separators = [mark for mark in (",", ";") if mark in line]
    if len(separators) > 1:
        step = "write decimal points, not commas"
        raise input_error("sample file", f"mixes separators in line {number}", label, _ACCEPTED, step)
    if separators or '"' in line:
        try:
            cells = [cell.strip() for cell in next(csv.reader([line], delimiter=(separators or ["\t"])[0]))]
        except csv.Error as error:
            what = f"cannot be read in line {number} ({error})"
            raise input_error("sample file", what, label, _ACCEPTED, "mend the line") from None
        return cells[:-1] if cells[-1] == "" else cells
    words = line.split()
    # A line of names may have blanks inside them.
    return words if any(map(_is_number, words)) else [name.strip() for name in line.split("\t")]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _number(cell: str, label: str, number: int) -> float:
    if not _is_number(cell):
        what = f"has {'an empty cell' if not cell else 'text'} in line {number}"
        raise input_error(f"sample file {label}", what, cell, _ACCEPTED, "remove it or write a number")
    value = float(cell)
    if not math.isfinite(value):
        what = f"has a value that is not finite in line {number}"
        raise input_error(f"sample file {label}", what, cell, "finite numbers", "remove it or write a number")
    return value
