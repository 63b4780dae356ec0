"""Answers that are numbers: which forms are equivalent, and what is said about all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..common.errors import describe_value
from .answers import WrongAnswerError, capitalize, count_noun


@dataclass(frozen=True)
class Number:
    """A finite real number of any numeric type; an array without axes counts as a number.

    Parameters
    ----------
    what : str
        What the number is, as in "the exponent".
    """

    what: str

    def read(self, value: Any) -> float:
        """Return a number.

        Parameters
        ----------
        value : object
            What the student gives.

        Returns
        -------
        float
            The number.

        Raises
        ------
        WrongAnswerError
            For anything else.
        """
        if isinstance(value, bool | np.bool_):
            raise WrongAnswerError(f"{self._subject} is {value}. Give a number, not True or False.")
        if isinstance(value, str | bytes):
            raise WrongAnswerError(f"{self._subject} is text, {describe_value(value)}. Give a number, without quotes.")
        if callable(value):
            raise WrongAnswerError(f"{self._subject} is a function. Call it, and give the number that it returns.")
        if isinstance(value, Sequence | Set | Mapping) or np.ndim(_array(value, self._subject)) > 0:
            count = np.size(value) if hasattr(value, "shape") else len(value)
            kind = "an array" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
            take = "Take its only entry, as in answer[0]." if count == 1 else "Give one number."
            raise WrongAnswerError(f"{self._subject} is {kind} of {count_noun(count, 'value')}. {take}")
        return _finite_number(value, self._subject)

    @property
    def _subject(self) -> str:
        return capitalize(self.what)


@dataclass(frozen=True)
class Array:
    """Finite real numbers in a certain shape: an array, or lists and tuples of numbers.

    Parameters
    ----------
    what : str
        What the array is, as in "the shares".
    shape : tuple of int or None
        Its lengths along each axis; None is any length.
    """

    what: str
    shape: tuple[int | None, ...]

    def read(self, value: Any) -> np.ndarray:
        """Return an array of the asked shape.

        Parameters
        ----------
        value : object
            What the student gives.

        Returns
        -------
        ndarray
            A copy in double precision.

        Raises
        ------
        WrongAnswerError
            For anything else.
        """
        subject, wanted = capitalize(self.what), self._wanted()
        if isinstance(value, str | bytes):
            raise WrongAnswerError(f"{subject} is text, {describe_value(value)}. Give {wanted}, without quotes.")
        if callable(value):
            raise WrongAnswerError(f"{subject} is a function. Call it, and give what it returns: {wanted}.")
        if isinstance(value, Set | Mapping):
            kind = type(value).__name__
            raise WrongAnswerError(f"{subject} is a {kind}, whose values have no places. Give {wanted}.")
        array = _array(value, subject)
        if array.dtype.kind in "bUS":
            holds = "True and False" if array.dtype.kind == "b" else "text"
            raise WrongAnswerError(f"{subject} holds {holds}. Give {wanted}.")
        if not self._fits(array.shape):
            raise WrongAnswerError(f"{subject} {self._misfit(array)}. Give {wanted}.")
        if array.dtype.kind == "c" and np.any(array.imag != 0):
            raise WrongAnswerError(f"{subject} holds complex numbers. Give {wanted}, all of them real.")
        try:
            numbers = np.array(array.real, dtype=float)
        except Exception:  # noqa: BLE001 - the conversion of foreign objects may raise anything
            raise WrongAnswerError(f"{subject} holds values that are no numbers. Give {wanted}.") from None
        if not np.all(np.isfinite(numbers)):
            count = int(np.sum(~np.isfinite(numbers)))
            holds = f"{count_noun(count, 'value')} that {'is' if count == 1 else 'are'} NaN or infinite"
            raise WrongAnswerError(f"{subject} holds {holds}. Look for a division by 0, or the logarithm of 0.")
        return numbers

    def _fits(self, shape: tuple[int, ...]) -> bool:
        return len(shape) == len(self.shape) and all(
            one is None or one == other for one, other in zip(self.shape, shape, strict=True)
        )

    def _misfit(self, array: np.ndarray) -> str:
        """Say how the shape differs."""
        if array.ndim == 0:
            return "is a single value"
        if self._fits(array.shape[::-1]) and array.ndim > 1:
            return f"has the shape {array.shape}, which is transposed"
        if self._fits(np.squeeze(array).shape):
            return f"has the shape {array.shape}, with axes of length 1 that array.squeeze() removes"
        return f"has {array.size} values" if array.ndim == len(self.shape) == 1 else f"has the shape {array.shape}"

    def _wanted(self) -> str:
        if len(self.shape) == 1:
            count = self.shape[0]
            return "a list or an array of numbers" if count is None else f"{count} numbers in a list or an array"
        lengths = " × ".join("any number" if length is None else str(length) for length in self.shape)
        return f"an array of {lengths} numbers"


def _array(value: Any, subject: str) -> np.ndarray:
    """Return a value as an array of any type."""
    try:
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            raise WrongAnswerError(f"{subject} has masked values. Give all values.")
        return np.asarray(value)
    except WrongAnswerError:
        raise
    except ValueError:
        raise WrongAnswerError(f"{subject} has rows of different lengths. Give rows of one length.") from None
    except Exception:  # noqa: BLE001 - the conversion of foreign objects may raise anything
        raise WrongAnswerError(f"{subject} is {describe_value(value)}, which holds no numbers.") from None


def _finite_number(value: Any, subject: str) -> float:
    try:
        whole = complex(value)
        number = float(whole.real)
    except Exception:  # noqa: BLE001 - the conversion of foreign objects may raise anything
        raise WrongAnswerError(f"{subject} is {describe_value(value)}, which is no number.") from None
    if whole.imag != 0:
        raise WrongAnswerError(f"{subject} is a complex number. Give a real one.")
    if np.isnan(number):
        raise WrongAnswerError(f"{subject} is NaN, which is no number. Look for 0/0, or the logarithm of a negative.")
    if np.isinf(number):
        raise WrongAnswerError(f"{subject} is infinite. Look for a division by 0.")
    return number
