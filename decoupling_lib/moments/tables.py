"""Numbers from text and CSV files."""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path

from ..common import validation
from ..common.errors import input_error, join_names, os_input_error

MAX_BYTES = 2**24
"""Largest file of numbers that is read; parsing takes about ten times its size in memory."""
ACCEPTED = "numbers separated by commas, semicolons, white space or line ends, or an image"
"""What a file of numbers may be, for messages."""


def read_numbers(path: Path, column: str | None = None) -> list[float]:
    """Read the numbers of a text or CSV file.

    A first line without any number names the columns.

    Parameters
    ----------
    path : Path
        An existing regular file, UTF-8.
    column : str, optional
        Name of the column to read. Default: all numbers, or the only named column.

    Returns
    -------
    list of float
        Finite numbers, in the order of the file.

    Raises
    ------
    InputError
        The file is too large, is not text, or holds something else than numbers; the column is unknown, or none is
        given where several are named.
    """
    label = path.name
    lines = [(number, line) for number, line in enumerate(_read_text(path).splitlines(), 1) if line.strip()]
    rows = [(number, _split(line, label, number)) for number, line in lines]
    header = rows[0][1] if rows and len(rows) > 1 and not any(_is_number(cell) for cell in rows[0][1]) else None
    if header is None:
        if column is not None:
            step, accepted = "leave out the column", "a file whose first line names its columns"
            raise input_error("column", "is given for a file whose columns have no names", column, accepted, step)
        return [_number(cell, label, number) for number, cells in rows for cell in cells]
    if column is None and len(header) > 1:
        raise input_error("sample file", "has several columns", label, join_names(header), "choose one with --column")
    place = header.index(validation.choice(column, header, "column")) if column is not None else 0
    for number, cells in rows[1:]:
        if len(cells) != len(header):
            what = f"has {len(cells)} cells in line {number}"
            raise input_error("sample file", what, label, f"{len(header)}, as in its first line", "correct the line")
    return [_number(cells[place], label, number) for number, cells in rows[1:]]


def _read_text(path: Path) -> str:
    label = path.name
    try:
        if (size := os.stat(path).st_size) > MAX_BYTES:
            accepted = f"at most {MAX_BYTES} bytes"
            raise input_error("sample file", "is too large", f"{size} bytes", accepted, "take fewer numbers")
        with open(path, encoding="utf-8-sig") as file:
            return file.read()
    except UnicodeDecodeError:
        step = "save it as UTF-8 text, or give an image its own extension"
        raise input_error("sample file", "is not text", label, ACCEPTED, step) from None
    except OSError as error:
        raise os_input_error(error, "sample file", path, ACCEPTED) from None


def _split(line: str, label: str, number: int) -> list[str]:
    """Return the cells of a line."""
    separators = [mark for mark in (",", ";") if mark in line]
    if len(separators) > 1:
        step = "write decimal points, not commas"
        raise input_error("sample file", f"mixes separators in line {number}", label, ACCEPTED, step)
    if separators or '"' in line:
        try:
            cells = [cell.strip() for cell in next(csv.reader([line], delimiter=(separators or ["\t"])[0]))]
        except csv.Error as error:
            what = f"cannot be read in line {number} ({error})"
            raise input_error("sample file", what, label, ACCEPTED, "correct the line") from None
        return cells[:-1] if cells[-1] == "" else cells
    words = line.split()
    # Names of columns may contain spaces.
    return words if any(map(_is_number, words)) else [name.strip() for name in line.split("\t")]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _number(cell: str, label: str, number: int) -> float:
    if not _is_number(cell):
        what = f"has {'an empty cell' if not cell else 'text'} in line {number}"
        raise input_error(f"sample file {label}", what, cell, ACCEPTED, "remove it or write a number")
    value = float(cell)
    if not math.isfinite(value):
        what = f"has a value that is not finite in line {number}"
        raise input_error(f"sample file {label}", what, cell, "finite numbers", "remove it or write a number")
    return value
