"""Keras's HDF5 files of VGG-16 and VGG-19: legacy, with or without the top, or Keras 3."""

import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..common.errors import InputError, input_error
from .architectures import ARCHITECTURES

ACCEPTED = "an HDF5 file of Keras weights of VGG-16 or VGG-19"
_NAME = re.compile(r"block[1-5]_conv[1-4]")
_MOST_GROUPS, _DEEPEST = 10_000, 20  # Keras has a hundred, five deep
_CHILD = "from decoupling_lib.networks import weight_files; weight_files._serve()"
_CHILD_SECONDS = 120  # a file takes about one
_CHILD_BYTES = 2**31  # of address space, most of it NumPy's and HDF5's own
_REFUSED = 3  # the exit code of a child that says why


def read(architecture: str, path: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return kernels and biases by convolution, both as in `weights.Weights`, read in this process.

    `architecture` is "vgg16" or "vgg19". Raises `InputError` for a file that is damaged, of another network, or holds
    other shapes, types or values that are not finite. HDF5 itself may crash, or never end, on a file made for that.
    """
    try:
        with h5py.File(path, "r") as file:
            return _arrays(_layers(file), architecture, path)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - h5py meets damaged files with errors of every kind
        what = f"are damaged or cut short ({str(error)[:80]})"
        raise input_error("weights", what, path, ACCEPTED, "fetch or copy the file anew") from None


def read_apart(architecture: str, path: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the same as `read`, read in a process of its own: it may crash, hang or run out of memory.

    That costs about a second. Raises `InputError` as `read` does, and where the process ended badly or came to no end.
    """
    command = [sys.executable, "-c", _CHILD, architecture, os.fspath(path.absolute())]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # each reserves address space
    folder = Path(__file__).parents[2]
    try:
        child = subprocess.run(command, capture_output=True, cwd=folder, env=environment, timeout=_CHILD_SECONDS)
        code, said = child.returncode, child.stdout
    except subprocess.TimeoutExpired:
        code, said = 0, b""
    if code == _REFUSED:
        raise InputError(said.decode())
    layers = ARCHITECTURES[architecture]
    shapes = [shape for _, inputs, outputs in layers for shape in ((3, 3, inputs, outputs), (outputs,))]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    if code or len(said) != 4 * ends[-1]:
        what = f"cannot be read: HDF5 ended with code {code}" if code else "cannot be read: HDF5 came to no end"
        raise input_error("weights", what, path, ACCEPTED, "fetch or copy the file anew")
    values = np.split(np.frombuffer(said, np.float32), ends[:-1])
    arrays = [part.reshape(shape) for part, shape in zip(values, shapes, strict=True)]
    names = [layer.name for layer in layers]
    return dict(zip(names, arrays[::2], strict=True)), dict(zip(names, arrays[1::2], strict=True))


def _serve() -> None:
    """What `read_apart`'s process does: kernels and biases go to stdout in order, or why there are none."""
    architecture, path = sys.argv[1:]
    with suppress(ImportError, ValueError, OSError):  # not every system has, or keeps, such limits
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


def _layers(file: h5py.File) -> dict[str, list[Any]]:
    """Return the HDF5 items [kernel, bias] by convolution, in any of the three layouts; none is read yet."""
    legacy = {}
    for name in filter(_NAME.fullmatch, file):
        group = _own(file, name)
        if "weight_names" in group.attrs:
            legacy[name] = [_own(group, _text(weight)) for weight in group.attrs["weight_names"]]
    return legacy or _keras3_layers(file)


def _own(group: h5py.Group, path: str) -> Any:
    """Return what lies in this file under a path: other links could lead to any file, or to a pipe that never ends."""
    for part in path.split("/"):
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise ValueError("has a link that leads elsewhere")
        group = group[part]
    return group


def _keras3_layers(file: h5py.File) -> dict[str, list[Any]]:
    found: list[tuple[str, str, list[Any]]] = []
    groups: list[tuple[str, Any]] = [("", file)]
    for path, group in groups:  # which grows on the way
        if len(groups) > _MOST_GROUPS or path.count("/") > _DEEPEST:
            raise ValueError("has too many groups, or too deep ones")
        if path.endswith("/vars") and set(group) == {"0", "1"}:
            kernel, bias = _own(group, "0"), _own(group, "1")
            # The other convolutions of hed are 1x1.
            if isinstance(kernel, h5py.Dataset) and kernel.ndim == 4 and kernel.shape[:2] != (1, 1):
                found.append((path, _text(group.attrs.get("name", "")), [kernel, bias]))
        own = (name for name in group if isinstance(group.get(name, getlink=True), h5py.HardLink))
        items = ((name, group[name]) for name in own)
        groups.extend((f"{path}/{name}", item) for name, item in items if isinstance(item, h5py.Group))
    if any(name for _, name, _ in found):
        return {name: items for _, name, items in found if _NAME.fullmatch(name)}
    # Older Keras 3 files do not name the layers: conv2d, conv2d_1, ... count them in order of creation.
    found.sort(key=lambda entry: [int(t) if t.isdigit() else t for t in re.split(r"(\d+)", entry[0])])
    orders = {len(layers): layers for layers in ARCHITECTURES.values()}
    order = orders.get(len(found), ())
    return {layer.name: items for layer, (_, _, items) in zip(order, found, strict=False)}


def _arrays(
    found: dict[str, list[Any]], architecture: str, path: Path
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    wanted = [layer.name for layer in ARCHITECTURES[architecture]]
    others = [name for name, layers in ARCHITECTURES.items() if set(found) == {c.name for c in layers}]
    if others and architecture not in others:
        what, step = f"are those of {others[0]}, not of {architecture}", f"use --network {others[0]}"
        raise input_error("weights", what, path, f"{architecture} weights", step)
    if set(found) != set(wanted):
        missing = [name for name in wanted if name not in found]
        odd = missing or sorted(set(found) - set(wanted))
        what = f"{'lack' if missing else 'have an unknown'} layer {odd[0]} ({len(odd)} such)"
        raise input_error("weights", what, path, f"all of {architecture}", "choose another file")
    kernels, biases = {}, {}
    for name, inputs, outputs in ARCHITECTURES[architecture]:
        shapes = [(3, 3, inputs, outputs), (outputs,)]
        # Shapes and types are judged before anything is read, so a wrong file cannot fill the memory.
        if [getattr(item, "shape", None) for item in found[name]] != shapes:
            shown = [getattr(item, "shape", None) for item in found[name]][:3]
            what = f"of {name} have the shapes {str(shown)[:200]}"
            raise input_error("weights", what, path, f"{shapes} for {architecture}", "choose another file")
        kernels[name], biases[name] = (_values(item, name, path) for item in found[name])
    return kernels, biases


def _values(item: h5py.Dataset, name: str, path: Path) -> np.ndarray:
    if item.external or item.is_virtual:
        raise input_error("weights", f"of {name} lie in another file", path, ACCEPTED, "save them in one file")
    if item.dtype.kind != "f":
        what = f"of {name} have type {str(item.dtype)[:40]}"
        raise input_error("weights", what, path, "floats", "save them anew")
    with np.errstate(over="ignore"):
        values = item[()].astype(np.float32)
    if not np.isfinite(values).all():
        what = f"of {name} have values that are not finite"
        raise input_error("weights", what, path, "finite values", "fetch or copy the file anew")
    values.setflags(write=False)
    return values


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
