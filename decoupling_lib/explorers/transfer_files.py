"""What can be downloaded of a run: its pictures, and the command line that repeats it."""

from __future__ import annotations

import io
import shlex
import zipfile
from collections.abc import Mapping
from dataclasses import fields

import numpy as np
from PIL import Image

from ..common.arrays import Floats
from ..images.pictures import to_uint8
from ..plotting.pages import data_address, element
from ..transfers.options import Options
from .exhibit import write_html

SETTINGS = "settings.txt"
"""The file of settings in the archive."""
_DATE = (1980, 1, 1, 0, 0, 0)
"""The date of all files in the archive: equal runs give equal archives."""


def command_line(origin: str, target: str, options: Options) -> str:
    """Return the command that repeats a run.

    Parameters
    ----------
    origin, target : str
        The pictures' names, or the names of their files.
    options : Options
        The options; those with their default values are left out.

    Returns
    -------
    str
        The command, quoted for a shell.

    Examples
    --------
    >>> command_line("coffee", "china", Options(layers=1, size=(64, 48), keep_colors=True))
    'decoupling transfer coffee china --layers 1 --size 48x64 --keep-colors --out transfer'
    """
    words = ["decoupling", "transfer", origin, target]
    for field in fields(options):
        value, flag = getattr(options, field.name), f"--{field.name.replace('_', '-')}"
        if value == field.default:
            continue
        if value is True:
            words.append(flag)
        elif field.name == "size":
            words += [flag, f"{value[1]}x{value[0]}"]
        else:
            words += [flag, f"{value:.10g}" if isinstance(value, float) else str(value)]
    return shlex.join([*words, "--out", "transfer"])


def pack_files(pictures: Mapping[str, Floats], settings: str) -> bytes:
    """Return an archive of the pictures and settings of a run.

    Parameters
    ----------
    pictures : mapping of str to ndarray, shape (H, W, 3)
        Images by the names of their files, without ending; saved as PNG.
    settings : str
        Content of the file of settings.

    Returns
    -------
    bytes
        A ZIP file.
    """
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr(zipfile.ZipInfo(SETTINGS, _DATE), settings)
        for name, image in pictures.items():
            png = io.BytesIO()
            Image.fromarray(to_uint8(np.nan_to_num(image, nan=0.5))).save(png, "PNG")
            files.writestr(zipfile.ZipInfo(f"{name}.png", _DATE), png.getvalue())
    return archive.getvalue()


def offer_files(pictures: Mapping[str, Floats], command: str) -> str:
    """Return a link that downloads a run, and the command that repeats it.

    Parameters
    ----------
    pictures : mapping of str to ndarray, shape (H, W, 3)
        As for `pack_files`.
    command : str
        From `command_line`.

    Returns
    -------
    str
        HTML.
    """
    address = data_address(pack_files(pictures, f"{command}\n"), "application/zip")
    link = element("a", "Download pictures and settings", href=address, download="transfer.zip")
    # A line may end between options, but not after the hyphens that begin one.
    words = [element("span", f"{word} ", class_="dl-word") for word in command.split(" ")]
    return write_html(element("div", link, " · the same run: ", element("code", *words)))
