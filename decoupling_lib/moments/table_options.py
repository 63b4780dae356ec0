"""What a user can say about a table of numbers, so that nothing about it has to be found out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..common.errors import input_error
from . import numerals

ONE_COLUMN, TABULATOR, BLANK_RUNS = "", "\t", " "
DELIMITERS = {",": "comma", ";": "semicolon", TABULATOR: "tab", "|": "pipe", BLANK_RUNS: "blanks", ONE_COLUMN: "none"}
"""Names of the delimiters; blanks are runs of spaces and tabs, and none stands for one cell per line."""
MARK_NAMES = {
    **{numerals.POINT: "point", numerals.COMMA: "comma", numerals.SPACE: "space", numerals.APOSTROPHE: "apostrophe"},
    **{numerals.UNDERSCORE: "underscore", numerals.NONE: "none"},
}
"""Names of the decimal and thousands marks."""
_FORBIDDEN = "\"'+-.\u2019\u2212"


@dataclass(frozen=True)
class TableOptions:
    """What is said about a table; what is None has to be found out.

    Parameters
    ----------
    column : str or None
        Name of a column, or its number, counted from 1.
    delimiter : str or None
        A key of `DELIMITERS`, or another character.
    decimal : str or None
        One of `numerals.DECIMALS`.
    thousands : str or None
        One of `numerals.THOUSANDS`.
    header : bool or None
        Whether the first line names the columns.
    """

    column: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    header: bool | None = None

    @property
    def given(self) -> list[str]:
        """The names of the options that say something."""
        return [name for name, value in vars(self).items() if value is not None]


def check_options(
    column: Any = None, delimiter: Any = None, decimal: Any = None, thousands: Any = None, header: Any = None
) -> TableOptions:
    """Return what is said about a table, in one form.

    Parameters
    ----------
    column : str or int, optional
        Name of a column, or its number, counted from 1.
    delimiter : str, optional
        "comma", "semicolon", "tab", "pipe", "blanks", "none", or the character itself.
    decimal : str, optional
        "point" or "comma", or the mark itself.
    thousands : str, optional
        "comma", "point", "space", "apostrophe", "underscore" or "none", or the mark itself.
    header : bool, optional
        Whether the first line names the columns.

    Returns
    -------
    TableOptions
        The options, with delimiters and marks as characters.

    Raises
    ------
    InputError
        A value is not accepted, or the decimal mark is also the thousands mark.
    """
    if header is not None and not isinstance(header, bool):
        raise input_error("header", "is not true or false", header, "True, False or None", "choose one of them")
    options = TableOptions(
        _check_column(column),
        _check_delimiter(delimiter),
        _check_mark(decimal, "decimal", numerals.DECIMALS),
        _check_mark(thousands, "thousands", numerals.THOUSANDS),
        header,
    )
    if options.decimal is not None and options.decimal == options.thousands:
        step = "choose another one of the two"
        raise input_error("thousands", "is also the decimal mark", thousands, "two different marks", step)
    return options


def _check_column(column: Any) -> str | None:
    if column is None or isinstance(column, str):
        return column if column is None else column.strip(numerals.BLANKS)
    if isinstance(column, bool) or not isinstance(column, int):
        accepted = "the name of a column, or its number, counted from 1"
        raise input_error("column", "is neither a name nor a number", column, accepted, "give one of them")
    return str(column)


def _check_delimiter(delimiter: Any) -> str | None:
    if delimiter is None:
        return None
    known = {name: mark for mark, name in DELIMITERS.items()} | {"\\t": TABULATOR, "space": BLANK_RUNS}
    if isinstance(delimiter, str):
        if delimiter in known:
            return known[delimiter]
        usable = delimiter == TABULATOR or (delimiter.isprintable() and not delimiter.isalnum())
        if len(delimiter) == 1 and usable and delimiter not in _FORBIDDEN:
            return delimiter
    accepted = "comma, semicolon, tab, pipe, blanks, none, or one character that is part of no number"
    raise input_error("delimiter", "is not a delimiter", delimiter, accepted, "choose what stands between the cells")


def _check_mark(mark: Any, name: str, marks: tuple[str, ...]) -> str | None:
    if mark is None:
        return None
    for known in marks:
        # The empty text is no mark: "none" has to be said.
        if isinstance(mark, str) and (mark == MARK_NAMES[known] or (mark and mark in numerals.MARKS[known])):
            return known
    accepted = ", ".join(f'"{MARK_NAMES[known]}"' + (f" or {known}" if known.strip() else "") for known in marks)
    raise input_error(name, "is not a mark", mark, accepted, "choose the mark that the numbers have")
