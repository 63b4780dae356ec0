"""Mixtures of origins: their decoupled styles are vectors, and so is a weighted mean of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..common import validation
from ..common.arrays import Floats
from ..common.errors import input_error

MAX_ORIGINS = 8
"""Maximum number of origins of one transfer."""
_ACCEPTED = "PICTURE:SHARE, such as china:0.3, with a share between 0 and 1"
_STEP = "give each further origin its share; ORIGIN has what is left"


def parse_mixture(texts: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """Return further origins and their shares from the texts of the command line.

    Parameters
    ----------
    texts : sequence of str
        PICTURE:SHARE each, where the last colon counts.

    Returns
    -------
    tuple of (str, float)
        Names and shares, not yet validated.

    Raises
    ------
    InputError
        For a text without a colon, a name or a number.
    """
    found = []
    for text in texts:
        name, _, share = text.rpartition(":")
        try:
            found.append((name, float(share)))
        except ValueError:
            raise input_error("--mix", "has no share", text, _ACCEPTED, _STEP) from None
    return tuple(found)


def validate_mixture(value: Any) -> None:
    """Refuse what is not a mixture of origins.

    Parameters
    ----------
    value : object
        Should be a tuple of (name, share): at most `MAX_ORIGINS` - 1, with shares above 0 whose sum is below 1.

    Raises
    ------
    InputError
        If it is not.
    """
    if not isinstance(value, tuple) or not all(isinstance(each, tuple) and len(each) == 2 for each in value):
        raise input_error("mix", "is not a list of origins with their shares", value, _ACCEPTED, _STEP)
    if len(value) >= MAX_ORIGINS:
        accepted = f"at most {MAX_ORIGINS - 1} besides ORIGIN"
        raise input_error("mix", "has too many origins", len(value), accepted, "leave some out")
    for name, share in value:
        if not isinstance(name, str):
            raise input_error("mix", "has an origin without a name", name, _ACCEPTED, "give the name as text")
        validation.path(name, "origin in mix")
        validation.in_range(share, f"share of {name}", 0, 1, low_open=True)
    if (total := sum(share for _, share in value)) >= 1:
        raise input_error(
            "shares in mix", "leave nothing to ORIGIN", total, "shares whose sum is below 1", "lower them"
        )


def own_share(shares: Sequence[float]) -> float:
    """Return the share of the first origin: what the others leave.

    Parameters
    ----------
    shares : sequence of float
        The shares of the others.
    """
    return 1 - sum(shares)


def combine_styles(first: Floats, others: Sequence[Floats], shares: Sequence[float]) -> Floats:
    """Return the style of a mixture.

    Parameters
    ----------
    first : ndarray, shape (n,)
        The style of the first origin.
    others : sequence of ndarray, shape (n,) each
        Those of the other origins.
    shares : sequence of float
        The shares of the others.

    Returns
    -------
    ndarray, shape (n,)
        Σ w_i c_i; `first` itself if there is no other.
    """
    if not shares:
        return first
    mixed: Floats = own_share(shares) * first
    for style, share in zip(others, shares, strict=True):
        mixed = mixed + share * style
    return mixed
