"""Answers that a student writes: a word to choose, a function, an explanation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..common.errors import describe_value, join_names
from .answers import Answer, MissingAnswerError, WrongAnswerError, capitalize, count_noun

_LIBRARY = __name__.partition(".")[0]


@dataclass(frozen=True)
class Choice:
    """One of a few words; neither capitals nor spaces nor a period at the end matter.

    Parameters
    ----------
    what : str
        What the word names, as in "the leg".
    options : tuple of str
        The words to choose from.
    """

    what: str
    options: tuple[str, ...]

    def read(self, value: Any) -> str:
        """Return one of the options.

        Parameters
        ----------
        value : object
            What the student gives.

        Returns
        -------
        str
            The option, as it is written in `options`.

        Raises
        ------
        WrongAnswerError
            For anything else.
        """
        wanted = f"Choose one of: {join_names(self.options)}."
        if not isinstance(value, str):
            raise WrongAnswerError(f"{capitalize(self.what)} is not text. {wanted} Put it in quotes.")
        for option in self.options:
            if _plain(value) == _plain(option):
                return option
        raise WrongAnswerError(f"{capitalize(self.what)} is {describe_value(value)}. {wanted}")


@dataclass(frozen=True)
class Function:
    """A function that the student writes.

    Parameters
    ----------
    what : str
        What the function is, as in "the function lift".
    """

    what: str

    def read(self, value: Any) -> Callable[..., Any]:
        """Return the function.

        Parameters
        ----------
        value : object
            What the student gives.

        Returns
        -------
        callable
            The function.

        Raises
        ------
        WrongAnswerError
            If it cannot be called, or is a function of this library.
        """
        if not callable(value):
            kind = type(value).__name__
            step = "Pass the function itself: its name, without parentheses."
            raise WrongAnswerError(f"{capitalize(self.what)} is a value of type {kind}, which cannot be called. {step}")
        if str(getattr(value, "__module__", "")).startswith(f"{_LIBRARY}."):
            name = getattr(value, "__name__", type(value).__name__)
            raise WrongAnswerError(f"{capitalize(self.what)} is {name}, a function of the library. Write your own.")
        return value


@dataclass(frozen=True)
class Explanation:
    """An answer in the student's own words, which is recorded and not judged.

    Parameters
    ----------
    what : str
        What is to be explained, as in "your explanation".
    fewest : int
        The least number of words that can be an explanation.
    """

    what: str = "your explanation"
    fewest: int = 8

    def read(self, value: Any) -> str:
        """Return the text.

        Parameters
        ----------
        value : object
            What the student gives.

        Returns
        -------
        str
            The text without spaces at its ends.

        Raises
        ------
        WrongAnswerError
            If it is no text, or too short to explain anything.
        """
        if not isinstance(value, str):
            raise WrongAnswerError(f'{capitalize(self.what)} is not text. Write it between """ and """.')
        text = value.strip()
        count = len(text.split())
        if count < self.fewest:
            words = f"{count_noun(count, 'word')}"
            raise WrongAnswerError(f"{capitalize(self.what)} has only {words}. Write a whole sentence or two.")
        return text


def call(function: Callable[..., Any], arguments: Sequence[Any], result: Answer) -> Any:
    """Call a student's function and read what it returns.

    Parameters
    ----------
    function : callable
        The student's function.
    arguments : sequence
        What it receives. Arrays are copied, so that a function that changes them does no harm.
    result : Answer
        What it should return.

    Returns
    -------
    object
        What `result.read` returns.

    Raises
    ------
    WrongAnswerError
        If the function raises, returns nothing, or returns something else.
    MissingAnswerError
        If it still returns ``...``, as at the beginning.
    """
    try:
        value = function(*(np.array(each) if isinstance(each, np.ndarray) else each for each in arguments))
    except Exception as error:  # noqa: BLE001 - whatever a student's function does wrong
        message = " ".join(f"{type(error).__name__}: {error}".split())[:200].rstrip(".")
        raise WrongAnswerError(f"Your function stops with an error when it is called: {message}.") from None
    if value is ...:
        raise MissingAnswerError
    if value is None:
        raise WrongAnswerError("Your function returns nothing. Does its last line begin with return?")
    return result.read(value)


def _plain(text: str) -> str:
    return " ".join(text.split()).rstrip(".").casefold()
