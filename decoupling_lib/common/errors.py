"""Errors about a user's input or output: one line that says what was wrong, what was received, and what to do next."""

import difflib
import errno
import os
from collections.abc import Iterable, Sized
from typing import Any

import numpy as np

_SHOWN_CHARACTERS = 72
_LISTED_CHARACTERS = 600
_OS_REASONS = {
    errno.EACCES: ("permission is denied", "change its permissions or choose another place"),
    errno.EPERM: ("permission is denied", "change its permissions or choose another place"),
    errno.EROFS: ("the file system is read-only", "choose a place on a writable disk"),
    errno.ENAMETOOLONG: ("the name is too long", "choose a shorter name"),
    errno.ENOSPC: ("the disk is full", "free some space or choose another disk"),
    errno.ENOENT: ("there is no such file or folder", "check the spelling"),
    errno.ENOTDIR: ("a part of the path is not a folder", "choose another path"),
    errno.EEXIST: ("a part of the path exists and is not a folder", "choose another path"),
    errno.EISDIR: ("it is a folder", "give the name of a file"),
    errno.ELOOP: ("its links run in a circle", "choose another path"),
}


class InputError(ValueError):
    """A value from the user cannot be used; the message is one line, fit to be shown as it is."""


class OutputError(InputError):
    """An output cannot be written where the user wants it."""


def join_names(options: Iterable[Any]) -> str:
    """Return names as one text for a message, cut short where there are very many."""
    text = ", ".join(str(option) for option in options)
    return text if len(text) <= _LISTED_CHARACTERS else f"{text[:_LISTED_CHARACTERS]}..."


def os_input_error(error: OSError, name: str, file: Any, accepted: str) -> InputError:
    """Return the `InputError` that explains a refusal by the operating system."""
    fallback = (error.strerror or type(error).__name__, "choose another path")
    what, step = _OS_REASONS.get(error.errno or 0, fallback)
    return input_error(name, f"cannot be used, {what}", file, accepted, step)


def output_error(error: OSError, name: str, file: Any, accepted: str) -> OutputError:
    """Return the `OutputError` that explains why the operating system would not write a file."""
    return OutputError(str(os_input_error(error, name, file, accepted)))


def suggest(value: Any, known: Iterable[Any]) -> str:
    """Return the next step for an unknown name: the closest known one, or a look at the list."""
    names = {str(option).lower(): str(option) for option in known}
    close = difflib.get_close_matches(value[:99].lower(), names, n=1) if isinstance(value, str) else []
    return f'did you mean "{names[close[0]]}"?' if close else "check the spelling"


def input_error(name: str, what: str, value: Any, accepted: str, step: str) -> InputError:
    """Return an `InputError` whose one line holds its five parts."""
    return InputError(
        escape_unprintable(f"{name} {what}; received {describe_value(value)}; accepted: {accepted}; {step}")
    )


def describe_value(value: Any) -> str:
    """Return one short line for any value: arrays as their shape, long text shortened, newlines escaped."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, np.generic):
        value = value.item()
    kind = type(value).__name__
    if hasattr(value, "shape"):
        return f"{kind} of shape {value.shape}, type {getattr(value, 'dtype', 'unknown')}"[:200]
    if isinstance(value, Sized) and not isinstance(value, (str, bytes)):
        plain = isinstance(value, (list, tuple)) and all(type(entry) in (str, int, float) for entry in value)
        if not plain or len(value) > 4:
            return f"{kind} of {len(value)} entries"
    try:
        text = escape_unprintable(repr(value))
    except Exception:  # noqa: BLE001 - a foreign __repr__, or an integer of thousands of digits
        return f"a value of type {kind}"
    if len(text) > _SHOWN_CHARACTERS:
        return f"{text[:40]}...{text[-20:]} ({len(text)} characters)"
    return text


def escape_unprintable(text: str) -> str:
    """Return the text with each character that is not printable written as its escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
