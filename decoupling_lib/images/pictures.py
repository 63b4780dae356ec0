"""Pictures in and out, under one convention: float64 RGB arrays of shape (H, W, 3), nominally in [0, 1]."""

import hashlib
import importlib.resources
import importlib.util
import math
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..common import validation
from ..common.atomic_files import atomic_write
from ..common.errors import input_error, os_input_error, output_error
from . import decode

_PIP_NAMES = {"sklearn": "scikit-learn", "skimage": "scikit-image"}


@dataclass(frozen=True, eq=False)
class Picture:
    """A loaded picture: its name, its float64 (H, W, 3) array, and the sha256 of the file's bytes."""

    name: str
    array: np.ndarray
    sha256: str


@dataclass(frozen=True)
class BundledPicture:
    """A picture inside an installed package, with its credit; "not stated" where the package is silent."""

    name: str
    package: str
    path: str
    title: str
    author: str
    licence: str
    source: str
    sha256: str


def load_picture(
    path_or_name: str | os.PathLike[str], size: tuple[int, int] | None = None, max_side: int | None = None
) -> Picture:
    """Load a picture file, or a bundled picture by its name when no such file exists.

    Alpha is composited over white; gray, palette and CMYK become RGB; EXIF rotation is applied; of an
    animation the first frame is taken. Gray, RGB and RGBA keep 16-bit precision. `size` and `max_side` are
    those of `fit`. Float TIFF and .npy hold values of the convention above, which may stray a little. Raises
    `InputError` for a missing, unreadable, damaged, truncated, too small, too large or non-finite picture.
    """
    label, data, digest = _read(path_or_name)
    values = decode.decode(data, label)
    del data  # of 64 megapixels each copy counts
    image = validation.image(decode.over_white(values), f"picture {label}")
    return Picture(label, fit(image, size, max_side), digest)


def fit(image: np.ndarray, size: tuple[int, int] | None = None, max_side: int | None = None) -> np.ndarray:
    """Resize to `size` = (height, width), or shrink to a longest side of `max_side` keeping the aspect.

    `max_side` never enlarges; with neither, the image is returned as it is. Raises `InputError` when both are
    given, or a side would be shorter than `checks.MIN_SIDE`.
    """
    validation.one_size(size, max_side)
    if size is not None:
        return resize(image, size)
    image = validation.image(image, "image")
    if max_side is None:
        return image
    longest = validation.in_range(max_side, "max_side", validation.MIN_SIDE, math.inf, integer=True)
    height, width = image.shape[:2]
    if longest >= max(height, width):
        return image
    needed = math.ceil(validation.MIN_SIDE * max(height, width) / min(height, width))
    validation.in_range(longest, f"max_side of a {width}x{height} picture", needed, math.inf, integer=True)
    return resize(image, tuple(round(side * longest / max(height, width)) for side in (height, width)))


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize an image to (height, width) by anti-aliased bilinear interpolation.

    Pillow's BILINEAR widens its triangle filter when shrinking, hence is anti-aliased; it runs on each
    channel in mode "F", so values keep float32 precision and are never rounded to 8 bits.

    Returns a float64 array of shape (height, width, 3) within the range of `image`, a copy if the size is
    unchanged. Raises `InputError` for a bad image, or sides that `checks.shape` refuses.
    """
    image = validation.image(image, "image")
    height, width = validation.shape(size)
    if image.shape[:2] == (height, width):
        return image.copy()
    planes = (Image.fromarray(image[..., k].astype(np.float32)) for k in range(3))
    resized = [np.asarray(plane.resize((width, height), Image.Resampling.BILINEAR)) for plane in planes]
    return np.stack(resized, axis=-1).astype(np.float64)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Return the image clipped to [0, 1] and rounded to the nearest 8-bit level: uint8, (H, W, 3)."""
    return np.rint(np.clip(validation.image(image, "image"), 0.0, 1.0) * 255.0).astype(np.uint8)


def out_of_range_fraction(image: np.ndarray) -> float:
    """Return the share of the values (not pixels) of an image that lie outside [0, 1]."""
    image = validation.image(image, "image")
    return float(np.mean((image < 0.0) | (image > 1.0)))


def save_png(path: str | os.PathLike[str], image: np.ndarray) -> Path:
    """Write an image as an 8-bit PNG, clipped and rounded as by `to_uint8`, and return its path.

    The file is written beside its place and then moved there, so it appears whole or not at all. Raises
    `InputError` for a bad image, a name without .png, or a place that cannot be written.
    """
    accepted = "the name of a .png file in an existing folder"
    target = validation.path(path, "output picture")
    if target.suffix.lower() != ".png":
        raise input_error("output picture", "is not named .png", target, accepted, "end its name in .png")
    pixels = to_uint8(image)
    try:
        with atomic_write(target) as sibling:
            Image.fromarray(pixels).save(sibling, format="PNG")
    except OSError as error:
        raise output_error(error, "output picture", target, accepted) from None
    return target


def bundled_pictures() -> dict[str, BundledPicture]:
    """Return the catalogue of bundled pictures by name; the files themselves are not touched."""
    text = importlib.resources.files(__package__).joinpath("pictures.toml").read_text("utf-8")
    return {name: BundledPicture(name=name, **entry) for name, entry in tomllib.loads(text).items()}


def bundled_picture_path(name: str) -> Path:
    """Return where the bundled picture lies; `InputError` for an unknown name or a package not installed."""
    pictures = bundled_pictures()
    entry = pictures[validation.choice(name, pictures, "bundled picture")]
    spec = importlib.util.find_spec(entry.package)
    if spec is None:
        step = f"pip install {_PIP_NAMES[entry.package]}"
        raise input_error("bundled picture", f"needs {entry.package}", name, "an installed package", step)
    # A module made from its spec but never executed: finding the file must not import the whole package.
    module = importlib.util.module_from_spec(spec)
    return Path(str(importlib.resources.files(module).joinpath(entry.path)))


def _read(path_or_name: str | os.PathLike[str]) -> tuple[str, bytes, str]:
    pictures = bundled_pictures()
    file = validation.path(path_or_name, "picture")
    entry = pictures.get(str(file)) if os.path.isdir(file) or not os.path.lexists(file) else None
    file = bundled_picture_path(entry.name) if entry else file
    try:
        data = validation.regular_file(file, "picture", list(pictures)).read_bytes()
    except OSError as error:
        raise os_input_error(error, "picture", file, "a file that you may read") from None
    digest = hashlib.sha256(data).hexdigest()
    if entry and digest != entry.sha256:
        what, step = "is another one: the package changed its file", f"reinstall {_PIP_NAMES[entry.package]}"
        raise input_error(f"picture {entry.name}", what, digest, f"sha256 {entry.sha256}", step)
    return (entry.name if entry else file.name), data, digest
