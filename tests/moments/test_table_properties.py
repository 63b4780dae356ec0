"""The promise of the reader of tables: the numbers that were written, or a refusal, but never other numbers."""

import re
from pathlib import Path

import pytest
from dialects import WrittenTable, written_tables
from hypothesis import HealthCheck, given, settings

from decoupling_lib.common.errors import InputError
from decoupling_lib.moments.table_options import check_options
from decoupling_lib.moments.tables import Table, read_table

SHARED_FOLDER = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
quick = settings(max_examples=150, deadline=None, suppress_health_check=SHARED_FOLDER, derandomize=True)
# The same tables every time; other seeds: --hypothesis-seed with derandomize=False.
thorough = settings(max_examples=6000, deadline=None, suppress_health_check=SHARED_FOLDER, derandomize=True)


def read(folder: Path, written: WrittenTable, **options) -> Table:
    path = folder / "table.csv"
    path.write_bytes(written.data)
    return read_table(path, check_options(**written.asking, **options))


def check_with_options(folder: Path, written: WrittenTable) -> None:
    """With everything said about a table, every double is the one that was written."""
    assert read(folder, written, **written.options).values == written.numbers


def check_without_options(folder: Path, written: WrittenTable) -> None:
    """Without a word about it, the numbers are the same ones; or the table is refused with options that settle it."""
    try:
        table = read(folder, written)
    except InputError as error:
        check_ways(folder, written, str(error))
        return
    if table.values != written.numbers:
        # A line of numbers can be a header, which nothing but the word of the user could tell: it is said aloud.
        assert written.numeric_names and "the first line, " in table.reading.describe()
        assert table.values[-len(written.numbers) :] == written.numbers


def check_ways(folder: Path, written: WrittenTable, refusal: str) -> None:
    """Each way that a refusal offers is a way to read the file, and one of them is how it was written."""
    ways = re.findall(r"((?:--\w+ \w+ ?)+)for (\d+) numbers", refusal)
    found = []
    for stated, count in ways:
        options = dict(re.findall(r"--(\w+) (\w+)", stated))
        found.append(read(folder, written, **options).values)
        assert len(found[-1]) == int(count)
    assert len(found) < 2 or written.numbers in found or written.numeric_names


@quick
@given(written=written_tables())
def test_stated_options_give_the_doubles_that_were_written(tmp_path, written):
    check_with_options(tmp_path, written)


@quick
@given(written=written_tables())
def test_without_options_no_other_numbers_are_read(tmp_path, written):
    check_without_options(tmp_path, written)


@pytest.mark.slow
@thorough
@given(written=written_tables())
def test_thousands_of_dialects(tmp_path, written):
    check_with_options(tmp_path, written)
    check_without_options(tmp_path, written)
