"""Errors about a user's input or output: one line that says what was wrong, what was received and what to do next."""

from __future__ import annotations

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
    errno.ELOOP: ("its symbolic links form a loop", "choose another path"),
}
"""What was wrong and the next step, by the operating system's error number."""


class InputError(ValueError):
    """A value from the user cannot be used; the message is one line that can be shown as it is."""


class RunEndedError(Exception):
    """A run ended before it was finished; the message is one line.

    Parameters
    ----------
    status : str
        "interrupted", "stalled" or "diverged".
    where : str
        Name of the part of the run in which it ended.
    execution : object
        What was done until then; see `runs.execute.Execution`.
    """

    def __init__(self, status: str, where: str, execution: Any):
        self.status, self.where, self.execution = status, where, execution
        super().__init__(f"the run {'was interrupted' if status == 'interrupted' else status} in {where}")


class DrawingError(Exception):
    """Pictures could not be drawn, although all that they show was computed and kept; the message is one line."""


class OutputError(InputError):
    """An output cannot be written where the user wants it."""


def output_error(error: OSError, name: str, file: Any, accepted: str) -> OutputError:
    """Return the error that explains why the operating system did not write a file.

    Parameters
    ----------
    error : OSError
        The operating system's refusal.
    name : str
        What the file is to the user, such as "output image".
    file : str or os.PathLike
        The path received.
    accepted : str
        What the path may be.

    Returns
    -------
    OutputError
        The error to raise, with the same message as that of `os_input_error`.
    """
    return OutputError(str(os_input_error(error, name, file, accepted)))


def os_input_error(error: OSError, name: str, file: Any, accepted: str) -> InputError:
    """Return the error that explains why the operating system refused a path.

    Parameters
    ----------
    error : OSError
        The operating system's refusal.
    name : str
        What the file or folder is to the user, such as "output folder".
    file : str or os.PathLike
        The path received.
    accepted : str
        What the path may be.

    Returns
    -------
    InputError
        The error to raise.
    """
    fallback = (error.strerror or type(error).__name__, "choose another path")
    what, step = _OS_REASONS.get(error.errno or 0, fallback)
    return input_error(name, f"cannot be used: {what}", file, accepted, step)


def input_error(name: str, what: str, value: Any, accepted: str, step: str) -> InputError:
    """Return an error whose message is one line with five parts.

    Parameters
    ----------
    name : str
        What the value is to the user, such as "size" or "--seed".
    what : str
        What is wrong, as the predicate of a sentence that begins with `name`.
    value : object
        The value received; the message shows it as `describe_value` does.
    accepted : str
        Which values are accepted.
    step : str
        What the user can do next, in the imperative.

    Returns
    -------
    InputError
        The error to raise.
    """
    line = f"{name} {what}; received {describe_value(value)}; accepted: {accepted}; {step}"
    return InputError(escape_unprintable(line))


def describe_value(value: Any) -> str:
    """Return one short printable line for any value.

    Arrays are described by type and shape, long text is shortened, and unprintable characters are escaped.

    Parameters
    ----------
    value : object
        Anything, including objects whose ``repr`` fails.

    Returns
    -------
    str
        Short text without a line break.
    """
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
    except Exception:  # a foreign class's repr may raise anything; that of an integer fails if it is very long
        return f"a value of type {kind}"
    if len(text) > _SHOWN_CHARACTERS:
        return f"{text[:40]}...{text[-20:]} ({len(text)} characters)"
    return text


def escape_unprintable(text: str) -> str:
    r"""Return a text in which every unprintable character is replaced by its escape sequence.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        The text with, for example, a line break shown as ``\n``.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def suggest(value: Any, known: Iterable[Any]) -> str:
    """Return the next step for an unknown name: a question about the closest known one, or a request to check it.

    Parameters
    ----------
    value : object
        The value received; only text has a closest name.
    known : iterable
        The known names; their letters are compared without regard to case.

    Returns
    -------
    str
        The last part of a message for `input_error`.
    """
    names = {str(option).lower(): str(option) for option in known}
    close = difflib.get_close_matches(value[:99].lower(), names, n=1) if isinstance(value, str) else []
    return f'did you mean "{names[close[0]]}"?' if close else "check the spelling"


def join_names(options: Iterable[Any]) -> str:
    """Return names as one text for a message.

    Parameters
    ----------
    options : iterable
        The names, or values that are shown by ``str``.

    Returns
    -------
    str
        The names with commas between them, cut after 600 characters.
    """
    text = ", ".join(str(option) for option in options)
    return text if len(text) <= _LISTED_CHARACTERS else f"{text[:_LISTED_CHARACTERS]}..."
