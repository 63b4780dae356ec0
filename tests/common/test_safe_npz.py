"""Arrays from bytes: what NumPy writes is read to the bit; compression, objects and false claims are refused."""

import io
import zipfile

import numpy as np
import pytest

from decoupling_lib.common.safe_npz import parse_archive, parse_npy

ARRAYS = {
    "plain": np.arange(12.0).reshape(3, 4),
    "fortran": np.asfortranarray(np.arange(12, dtype=">i2").reshape(3, 4)),
    "scalar": np.array(0.25),
    "empty": np.zeros((0, 3)),
    "text": np.array("a key"),
}


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(save=np.savez, **arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_are_read_as_numpy_writes_them(name: str):
    found = parse_npy(npy(ARRAYS[name]))
    assert found.dtype == ARRAYS[name].dtype and not found.flags.writeable
    assert np.array_equal(found, ARRAYS[name])


def test_archives_are_read_as_numpy_writes_them():
    found = parse_archive(npz(**ARRAYS))
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert np.array_equal(found[name], array) and found[name].flags.writeable


def claim(shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return buffer.getvalue() + bytes(80)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not an array",
        npy(ARRAYS["plain"])[:-1],
        npy(np.array([{}, None], dtype=object)),
        claim((10**7, 10**7)),
        claim((-1, 4)),
        b"\x93NUMPY\x09\x00" + npy(ARRAYS["plain"])[8:],
    ],
    ids=["empty", "text", "truncated", "objects", "enormous", "negative", "unknown version"],
)
def test_other_bytes_than_a_whole_plain_array_are_refused(data: bytes):
    with pytest.raises((ValueError, EOFError)):
        parse_npy(data)


def test_compressed_archives_are_refused():
    with pytest.raises(ValueError, match="compressed"):
        parse_archive(npz(np.savez_compressed, zeros=np.zeros(1000)))


def test_archives_that_claim_more_bytes_than_they_have_are_refused():
    whole = bytearray(npz(a=np.zeros(100), b=np.ones(100)))
    entry = whole.rindex(b"PK\x01\x02")  # of the second member in the archive's directory
    whole[entry + 20 : entry + 28] = len(whole).to_bytes(4, "little") * 2  # its compressed size and its size
    with pytest.raises(ValueError, match="claims"):
        parse_archive(bytes(whole))


def test_bytes_that_are_no_archive_are_refused():
    with pytest.raises(zipfile.BadZipFile):
        parse_archive(b"not an archive")
