"""The orientation of an image: found in whatever part of its metadata is readable, and applied to its values."""

from __future__ import annotations

import re
import struct

import numpy as np

TURNS = {
    1: (False, 1, 1), 2: (False, 1, -1), 3: (False, -1, -1), 4: (False, -1, 1),
    5: (True, 1, 1), 6: (True, 1, -1), 7: (True, -1, -1), 8: (True, -1, 1),
}  # fmt: skip
"""By orientation: whether rows become columns, and then the directions of rows and columns."""
_TAG = 274
_XMP = re.compile(rb"""tiff:Orientation(?:\s*=\s*["']|\s*>\s*)([1-8])\b""")


def find_orientation(exif: bytes, xmp: bytes = b"") -> int:
    """Return the orientation that metadata state.

    Only the one entry is looked for: damage anywhere else in the metadata does not matter, nor does their size.

    Parameters
    ----------
    exif : bytes
        Exif metadata, with or without the name before them; may be empty or damaged.
    xmp : bytes
        XMP metadata, which count if Exif states nothing.

    Returns
    -------
    int
        From 1 (upright) to 8, as in the Exif standard; 1 if nothing readable states another one.
    """
    start = 6 if exif[:6] == b"Exif\0\0" else 0
    order = {b"II": "<", b"MM": ">"}.get(exif[start : start + 2])
    try:
        if order is not None:
            first = start + struct.unpack_from(f"{order}I", exif, start + 4)[0]
            for entry in range(struct.unpack_from(f"{order}H", exif, first)[0]):
                tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, first + 2 + 12 * entry)
                if tag == _TAG:
                    if kind == 4:  # LONG, which some writers use
                        value = struct.unpack_from(f"{order}I", exif, first + 10 + 12 * entry)[0]
                    return value if 1 <= value <= 8 else 1
    except struct.error:
        pass  # cut short before the entry
    found = _XMP.search(xmp)
    return int(found[1]) if found else 1


def turn_upright(values: np.ndarray, orientation: int) -> np.ndarray:
    """Return an upright view of an image.

    Parameters
    ----------
    values : ndarray, shape (H, W, ...)
        The image as stored.
    orientation : int
        From 1 to 8.

    Returns
    -------
    ndarray, shape (H, W, ...) or (W, H, ...)
        A view, nothing is copied.
    """
    swapped, rows, columns = TURNS[orientation]
    return (values.swapaxes(0, 1) if swapped else values)[::rows, ::columns]
