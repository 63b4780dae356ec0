"""Numbers from text and CSV files: what is read, and what is refused."""

import codecs
from pathlib import Path

import numpy as np
import pytest
from refusals import refusal
from toys import SAMPLE

from decoupling_lib.moments.samples import read_sample
from decoupling_lib.moments.table_options import check_options
from decoupling_lib.moments.tables import Table, read_table

COMA = "1,5\n2,7\n3,25\n4,1\n5,05\n6,9\n7,3\n8,8\n"  # one column, as a Spanish spreadsheet writes it
COMA_NUMBERS = [1.5, 2.7, 3.25, 4.1, 5.05, 6.9, 7.3, 8.8]


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "numbers.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.fixture
def read(tmp_path):
    """Return a function that reads the numbers of a text with options."""

    def call(text: str | bytes, **options) -> list[float]:
        return table(text, **options).values

    def table(text: str | bytes, **options) -> Table:
        return read_table(write(tmp_path, text), check_options(**options))

    call.table = table
    call.refusal = lambda text, **options: refusal(call, text, **options)
    return call


@pytest.mark.parametrize(
    "text",
    [
        "0,0.5,1,1.7,2.1,3,3.4,5.2,8.9,13\n",
        "0\n0.5\n1\n1.7\n2.1\n3\n3.4\n5.2\n8.9\n13",
        "\ufeffvalue\r\n0\r\n0.5\r\n1\r\n1.7\r\n\r\n2.1\r\n3\r\n3.4\r\n5.2\r\n8.9\r\n13\r\n",
        "0;0.5;1;1.7;2.1;\n3;3.4;5.2;8.9;1.3e1;\n",
        "0, 0.5, 1, 1.7, 2.1, 3,\n3.4, 5.2, 8.9, 13\n",
        "0|0.5|1|1.7|2.1\n3|3.4|5.2|8.9|13\n",
        " 0 0.5\t1 1.7 2.1\n 3 3.4 5.2 8.9 +13 ",
        '"x"\n"0"\n"0.5"\n1\n1.7\n2.1\n3\n3.4\n5.2\n8.9\n13\n',
        "0;0,5;1;1,7;2,1\n3;3,4;5,2;8,9;13\n",
        "sep=;\n0;0,5;1;1,7;2,1\n3;3,4;5,2;8,9;13\n",
        "0 0,5 1 1,7 2,1 3 3,4 5,2 8,9 13",
        "# ten numbers\n# by hand\n0\n0.5\n1\n1.7\n% the second half\n2.1\n3\n3.4\n5.2\n8.9\n13\n",
        "0\r0.5\r1\r1.7\r2.1\r3\r3.4\r5.2\r8.9\r13\r",
        "0D0\n0.5d0\n1.0D+00\n17D-1\n2.1\n3\n3.4\n5.2\n8.9\n1.3E1\n",
    ],
    ids=["commas", "lines", "byte order mark and header", "semicolons", "list over lines", "pipes", "white space"]
    + ["quotes", "decimal commas", "sep=", "decimal commas and blanks", "comments", "CR", "Fortran"],
)
def test_numbers_are_read_from_any_common_layout(read, text):
    np.testing.assert_array_equal(read(text), SAMPLE)


def test_decimal_commas_in_one_column_are_not_two_columns(read):
    line = read.refusal(COMA)
    assert "--decimal comma for 8 numbers: 1.5, 2.7" in line and "--delimiter comma for 16 numbers: 1, 5" in line
    assert read(COMA, decimal="comma") == read(COMA, decimal=",") == read(COMA, delimiter="none") == COMA_NUMBERS
    assert sum(read(COMA, decimal="comma")) / 8 == pytest.approx(4.95)
    assert read(COMA, delimiter="comma")[:4] == [1, 5, 2, 7]
    assert read(COMA, column=2) == [5, 7, 25, 1, 5, 9, 3, 8]  # only two columns have a second one
    assert read("length\n" + COMA) == COMA_NUMBERS  # one name, one column


