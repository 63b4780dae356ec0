"""Every judgement on a user's input, and its wording: what was wrong, received, accepted, and to do next.

A check returns the value in the form the library works with, or raises `InputError`.
"""

import math
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .errors import input_error, join_names, os_input_error, suggest

MIN_SIDE = 16
"""Shortest side in pixels: a picture must survive four 2x2 poolings."""
MAX_SIDE = 2048
"""Longest side in pixels that a size written as text may ask for."""
MAX_PIXELS = 64_000_000
"""Most pixels in one picture (64 megapixels)."""
MAX_FILE_BYTES = 2**31
"""Largest picture file read: 64 megapixels with four float64 channels just fit."""
MIN_SPREAD = 1 / 512
"""A channel whose values span less than this (half an 8-bit step) counts as constant."""

T = TypeVar("T")


def image(array: Any, name: str) -> np.ndarray:
    """Return `array` as a float64 RGB image.

    Parameters
    ----------
    array : floating-point array-like, shape (H, W, 3), H and W at least `MIN_SIDE`, nominally in [0, 1].
    name : what to call the image in a message.

    Returns
    -------
    float64 array, shape (H, W, 3); the input itself when it already has this type.

    Raises
    ------
    InputError : wrong shape or type (integers too: their range is not [0, 1]), or a value that is not finite.
    """
    accepted = f"floating-point values of shape (height, width, 3), sides at least {MIN_SIDE}"
    try:
        found = np.asarray(array)
    except (ValueError, TypeError):
        raise input_error(name, "is not an array", array, accepted, "build one array of numbers") from None
    if found.dtype.kind != "f":
        step = "divide 8-bit values by 255" if found.dtype.kind in "iu" else "convert it to real numbers"
        raise input_error(name, f"has values of type {found.dtype}", found, accepted, step)
    if found.ndim != 3 or found.shape[2] != 3:
        raise input_error(name, "has the wrong shape", found, accepted, "give three color channels, last axis")
    if min(found.shape[:2]) < MIN_SIDE:
        raise input_error(name, "is too small", found, accepted, "use a larger picture")
    with np.errstate(over="ignore"):
        found = np.asarray(found, dtype=np.float64)
    return _finite(found, name)


def not_constant(array: Any, name: str) -> np.ndarray:
    """Return `array` as `image` does, refusing one whose every channel is (nearly) constant.

    Such an image has no gradient to follow: each channel spans less than `MIN_SPREAD`.

    Raises `InputError`.
    """
    found = image(array, name)
    spread = float(np.ptp(found, axis=(0, 1)).max())
    if spread < MIN_SPREAD:
        accepted = f"a spread of at least {MIN_SPREAD:.5f} in some channel"
        step = "choose a picture with some contrast"
        raise input_error(name, "is constant, so it has no gradient to follow", spread, accepted, step)
    return found


def sample(array: Any, name: str, least: int = 1) -> np.ndarray:
    """Return `array` as a float64 sample of shape (N,), N at least `least`.

    Raises `InputError` for another shape, another type than real numbers, or a value that is not finite.
    """
    accepted = f"a one-dimensional list of at least {least} finite number{'s' if least > 1 else ''}"
    try:
        found = np.asarray(array)
    except (ValueError, TypeError):
        raise input_error(name, "is not a list of numbers", array, accepted, "make it one") from None
    if found.dtype.kind not in "fiu":
        raise input_error(name, f"has values of type {found.dtype}", found, accepted, "convert it to real numbers")
    if found.ndim != 1:
        raise input_error(name, "has the wrong shape", found, accepted, "ravel it")
    if found.size < least:
        raise input_error(name, "has too few values", found.size, accepted, "take more values")
    found = found.astype(np.float64, copy=False)
    return _finite(found, name)


def _finite(found: np.ndarray, name: str) -> np.ndarray:
    bad = found.size - int(np.count_nonzero(np.isfinite(found)))
    if bad:
        what = "has 1 value that is not finite" if bad == 1 else f"has {bad} values that are not finite"
        raise input_error(name, what, found, "finite values", "replace NaN and infinite values")
    return found


def choice(value: Any, accepted: Iterable[T], name: str) -> T:
    """Return the entry of `accepted` equal to `value` and of its type; `InputError` if there is none."""
    options = list(accepted)
    for option in options:
        if type(option) is type(value) and option == value:
            return option
    raise input_error(name, "is not known", value, join_names(options), suggest(value, options))


def in_range(value: Any, name: str, low: float, high: float, *, low_open: bool = False, integer: bool = False) -> float:
    """Return `value` as a float (an int when `integer`) if low <= value <= high.

    Parameters
    ----------
    value : a real number; booleans, text and NaN are refused.
    low, high : the accepted interval; either may be infinite, the value itself may not.
    low_open : leave `low` itself out.
    integer : accept only integers.

    Raises
    ------
    InputError : `value` has another type, is not finite or lies outside.
    """
    lower = "" if low == -math.inf else f"{'above' if low_open else 'at least'} {low}"
    upper = "" if high == math.inf else f"at most {high}"
    bounds = " and ".join(part for part in (lower, upper) if part)
    accepted = ("an integer" if integer else "a finite number") + (f", {bounds}" if bounds else "")
    kind = Integral if integer else Real
    if not isinstance(value, kind) or isinstance(value, bool):
        raise input_error(name, f"is not {'an integer' if integer else 'a number'}", value, accepted, "change it")
    try:
        number = int(value) if integer else float(value)
    except OverflowError:
        number = math.inf
    if not integer and not math.isfinite(number):
        raise input_error(name, "is not finite", value, accepted, "change it")
    if not low <= number <= high or (low_open and number == low):
        raise input_error(name, "is out of range", value, accepted, "change it")
    return number


