"""Pictures in and out, under one convention: float64 RGB arrays of shape (H, W, 3), nominally in [0, 1]."""

import hashlib
import importlib.resources
import importlib.util
import io
import logging
import math
import os
import sys
import tomllib
import warnings
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from . import checks, files, npy
from .quiet import quiet

_FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP")
_ACCEPTED = "a PNG, JPEG, TIFF, GIF, BMP or WebP picture or .npy array of floats, at most 64 megapixels"
_DEFLATED = (8, 32946)  # the two numbers that TIFF has for it
_TOPS = {1: 255.0, 2: 65535.0}  # of unsigned integers, by their bytes
_MOST_SCANS = 200  # of a JPEG: each is a pass over all pixels, and progressive ones have about ten
_MOST_EXIF = 2**18  # bytes: Pillow may hold them many times over
_FLOAT_LIMIT = 10.0  # unclipped results stray a little from [0, 1]; 0..255 data strays far
_PIP_NAMES = {"sklearn": "scikit-learn", "skimage": "scikit-image"}
for _library in ("PIL", "tifffile"):  # without a handler of its own, a library's log goes to stderr
    logging.getLogger(_library).addHandler(logging.NullHandler())


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


def load(
    path_or_name: str | os.PathLike[str], size: tuple[int, int] | None = None, max_side: int | None = None
) -> Picture:
    """Load a picture file, or a bundled picture by its name when no such file exists.

    Alpha is composited over white; gray, palette and CMYK become RGB; EXIF rotation is applied; of an
    animation the first frame is taken. Gray, RGB and RGBA keep 16-bit precision. `size` and `max_side` are
    those of `fit`. Float TIFF and .npy hold values of the convention above, which may stray a little. Raises
    `InputError` for a missing, unreadable, damaged, truncated, too small, too large or non-finite picture.
    """
    label, data, digest = _read(path_or_name)
    values = _decode(data, label)
    del data  # of 64 megapixels each copy counts
    image = checks.image(_over_white(values), f"picture {label}")
    return Picture(label, fit(image, size, max_side), digest)


def fit(image: np.ndarray, size: tuple[int, int] | None = None, max_side: int | None = None) -> np.ndarray:
    """Resize to `size` = (height, width), or shrink to a longest side of `max_side` keeping the aspect.

    `max_side` never enlarges; with neither, the image is returned as it is. Raises `InputError` when both are
    given, or a side would be shorter than `checks.MIN_SIDE`.
    """
    if size is not None and max_side is not None:
        raise checks.problem("size and max_side", "are both given", (size, max_side), "only one", "drop one")
    if size is not None:
        return resize(image, size)
    image = checks.image(image, "image")
    if max_side is None:
        return image
    longest = checks.in_range(max_side, "max_side", checks.MIN_SIDE, math.inf, integer=True)
    height, width = image.shape[:2]
    if longest >= max(height, width):
        return image
    needed = math.ceil(checks.MIN_SIDE * max(height, width) / min(height, width))
    checks.in_range(longest, f"max_side of a {width}x{height} picture", needed, math.inf, integer=True)
    return resize(image, tuple(round(side * longest / max(height, width)) for side in (height, width)))


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize an image to (height, width) by anti-aliased bilinear interpolation.

    Pillow's BILINEAR widens its triangle filter when shrinking, hence is anti-aliased; it runs on each
    channel in mode "F", so values keep float32 precision and are never rounded to 8 bits.

    Returns a float64 array of shape (height, width, 3) within the range of `image`, a copy if the size is
    unchanged. Raises `InputError` for a bad image, or sides that `checks.shape` refuses.
    """
    image = checks.image(image, "image")
    height, width = checks.shape(size)
    if image.shape[:2] == (height, width):
        return image.copy()
    planes = (Image.fromarray(image[..., k].astype(np.float32)) for k in range(3))
    resized = [np.asarray(plane.resize((width, height), Image.Resampling.BILINEAR)) for plane in planes]
    return np.stack(resized, axis=-1).astype(np.float64)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Return the image clipped to [0, 1] and rounded to the nearest 8-bit level: uint8, (H, W, 3)."""
    return np.rint(np.clip(checks.image(image, "image"), 0.0, 1.0) * 255.0).astype(np.uint8)


