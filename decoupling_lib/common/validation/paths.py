"""Checks of the paths that a user gives for input files and output folders."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import input_error, os_input_error
from .missing_files import missing_file

MAX_FILE_BYTES = 2**31
"""Size of the largest input file: an image of 64 megapixels with four float64 channels just fits."""


def regular_file(value: Any, name: str, known: Sequence[str] = (), accepted: str = "an image file") -> Path:
    """Return the path of an existing, non-empty regular file, which is not opened.

    Parameters
    ----------
    value : str or os.PathLike
        The path received.
    name : str
        What the message calls the file.
    known : sequence of str
        Names of bundled pictures that could have been given instead; the message for a missing file suggests one.
    accepted : str
        What the file may be.

    Returns
    -------
    Path
        The path.

    Raises
    ------
    InputError
        The path leads to nothing, to a folder, pipe or device, or to a file that is empty or larger than
        `MAX_FILE_BYTES`.
    """
    accepted += f" or a bundled picture ({', '.join(known)})" if known else ""
    file = path(value, name)
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        text = os.fspath(value)  # a Path would make one slash of the two in an address
        raise missing_file(name, str(file) if text.startswith("~") else text, accepted, known) from None
    except OSError as error:
        raise os_input_error(error, name, file, accepted) from None
    if stat.S_ISDIR(status.st_mode):
        raise input_error(name, "is a folder", file, accepted, "give the name of a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise input_error(name, "is not a regular file", file, accepted, "copy its content to a file first")
    if not 0 < status.st_size <= MAX_FILE_BYTES:
        what = "is too large" if status.st_size else "is empty (zero bytes)"
        raise input_error(name, what, file, f"{accepted}, at most {MAX_FILE_BYTES} bytes", "choose another file")
    return file


def output_folder(value: Any) -> Path:
    """Return the path of a folder in which a file can be written, and create the folder if needed.

    Permission bits do not settle the question (root passes every such test), so a temporary file is written and
    removed. On failure every folder that was created here is removed again.

    Parameters
    ----------
    value : str or os.PathLike
        The path received.

    Returns
    -------
    Path
        The path of the existing folder.

    Raises
    ------
    InputError
        The path is a file or lies below one, or the folder cannot be created or written into.
    """
    name = "output folder"
    folder = path(value, name)
    new_folders: list[Path] = []
    try:
        for part in (*reversed(folder.parents), folder):
            if not part.is_dir():
                part.mkdir()
                new_folders.append(part)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
            probe.flush()
    except OSError as error:
        for part in reversed(new_folders):
            with suppress(OSError):
                part.rmdir()
        accepted = "a folder that exists or can be created, and can be written into"
        raise os_input_error(error, name, folder, accepted) from None
    return folder


def path(value: Any, name: str) -> Path:
    """Return a path whose name the operating system can have; a leading `~` or `~user` becomes the home folder.

    A shell replaces it only at the start of a word, and so not in `--out=~/x`, in files and in variables of the
    environment.

    Parameters
    ----------
    value : str or os.PathLike
        The path received; nothing needs to exist there.
    name : str
        What the message calls the file or folder.

    Returns
    -------
    Path
        The path.

    Raises
    ------
    InputError
        The value is not text, is empty, contains a character that no file name can contain, or begins with `~` and a
        name that is not a user's.
    """
    accepted = "the name of a file or folder"
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str):
        raise input_error(name, "is not a path", value, accepted, "give its name as text")
    if not text.strip() or "\0" in text:
        what = "contains a NUL character" if "\0" in text else "is empty"
        raise input_error(name, what, text, accepted, "choose another name")
    try:
        os.fsencode(text)
    except UnicodeError:
        raise input_error(name, "cannot be a file name here", text, accepted, "choose another name") from None
    expanded = os.path.expanduser(text)
    if expanded.startswith("~") and not os.path.lexists(text):
        what, step = "names a user without a home folder here", f"write the whole path; a file of this name is ./{text}"
        raise input_error(name, what, text, accepted, step)
    return Path(expanded)