def layer_count(n: Any) -> int:
    """Return the number of encoder layers, an integer from 1 to 5; `InputError` otherwise."""
    return int(in_range(n, "number of layers", 1, 5, integer=True))


def seed(value: Any) -> int:
    """Return a random seed, an integer with 0 <= value < 2**32; `InputError` otherwise."""
    return int(in_range(value, "seed", 0, 2**32 - 1, integer=True))


def size(text: Any) -> tuple[int, int]:
    """Parse a picture size: "64" is (64, 64) and "96x64" (width x height) is (64, 96).

    Returns (height, width) in pixels, each from `MIN_SIDE` to `MAX_SIDE`; raises `InputError` for text of
    another form or a side out of range.
    """
    accepted = f'"64" or "96x64" (width x height), sides {MIN_SIDE} to {MAX_SIDE}'
    found = re.fullmatch(r"\s*([0-9]+)(?:\s*[xX]\s*([0-9]+))?\s*", text) if isinstance(text, str) else None
    if found is None:
        raise input_error("size", "is not a picture size", text, accepted, "write one or two whole numbers")
    # More than six digits are out of range whatever they are, and int() refuses thousands of them.
    width, height = (int(side.lstrip("0")[:6] or 0) for side in (found[1], found[2] or found[1]))
    if not all(MIN_SIDE <= side <= MAX_SIDE for side in (width, height)):
        raise input_error("size", "is out of range", text, accepted, "choose sides in that range")
    return height, width


def shape(value: Any, name: str = "size") -> tuple[int, int]:
    """Return (height, width) as ints, each at least `MIN_SIDE`, their product at most `MAX_PIXELS`.

    Raises `InputError` for anything but two such integers.
    """
    accepted = f"(height, width), sides at least {MIN_SIDE}, at most {MAX_PIXELS // 10**6} megapixels"
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise input_error(name, "is not a pair", value, accepted, "give two integers")
    height, width = (int(in_range(side, name, MIN_SIDE, math.inf, integer=True)) for side in value)
    if height * width > MAX_PIXELS:
        raise input_error(name, "has too many pixels", value, accepted, "choose a smaller size")
    return height, width


def path(value: Any, name: str) -> Path:
    """Return `value` (text or a path) as a Path; `InputError` for an empty or impossible name."""
    accepted = "the name of a file or folder"
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str):
        raise input_error(name, "is not a path", value, accepted, "give its name as text")
    if not text.strip() or "\0" in text:
        what = "contains a NUL character" if "\0" in text else "is empty"
        raise input_error(name, what, text, accepted, "choose another name")
    try:
        os.fsencode(text)
    except UnicodeError:
        raise input_error(name, "cannot be a file name here", text, accepted, "choose another name") from None
    return Path(text)


def regular_file(value: Any, name: str, known: Sequence[str] = (), accepted: str = "a picture file") -> Path:
    """Return the path of an existing, non-empty regular file, not yet opened.

    `known` lists names that could have been given instead, shown when the file is missing; `accepted` says what
    the file should be. Raises
    `InputError` for a missing file, a folder, a FIFO or device, an empty file, or more than `MAX_FILE_BYTES`.
    """
    accepted += f" or a bundled picture ({', '.join(known)})" if known else ""
    file = path(value, name)
    try:
        found = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        step = suggest(file.stem, known)
        raise input_error(name, "does not exist", file, accepted, step) from None
    except OSError as error:
        raise os_input_error(error, name, file, accepted) from None
    if stat.S_ISDIR(found.st_mode):
        raise input_error(name, "is a folder", file, accepted, "name a file in it")
    if not stat.S_ISREG(found.st_mode):
        raise input_error(name, "is not a regular file", file, accepted, "copy it to a file first")
    if not 0 < found.st_size <= MAX_FILE_BYTES:
        what = "is too large" if found.st_size else "is empty (zero bytes)"
        raise input_error(name, what, file, f"{accepted}, at most {MAX_FILE_BYTES} bytes", "choose another file")
    return file


def output_folder(value: Any) -> Path:
    """Return the path of a folder in which a file can really be written, creating it if needed.

    The permission bits say little (root passes every such test), so a temporary file is written and removed.
    On failure every folder made here is removed again. Raises `InputError` when the path is a file or under
    one, cannot be created, or nothing can be written there.
    """
    name = "output folder"
    folder = path(value, name)
    made: list[Path] = []
    try:
        for part in (*reversed(folder.parents), folder):
            if not part.is_dir():
                part.mkdir()
                made.append(part)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
            probe.flush()
    except OSError as error:
        for part in reversed(made):
            with suppress(OSError):
                part.rmdir()
        raise os_input_error(error, name, folder, "a folder that exists or can be made, and written to") from None
    return folder


def one_size(size: Any, max_side: Any) -> None:
    """Raise `InputError` where both ways to ask for a size are given."""
    if size is not None and max_side is not None:
        raise input_error("size and max_side", "are both given", f"{size} and {max_side}", "only one", "drop one")


def same_shape(x: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, reference = (np.asarray(values, dtype=np.float64) for values in (x, reference))
    if x.shape != reference.shape:
        accepted = f"shape {reference.shape}"
        raise input_error("array", "differs in shape from its reference", x, accepted, "compare like sizes")
    if x.size == 0:
        raise input_error("array", "is empty", x, "at least one value", "give some values")
    return x, reference
