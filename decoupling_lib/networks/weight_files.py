"""Keras's files of VGG-16 and VGG-19: HDF5 in every layout, or .keras, with or without the top, or a larger model."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..common.arrays import Floats
from ..common.errors import InputError, input_error
from ..common.validation import MAX_FILE_BYTES
from .architectures import ARCHITECTURES
from .weight_formats import ACCEPTED, archive_member
from .weight_layouts import find_architecture, find_layers

_CHILD = "from decoupling_lib.networks import weight_files; weight_files.write_arrays()"
_RECOGNIZE = "recognize"
_CHILD_SECONDS = 120  # an intact file takes about one
_CHILD_BYTES = 2**31  # address space, most of which NumPy and HDF5 take for themselves
_REFUSED = 3  # exit code of a child that has written why it refuses the file

Arrays = tuple[dict[str, Floats], dict[str, Floats]]
"""Kernels and biases by convolution, both float32 and read-only."""


def read(architecture: str, path: Path) -> Arrays:
    """Read a file of weights in this process.

    HDF5 itself may crash, or never end, on a file that was made to do so; see `read_in_subprocess`.

    Parameters
    ----------
    architecture : {"vgg16", "vgg19"}
        The network that the weights should belong to.
    path : Path
        The file.

    Returns
    -------
    tuple of two dicts of str to ndarray of float32
        Kernels, shape (3, 3, inputs, outputs), and biases, shape (outputs,), by convolution.

    Raises
    ------
    InputError
        The file is damaged, belongs to another network, or holds other shapes, types or values that are not finite.
    """
    try:
        with _open(path) as file:
            return _check_arrays(find_layers(file), architecture, path)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - h5py answers damaged files with errors of every kind
        what = f"are damaged or cut short ({str(error)[:80]})"
        raise input_error("weights", what, path, ACCEPTED, "download or copy the file again") from None


def read_in_subprocess(architecture: str, path: Path) -> Arrays:
    """Read a file of weights in a process of its own, which may crash, hang or run out of memory.

    This takes about a second longer than `read`.

    Parameters
    ----------
    architecture : {"vgg16", "vgg19"}
        The network that the weights should belong to.
    path : Path
        The file.

    Returns
    -------
    tuple of two dicts of str to ndarray of float32
        As from `read`.

    Raises
    ------
    InputError
        As from `read`; also if the process crashed or did not finish.
    """
    code, output = _run_child(architecture, path)
    if code == _REFUSED:
        raise InputError(output.decode())
    layers = ARCHITECTURES[architecture]
    shapes = [shape for layer in layers for shape in ((3, 3, layer.inputs, layer.outputs), (layer.outputs,))]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    if code or len(output) != 4 * ends[-1]:
        end = f"ended with code {code}" if code else "did not finish"
        what = f"cannot be read: the HDF5 library {end}"
        raise input_error("weights", what, path, ACCEPTED, "download or copy the file again")
    parts = np.split(np.frombuffer(output, np.float32), ends[:-1])
    arrays = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    names = [layer.name for layer in layers]
    return dict(zip(names, arrays[::2], strict=True)), dict(zip(names, arrays[1::2], strict=True))


def recognize(path: Path) -> str | None:
    """Return the architecture of a file's weights, by the names or the number of its convolutions.

    Like `read_in_subprocess`, it works in a process of its own.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str or None
        "vgg16" or "vgg19"; None for any other file.
    """
    _, output = _run_child(_RECOGNIZE, path)
    name = output.decode("utf-8", "replace").strip()
    return name if name in ARCHITECTURES else None


def write_arrays() -> None:
    """Write the arrays of a file to standard output: what the process of `read_in_subprocess` does.

    The command line is the architecture and the path. Each kernel is followed by its bias. If the file is refused,
    the output is the message and the exit code says so.
    """
    architecture, path = sys.argv[1:]
    with suppress(ImportError, ValueError, OSError):  # not every system has these limits, or enforces them
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (_CHILD_BYTES, _CHILD_BYTES))
    if architecture == _RECOGNIZE:
        with _open(Path(path)) as file:
            print(find_architecture(find_layers(file)))
        return
    try:
        kernels, biases = read(architecture, Path(path))
    except InputError as error:
        sys.stdout.buffer.write(str(error).encode())
        sys.exit(_REFUSED)
    for name, kernel in kernels.items():
        sys.stdout.buffer.write(kernel.tobytes())
        sys.stdout.buffer.write(biases[name].tobytes())


def _run_child(task: str, path: Path) -> tuple[int, bytes]:
    """Return the exit code and the output of a process that handles a file; of one that did not finish, 0 and none."""
    command = [sys.executable, "-c", _CHILD, task, os.fspath(path.absolute())]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # every thread reserves address space
    folder = Path(__file__).parents[2]
    try:
        child = subprocess.run(command, capture_output=True, cwd=folder, env=environment, timeout=_CHILD_SECONDS)
    except subprocess.TimeoutExpired:
        return 0, b""
    return child.returncode, child.stdout


@contextmanager
def _open(path: Path) -> Iterator[h5py.File]:
    """Open the HDF5 file, or the one inside a .keras file."""
    if not zipfile.is_zipfile(path):
        with h5py.File(path, "r") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        member = archive_member(archive, path, MAX_FILE_BYTES)
        with archive.open(member) as packed, h5py.File(io.BytesIO(packed.read(member.file_size)), "r") as file:
            yield file


def _check_arrays(found: dict[str, list[Any]], architecture: str, path: Path) -> Arrays:
    names = [layer.name for layer in ARCHITECTURES[architecture]]
    others = [name for name, layers in ARCHITECTURES.items() if set(found) == {layer.name for layer in layers}]
    if others and architecture not in others:
        what, step = f"are those of {others[0]}, not of {architecture}", f"use --network {others[0]}"
        raise input_error("weights", what, path, f"{architecture} weights", step)
    if set(found) != set(names):
        missing = [name for name in names if name not in found]
        odd = missing or sorted(set(found) - set(names))
        what = f"{'lack' if missing else 'have an unknown'} layer {odd[0]} ({len(odd)} in total)"
        raise input_error("weights", what, path, f"all layers of {architecture}", "choose another file")
    kernels, biases = {}, {}
    for name, _, inputs, outputs in ARCHITECTURES[architecture]:
        shapes = [(3, 3, inputs, outputs), (outputs,)]
        # Shapes and types are checked before anything is read, so a wrong file cannot fill the memory.
        if [getattr(item, "shape", None) for item in found[name]] != shapes:
            shown = [getattr(item, "shape", None) for item in found[name]][:3]
            turned = [sorted(shape or ()) for shape in shown] == [sorted(shape) for shape in shapes]
            what = f"of {name} have the shapes {str(shown)[:200]}{', which are transposed' if turned else ''}"
            raise input_error("weights", what, path, f"{shapes} for {architecture}", "choose another file")
        kernels[name], biases[name] = (_read_values(item, name, path) for item in found[name])
    return kernels, biases


def _read_values(item: h5py.Dataset, name: str, path: Path) -> Floats:
    if item.external or item.is_virtual:
        raise input_error("weights", f"of {name} are stored in another file", path, ACCEPTED, "save them in one file")
    if item.dtype.kind != "f":
        what = f"of {name} have type {str(item.dtype)[:40]}"
        raise input_error("weights", what, path, "floating-point numbers", "save them again as float32")
    with np.errstate(over="ignore"):
        values: Floats = item[()].astype(np.float32)
    if not np.isfinite(values).all():
        what = f"of {name} have values that are not finite"
        raise input_error("weights", what, path, "finite values", "download or copy the file again")
    values.setflags(write=False)
    return values
