"""The images to which a style flow is applied: files, bundled pictures, and the files of folders, in natural order."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..common import validation
from ..common.errors import input_error, os_input_error
from ..images.bundled import bundled_picture_path, bundled_pictures

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".bmp", ".webp", ".avif", ".jp2", ".j2k"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".tga", ".npy"),
)
"""What the names of images in a folder end with; other files in it are left out."""
_ACCEPTED = "image files, bundled pictures, or folders of image files"


@dataclass(frozen=True)
class FlowImage:
    """An image to which a flow is to be applied.

    Parameters
    ----------
    source : str
        Absolute path of a file, or the name of a bundled picture.
    stem : str
        Name of the output without its ending.
    sha256 : str
        The hexadecimal digest of the file.
    """

    source: str
    stem: str
    sha256: str


def list_images(sources: Sequence[str | os.PathLike[str]], out: Path | None = None) -> list[FlowImage]:
    """Return the images that are named, each with an output of its own.

    Parameters
    ----------
    sources : sequence of str or path
        Files, names of bundled pictures, or folders.
    out : Path, optional
        Folder of the outputs, none of which may replace an input.

    Returns
    -------
    list of FlowImage
        In the order given; the files of a folder in natural order, frame9 before frame10.

    Raises
    ------
    InputError
        For a source that does not exist, a folder without images, two images whose outputs would have one name, or an
        output that would replace an input.
    """
    images: list[FlowImage] = []
    names: dict[str, str] = {}
    for path in (found for source in sources for found in _expand(source)):
        name = path if isinstance(path, str) else str(path)
        stem = name if isinstance(path, str) else path.stem
        if (other := names.setdefault(stem.casefold(), name)) != name or name in (each.source for each in images):
            what = f"would have the output {stem}.png, as {other} has"
            raise input_error("image", what, name, "images of different names", "rename one, or give another folder")
        file = bundled_picture_path(path) if isinstance(path, str) else path
        for ending in (".png", ".npy"):
            if out is not None and (target := out / f"{stem}{ending}").exists() and target.samefile(file):
                step = "choose another --out"
                raise input_error("output folder", f"has the image {file.name} itself", out, "another folder", step)
        try:
            with file.open("rb") as opened:
                images.append(FlowImage(name, stem, hashlib.file_digest(opened, "sha256").hexdigest()))
        except OSError as error:
            raise os_input_error(error, "image", file, "a file that you may read") from None
    return images


def _expand(source: str | os.PathLike[str]) -> list[Path | str]:
    """Return the files that a source names, or the name of a bundled picture."""
    path = validation.path(source, "image")
    if path.is_dir():
        try:
            files = [file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.name[0] != "."]
        except OSError as error:
            raise os_input_error(error, "folder of images", path, _ACCEPTED) from None
        found = sorted((file.absolute() for file in files if file.is_file()), key=natural_order)
        if not found:
            raise input_error("folder of images", "has no image", path, _ACCEPTED, "give a folder with images in it")
        return list(found)
    known = bundled_pictures()
    if str(path) in known and not os.path.lexists(path):
        return [str(path)]
    return [validation.regular_file(source, "image", list(known)).absolute()]


def natural_order(file: Path) -> list[tuple[int, str]]:
    """Return the key by which files are sorted: digits count as numbers.

    Parameters
    ----------
    file : Path
        A file.

    Examples
    --------
    >>> [file.name for file in sorted([Path("f10.png"), Path("f9.png")], key=natural_order)]
    ['f9.png', 'f10.png']
    """
    parts = re.split(r"([0-9]+)", file.name.casefold())
    return [(int(part[:18]), part) if part.isdecimal() else (-1, part) for part in parts]
