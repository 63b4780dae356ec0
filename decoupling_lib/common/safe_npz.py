"""Arrays from the bytes of .npy and .npz files, with no trust in what is written in them.

Nothing is unpickled, nothing is decompressed, and nothing is allocated on a header's word: values are found in the
bytes that are there already, or the file is refused.
"""

from __future__ import annotations

import io
import math
import zipfile

import numpy as np

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def parse_npy(data: bytes) -> np.ndarray:
    """The array of a .npy file: a read-only view of `data`.

    Raises an exception of some kind, most often `ValueError`, for anything else than plain values that are all there.
    """
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"format {version} of .npy is unknown")
    shape, fortran, dtype = _HEADERS[version](file)
    if dtype.hasobject or min(shape, default=0) < 0:
        raise ValueError("holds objects or has no shape")
    values = np.frombuffer(data, dtype, math.prod(shape), file.tell())
    return values.reshape(shape, order="F" if fortran else "C")


def parse_archive(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of a .npz file as `numpy.savez` writes it, by name; raises as `parse` does.

    Compressed members, and members that share their bytes, could be far larger than the file: both are refused.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
        if not stored or sum(member.file_size for member in members) > len(data):
            raise ValueError("has compressed members, or claims more than it holds")
        return {member.filename.removesuffix(".npy"): parse_npy(archive.read(member)).copy() for member in members}
