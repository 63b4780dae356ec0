"""The page about numbers from files: each of its examples is read as it says."""

import re

import pytest
from paths import ROOT

from decoupling_lib.common.errors import InputError
from decoupling_lib.moments.table_options import DELIMITERS, MARK_NAMES, check_options
from decoupling_lib.moments.tables import read_table

PAGE = (ROOT / "docs" / "numbers.md").read_text("utf-8")
EXAMPLES = re.findall(r"^\| `([^`]+)` \| (?:`([^`]+)`)? ?\| (.+) \|$", PAGE.partition("## Examples")[2], re.MULTILINE)


@pytest.mark.parametrize(("lines", "stated", "numbers"), EXAMPLES)
def test_an_example_is_read_as_the_page_says(lines, stated, numbers, tmp_path):
    path = tmp_path / "example.csv"
    path.write_text("\n".join(re.split(" / ", lines)) + "\n", encoding="utf-8")
    options = check_options(**dict(re.findall(r"--(\w+) (\S+)", stated)))
    if numbers.startswith("refused"):
        with pytest.raises(InputError):
            read_table(path, options)
    else:
        assert read_table(path, options).values == [float(number) for number in numbers.split()]


def test_the_page_names_every_delimiter_and_mark():
    assert len(EXAMPLES) >= 20
    for name in {*DELIMITERS.values(), *MARK_NAMES.values()}:
        assert f"`{name}`" in PAGE
