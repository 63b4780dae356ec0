"""Samples of a few bits to 64, packed into the rows of a TIFF image."""

from __future__ import annotations

import numpy as np

_NO_PREDICTOR, _DIFFERENCES, _FLOAT_DIFFERENCES = 1, 2, 3


def unpack_samples(
    rows: np.ndarray, width: int, samples: int, bits: int, floating: bool, predictor: int, order: str
) -> np.ndarray:
    """Return the samples in decompressed rows.

    Parameters
    ----------
    rows : ndarray of uint8, shape (H, bytes)
        The rows, each of which begins with a new byte.
    width : int
        Number of pixels of a row.
    samples : int
        Number of samples of a pixel.
    bits : int
        Number of bits of a sample: 1 to 16, or 16, 32 or 64 of floating-point numbers.
    floating : bool
        Whether samples are floating-point numbers.
    predictor : int
        1 if samples are stored as they are, 2 or 3 if as differences from the pixel before them.
    order : {"<", ">"}
        The byte order.

    Returns
    -------
    ndarray, shape (H, width, samples)
        uint8 for up to 8 bits, uint16 for up to 16, or floating-point numbers.

    Raises
    ------
    ValueError
        The predictor does not exist for such samples.
    """
    shape = (len(rows), width, samples)
    if predictor == _FLOAT_DIFFERENCES and floating:
        return _undo_float_differences(rows, shape, bits)
    if predictor not in (_NO_PREDICTOR, _DIFFERENCES) or (predictor == _DIFFERENCES and bits not in (8, 16, 32, 64)):
        raise ValueError(f"predictor {predictor} of {bits} bits is unknown")
    if bits not in (8, 16, 32, 64):
        return _unpack_bits(rows, shape, bits)
    values = rows.view(f"{order}u{bits // 8}").reshape(shape)
    if predictor == _DIFFERENCES:
        values = np.cumsum(values, axis=1, dtype=f"u{bits // 8}")  # modulo 2^bits
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    return values.view(f"f{bits // 8}") if floating else values


def _unpack_bits(rows: np.ndarray, shape: tuple[int, int, int], bits: int) -> np.ndarray:
    height, width, samples = shape
    values = np.empty((height, width * samples), np.uint8 if bits <= 8 else np.uint16)
    step = max(1, 2**22 // max(1, width * samples * bits))  # each bit takes a byte meanwhile
    for first in range(0, height, step):
        single = np.unpackbits(rows[first : first + step], axis=1, count=width * samples * bits)
        single = single.reshape(len(single), width * samples, bits)
        part = values[first : first + step]
        part[...] = 0
        for bit in range(bits):
            part[...] = (part << 1) | single[..., bit]
    return values.reshape(shape)


def _undo_float_differences(rows: np.ndarray, shape: tuple[int, int, int], bits: int) -> np.ndarray:
    """Undo predictor 3: differences of bytes, after the bytes of each row were sorted by their significance."""
    height, width, samples = shape
    octets = bits // 8
    sums = np.cumsum(rows.reshape(height, octets * width, samples), axis=1, dtype=np.uint8)
    ordered = sums.reshape(height, octets, width * samples)
    big_endian = np.ascontiguousarray(ordered.swapaxes(1, 2))
    return big_endian.view(f">f{octets}").reshape(shape).astype(f"f{octets}")
