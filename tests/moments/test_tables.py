"""Numbers from text and CSV files: what is read, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from toys import SAMPLE

from decoupling_lib.common.errors import InputError
from decoupling_lib.moments.samples import read_sample
from decoupling_lib.moments.tables import read_numbers


def write(folder: Path, text: str) -> Path:
    path = folder / "numbers.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "0,0.5,1,1.7,2.1,3,3.4,5.2,8.9,13\n",
        "0\n0.5\n1\n1.7\n2.1\n3\n3.4\n5.2\n8.9\n13",
        "\ufeffvalue\r\n0\r\n0.5\r\n1\r\n1.7\r\n\r\n2.1\r\n3\r\n3.4\r\n5.2\r\n8.9\r\n13\r\n",
        "0;0.5;1;1.7;2.1;\n3;3.4;5.2;8.9;1.3e1;\n",
        " 0 0.5\t1 1.7 2.1\n 3 3.4 5.2 8.9 +13 ",
        '"x"\n"0"\n"0.5"\n1\n1.7\n2.1\n3\n3.4\n5.2\n8.9\n13\n',
    ],
    ids=["commas", "lines", "byte order mark and header", "semicolons", "white space", "quotes"],
)
def test_numbers_are_read_from_any_common_layout(tmp_path, text):
    np.testing.assert_array_equal(read_numbers(write(tmp_path, text)), SAMPLE)


def test_a_column_is_chosen_by_name(tmp_path):
    rows = "\n".join(f"{k},{value}" for k, value in enumerate(SAMPLE))
    path = write(tmp_path, f"count, size\n{rows}\n")
    np.testing.assert_array_equal(read_numbers(path, "size"), SAMPLE)
    np.testing.assert_array_equal(read_numbers(path, "count"), range(10))
    for column in (None, "sizes"):
        with pytest.raises(InputError, match="count, size"):
            read_numbers(path, column)


def test_a_name_may_contain_spaces(tmp_path):
    path = write(tmp_path, "wing span\tbody mass\n1 5\n2 6\n")
    assert read_numbers(path, "body mass") == [5, 6]


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("1\n2\nabc\n4\n5\n6\n7\n", "text in line 3"),
        ("1\n2\nnan\n4\n5\n6\n7\n", "not finite in line 3"),
        ("1,2,,4,5,6,7,8", "empty cell in line 1"),
        ("1 2 3 4 5 6", "received 6"),
        ("1,5;2,5;3,5", "mixes separators"),
        ("hello\nworld\n", "text in line 2"),
        ("a,b\n1,2\n3\n", "1 cells in line 3"),
        ("2\n1_000", "text in line 2"),
        ("\n \n", "received 0"),
    ],
)
def test_what_is_not_a_sample_is_refused_in_one_line(tmp_path, text, fragment):
    with pytest.raises(InputError, match=fragment) as caught:
        read_sample(write(tmp_path, text), column="a" if text.startswith("a,b") else None)
    assert str(caught.value).isprintable()


def test_a_column_of_a_file_without_names_is_refused(tmp_path):
    with pytest.raises(InputError, match="size.*names"):
        read_numbers(write(tmp_path, "1 2 3"), "size")


def test_a_file_that_is_not_text_or_does_not_exist_is_refused(tmp_path):
    path = tmp_path / "numbers.dat"
    path.write_bytes(bytes(range(128, 256)))
    with pytest.raises(InputError, match="not text"):
        read_sample(path)
    with pytest.raises(InputError, match="nothing.csv"):
        read_sample(tmp_path / "nothing.csv")
