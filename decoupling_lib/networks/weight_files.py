"""Keras's HDF5 files of VGG-16 and VGG-19: legacy, with or without the top, or Keras 3."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..common.arrays import Floats
from ..common.errors import InputError, input_error
from .architectures import ARCHITECTURES

ACCEPTED = "an HDF5 file of Keras weights of VGG-16 or VGG-19"
_NAME = re.compile(r"block[1-5]_conv[1-4]")
_MAX_GROUPS, _MAX_DEPTH = 10_000, 20  # Keras's files have about a hundred groups, five deep
_CHILD = "from decoupling_lib.networks import weight_files; weight_files.write_arrays()"
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
        with h5py.File(path, "r") as file:
            return _check_arrays(_find_layers(file), architecture, path)
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
    command = [sys.executable, "-c", _CHILD, architecture, os.fspath(path.absolute())]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # every thread reserves address space
    folder = Path(__file__).parents[2]
    try:
        child = subprocess.run(command, capture_output=True, cwd=folder, env=environment, timeout=_CHILD_SECONDS)
        code, output = child.returncode, child.stdout
    except subprocess.TimeoutExpired:
        code, output = 0, b""
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
    try:
        kernels, biases = read(architecture, Path(path))
    except InputError as error:
        sys.stdout.buffer.write(str(error).encode())
        sys.exit(_REFUSED)
    for name, kernel in kernels.items():
        sys.stdout.buffer.write(kernel.tobytes())
        sys.stdout.buffer.write(biases[name].tobytes())


def _find_layers(file: h5py.File) -> dict[str, list[Any]]:
    """Return the HDF5 items [kernel, bias] by convolution, in any of the three layouts; none is read yet."""
    legacy = {}
    for name in filter(_NAME.fullmatch, file):
        group = _own_item(file, name)
        if "weight_names" in group.attrs:
            legacy[name] = [_own_item(group, _text(weight)) for weight in group.attrs["weight_names"]]
    return legacy or _find_keras3_layers(file)


def _own_item(group: h5py.Group, path: str) -> Any:
    """Return an item that lies in this file; a link could lead to any file, or to a pipe that never ends."""
    for part in path.split("/"):
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise ValueError("has a link that leads elsewhere")
        group = group[part]
    return group


def _find_keras3_layers(file: h5py.File) -> dict[str, list[Any]]:
    found: list[tuple[str, str, list[Any]]] = []
    groups: list[tuple[str, Any]] = [("", file)]
    for path, group in groups:  # the list grows while it is walked
        if len(groups) > _MAX_GROUPS or path.count("/") > _MAX_DEPTH:
            raise ValueError("has too many groups, or groups nested too deeply")
        if path.endswith("/vars") and set(group) == {"0", "1"}:
            kernel, bias = _own_item(group, "0"), _own_item(group, "1")
            # The other convolutions of hed are 1x1.
            if isinstance(kernel, h5py.Dataset) and kernel.ndim == 4 and kernel.shape[:2] != (1, 1):
                found.append((path, _text(group.attrs.get("name", "")), [kernel, bias]))
        own = (name for name in group if isinstance(group.get(name, getlink=True), h5py.HardLink))
        items = ((name, group[name]) for name in own)
        groups.extend((f"{path}/{name}", item) for name, item in items if isinstance(item, h5py.Group))
    if any(name for _, name, _ in found):
        return {name: items for _, name, items in found if _NAME.fullmatch(name)}
    # Older Keras 3 files do not name the layers: conv2d, conv2d_1, ... number them in order of creation.
    found.sort(key=lambda entry: [int(t) if t.isdigit() else t for t in re.split(r"(\d+)", entry[0])])
    orders = {len(layers): layers for layers in ARCHITECTURES.values()}
    order = orders.get(len(found), ())
    return {layer.name: items for layer, (_, _, items) in zip(order, found, strict=False)}


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
            what = f"of {name} have the shapes {str(shown)[:200]}"
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


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
