"""What is wrong with a path that leads to no file, and what to do about it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import islice
from urllib.parse import unquote, urlsplit

from ..errors import InputError, input_error, suggest

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/[^\\]|data:")
_VARIABLE = re.compile(r"\$\w|\$\{\w|%\w+%")
_MOST_SIBLINGS = 1000  # of a folder, among which a similar name is looked for


def missing_file(name: str, text: str, accepted: str, known: Sequence[str] = ()) -> InputError:
    """Return the error for a path that leads to no file.

    Parameters
    ----------
    name : str
        What the message calls the file.
    text : str
        The path received.
    accepted : str
        What the file may be.
    known : sequence of str
        Names of bundled pictures that could have been given instead.

    Returns
    -------
    InputError
        It says why: the text is an address, has a variable or a quotation mark that the shell left in it, or is nearly
        the name of another file.
    """
    what, step = _explain(text, known)
    return input_error(name, what, text, accepted, step)


def _explain(text: str, known: Sequence[str]) -> tuple[str, str]:
    if _ADDRESS.match(text):
        return _explain_address(text)
    stripped = text.strip().strip("\"'")
    if stripped != text and os.path.exists(stripped):
        return "does not exist", f'leave out the quotation marks and blanks: "{stripped}"'
    if _VARIABLE.search(text):
        expanded = os.path.expandvars(text)
        step = f'give "{expanded}"' if os.path.exists(expanded) else "write the path itself"
        return "does not exist: it has a variable that the shell did not replace", step
    if re.search(r"[*?]|\[.*\]", text):
        return "does not exist: it has a wildcard that fits no file", "give the name of one file"
    if os.sep == "/" and "\\" in text:
        return "does not exist", "write / instead of \\ between the names of folders"
    folder, file = os.path.split(text)
    if folder and not os.path.isdir(folder):
        exists = os.path.exists(folder)
        what = "does not exist: a part of the path is not a folder" if exists else "does not exist, nor does its folder"
        return what, "check the spelling"
    step = suggest(os.path.splitext(file)[0], known)
    return "does not exist", suggest(file, _siblings(folder)) if step == "check the spelling" else step


def _explain_address(text: str) -> tuple[str, str]:
    scheme = text.partition(":")[0].lower()
    if scheme == "file":
        return "is an address instead of a path", f'give the path itself: "{unquote(urlsplit(text).path)}"'
    if scheme == "data":
        return "is a picture in the form of an address", "save it to a file, and give the name of the file"
    return "is an address, and nothing is downloaded", "download it first, and give the name of the file"


def _siblings(folder: str) -> list[str]:
    """Return the names of some files in a folder; none if it cannot be read."""
    try:
        with os.scandir(folder or ".") as entries:
            return [entry.name for entry in islice(entries, _MOST_SIBLINGS)]
    except (OSError, ValueError):
        return []
