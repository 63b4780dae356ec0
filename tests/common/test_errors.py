"""Errors: any value is shown on one short line, and every message says what was received, accepted and to do next."""

import errno
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoupling_lib.common.errors import (
    InputError,
    OutputError,
    describe_value,
    escape_unprintable,
    input_error,
    join_names,
    os_input_error,
    output_error,
    suggest,
)

GRAY = np.full((16, 16, 3), 0.5)


@given(st.text() | st.binary() | st.lists(st.integers()) | st.complex_numbers())
def test_any_value_is_described_on_one_short_line(value):
    text = describe_value(value)
    assert text.isprintable() and len(text) <= 100


def test_small_values_are_shown_and_large_ones_are_summarized():
    assert describe_value(np.float64(0.5)) == "0.5" and describe_value((64, 32)) == "(64, 32)"
    assert describe_value("a\nb") == r"'a\nb'"
    long = describe_value("a" * 10_000)
    assert "10002 characters" in long and len(long) < 100  # with the quotation marks
    for value, facts in [
        (GRAY, ["ndarray", "(16, 16, 3)", "float64"]),
        ([GRAY, GRAY], ["list", "2"]),
        ({"a": GRAY}, ["dict", "1"]),
    ]:
        assert all(fact in describe_value(value) for fact in facts)


def test_values_that_cannot_be_shown_are_described_by_their_type():
    class Loud:
        def __repr__(self) -> str:
            return "one\ntwo\x1b[31m" * 1000

    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    for value in (Loud(), Broken(), 10**9999):
        assert describe_value(value).isprintable() and len(describe_value(value)) < 100
    assert "Broken" in describe_value(Broken()) and "int" in describe_value(10**9999)


@given(st.text())
def test_escaped_text_is_printable_and_printable_text_is_unchanged(text):
    escaped = escape_unprintable(text)
    assert escaped.isprintable()
    assert not text.isprintable() or escaped == text


def test_an_input_error_has_its_five_parts_on_one_line():
    line = str(input_error("size", "is too\nsmall", 3, "at least 16", "choose a larger one"))
    assert line.isprintable()
    before, received, after = line.partition("; received 3; accepted: ")
    assert before.startswith("size ") and received and after == "at least 16; choose a larger one"


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.ENOENT, errno.EIO, 9999])
def test_a_refusal_of_the_operating_system_becomes_a_line(code):
    error = OSError(code, os.strerror(code))
    line = str(os_input_error(error, "output image", "x.png", "a name"))
    assert line.startswith("output image ") and "'x.png'; accepted: a name; " in line
    assert (os.strerror(code) in line) == (code in (errno.EIO, 9999))  # the others are explained in other words
    found = output_error(error, "output image", "x.png", "a name")
    assert isinstance(found, OutputError) and isinstance(found, InputError) and str(found) == line


def test_an_unknown_name_gets_a_suggestion_if_one_is_close():
    assert '"Euler"' in suggest("eular", ["Euler", "heun"])
    for value in ("x" * 10_000, "rk4", None, 3, GRAY):
        step = suggest(value, ["Euler", "heun"])
        assert step and "Euler" not in step and "heun" not in step


def test_joined_names_are_cut_only_if_they_are_very_many():
    assert join_names(["a", 1, None]) == "a, 1, None"
    assert len(join_names(range(10_000))) < 700
