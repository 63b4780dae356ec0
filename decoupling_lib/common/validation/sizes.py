"""Checks of image sizes."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from ..errors import input_error
from .scalars import integer_in_range

MIN_SIDE = 16
"""Shortest side of an image, in pixels: the network halves it four times."""
MAX_SIDE = 2048
"""Longest side, in pixels, that the user may ask for."""
MAX_PIXELS = 64_000_000
"""Largest number of pixels of one image (64 megapixels)."""


def size(text: Any) -> tuple[int, int]:
    """Return the image size that a text such as "64" or "96x64" (width x height) names.

    Parameters
    ----------
    text : object
        One or two whole numbers, each from `MIN_SIDE` to `MAX_SIDE`.

    Returns
    -------
    height, width : int
        The size in pixels: (64, 64) for "64" and (64, 96) for "96x64".

    Raises
    ------
    InputError
        The text has another form, or a side is out of range.
    """
    accepted = f'"64" or "96x64" (width x height), sides {MIN_SIDE} to {MAX_SIDE}'
    match = re.fullmatch(r"\s*([0-9]+)(?:\s*[xX]\s*([0-9]+))?\s*", text) if isinstance(text, str) else None
    if match is None:
        raise input_error("size", "is not an image size", text, accepted, "write one or two whole numbers")
    # Numbers of more than six digits are out of range anyway, and int() refuses thousands of digits.
    width, height = (int(side.lstrip("0")[:6] or 0) for side in (match[1], match[2] or match[1]))
    if not all(MIN_SIDE <= side <= MAX_SIDE for side in (width, height)):
        raise input_error("size", "is out of range", text, accepted, "choose sides in this range")
    return height, width


def shape(value: Any, name: str = "size") -> tuple[int, int]:
    """Return a pair of sides as plain integers.

    Parameters
    ----------
    value : object
        (height, width) in pixels: integers of at least `MIN_SIDE` whose product is at most `MAX_PIXELS`.
    name : str
        What the message calls the pair.

    Returns
    -------
    height, width : int
        The sides in pixels.

    Raises
    ------
    InputError
        The value is not such a pair.
    """
    accepted = f"(height, width), sides at least {MIN_SIDE}, at most {MAX_PIXELS // 10**6} megapixels"
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise input_error(name, "is not a pair", value, accepted, "give two integers")
    height, width = (integer_in_range(side, name, MIN_SIDE, math.inf) for side in value)
    if height * width > MAX_PIXELS:
        raise input_error(name, "has too many pixels", value, accepted, "choose a smaller size")
    return height, width


def one_size(size: Any, max_side: Any) -> None:
    """Check that at most one of the two ways to ask for a size is used.

    Parameters
    ----------
    size : object
        A size, or None.
    max_side : object
        The longest side, or None.

    Raises
    ------
    InputError
        Both are given.
    """
    if size is not None and max_side is not None:
        raise input_error("size and max_side", "are both given", f"{size} and {max_side}", "only one", "omit one")
