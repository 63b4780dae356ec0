"""What a file of weights is, by its first bytes: one that the kit reads, or one to be named with the next step."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import h5py

from ..common.errors import InputError, input_error

ACCEPTED = "an HDF5 or .keras file of Keras weights of VGG-16 or VGG-19"
_CONVERT = "build Keras's VGG with these weights, and save it by save_weights('vgg.weights.h5')"
_AGAIN = "download the file again, by `decoupling weights` if it is Keras's own"
_SAVE = "load it with the Keras that wrote it, and save it by save_weights('vgg.weights.h5')"
_LOAD = "load the model in Python, and save it by save_weights('vgg.weights.h5')"
_KINDS: tuple[tuple[re.Pattern[bytes], str, str], ...] = (
    (re.compile(rb"\s*(<!doctype|<html|<head|<body|<\?xml)", re.I), "are a web page, not the file", _AGAIN),
    (re.compile(rb"version https://git-lfs"), "are a pointer of Git LFS, not the file", "run `git lfs pull`"),
    (re.compile(rb"\x80[\x02-\x05]"), "are a pickled file, as of PyTorch, which could run code", _CONVERT),
    (re.compile(rb".{7}\x00\{"), "are in the format safetensors", _CONVERT),
    (re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|\x28\xb5\x2f\xfd"), "are compressed", "unpack the file first"),
    (re.compile(rb"\x93NUMPY"), "are one NumPy array", _CONVERT),
    (re.compile(rb"\s*\{.*weight_map", re.S), "are the index of weights in several files", _SAVE),
)
"""The first bytes of other formats, what they are, and the next step."""
_HEAD_BYTES = 4096


def require_known_format(path: Path) -> None:
    """Refuse a file that is neither HDF5 nor a .keras file; what is in it is judged where it is read.

    Parameters
    ----------
    path : Path
        An existing regular file.

    Raises
    ------
    InputError
        With the format, if it is recognized, and what to do with such a file.
    OSError
        The file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith(b"PK\x03\x04") or h5py.is_hdf5(path):
        return
    for pattern, what, step in _KINDS:
        if pattern.match(head):
            raise input_error("weights", what, path, ACCEPTED, step)
    raise input_error("weights", "are not an HDF5 file", path, ACCEPTED, "choose another file")


def folder_error(path: Path) -> InputError:
    """Return the error that explains why a folder, pipe or device is no file of weights.

    Parameters
    ----------
    path : Path
        The path, which leads to something else than a regular file.

    Returns
    -------
    InputError
        The error to raise.
    """
    if (path / "saved_model.pb").exists():
        return input_error("weights", "are a SavedModel of TensorFlow, which is a folder", path, ACCEPTED, _LOAD)
    return input_error("weights", "are not a regular file", path, ACCEPTED, "name a file")


def archive_member(archive: zipfile.ZipFile, path: Path, most: int) -> zipfile.ZipInfo:
    """Return the entry of a .keras file that holds the weights.

    Parameters
    ----------
    archive : ZipFile
        The open archive.
    path : Path
        Its file, for the message.
    most : int
        Maximum size of the entry in bytes.

    Returns
    -------
    ZipInfo
        The entry.

    Raises
    ------
    InputError
        The archive is of another kind, or the entry is larger.
    """
    names = archive.namelist()
    if "model.weights.h5" in names:
        member = archive.getinfo("model.weights.h5")
        if member.file_size > most:
            accepted = f"{ACCEPTED}, at most {most} bytes"
            raise input_error("weights", "are too large", path, accepted, "choose another file")
        return member
    if any(name.endswith("data.pkl") for name in names):
        raise input_error(
            "weights", "are a PyTorch file, which is pickled and could run code", path, ACCEPTED, _CONVERT
        )
    if any(name.endswith(".npy") for name in names):
        raise input_error("weights", "are an archive of NumPy arrays", path, ACCEPTED, _CONVERT)
    if any(name.endswith("saved_model.pb") for name in names):
        raise input_error("weights", "are a zipped SavedModel of TensorFlow", path, ACCEPTED, _LOAD)
    raise input_error("weights", "are a zip archive of another kind", path, ACCEPTED, "unpack it, and name the file")
