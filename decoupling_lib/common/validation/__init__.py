"""Checks of a user's input: what is accepted is decided, and worded, here alone.

A check returns the value in the form that the library works with, or raises `InputError` with a line that says what was
wrong, what was received, what is accepted and what to do next.
"""

from .arrays import MIN_SPREAD, image, not_constant, same_shape, sample
from .paths import MAX_FILE_BYTES, output_folder, path, regular_file
from .scalars import choice, in_range, integer_in_range, layer_count, seed
from .sizes import MAX_PIXELS, MAX_SIDE, MIN_SIDE, one_size, shape, size

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "MIN_SIDE",
    "MIN_SPREAD",
    "choice",
    "image",
    "in_range",
    "integer_in_range",
    "layer_count",
    "not_constant",
    "one_size",
    "output_folder",
    "path",
    "regular_file",
    "same_shape",
    "sample",
    "seed",
    "shape",
    "size",
]
