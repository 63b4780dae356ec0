"""The catalog of bundled pictures: image files inside installed packages, listed in pictures.toml."""

from __future__ import annotations

import importlib.resources
import importlib.util
import tomllib
from dataclasses import dataclass
from pathlib import Path

from ..common import validation
from ..common.errors import input_error

_DISTRIBUTIONS = {"sklearn": "scikit-learn", "skimage": "scikit-image"}


@dataclass(frozen=True)
class BundledPicture:
    """An image file inside an installed package, with its credit; "not stated" where the package states nothing.

    Parameters
    ----------
    name : str
        The name by which `load_picture` knows it.
    package : str
        The package's import name.
    path : str
        The file's path inside the package.
    title, author, license, source : str
        The credit that the package states.
    sha256 : str
        The hexadecimal digest of the file.
    """

    name: str
    package: str
    path: str
    title: str
    author: str
    license: str
    source: str
    sha256: str

    @property
    def distribution(self) -> str:
        """The name by which pip knows the package."""
        return _DISTRIBUTIONS[self.package]


def bundled_picture_path(name: str) -> Path:
    """Return the path of a bundled picture.

    Parameters
    ----------
    name : str
        A name from `bundled_pictures`.

    Returns
    -------
    Path
        A file inside an installed package.

    Raises
    ------
    InputError
        The name is unknown, or the package is not installed.
    """
    pictures = bundled_pictures()
    entry = pictures[validation.choice(name, pictures, "bundled picture")]
    spec = importlib.util.find_spec(entry.package)
    if spec is None:
        step = f"pip install {entry.distribution}"
        raise input_error("bundled picture", f"needs {entry.package}", name, "an installed package", step)
    # The module is created from its spec but not executed: finding a file must not import the whole package.
    module = importlib.util.module_from_spec(spec)
    return Path(str(importlib.resources.files(module).joinpath(entry.path)))


def bundled_pictures() -> dict[str, BundledPicture]:
    """Return the catalog of bundled pictures, without reading their files.

    Returns
    -------
    dict
        `BundledPicture` by name.
    """
    text = importlib.resources.files(__package__).joinpath("pictures.toml").read_text("utf-8")
    return {name: BundledPicture(name=name, **entry) for name, entry in tomllib.loads(text).items()}
