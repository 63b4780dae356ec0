"""What an answer is: a value that is read, refused with a sentence, or missing."""

from __future__ import annotations

from typing import Any, Protocol


class WrongAnswerError(Exception):
    """An answer is not right; the message is one or two sentences that help."""


class MissingAnswerError(Exception):
    """An answer has not been given yet; the message says what may have gone wrong, or is empty."""


class Answer(Protocol):
    """One value that an exercise asks for."""

    @property
    def what(self) -> str:
        """Its name in a sentence, such as "the exponent"."""

    def read(self, value: Any) -> Any:
        """Return the value in the form that it is judged in, or raise `WrongAnswerError`."""


def is_missing(value: Any) -> bool:
    """Tell whether a value stands for an answer that has not been given.

    Parameters
    ----------
    value : object
        What a student gives.

    Returns
    -------
    bool
        True for ``...``, None, blank text, and a list or tuple with one of these in it.
    """
    if value is ... or value is None:
        return True
    if isinstance(value, str):
        return value.strip().strip(".…") == ""
    return isinstance(value, list | tuple) and any(is_missing(entry) for entry in value)


def capitalize(text: str) -> str:
    """Return a text whose first letter is a capital, for the beginning of a sentence.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        The text; only its first letter may differ.
    """
    return text[:1].upper() + text[1:]


def count_noun(count: int, noun: str) -> str:
    """Return a number with its noun, such as "1 value" or "3 values".

    Parameters
    ----------
    count : int
        The number.
    noun : str
        The noun in the singular.

    Returns
    -------
    str
        Both.
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
