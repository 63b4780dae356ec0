"""One way of reading a table: with one delimiter and one convention for numbers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ..common.errors import InputError, describe_value, input_error
from . import numerals
from .numerals import Convention, Kind
from .table_header import BlockedError, Columns, MisfitError, find_columns
from .table_options import BLANK_RUNS, DELIMITERS, MARK_NAMES, ONE_COLUMN, TableOptions
from .table_text import Grid

_LARGEST_EXACT = 2**53
_ACCEPTED = "finite numbers"


@dataclass(frozen=True)
class Reading:
    """What a file of numbers was taken for.

    Parameters
    ----------
    encoding : str
        Of the text.
    delimiter : str
        "comma", "semicolon", "tab", "pipe", "blanks", another character, or "none" for one cell per line.
    decimal : str
        "point" or "comma"; "none" if no number has one.
    thousands : str
        "comma", "point", "space", "apostrophe" or "underscore"; "none" if no number has one.
    header : bool
        Whether the first line names the columns.
    names : tuple of str
        Names of the columns; empty if they have none.
    columns : int
        Number of columns.
    column : int or None
        Number of the column that was read, counted from 1; None for all.
    notes : tuple of str
        What else the user should know.
    """

    encoding: str
    delimiter: str
    decimal: str
    thousands: str
    header: bool
    names: tuple[str, ...]
    columns: int
    column: int | None
    notes: tuple[str, ...]

    def describe(self) -> str:
        """Say in one line what the file was taken for.

        Returns
        -------
        str
            The parts, with semicolons between them.
        """
        parts = ["one column" if self.columns == 1 else f"{self.columns} columns, delimiter {self.delimiter}"]
        if self.names and self.column is not None:
            parts.append(f"column {self.column} named {describe_value(self.names[self.column - 1])}")
        elif self.columns > 1:
            parts.append("numbers of all columns, line by line" if self.column is None else f"column {self.column}")
        parts.append("the first line is a header" if self.header else "no header")
        parts.append("no decimals" if self.decimal == "none" else f"decimal {self.decimal}")
        parts += [f"thousands by {self.thousands}"] if self.thousands != "none" else []
        return "; ".join([*parts, self.encoding, *self.notes])


@dataclass(frozen=True)
class Outcome:
    """What came of one way of reading.

    Parameters
    ----------
    delimiter : str
        The delimiter of this way.
    convention : Convention
        Its marks.
    values : list of float
        The numbers; empty if there is an error.
    first : str
        The first cell that was asked for.
    reading : Reading or None
        The description of what was read.
    error : InputError or None
        Why nothing was read.
    blocked : bool
        Whether the file may be meant in this way although there is an error.
    likeness : tuple of float and int
        How much the table looks like one of numbers: the larger, the better an error fits the file.
    """

    delimiter: str
    convention: Convention
    values: list[float]
    first: str = ""
    reading: Reading | None = None
    error: InputError | None = None
    blocked: bool = False
    likeness: tuple[float, int] = (0.0, 0)


def read_in_one_way(
    grid: Grid, delimiter: str, convention: Convention, options: TableOptions, encoding: str, label: str
) -> Outcome:
    """Read the numbers of a table with one delimiter and one convention.

    Parameters
    ----------
    grid : Grid
        The cells, as the delimiter divides them; there is at least one row.
    delimiter : str
        The delimiter.
    convention : Convention
        The marks with which numbers are written.
    options : TableOptions
        What the user says.
    encoding : str
        Name of the text's encoding.
    label : str
        Name of the file, for messages.

    Returns
    -------
    Outcome
        The numbers, or the error.
    """
    cells: list[str] = []
    values: list[float] = []
    try:
        columns = find_columns(grid, convention, options, label)
        if options.delimiter is None:
            _check_other_delimiters(grid, delimiter, convention, options, label)
        shown = _Shown(convention)
        for line, cell in _select(grid, delimiter, columns, options, label):
            cells.append(cell)
            values.append(_read_cell(cell, line, convention, label))
            shown.look_at(cell, values[-1])
        _check_stated_marks(delimiter, convention, options, cells, label)
    except MisfitError as misfit:
        blocked, likeness = isinstance(misfit, BlockedError), _measure_likeness(grid, convention)
        return Outcome(delimiter, convention, [], error=misfit.error, blocked=blocked, likeness=likeness)
    reading = Reading(
        encoding,
        DELIMITERS.get(delimiter, delimiter),
        MARK_NAMES[convention.decimal] if shown.decimals else "none",
        MARK_NAMES[convention.thousands] if shown.thousands else "none",
        columns.header,
        tuple(columns.names),
        max(map(len, grid.rows)),
        None if columns.place is None else columns.place + 1,
        tuple(_find_notes(grid, columns, options, shown)),
    )
    return Outcome(delimiter, convention, values, cells[0], reading)


class _Shown:
    """Which marks occur among the numbers, and how many numbers are rounded."""

    def __init__(self, convention: Convention):
        self.convention, self.marks = convention, numerals.MARKS[convention.thousands]
        self.decimals = self.thousands = False
        self.rounded = 0

    def look_at(self, cell: str, value: float) -> None:
        if len(cell) > 15 and abs(value) >= _LARGEST_EXACT:
            digits = re.sub("[^0-9]", "", cell)
            whole = re.fullmatch("[^.,eEdD]+", cell) and len(digits) < 400
            self.rounded += bool(whole and int(digits) != abs(int(value)))
        self.decimals = self.decimals or self.convention.decimal in cell
        if self.marks and not self.thousands:
            self.thousands = any(mark in cell for mark in self.marks)


def _select(
    grid: Grid, delimiter: str, columns: Columns, options: TableOptions, label: str
) -> Iterator[tuple[int, str]]:
    """Yield line and content of each cell that is asked for."""
    rows = list(zip(grid.lines, grid.rows, strict=True))[int(columns.header) :]
    place, width = columns.place, len(grid.rows[0]) if columns.header else max(map(len, grid.rows))
    for index, (line, row) in enumerate(rows):
        size = len(row)
        uneven = size != width
        if columns.header and delimiter != BLANK_RUNS:
            uneven = False  # spreadsheets leave out empty cells at the end of a line
        elif place is None:
            # A list that continues on the next line ends anywhere; where only blanks separate, no cell is empty.
            last = index == len(rows) - 1 and size < width
            uneven = uneven and not last and delimiter != BLANK_RUNS and options.delimiter is None
        if uneven:
            what, accepted = f"has {size} cells in line {line}", f"{width} cells, as in other lines"
            step = "correct the line, or state --delimiter and --decimal"
            raise MisfitError(input_error(f"sample file {label}", what, " ".join(row[:4]), accepted, step))
        if place is None:
            yield from ((line, cell) for cell in row)
        elif place < len(row):
            yield line, row[place]
        else:
            what = f"has no cell of column {place + 1} in line {line}"
            raise BlockedError(input_error(f"sample file {label}", what, " ".join(row), _ACCEPTED, "complete the line"))


def _read_cell(cell: str, line: int, convention: Convention, label: str) -> float:
    name = f"sample file {label}"
    kind = numerals.classify(cell, convention)
    if kind is Kind.NUMBER:
        value = numerals.parse(cell, convention)
        if not math.isfinite(value):
            step = "divide all numbers by a power of ten"
            raise BlockedError(
                input_error(name, f"has a number that is not finite in line {line}", cell, _ACCEPTED, step)
            )
        if numerals.vanishes(cell, value):
            step = "multiply all numbers by a power of ten"
            raise BlockedError(input_error(name, f"has a number too small in line {line}", cell, "above 5e-324", step))
        return value
    if kind is Kind.TEXT:
        step = "write a plain number, without units or other signs, or remove the line"
        raise MisfitError(input_error(name, f"has text in line {line}", cell, _ACCEPTED, step))
    what = {
        Kind.EMPTY: "has an empty cell",
        Kind.MISSING: "has a missing value",
        Kind.INFINITE: "has a value that is not finite",
    }[kind]
    raise BlockedError(
        input_error(name, f"{what} in line {line}", cell, _ACCEPTED, "remove the line, or write a number there")
    )


def _check_other_delimiters(
    grid: Grid, delimiter: str, convention: Convention, options: TableOptions, label: str
) -> None:
    """Refuse cells that are not what blanks or line ends divide: a comma, semicolon, tab or pipe in them divides them.

    Only numbers and quoted cells may contain these, and a name that is asked for.
    """
    if delimiter not in (ONE_COLUMN, BLANK_RUNS):
        return
    for line, row in zip(grid.lines, grid.rows, strict=True):
        if line in grid.quoted:
            continue
        for cell in row:
            divided = re.search("[,;\t|]", cell) and cell != options.column
            if divided and numerals.classify(cell, convention) is Kind.TEXT:
                what = f"has text in line {line}"
                step = "write plain numbers, or state the --delimiter"
                raise MisfitError(input_error(f"sample file {label}", what, cell, _ACCEPTED, step))


def _check_stated_marks(
    delimiter: str, convention: Convention, options: TableOptions, cells: list[str], label: str
) -> None:
    """Refuse a delimiter that is also a mark of numbers, unless numbers have this mark (in quotes).

    Without this, commas that are stated to be decimal marks would divide the numbers. Nor are points taken for
    thousands marks between commas: where a point is one, the comma is the decimal mark, and tables have semicolons.
    """
    decimal = convention.decimal if options.thousands is None else options.decimal
    if options.delimiter is not None or not delimiter or delimiter not in (decimal, options.thousands):
        return
    marks = numerals.MARKS[delimiter]
    if not any(mark in cell for cell in cells for mark in marks):
        name = DELIMITERS[delimiter]
        what, step = f"would be divided by the {name}", "state the --delimiter"
        accepted = f"no {name} as a delimiter, since it is a mark of numbers"
        raise MisfitError(input_error(f"sample file {label}", what, cells[0], accepted, step))


def _find_notes(grid: Grid, columns: Columns, options: TableOptions, shown: _Shown) -> Iterator[str]:
    first = grid.rows[0]
    if options.header is None and not columns.header and len(grid.rows) > 1:
        place = columns.place
        cells = first if place is None else first[place : place + 1]
        if len(first) > 1 or all(re.fullmatch("[0-9]+", cell) for cell in cells):
            yield f"the first line, {' '.join(cells[:4])}, counts as numbers (--header if it is a name)"
    if columns.names and not columns.header:
        yield "names are taken from a comment"
    for count, what in ((grid.comments, "comment line"), (grid.blank, "blank line")):
        if count:
            yield f"{count} {what}{'s' if count > 1 else ''} skipped"
    if shown.rounded:
        yield f"whole numbers above 2^53 rounded to the nearest double: {shown.rounded}"


def _measure_likeness(grid: Grid, convention: Convention) -> tuple[float, int]:
    """Return the share of lines that are numbers and of the commonest length, and this length."""
    rows = grid.rows[:1000]
    common = Counter(map(len, rows)).most_common(1)[0][0]
    alike = [row for row in rows if len(row) == common]
    good = sum(all(not cell or numerals.classify(cell, convention) is Kind.NUMBER for cell in row) for row in alike)
    return good / len(rows), common if good else 0
