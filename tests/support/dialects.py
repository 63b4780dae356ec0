"""Tables of numbers as spreadsheets, programs and people write them, each with the numbers that were written.

Cells are formatted here, digit by digit, and put between delimiters by Python's csv module: no code of the kit is used.
"""

import csv
import io
from dataclasses import dataclass

from hypothesis import strategies as st

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", " ": "blanks", "": "none"}
THOUSANDS = {
    **{"": "none", ",": "comma", ".": "point", " ": "space", "\u00a0": "space", "\u2009": "space", "\u202f": "space"},
    **{"'": "apostrophe", "\u2019": "apostrophe", "_": "underscore"},
}
DECIMALS = {".": "point", ",": "comma"}
WORDS = ("north", "a b", "n/a", "", "12 kg", "3", "0.5", "1,5", "x;y", 'the "best"', "2020-01-02")


@dataclass(frozen=True)
class WrittenTable:
    """The bytes of a file, and what was written into it.

    `options` say everything about it; `asking` is the column that is asked for, if one has to be.
    """

    data: bytes
    numbers: list[float]
    options: dict
    asking: dict
    numeric_names: bool


def format_number(
    digits: str, places: int, minus: str, decimal: str, thousands: str, exponent: str
) -> tuple[str, float]:
    """Return a number of these digits as text, and the number itself."""
    digits = digits.rjust(places + 1, "0")
    whole, fraction = (digits[:-places], digits[-places:]) if places else (digits, "")
    whole = whole.lstrip("0") or "0"
    number = float(f"{'-' if minus else ''}{whole}.{fraction or '0'}{'e' + exponent if exponent else ''}")
    if thousands and not exponent:
        head = len(whole) % 3 or 3
        whole = thousands.join([whole[:head], *(whole[k : k + 3] for k in range(head, len(whole), 3))])
    return f"{minus}{whole}{decimal + fraction if fraction else ''}{'E' + exponent if exponent else ''}", number


@st.composite
def written_tables(draw) -> WrittenTable:
    """Draw a table in one of very many dialects."""
    delimiter, decimal = draw(st.sampled_from([*DELIMITERS])), draw(st.sampled_from([*DECIMALS]))
    thousands = draw(st.sampled_from([mark for mark in THOUSANDS if mark != decimal]))
    columns = 1 if delimiter == "" else draw(st.integers(1, 4))
    rows = draw(st.integers(7, 12)) if columns < 4 or draw(st.booleans()) else 1
    # Between commas, a point is always read as a decimal mark: such whole numbers are written with decimals.
    least = 1 if delimiter == "," and thousands == "." else 0
    places = draw(st.sampled_from([least, least, 1, 2, 3, 3, 3, 4, None]))
    size = draw(st.sampled_from([1, 3, 5, 5, 9]))
    plus = draw(st.sampled_from(["", "", "+"]))
    minus = draw(st.sampled_from(["-", "\u2212"]))
    exponents = draw(st.sampled_from([[""], [""], ["", "3", "-2", "+05"]]))

    def cell() -> tuple[str, float]:
        digits = str(draw(st.integers(0 if size == 1 else 10 ** (size - 1), 10**size - 1)))
        fraction = draw(st.integers(least, 6)) if places is None else places
        sign = draw(st.sampled_from(["", "", minus, plus if plus else ""]))
        text, number = format_number(
            digits, fraction, minus if sign == minus else "", decimal, thousands, draw(st.sampled_from(exponents))
        )
        return (plus + text if sign == "+" else text), number

    cells = [[cell() for _ in range(columns)] for _ in range(rows)]
    names = draw(st.sampled_from(["none", "none", "words", "numbers"])) if rows > 1 else "none"
    texts = [[text for text, _ in row] for row in cells]
    asked = draw(st.integers(0, columns - 1)) if columns > 1 and (names != "none" or draw(st.booleans())) else None
    if asked is not None and delimiter != " ":
        for row in texts:  # only the column asked for has to have numbers
            for place in range(columns):
                if place != asked and draw(st.booleans()):
                    row[place] = draw(st.sampled_from(WORDS))
    numbers = [number for row in cells for place, (_, number) in enumerate(row) if asked in (None, place)]
    asking = {} if asked is None else {"column": asked + 1}
    header = []
    if names != "none":
        first = draw(st.sampled_from([0, 1, 2019]))
        words = (
            ["length", "width, cm", "T", "höhe", "x 2"] if delimiter not in ("", " ") else ["length", "T", "höhe", "x2"]
        )
        header = (
            draw(st.permutations(words))[:columns] if names == "words" else [str(first + k) for k in range(columns)]
        )
        # A column is looked up by name first: the number of a column could be the name of another one.
        if asked is not None and (names == "numbers" or draw(st.booleans())):
            asking = {"column": header[asked]}
    options = {"delimiter": DELIMITERS[delimiter], "decimal": DECIMALS[decimal], "thousands": THOUSANDS[thousands]}
    options["header"] = bool(header)
    data = _write(draw, [header] * bool(header) + texts, delimiter)
    return WrittenTable(data, numbers, options, asking, names == "numbers")


def _write(draw, rows: list[list[str]], delimiter: str) -> bytes:
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    if delimiter == "":
        text = "".join(row[0] + end for row in rows)
    else:
        buffer = io.StringIO()
        quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
        csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
        text = buffer.getvalue()
    if delimiter in ",;|" and delimiter and draw(st.booleans()):
        text = text.replace(delimiter, delimiter + " ") if '"' not in text else text
    before = draw(st.sampled_from(["", "", "", f"# measured{end}", f"% by hand{end}#{end}", end]))
    if delimiter and draw(st.integers(0, 5)) == 0:
        before = f"sep={delimiter}{end}" + before
    text = before + text + draw(st.sampled_from(["", end]))
    if draw(st.booleans()):
        text = text.removesuffix(end)
    codecs = ["utf-8", "utf-8-sig", "utf-16", *["cp1252"] * _fits(text)]
    return text.encode(draw(st.sampled_from(codecs)))


def _fits(text: str) -> bool:
    try:
        return bool(text.encode("cp1252"))
    except UnicodeEncodeError:
        return False
