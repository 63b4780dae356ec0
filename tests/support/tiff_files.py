"""TIFF files with pixels that no installed encoder writes."""

import struct

import numpy as np


def tiff_page(rows: list[bytes], width: int, bits: int, samples: int, photometric: int, **more: object) -> bytes:
    """Return a little-endian TIFF file of one strip.

    `more` has further tags by number, as t338=(kind, values), and `compression`, which is a number and a function.
    """
    number, compress = more.pop("compression", (1, bytes))
    strip = compress(b"".join(rows))
    tags = {
        256: (4, [width]), 257: (4, [len(rows)]), 258: (3, [bits] * samples), 259: (3, [number]),
        262: (3, [photometric]), 273: (4, [8]), 277: (3, [samples]), 278: (4, [len(rows)]), 279: (4, [len(strip)]),
    }  # fmt: skip
    tags |= {int(name[1:]): value for name, value in more.items()}
    strip += bytes(len(strip) % 2)
    at, table, values = 8 + len(strip), b"", b""
    end = at + 2 + 12 * len(tags) + 4
    for tag, (kind, numbers) in sorted(tags.items()):
        content = struct.pack(f"<{len(numbers)}{ {1: 'B', 3: 'H', 4: 'I', 7: 'B'}[kind] }", *numbers)
        if len(content) <= 4:
            table += struct.pack("<HHI", tag, kind, len(numbers)) + content.ljust(4, b"\0")
        else:
            table += struct.pack("<HHII", tag, kind, len(numbers), end + len(values))
            values += content + bytes(len(content) % 2)
    return b"II*\0" + struct.pack("<I", at) + strip + struct.pack("<H", len(tags)) + table + bytes(4) + values


def packed_rows(values: np.ndarray, bits: int) -> list[bytes]:
    """Return the rows of an image of integers with so many bits each, most significant first."""
    rows = values.reshape(len(values), -1)
    digits = (rows[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return [np.packbits(row.ravel().astype(np.uint8)).tobytes() for row in digits]
