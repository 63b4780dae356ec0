"""From the bytes of a text file to the cells of its lines: encodings, comments, quotes and blanks."""

from __future__ import annotations

import codecs
import csv
import re
import unicodedata
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from . import numerals
from .table_options import BLANK_RUNS, ONE_COLUMN

_MARKED_ENCODINGS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with a byte order mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_LAYOUT = "\t\n\v\f\r"
_LINE_END = re.compile(r"\r\n|\r|\n")
_SEPARATOR = re.compile(r'(?:[ \t]*(?:\r\n|\r|\n))*[ \t]*"?sep=([^\r\n"])"?[ \t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
_WORD = re.compile(r'"((?:[^"]|"")*)"(?=[ \t]|$)|([^ \t]+)')
_NOT_IN_TEXT = "\x1f"


@dataclass(frozen=True)
class Grid:
    """The cells of a text, as one delimiter divides it.

    Parameters
    ----------
    rows : list of list of str
        Cells without blanks around them; lines that are blank or comments are left out.
    lines : array of int
        The line of the file in which each row begins, counted from 1.
    quoted : set of int
        The lines of the rows that contain quotes.
    comments : int
        Number of comment lines.
    blank : int
        Number of blank lines between rows.
    title : list of str
        Cells of the comment line just before the first row; empty if there is none.
    """

    rows: list[list[str]]
    lines: array[int]
    quoted: set[int]
    comments: int
    blank: int
    title: list[str]


def decode(data: bytes) -> tuple[str, str]:
    """Return the text of a file and the name of its encoding.

    An encoding that is named by a byte order mark is used; otherwise the text is UTF-8, or, if that is impossible,
    Windows-1252, which Western spreadsheets write.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    text : str
        The text, without the byte order mark.
    encoding : str
        Its name.

    Raises
    ------
    ValueError
        The bytes are no text: they cannot be decoded, or contain control characters.
    """
    codec, name = next(((codec, name) for mark, codec, name in _MARKED_ENCODINGS if data.startswith(mark)), ("", ""))
    if codec:
        text = data.decode(codec)
    else:
        try:
            text, name = data.decode("utf-8"), "UTF-8"
        except UnicodeDecodeError:
            text, name = data.decode("cp1252"), "Windows-1252, since it is not UTF-8"
    if any(unicodedata.category(character) == "Cc" for character in set(text) - set(_LAYOUT)):
        raise ValueError("control characters")
    return text, name


def find_separator(text: str) -> str | None:
    """Return the delimiter that the first line of a text names, as in ``sep=;``.

    Parameters
    ----------
    text : str
        The whole text.

    Returns
    -------
    str or None
        One character, or None if there is no such line.
    """
    found = _SEPARATOR.match(text)
    return found[1] if found else None


def split(text: str, delimiter: str) -> Grid:
    """Divide a text into cells.

    Lines that begin with ``#`` or ``%`` are comments, except for a percentage and for the errors of spreadsheets.

    Parameters
    ----------
    text : str
        The whole text.
    delimiter : str
        One character: `BLANK_RUNS` for runs of spaces and tabs, `ONE_COLUMN` for one cell per line.

    Returns
    -------
    Grid
        The cells.

    Raises
    ------
    csv.Error
        A quote is not closed, or does not enclose a whole cell.
    """
    found = _SEPARATOR.match(text)
    lines = _Lines(text, found.end() if found else 0)
    try:
        rows = list(_split_rows(lines, delimiter))
    except csv.Error:
        if delimiter in (BLANK_RUNS, ONE_COLUMN) or '"' not in text:
            raise
        # The csv module accepts blanks before a quoted cell but not behind it.
        behind = re.compile(rf'"[ \u00a0]+(?={re.escape(delimiter)}|[\r\n]|$)')
        lines = _Lines(behind.sub('"', text), found.end() if found else 0)
        rows = list(_split_rows(lines, delimiter))
    if delimiter != ONE_COLUMN:
        _drop_empty_ends(rows, lines.starts)
    return Grid(
        rows, lines.starts, lines.quoted, lines.comments, lines.blank_between, _split_title(lines.title, delimiter)
    )


class _Lines:
    """The lines of a text for a reader of records, without comments and blank lines between records."""

    def __init__(self, text: str, begin: int):
        self._lines = _iterate_lines(text, begin)
        self._number = len(_LINE_END.findall(text, 0, begin))
        self._blank = 0
        self.fresh = True
        self.starts = array("L")
        self.quoted: set[int] = set()
        self.comments = self.blank_between = 0
        self.title = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            self._number += 1
            if not self.fresh:
                return line
            bare = line.strip(numerals.BLANKS + _LAYOUT)
            if not bare:
                self._blank += 1
            elif self._is_comment(bare):
                self.comments += 1
                self.title = "" if self.starts else bare.lstrip("#%" + numerals.BLANKS)
            else:
                self.blank_between += self._blank if self.starts else 0
                self._blank, self.fresh = 0, False
                self.starts.append(self._number)
                if '"' in line:
                    self.quoted.add(self._number)
                return line
        raise StopIteration

    def _is_comment(self, bare: str) -> bool:
        if bare[0] == "%":
            return not bare[1:2].isdigit()
        # A row of marks is what a spreadsheet shows for a number that its column is too narrow for.
        narrow = bool(self.starts) and not bare.strip("#")
        return bare[0] == "#" and not narrow and not numerals.is_spreadsheet_error(bare)


def _iterate_lines(text: str, begin: int) -> Iterator[str]:
    """Yield lines with their ends; unlike ``splitlines``, only CR, LF and CRLF end a line."""
    for found in _LINE_END.finditer(text, begin):
        yield text[begin : found.end()]
        begin = found.end()
    if begin < len(text):
        yield text[begin:]


def _split_rows(lines: _Lines, delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of each record."""
    if delimiter == BLANK_RUNS:
        for line in lines:
            lines.fresh = True
            yield [
                found[1].replace('""', '"') if found[2] is None else found[2] for found in _WORD.finditer(line.strip())
            ]
        return
    reader = csv.reader(lines, delimiter=delimiter or _NOT_IN_TEXT, skipinitialspace=True, strict=True)
    for cells in reader:
        lines.fresh = True
        yield [cell.strip(numerals.BLANKS + _LAYOUT) for cell in cells]


def _split_title(title: str, delimiter: str) -> list[str]:
    """Return the cells of a comment, which need not be well formed."""
    try:
        return next(_split_rows(_Lines(title, 0), delimiter), [])
    except csv.Error:
        return []


def _drop_empty_ends(rows: list[list[str]], lines: array[int]) -> None:
    """Remove rows of empty cells at the end, and the empty cell behind a delimiter at the end of every line."""
    while rows and len(rows[-1]) > 1 and not any(rows[-1]):
        rows.pop()
        lines.pop()
    within = rows[:-1] if len(rows) > 1 and rows[-1][-1] else rows
    if all(len(row) > 1 and not row[-1] for row in within) and _continues(rows, len(within)):
        for row in within:
            row.pop()


def _continues(rows: list[list[str]], ended: int) -> bool:
    """Tell whether the last row is no longer than the others without their delimiter at the end of the line."""
    return ended == len(rows) or len(rows[-1]) < len(rows[0])
