"""Whether the first line of a table names its columns, and which column is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..common import validation
from ..common.errors import InputError, input_error, join_names
from . import numerals
from .numerals import Convention, Kind
from .table_options import TableOptions
from .table_text import Grid

_SETTLE = "add --header if it names the columns, or --no-header"
_YEARS = range(1900, 2101)


class MisfitError(Exception):
    """A table cannot be read in this way; the error says why."""

    def __init__(self, error: InputError):
        self.error = error


class BlockedError(MisfitError):
    """A table may be of this form, but numbers cannot be taken from it; the error says why."""


@dataclass(frozen=True)
class Columns:
    """What the first line is, and which column is read.

    Parameters
    ----------
    header : bool
        Whether the first line names the columns.
    names : list of str
        Names of the columns, from the first line or from a comment before it; empty if they have none.
    place : int or None
        Index of the column to read; None for all columns.
    """

    header: bool
    names: list[str]
    place: int | None


def find_columns(grid: Grid, convention: Convention, options: TableOptions, label: str) -> Columns:
    """Decide whether the first line names the columns, and which column is read.

    A column is looked up by name first, then by number. What is not certain is refused:

    - a line of names is a header; so is a line that has the name asked for, unless that could be a number of a column;
    - a line of numbers is not; it is refused if it could well be: years, 0 1 2 …, or whole numbers above decimal ones;
    - a text that could be a damaged number is neither.

    Parameters
    ----------
    grid : Grid
        The cells; there is at least one row.
    convention : Convention
        The marks with which numbers are written.
    options : TableOptions
        What the user says.
    label : str
        Name of the file, for messages.

    Returns
    -------
    Columns
        The decision.

    Raises
    ------
    MisfitError
        The table cannot be read in this way, or (`BlockedError`) more has to be said about it.
    """
    search = _Search(grid, convention, options, label)
    header = search.find_header() if options.header is None else options.header
    if header and len(grid.rows) < 2:
        accepted, step = "a line of names and lines of numbers", "add the numbers"
        raise MisfitError(
            input_error(f"sample file {label}", "has no line below its header", grid.rows[0][0], accepted, step)
        )
    if header:
        search.check_widths()
    names = grid.rows[0] if header else search.title
    return Columns(header, names, search.find_place(names))


class _Search:
    """The question of what the first line is."""

    def __init__(self, grid: Grid, convention: Convention, options: TableOptions, label: str):
        self.first, self.below = grid.rows[0], grid.rows[1:]
        self.width = max(map(len, grid.rows))
        self.convention, self.asked, self.label = convention, options.column, label
        self.line, self.lines = grid.lines[0], grid.lines[1:]
        named = options.header is None and len(grid.title) == self.width
        self.title = grid.title if named and (self.width > 1 or grid.title[0] == self.asked) else []
        self.number = int(self.asked) if self.asked and re.fullmatch("[0-9]{1,6}", self.asked) else 0
        self.by_number = 1 <= self.number <= self.width

    def find_header(self) -> bool:
        named = self.asked is not None and self.asked in self.first
        if named and not self.by_number:
            return True
        if not self.below:
            return False
        kinds = [numerals.classify(cell, self.convention) for cell in self.first]
        if Kind.TEXT in kinds:
            return self._is_header_with_text(kinds)
        if named and all(re.fullmatch("[0-9]*", cell) for cell in self.first):
            raise self._blocked(f"may name column {self.asked!r}, or be the first line of numbers")
        if not self.title and self._could_name(self._targets()):
            raise self._blocked("may name the columns, or be numbers like the others")
        return False

    def _is_header_with_text(self, kinds: list[Kind]) -> bool:
        clear = [self._is_clear(place) for place in range(len(self.first))]
        targets = self._targets()
        if any(clear) and (Kind.NUMBER not in kinds or (len(targets) == 1 and clear[targets[0]])):
            return True
        for place in targets:
            if not any(clear) and kinds[place] is Kind.TEXT:
                what = f"has, in line {self.line}, what is neither a number nor clearly the name of numbers"
                step = "correct it, or add --header if it is a name"
                value = self.first[place]
                raise MisfitError(input_error(f"sample file {self.label}", what, value, "numbers below a name", step))
        if not any(map(numerals.is_name, self.first)):
            return False
        raise self._blocked("may name the columns, or be the first line of a table without names")

    def _targets(self) -> list[int]:
        """Return the columns that may be read."""
        if self.by_number:
            return [self.number - 1] if self.number <= len(self.first) else []
        return list(range(len(self.first)))

    def _is_clear(self, place: int) -> bool:
        """Tell whether the first cell of a column is a name, and more cells below it are numbers than text."""
        if not numerals.is_name(self.first[place]):
            return False
        kinds = [numerals.classify(row[place], self.convention) for row in self.below if place < len(row)]
        return kinds.count(Kind.NUMBER) + kinds.count(Kind.INFINITE) > kinds.count(Kind.TEXT)

    def _could_name(self, targets: list[int]) -> bool:
        """Tell whether a line of numbers looks like names of columns."""
        if not all(re.fullmatch("[0-9]*", cell) for cell in self.first) or not any(self.first):
            return False
        several = len(self.first) > 1
        if several and not all(self.first):
            return all(len(row) >= len(self.first) for row in self.below)
        numbers = [int(cell[:6] or 0) for cell in self.first]
        years = all(number in _YEARS and len(cell) == 4 for number, cell in zip(numbers, self.first, strict=True))
        counted = numbers == list(range(len(numbers)))
        cells = [row[place] for row in self.below for place in targets if place < len(row) and row[place]]
        below_marked = bool(cells) and not any(re.fullmatch("[-+\u2212]?[0-9]+", cell) for cell in cells)
        return years or counted or below_marked if several else below_marked and (years or numbers == [0])

    def check_widths(self) -> None:
        """Refuse lines that have more cells than the header; their numbers could be those of other columns."""
        for row, line in zip(self.below, self.lines, strict=True):
            if any(row[len(self.first) :]):
                what, accepted = f"has {len(row)} cells in line {line}", f"{len(self.first)} cells, as in its header"
                step = "correct the line, or state --delimiter and --decimal"
                raise MisfitError(input_error(f"sample file {self.label}", what, " ".join(row[:4]), accepted, step))
        self.width = len(self.first)

    def find_place(self, names: list[str]) -> int | None:
        if self.asked is None:
            if self.width == 1 or not names:
                return 0 if self.width == 1 else None
            step = "choose one with --column"
            what = "has several columns"
            raise BlockedError(input_error("sample file", what, self.label, join_names(names), step))
        if names.count(self.asked) > 1:
            step = "choose one by its number, counted from 1"
            raise BlockedError(input_error("column", "names several columns", self.asked, "one of them", step))
        if self.asked in names:
            return names.index(self.asked)
        if self.by_number:
            return self.number - 1
        if names:
            try:
                validation.choice(self.asked, names, "column")
            except InputError as error:
                raise MisfitError(error) from None
        accepted = f"a number from 1 to {self.width}, or --header if the first line names the columns"
        what = "is not in this file, whose columns have no names"
        raise MisfitError(input_error("column", what, self.asked, accepted, "give its number, or leave out the column"))

    def _blocked(self, what: str) -> BlockedError:
        shown = " ".join(self.first[:4])
        return BlockedError(
            input_error(f"line {self.line} of sample file {self.label}", what, shown, "one meaning", _SETTLE)
        )
