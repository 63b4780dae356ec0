"""Arrays from the bytes of untrusted .npy and .npz files.

Nothing is unpickled, nothing is decompressed, and no memory is allocated because a header says so: either the values
are among the bytes received, or the file is refused.
"""

from __future__ import annotations

import io
import math
import zipfile

import numpy as np

_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def parse_archive(data: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of a .npz file of the kind that `numpy.savez` writes.

    Compressed members, and members that share their bytes, could be far larger than the file. Both are refused.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    dict
        Writable arrays by name.

    Raises
    ------
    Exception
        The file is of another kind, damaged or incomplete; most often `ValueError` or `zipfile.BadZipFile`.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        uncompressed = all(member.compress_type == zipfile.ZIP_STORED for member in members)
        if not uncompressed or sum(member.file_size for member in members) > len(data):
            raise ValueError("the archive has compressed members, or claims more bytes than it has")
        return {member.filename.removesuffix(".npy"): parse_npy(archive.read(member)).copy() for member in members}


def parse_npy(data: bytes) -> np.ndarray:
    """Return the array of a .npy file.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    ndarray
        A read-only view of `data`.

    Raises
    ------
    Exception
        The file is of another kind, damaged or incomplete, or contains objects; most often `ValueError`.
    """
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    if version not in _HEADER_READERS:
        raise ValueError(f"version {version} of the .npy format is unknown")
    shape, fortran, dtype = _HEADER_READERS[version](file)
    if dtype.hasobject or min(shape, default=0) < 0:
        raise ValueError("the array contains objects, or a side of its shape is negative")
    values = np.frombuffer(data, dtype, math.prod(shape), file.tell())
    return values.reshape(shape, order="F" if fortran else "C")
