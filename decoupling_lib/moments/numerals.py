"""Numbers as people write them: decimal marks, thousands marks, and cells that hold no number.

`float` accepts too little (no decimal comma) and too much (other digits, ``1_0``, ``nan``), so each convention has a
pattern of its own, and `float` only sees what the pattern has accepted.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

BLANKS = " \t\u00a0\u2007\u2009\u202f"
"""Blanks around a cell: space, tab, no-break space, figure space, thin space and narrow no-break space."""
POINT, COMMA, SPACE, APOSTROPHE, UNDERSCORE, NONE = ".", ",", " ", "'", "_", ""
DECIMALS = (POINT, COMMA)
"""Decimal marks."""
THOUSANDS = (NONE, COMMA, POINT, SPACE, APOSTROPHE, UNDERSCORE)
"""Thousands marks; a space stands for all blanks but the tab, and an apostrophe for both of its forms."""
MARKS = {POINT: ".", COMMA: ",", SPACE: BLANKS.replace("\t", ""), APOSTROPHE: "'\u2019", UNDERSCORE: "_", NONE: ""}
"""The characters that each mark stands for."""

_MISSING = frozenset(
    ("na", "n/a", "n.a.", "n.a", "nd", "n/d", "n.d.", "s/d", "nan", "-nan", "+nan", "null", "none", "nil", "missing")
    + ("#n/a", "#nv", "#n/d", "#null!", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#¡valor!", "#¡div/0!")
    + ("#¡num!", "#¡ref!", "#¿nombre?", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "\u2026", "?", "*")
)
_INFINITE = re.compile(r"[-+\u2212]?(?:inf(?:inity)?|∞)", re.IGNORECASE)
_SPREADSHEET_ERROR = re.compile(r"#(?:n/a|nv|n/d|[^\W\d_]*[¡¿]?[\w/]+[!?])", re.IGNORECASE)
_BEGINS_AS_NAME = re.compile(r"[^\W\d]")
_CURRENCIES = r"EUR|USD|GBP|CHF|JPY|CNY|INR|BRL|MXN|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|TRY|ZAR|Rs|kr|R\$"
_WORD_AND_NUMBER = re.compile(
    rf"[^\W\d]+\.?[ \u00a0]*[-+\u2212]?\d[\d.,'\u2019 ]*[.,]\d+|(?:{_CURRENCIES})[.$]?[ \u00a0]*[-+\u2212]?\d+"
)
_ANY_NUMBER = re.compile(r"[-+\u2212]?[\d.,'\u2019 \u00a0]*[.,][\d.,]+")
_LOOK_ALIKES = str.maketrans("OoQlI|S", "0001115")


class Convention(NamedTuple):
    """The marks with which numbers are written.

    Parameters
    ----------
    decimal : str
        One of `DECIMALS`.
    thousands : str
        One of `THOUSANDS`, and not the decimal mark.
    """

    decimal: str
    thousands: str


class Kind(Enum):
    """What a cell holds."""

    NUMBER = "a number"
    EMPTY = "nothing"
    MISSING = "a word for a missing value"
    INFINITE = "an infinite value"
    TEXT = "text"


def classify(cell: str, convention: Convention) -> Kind:
    """Tell what a cell holds, if its numbers are written with certain marks.

    Parameters
    ----------
    cell : str
        The text of the cell, without blanks around it.
    convention : Convention
        The marks.

    Returns
    -------
    Kind
        A number may still be too large or too small for `parse`.
    """
    if _pattern(convention).fullmatch(cell):
        return Kind.NUMBER
    if not cell:
        return Kind.EMPTY
    if cell.lower() in _MISSING:
        return Kind.MISSING
    return Kind.INFINITE if _INFINITE.fullmatch(cell) else Kind.TEXT


def parse(cell: str, convention: Convention) -> float:
    """Return the number in a cell that `classify` calls a number.

    Parameters
    ----------
    cell : str
        The text of the cell.
    convention : Convention
        The marks with which it is written.

    Returns
    -------
    float
        The closest double; infinite if the number is too large for one, and 0 if it is too small.
    """
    for mark in MARKS[convention.thousands]:
        cell = cell.replace(mark, "")
    if convention.decimal == COMMA:
        cell = cell.replace(COMMA, POINT)
    return float(cell.replace("\u2212", "-").replace("D", "e").replace("d", "e"))


def vanishes(cell: str, value: float) -> bool:
    """Tell whether a number that is not 0 became 0 because it is too small for a double.

    Parameters
    ----------
    cell : str
        The number as it is written.
    value : float
        The number as `parse` returned it.

    Returns
    -------
    bool
        Whether digits were lost altogether.
    """
    return value == 0 and re.search(r"[1-9]", re.split(r"[eEdD]", cell)[0]) is not None


def is_name(cell: str) -> bool:
    """Tell whether a cell can only be the name of a column, and not a number with a unit or a typing error.

    Parameters
    ----------
    cell : str
        The text of the cell, without blanks around it.

    Returns
    -------
    bool
        False for ``1O.5``, ``5 kg``, ``EUR 5``, ``n/a`` and whatever else could have been meant as a value.
    """
    if not cell or cell.lower() in _MISSING or _INFINITE.fullmatch(cell):
        return False
    if _WORD_AND_NUMBER.fullmatch(cell) or _ANY_NUMBER.fullmatch(cell.translate(_LOOK_ALIKES)):
        return False
    return bool(_BEGINS_AS_NAME.match(cell)) or not re.search(r"\d", cell)


def is_spreadsheet_error(text: str) -> bool:
    """Tell whether a text begins with what a spreadsheet shows for a failed formula, such as ``#N/A``.

    Parameters
    ----------
    text : str
        A line that begins with ``#``.

    Returns
    -------
    bool
        Whether it is such an error, and not a comment.
    """
    return bool(_SPREADSHEET_ERROR.match(text))


@lru_cache
def _pattern(convention: Convention) -> re.Pattern[str]:
    """Return the pattern of all numbers of a convention; an exponent excludes thousands marks."""
    point = re.escape(convention.decimal)
    fraction = r"\.[0-9]*" if convention.decimal == POINT else ",[0-9]+"
    number = rf"(?:[0-9]+(?:{fraction})?|{point}[0-9]+)(?:[eEdD][-+\u2212]?[0-9]+)?"
    if convention.thousands:
        mark = f"[{re.escape(MARKS[convention.thousands])}]"
        # One number has one kind of blank: where spaces stand between no-break spaces, they divide numbers.
        triples = rf"[1-9][0-9]{{0,2}}(?P<three>{mark})[0-9]{{3}}(?:(?P=three)[0-9]{{3}})*"
        indian = rf"[1-9][0-9]?(?P<two>{mark})[0-9]{{2}}(?:(?P=two)[0-9]{{2}})*(?P=two)[0-9]{{3}}"
        number = rf"(?:(?:{triples}|{indian})(?:{fraction})?|{number})"
    return re.compile(rf"[-+\u2212]?{number}")
