"""Numbers from text and CSV files: every assumption is reported, and what has several meanings is refused.

How a file is read, in this order:

1. The encoding is that of the byte order mark; without one it is UTF-8, or else Windows-1252.
2. A first line such as ``sep=;`` names the delimiter, unless an option does. Lines that begin with ``#`` or ``%`` are
   comments, and blank lines are skipped. Quotes enclose cells, and blanks around cells do not count.
3. What options do not settle is tried: each delimiter that occurs (comma, semicolon, tab, pipe, blanks, none), with
   each decimal mark (point, comma) and each thousands mark (comma, point, space, apostrophe, underscore).
4. In each of these ways the first line is a header if it has names, or the name of the column asked for; a column is
   looked up by name first, then by number. Only cells of the column asked for have to be numbers.
5. If all ways that fit give the same numbers, these are the numbers. If they give different ones, the file is refused,
   and the message says which options settle it. If none fits, the message names the first cell that is not a number.

So `1,5` on each line is refused (1.5, or 1 and 5?), and so is `1.234` on each line (1.234, or 1234?), but `1,5;2,7` is
read.
"""

from __future__ import annotations

import csv
import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..common.errors import InputError, input_error, os_input_error
from . import numerals, table_text
from .numerals import Convention
from .table_options import BLANK_RUNS, DELIMITERS, MARK_NAMES, ONE_COLUMN, TABULATOR, TableOptions
from .table_reading import Outcome, Reading, read_in_one_way

MAX_BYTES = 2**22
"""Largest file of numbers that is read; parsing takes up to 140 times its size in memory."""
ACCEPTED = "numbers as text or CSV, a one-dimensional .npy array, or an image"
"""What a file of numbers may be, for messages."""
_SHOWN_NUMBERS = 3


@dataclass(frozen=True)
class Table:
    """The numbers of a file, and what it was taken for.

    Parameters
    ----------
    values : list of float
        Finite numbers, in the order of the file.
    reading : Reading
        The description.
    """

    values: list[float]
    reading: Reading


def read_table(path: Path, options: TableOptions | None = None) -> Table:
    """Read the numbers of a text or CSV file.

    Parameters
    ----------
    path : Path
        An existing regular file.
    options : TableOptions, optional
        What is said about the table, from `check_options`. Default: nothing.

    Returns
    -------
    Table
        The numbers of the column asked for; without one, of the only column, or of all columns if they have no names.

    Raises
    ------
    InputError
        The file is too large, is not text, holds something else than numbers, or can be read in several ways; or the
        column is unknown, or none is given where several are named.
    """
    options, label = options or TableOptions(), path.name
    text, encoding = _read_text(path)
    if options.delimiter is None:
        options = replace(options, delimiter=table_text.find_separator(text))
    outcomes = list(_try_all(text, options, encoding, label))
    if not outcomes:
        raise input_error("sample file", "holds no numbers", label, ACCEPTED, "choose another file")
    return _decide(outcomes, label)


def _read_text(path: Path) -> tuple[str, str]:
    try:
        if (size := os.stat(path).st_size) > MAX_BYTES:
            accepted = f"at most {MAX_BYTES} bytes"
            raise input_error("sample file", "is too large", f"{size} bytes", accepted, "take fewer numbers")
        return table_text.decode(path.read_bytes())
    except OSError as error:
        raise os_input_error(error, "sample file", path, ACCEPTED) from None
    except InputError:
        raise
    except ValueError:
        step = "save it as UTF-8 text (a spreadsheet as CSV)"
        raise input_error("sample file", "is not text", path.name, ACCEPTED, step) from None


def _try_all(text: str, options: TableOptions, encoding: str, label: str) -> Iterator[Outcome]:
    """Yield what comes of each delimiter and convention; nothing if the text has no rows."""
    for delimiter in _find_delimiters(text, options):
        conventions = list(_find_conventions(text, delimiter, options))
        if not conventions:
            continue
        try:
            grid = table_text.split(text, delimiter)
        except csv.Error:
            what, step = "has a quote that is not closed, or does not enclose a whole cell", "correct its quotes"
            yield Outcome(delimiter, conventions[0], [], error=input_error("sample file", what, label, ACCEPTED, step))
            continue
        if grid.rows:
            for convention in conventions:
                yield read_in_one_way(grid, delimiter, convention, options, encoding, label)


def _find_delimiters(text: str, options: TableOptions) -> Iterator[str]:
    if options.delimiter is not None:
        yield options.delimiter
        return
    yield ONE_COLUMN
    if re.search(r"[^\s] *\t", text):
        yield TABULATOR
    yield from (mark for mark in ";|," if mark in text)
    # Blanks would close up the gap that an empty cell leaves between tabs.
    if re.search(r"\S[ \t]+\S", text) and not re.search(r"\t *\t|[^\s] *\t *(?:[\r\n]|$)|(?:^|[\r\n]) *\t", text):
        yield BLANK_RUNS