def out_of_range_fraction(image: np.ndarray) -> float:
    """Return the share of the values (not pixels) of an image that lie outside [0, 1]."""
    image = checks.image(image, "image")
    return float(np.mean((image < 0.0) | (image > 1.0)))


def save_png(path: str | os.PathLike[str], image: np.ndarray) -> Path:
    """Write an image as an 8-bit PNG, clipped and rounded as by `to_uint8`, and return its path.

    The file is written beside its place and then moved there, so it appears whole or not at all. Raises
    `InputError` for a bad image, a name without .png, or a place that cannot be written.
    """
    accepted = "the name of a .png file in an existing folder"
    target = checks.path(path, "output picture")
    if target.suffix.lower() != ".png":
        raise checks.problem("output picture", "is not named .png", target, accepted, "end its name in .png")
    pixels = to_uint8(image)
    try:
        with files.whole(target) as sibling:
            Image.fromarray(pixels).save(sibling, format="PNG")
    except OSError as error:
        raise checks.os_problem(error, "output picture", target, accepted) from None
    return target


def uniform_noise(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Return noise uniform on [0, 1) of shape (height, width, 3) from `np.random.default_rng(seed)`."""
    height, width = checks.shape(shape, "shape")
    return np.random.default_rng(checks.seed(seed)).random((height, width, 3))


def noise_draws(shape: tuple[int, int], seed: int, draws: int) -> np.ndarray:
    """Return independent uniform noise images, shape (draws, height, width, 3).

    Draw 0 comes from `SeedSequence(seed)` itself, hence equals `uniform_noise(shape, seed)`; draw k > 0 comes
    from its k-th spawned child. A draw does not depend on how many are made. Raises `InputError` for a bad
    shape or seed, or draws that together exceed `checks.MAX_PIXELS`.
    """
    height, width = checks.shape(shape, "shape")
    count = int(checks.in_range(draws, "draws", 1, checks.MAX_PIXELS // (height * width), integer=True))
    root = np.random.SeedSequence(checks.seed(seed))
    generators = map(np.random.default_rng, [root, *root.spawn(count - 1)])
    return np.stack([generator.random((height, width, 3)) for generator in generators])


def bundled() -> dict[str, BundledPicture]:
    """Return the catalogue of bundled pictures by name; the files themselves are not touched."""
    text = importlib.resources.files("decoupling_lib").joinpath("pictures.toml").read_text("utf-8")
    return {name: BundledPicture(name=name, **entry) for name, entry in tomllib.loads(text).items()}


def bundled_picture_path(name: str) -> Path:
    """Return where the bundled picture lies; `InputError` for an unknown name or a package not installed."""
    pictures = bundled()
    entry = pictures[checks.choice(name, pictures, "bundled picture")]
    spec = importlib.util.find_spec(entry.package)
    if spec is None:
        step = f"pip install {_PIP_NAMES[entry.package]}"
        raise checks.problem("bundled picture", f"needs {entry.package}", name, "an installed package", step)
    # A module made from its spec but never executed: finding the file must not import the whole package.
    module = importlib.util.module_from_spec(spec)
    return Path(str(importlib.resources.files(module).joinpath(entry.path)))


def _read(path_or_name: str | os.PathLike[str]) -> tuple[str, bytes, str]:
    pictures = bundled()
    file = checks.path(path_or_name, "picture")
    entry = pictures.get(str(file)) if os.path.isdir(file) or not os.path.lexists(file) else None
    file = bundled_picture_path(entry.name) if entry else file
    try:
        data = checks.regular_file(file, "picture", list(pictures)).read_bytes()
    except OSError as error:
        raise checks.os_problem(error, "picture", file, "a file that you may read") from None
    digest = hashlib.sha256(data).hexdigest()
    if entry and digest != entry.sha256:
        what, step = "is another one: the package changed its file", f"reinstall {_PIP_NAMES[entry.package]}"
        raise checks.problem(f"picture {entry.name}", what, digest, f"sha256 {entry.sha256}", step)
    return (entry.name if entry else file.name), data, digest


def _decode(data: bytes, label: str) -> np.ndarray:
    """Return the values of a picture file, (H, W) or (H, W, 1 to 4): floats, or all of the range of uint8 or uint16."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if data.startswith(b"\x93NUMPY"):
                return _floats(npy.parse(data), label)
            try:
                # libtiff writes to stderr what its exception says anyway.
                with quiet() if data[:2] in (b"II", b"MM") else nullcontext():
                    return _decode_pillow(data, label)
            except UnidentifiedImageError:
                if data.startswith((b"II*\0", b"MM\0*")):
                    return _decode_tiff(data, label)
                raise _refused("is not a picture of a known kind", label) from None
    except checks.InputError:
        raise
    except Exception as error:  # noqa: BLE001 - decoders meet damaged data with errors of every kind
        raise _refused(f"is damaged, cut short or too large ({str(error)[:80]})", label) from None


def _refused(what: str, label: str, step: str = "open and save it anew, or use another") -> checks.InputError:
    return checks.problem("picture", what, label, _ACCEPTED, step)


def _within_limit(height: int, width: int, label: str) -> None:
    checks.in_range(height * width, f"number of pixels of {label}", 1, checks.MAX_PIXELS, integer=True)


def _open(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=_FORMATS)


def _decode_pillow(data: bytes, label: str) -> np.ndarray:
    with _open(data) as image:
        _within_limit(image.height, image.width, label)
        exif = image.info.get("exif") or image.info.get("Raw profile type exif") or b""
        if data.count(b"\xff\xda") > _MOST_SCANS and image.format in ("JPEG", "MPO") or len(exif) > _MOST_EXIF:
            raise _refused("has too many scans, or too much said about it", label, "save it anew without metadata")
        if image.format == "PNG":  # only verify() sees a lost end or a bad checksum
            _open(data).verify()
        tags = getattr(image, "tag_v2", {})
        args = image.tile[0].args if image.tile else None
        rawmode = str(args[0] if isinstance(args, tuple) else args)
        if rawmode == "R" and max(tags[258]) > 8:
            return _decode_tiff(data, label)  # Pillow misreads 16-bit planes stored one after another
        if image.mode == "I":
            raise _refused("holds signed or 32-bit integers", label, "save it with 8 or 16 bits")
        if rawmode.startswith(("RGB;16", "RGBA;16", "RGBX;16", "LA;16")):
            values = _decode_16_bits(data, rawmode)
        else:
            upright = ImageOps.exif_transpose(image)
            if image.mode == "F":
                return _floats(np.asarray(upright), label)
            if not image.mode.startswith("I;16"):
                return np.asarray(upright.convert("RGBA"))
            values = np.asarray(upright)[..., None]
        values = 65535 - values if tags.get(262) == 0 else values  # white is zero
        if (key := image.info.get("transparency")) is not None:
            opaque = np.any(values != np.asarray(key), axis=-1, keepdims=True)
            values = np.concatenate([values, np.uint16(65535) * opaque], axis=-1)
        return values


def _decode_16_bits(data: bytes, rawmode: str) -> np.ndarray:
    # Pillow keeps only the high byte of each color value. Reading again as if of the other byte order gives
    # the low byte; gray with alpha comes out whole when its four bytes are taken for RGBA.
    if rawmode == "LA;16B":
        whole = _bytes_as(data, "RGBA")
        return 256 * whole[..., ::2] + whole[..., 1::2]
    big = rawmode[-1] == "B" or (rawmode[-1] == "N" and sys.byteorder == "big")
    return 256 * _bytes_as(data, rawmode) + _bytes_as(data, rawmode[:-1] + ("L" if big else "B"))


def _bytes_as(data: bytes, rawmode: str) -> np.ndarray:
    with _open(data) as image:
        image.tile = [
            tile._replace(args=(rawmode, *tile.args[1:]) if isinstance(tile.args, tuple) else rawmode)
            for tile in image.tile
        ]
        return np.asarray(ImageOps.exif_transpose(image)).astype(np.uint16)


def _decode_tiff(data: bytes, label: str) -> np.ndarray:
    import tifffile  # only for the few TIFF kinds that Pillow does not read

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        _within_limit(page.imagelength, page.imagewidth, label)
        most = 4 * page.size + 2**20  # tiles at the edges are larger than what is seen of them
        segments = zip(page.dataoffsets, page.databytecounts, strict=True)
        if (
            page.nbytes > 2**30  # 64 megapixels of four float32
            or page.tilewidth * page.tilelength > most
            or page.compression not in (1, *_DEFLATED)
            or (
                page.compression in _DEFLATED
                and not _inflate_within((data[at : at + n] for at, n in segments), most * page.dtype.itemsize)
            )
        ):
            raise _refused("claims to hold more than it shows, or is compressed in an unknown way", label)
        values = np.moveaxis(page.asarray(), 0, -1) if page.axes == "SYX" else page.asarray()
        return values if values.dtype == np.uint16 and _is_picture(values) else _floats(values, label)


def _inflate_within(segments: Iterator[bytes], most: int) -> bool:
    """Return whether deflated bytes hold at most so many; the decoder itself would go on until the memory is full."""
    for segment in segments:
        inflate = zlib.decompressobj()
        while segment and most >= 0:
            most -= len(inflate.decompress(segment, 2**20))
            segment = inflate.unconsumed_tail
    return most >= 0


def _floats(values: np.ndarray, label: str) -> np.ndarray:
    fits = values.dtype.kind == "f" and _is_picture(values)
    if fits:
        _within_limit(*values.shape[:2], label)
    if not fits or any(np.any(np.abs(band) > _FLOAT_LIMIT, where=np.isfinite(band)) for band in _bands(values)):
        what = f"has no floats near [0, 1], or a wrong shape ({checks.shown(values)})"
        raise _refused(what, label, "save floats in [0, 1] of shape (height, width, 3)")
    return values


def _is_picture(values: np.ndarray) -> bool:
    return values.ndim == 2 or (values.ndim == 3 and 1 <= values.shape[2] <= 4)


def _bands(values: np.ndarray) -> Iterator[np.ndarray]:
    """Rows a few at a time: intermediate results of 64 megapixels at once would take several GiB."""
    rows = max(1, 2**20 // max(1, values.shape[1]))
    return (values[first : first + rows] for first in range(0, values.shape[0], rows))


def _over_white(values: np.ndarray) -> np.ndarray:
    """Return values as of `_decode` as float64 (H, W, 3), integers scaled to [0, 1], alpha composited over white."""
    values = np.atleast_3d(values)
    if values.dtype == np.float64 and values.shape[-1] == 3:
        return values
    top = _TOPS[values.dtype.itemsize] if values.dtype.kind == "u" else None
    image, done = np.empty((*values.shape[:2], 3)), 0
    for band in _bands(values):
        with np.errstate(all="ignore"):  # signaling NaNs; they are refused later
            band = band.astype(np.float64) if top is None else band / top
            if values.shape[-1] in (2, 4):
                color, alpha = band[..., :-1], band[..., -1:]
                band = color * alpha + (1.0 - alpha)
        image[done : done + len(band)] = band
        done += len(band)
    return image