THREE = {  # three readings of each text, by the option that chooses it
    "1,234\n5,678\n9,012\n": {
        "decimal=comma": [1.234, 5.678, 9.012],
        "thousands=comma": [1234, 5678, 9012],
        "delimiter=comma": [1, 234, 5, 678, 9, 12],
    },
    "1.234\n5.678\n9.012\n": {"decimal=point": [1.234, 5.678, 9.012], "thousands=point": [1234, 5678, 9012]},
    "1 234\n5 678\n9 012\n": {"thousands=space": [1234, 5678, 9012], "delimiter=blanks": [1, 234, 5, 678, 9, 12]},
    "1,234;5,678\n9,012;3,456\n": {
        "decimal=comma": [1.234, 5.678, 9.012, 3.456],
        "thousands=,": [1234, 5678, 9012, 3456],
    },
    "1.234,567\n2.345,678\n": {"decimal=comma": [1234.567, 2345.678], "decimal=point": [1.234, 567, 2.345, 678]},
    "1 234,5\n6 789,5\n": {"thousands=space decimal=comma": [1234.5, 6789.5], "delimiter=blanks": [1, 234.5, 6, 789.5]},
    "1\u202f234,5\n5\u2009678,5\n": {"decimal=comma": [1234.5, 5678.5], "delimiter=comma": [1234, 5, 5678, 5]},
    "12,34,567\n1,23,456\n": {"thousands=comma": [1234567, 123456]},  # lakhs
}


@pytest.mark.parametrize("text", THREE)
def test_what_has_several_meanings_is_refused_and_settled_by_options(read, text):
    line = read.refusal(text)
    assert "more than one way" in line or "cells in line" in line
    for option, numbers in THREE[text].items():
        assert read(text, **dict(each.split("=") for each in option.split())) == numbers, option


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1\u00a0234\n5\u00a0678,5\n", [1234, 5678.5]),
        ("1\u202f234,25;\n5\u2009678,5;\n9;\n", [1234.25, 5678.5, 9]),
        ("1'234.5\n5\u2019678.5\n", [1234.5, 5678.5]),
        ("1_234\n5_678\n", [1234, 5678]),
        ("1.234.567\n2.345.678\n", [1234567, 2345678]),
        ("1.234.567,5\n8,25\n", [1234567.5, 8.25]),
        ('"1,234.5"\n"6,789.25"\n', [1234.5, 6789.25]),
        ('"1,5","2,75"\n"3,5","4"\n', [1.5, 2.75, 3.5, 4]),
        ("1.234\n0.567\n", [1.234, 0.567]),  # no thousands mark follows a zero
        ("1.2345\n1.234\n", [1.2345, 1.234]),
        ("\u22123.5\n+2\n-1.\n.5\n", [-3.5, 2, -1, 0.5]),
        ("100,200,300,400,500,600,700", [100, 200, 300, 400, 500, 600, 700]),
    ],
)
def test_what_has_one_meaning_is_read(read, text, numbers):
    assert read(text) == numbers


@pytest.mark.parametrize("text", [",5\n1,5\n2,5\n", "length (cm)\n1 234\n5 678\n", "h;w\n1,5;2\n3;4\n"])
def test_a_table_with_empty_cells_or_several_columns_is_not_read_as_something_else(read, text):
    assert "--delimiter" in read.refusal(text) or "--column" in read.refusal(text)


def test_a_column_is_chosen_by_name_or_number(read):
    rows = "\n".join(f"{k},{value}" for k, value in enumerate(SAMPLE))
    text = f"count, size\n{rows}\n"
    for column in ("size", 2, "2"):
        np.testing.assert_array_equal(read(text, column=column), SAMPLE)
    np.testing.assert_array_equal(read(text, column="count"), range(10))
    for column in (None, "sizes", 0, 3, -1):
        assert "count, size" in read.refusal(text, column=column)
    assert "by its number" in read.refusal("x,x\n1,2\n3,4\n", column="x")
    assert read("x,x\n1,2\n3,4\n", column=2) == [2, 4]
    assert read("wing span\tbody mass\n1\t5\n2\t6\n", column="body mass") == [5, 6]
    assert read('"a, ""b""";h\n1;2\n', column='a, "b"') == [1]
    assert read("length, cm\n1,5\n2,7\n", column="length, cm") == [1.5, 2.7]