def _find_conventions(text: str, delimiter: str, options: TableOptions) -> Iterator[Convention]:
    """Yield the conventions that differ for this text: an unstated mark has to occur, and within cells."""
    unquoted = delimiter if '"' not in text else None

    def occurs(mark: str) -> bool:
        # Spaces that divide cells divide no thousands, but other kinds of blanks may.
        return any(character in text for character in numerals.MARKS[mark] if character != unquoted)

    if options.delimiter is None and unquoted and unquoted in (options.decimal, options.thousands):
        return  # what is stated to be a mark of numbers divides none
    for decimal in numerals.DECIMALS if options.decimal is None else (options.decimal,):
        for thousands in numerals.THOUSANDS if options.thousands is None else (options.thousands,):
            # Where points are thousands marks, the comma is the decimal mark, even if no number has one.
            common = options.decimal is not None or decimal == numerals.POINT or occurs(decimal)
            common = common or thousands == numerals.POINT
            grouped = options.thousands is not None or not thousands or occurs(thousands)
            if thousands != decimal and common and grouped:
                yield Convention(decimal, thousands)


def _decide(outcomes: list[Outcome], label: str) -> Table:
    """Return the numbers if they are certain."""
    fitting = [outcome for outcome in outcomes if outcome.error is None]
    if any(len(outcome.values) > 1 for outcome in fitting):
        # A list of numbers in one line is not one number with very many thousands marks.
        fitting = [outcome for outcome in fitting if len(outcome.values) > 1]
    blocked = [outcome for outcome in outcomes if outcome.blocked]
    different: list[Outcome] = []
    for outcome in fitting:
        if all(outcome.values != other.values for other in different):
            different.append(outcome)
    if len(different) == 1 and not blocked:
        chosen = different[0]
        assert chosen.reading is not None
        return Table(chosen.values, chosen.reading)
    if different:
        raise _describe_ways(different, fitting, blocked, label)
    closest = blocked[0] if blocked else max(outcomes, key=lambda outcome: outcome.likeness)
    error = closest.error
    assert error is not None
    raise error


def _describe_ways(different: list[Outcome], fitting: list[Outcome], blocked: list[Outcome], label: str) -> InputError:
    """Return the error that says in which ways a file can be read, and which options choose among them."""
    ways = []
    for way in different[:4]:
        others = [other for other in fitting if other.values != way.values] + blocked
        numbers = ", ".join(f"{value:.10g}" for value in way.values[:_SHOWN_NUMBERS])
        more = ", …" if len(way.values) > _SHOWN_NUMBERS else ""
        ways.append(f"{_find_settling_options(way, others)} for {len(way.values)} numbers: {numbers}{more}")
    if not different[1:]:
        names = {DELIMITERS.get(outcome.delimiter, outcome.delimiter) for outcome in blocked}
        ways.append(f"--delimiter {' or '.join(sorted(names))} for a table with several or empty cells per line")
    what, accepted = "can be read in more than one way", "a file with one meaning"
    step = f"state {'; or '.join(ways)}"
    return input_error(f"sample file {label}", what, different[0].first, accepted, step)


def _find_settling_options(way: Outcome, others: list[Outcome]) -> str:
    """Return the fewest options under which a file can be read in this way only."""
    assert way.reading is not None
    stated = {"decimal": way.convention.decimal} if way.reading.decimal != "none" else {}
    if way.reading.thousands != "none":
        stated["thousands"] = way.convention.thousands
    stated["delimiter"] = way.delimiter
    for size in range(1, len(stated) + 1):
        for names in itertools.combinations(stated, size):
            options = {name: stated[name] for name in names}
            if "delimiter" in options and way.delimiter == numerals.COMMA and "decimal" in stated:
                options["decimal"] = stated["decimal"]  # once commas divide, a point could be a thousands mark
            if all(_excludes(options, other) for other in others):
                return _write_options(options)
    return _write_options({"thousands": numerals.NONE, **stated})


def _excludes(options: dict[str, str], other: Outcome) -> bool:
    """Tell whether a file cannot be read in another way once options are stated."""
    if options.get("delimiter", other.delimiter) != other.delimiter:
        return True
    marks = {name: mark for name, mark in options.items() if name != "delimiter"}
    if "delimiter" not in options and other.delimiter in marks.values() and not other.blocked:
        return True
    if other.reading is None:
        convention = {"decimal": other.convention.decimal, "thousands": other.convention.thousands}
        return any(mark != convention[name] for name, mark in marks.items())
    shown = (other.reading.decimal != "none", other.reading.thousands != "none")
    decimal, thousands = marks.get("decimal"), marks.get("thousands")
    if shown[0] and (decimal not in (None, other.convention.decimal) or thousands == other.convention.decimal):
        return True
    return shown[1] and (thousands not in (None, other.convention.thousands) or decimal == other.convention.thousands)


def _write_options(options: dict[str, str]) -> str:
    """Return options as they are written on the command line."""
    names = {"delimiter": DELIMITERS}
    return " ".join(f"--{name} {names.get(name, MARK_NAMES).get(mark, mark)}" for name, mark in options.items())