@pytest.mark.parametrize(
    ("text", "column", "numbers"),
    [
        ("0\n1.5\n2\n3\n4.25\n5\n6\n7.5\n9\n", 0, [1.5, 2, 3, 4.25, 5, 6, 7.5, 9]),
        ("0\n1.5\n2.0\n3.0\n", "0", [1.5, 2, 3]),
        ("2019,2020\n1.5,2\n2,1\n", 2019, [1.5, 2]),
        ("2019;2020\n1,5;2\n2;1\n", "2020", [2, 1]),
        (",0\n0,1.5\n1,2.5\n", 0, [1.5, 2.5]),  # pandas with an index
        ("name,2019,2020\nAnn,1,2\nBob,3,4\n", 2020, [2, 4]),
        ("0\t1\t2\n3\t4\t5\n6\t7\t8\n", 0, [3, 6]),
    ],
)
def test_a_name_may_be_a_number(read, text, column, numbers):
    table = read.table(text, column=column)
    assert table.values == numbers and table.reading.header
    assert repr(str(column)) in table.reading.describe()


def test_a_line_of_numbers_is_a_header_only_if_that_is_said(read):
    pandas = "0\n1.5\n2\n3\n4.25\n5\n6\n7.5\n9\n"
    table = read.table(pandas)
    assert len(table.values) == 9 and "the first line, 0, counts as numbers (--header" in table.reading.describe()
    assert read(pandas, header=True) == table.values[1:] and read(pandas, header=False) == table.values
    for text in ("0\n1.5\n2.0\n3.0\n", "2019,2020\n1.5,2\n2,1\n", "0,1\n5,7\n3,9\n", "10,20\n1.5,2.5\n3.5,4.5\n"):
        line = read.refusal(text, delimiter="," if "," in text else None)
        assert "--header" in line and "--no-header" in line
    # 1 may be the name of the second column, or the number of the first.
    assert "--no-header" in read.refusal("0,1\n5,7\n", column=1, delimiter="comma")
    assert read("0,1\n5,7\n", column=1, header=True, delimiter="comma") == [7]
    assert read("0,1\n5,7\n", column=1, header=False, delimiter="comma") == [0, 5]
    assert read("Ann,3\nBob,4\nEve,5\n", column=2, header=False) == [3, 4, 5]
    assert "--no-header" in read.refusal("Ann,3\nBob,4\nEve,5\n", column=2)


@pytest.mark.parametrize(
    "cell",
    ["1O.5", "n/a", "1.234.567", "5 kg", "$5", "12%", "EUR 5", "O.5", "NaN", "-", "#N/A", "1.5-", "(3)", "1e", "l.5"]
    + ["2020-01-02", "0x10", "--", "%5", "NULL", "1..5", "\u0661\u0662", "5\u20ac", "inf", "1e999", "1e-999", "1_0"],
)
def test_a_cell_that_is_no_number_is_named_and_not_dropped(read, cell):
    numbers = "".join(f"{k + 0.5}\n" for k in range(8))
    for line, text in ((1, f"{cell}\n{numbers}"), (5, f"0.25\n1.5\n2.5\n3.5\n{cell}\n{numbers}")):
        message = read.refusal(text)
        assert f"line {line}" in message and f"received {cell!r}" in message
    if cell != "1.234.567":  # which is a number among decimal commas
        assert "line 3" in read.refusal(f"x;y\n1,5;2\n{cell};3\n4,5;5\n7;8\n", column="x")


def test_only_the_column_asked_for_has_to_hold_numbers(read):
    text = "x,y\n1.5,\n2,1\n3,n/a\n4.5\n"
    assert read(text, column="x") == [1.5, 2, 3, 4.5]
    assert "line 2" in read.refusal(text, column="y")
    assert read("name\tx\nAnn Smith\t1.5\nBob\t2.5\n", column="x") == [1.5, 2.5]
    assert "no cell" in read.refusal("x,y\n1.5,2\n4.5\n", column="y")
    assert "3 cells in line 3" in read.refusal("x,y\n1.5,2\n4,5,6\n", column="x")
    assert "cells in line" in read.refusal("x y\n1.5 2\n3\n", column="x")  # which of the two is missing?


def test_comments_name_columns_as_numpy_writes_them(read, tmp_path):
    path = tmp_path / "savetxt.txt"
    np.savetxt(path, np.arange(14).reshape(7, 2) + 0.25, header="x y")
    assert read_table(path, check_options(column="y")).values == [k + 0.25 for k in range(1, 14, 2)]
    assert "x, y" in refusal(read_table, path)
    assert len(read_table(path, check_options(header=False)).values) == 14
    assert read("#N,x\n1,2\n3,4\n", column="x") == [2, 4]


@pytest.mark.parametrize(
    ("encode", "name"),
    [
        (lambda text: text.encode(), "UTF-8"),
        (lambda text: codecs.BOM_UTF8 + text.encode(), "UTF-8 with"),
        (lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"), "UTF-16"),
        (lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"), "UTF-16"),
        (lambda text: text.encode("utf-32"), "UTF-32"),
        (lambda text: text.encode("cp1252"), "Windows-1252"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(read, encode, name, end):
    text = end.join(["Länge;Preis", "1\u00a0234,5;€", "2,5;’", "7;"])
    table = read.table(encode(text), column="Länge")
    assert table.values == [1234.5, 2.5, 7] and table.reading.encoding.startswith(name)
    assert name in table.reading.describe()


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("1,2,,4,5,6,7,8", "empty cell in line 1"),
        ("hello\nworld\n", "line 1"),
        ("\n \n", "holds no numbers"),
        ("# only\n% comments\n", "holds no numbers"),
        ('1\n"2\n3\n', "quote"),
        ('"1"5\n2\n', "quote"),
        ("1.5\t\t2\n3\t4\t5\n", "empty cell in line 1"),
        ('x\n1\n""\n3\n', "empty cell in line 3"),
        ("x\n12 kg\n13\n14\n", "line 2"),
        ("1.5\n2,5\n3\n", "line 2"),
        ("a\n1.5\n2.5\n####\n3\n", "line 4"),
        ("length\n", "line 1"),
    ],
)
def test_what_is_not_a_table_of_numbers_is_refused(read, text, fragment):
    assert fragment in read.refusal(text)


@pytest.mark.parametrize(
    "data", [bytes(range(128, 256)), b"1\x002\n", b"PK\x03\x04\x00", b"\xff\xfe\x00", b"1\x1b[31m"]
)
def test_a_file_that_is_not_text_is_refused(tmp_path, data):
    path = tmp_path / "numbers.dat"
    path.write_bytes(data)
    assert "not text" in refusal(read_sample, path)


def test_a_file_that_does_not_exist_is_refused(tmp_path):
    assert "nothing.csv" in refusal(read_sample, tmp_path / "nothing.csv")


def test_whole_numbers_that_a_double_cannot_hold_are_said_aloud(read):
    table = read.table("9007199254740993\n9007199254740992\n18014398509481985\n")
    assert table.values == [2.0**53, 2.0**53, 2.0**54] and "nearest double: 2" in table.reading.describe()
    assert "nearest double" not in read.table("9007199254740992\n0.12345678901234567890\n").reading.describe()


def test_spaces_between_no_break_spaces_divide_numbers(tmp_path: Path):
    """Every group has three digits, so the line could be one number, if a number had two kinds of blanks."""
    file = tmp_path / "blanks.txt"
    for blank in ("\u00a0", "\u2009", "\u202f"):
        lines = [f"100{blank}00{k} 1{blank}000{blank}000 7{blank}55{k}" for k in range(4)]
        file.write_text("\n".join(lines), "utf-8")
        wanted = [number for k in range(4) for number in (100_000.0 + k, 1e6, 7550.0 + k)]
        assert read_table(file).values == wanted
        assert read_table(file).reading.thousands == "space"
