"""Checks: what they let through is unchanged, what they refuse is explained on one short line."""

import errno
import math
import os
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoupling_lib.common import validation
from decoupling_lib.common.errors import InputError, describe_value

GRAY = np.full((16, 16, 3), 0.5)


def refusal(function, *arguments, **options) -> str:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    text = str(caught.value)
    assert text.isprintable() and len(text) < 600
    assert "received" in text and "accepted" in text
    return text


def test_image_returns_float64_and_does_not_copy_it():
    assert validation.image(GRAY, "a") is GRAY
    converted = validation.image(GRAY.astype(np.float32).tolist(), "a")
    assert converted.dtype == np.float64 and np.array_equal(converted, GRAY)


@pytest.mark.parametrize(
    "bad, said",
    [
        (GRAY[..., 0], "wrong shape"),
        (GRAY[..., :2], "wrong shape"),
        (GRAY[None], "wrong shape"),
        (GRAY[:15], "too small"),
        (GRAY[:, :15], "too small"),
        (GRAY.astype(complex), "complex128"),
        (GRAY.astype(object), "object"),
        ((255 * GRAY).astype(np.uint8), "divide 8-bit values by 255"),
        ([[1.0, 2.0], [3.0]], "is not an array"),
        ("text", "has values of type"),
        (None, "object"),
    ],
)
def test_image_refuses(bad, said):
    assert said in refusal(validation.image, bad, "content")


def test_image_counts_the_values_that_are_not_finite():
    bad = GRAY.copy()
    bad[0, 0, 0] = math.nan
    assert "has 1 value that is not finite" in refusal(validation.image, bad, "content")
    bad[1, :2, 0] = math.inf, -math.inf
    assert "has 3 values that are not finite" in refusal(validation.image, bad, "content")


def test_constant_images_are_refused_and_one_live_channel_is_enough():
    colored = GRAY * [0.1, 0.5, 0.9]
    assert "constant" in refusal(validation.not_constant, colored, "style")
    colored[3, 4, 1] += 0.9 * validation.MIN_SPREAD
    assert "constant" in refusal(validation.not_constant, colored, "style")
    colored[3, 4, 1] += 0.2 * validation.MIN_SPREAD
    assert validation.not_constant(colored, "style") is colored


def test_choice_suggests_the_nearest_and_does_not_mix_types():
    assert validation.choice("euler", ["euler", "heun"], "method") == "euler"
    assert 'did you mean "euler"?' in refusal(validation.choice, "Eular", ["euler", "heun"], "method")
    for other in (True, 1.0, "1", GRAY, None):
        assert "1, 2" in refusal(validation.choice, other, [1, 2], "layer")


@pytest.mark.parametrize(
    "bad", [math.nan, math.inf, -math.inf, 10**400, np.float32("nan"), "0.5", None, True, 1j, GRAY]
)
def test_in_range_refuses_what_is_not_a_finite_number(bad):
    refusal(validation.in_range, bad, "rate", -math.inf, math.inf)


def test_in_range_ends():
    assert validation.in_range(0, "rate", 0, 1) == 0.0 and validation.in_range(np.float32(1), "rate", 0, 1) == 1.0
    assert validation.in_range(Fraction(1, 2), "rate", 0, 1) == 0.5
    assert "above 0 and at most 1" in refusal(validation.in_range, 0, "rate", 0, 1, low_open=True)
    assert "at least 0 and at most 1" in refusal(validation.in_range, 1.0000001, "rate", 0, 1)
    assert "an integer, at least 2" in refusal(validation.in_range, 3.0, "steps", 2, math.inf, integer=True)
    found = validation.in_range(np.int64(3), "steps", 2, 9, integer=True)
    assert found == 3 and type(found) is int


@given(st.floats(), st.floats(-10, 10), st.floats(-10, 10), st.booleans())
def test_in_range_agrees_with_its_definition(value, low, high, low_open):
    if (low < value if low_open else low <= value) and value <= high:
        assert validation.in_range(value, "x", low, high, low_open=low_open) == value
    else:
        refusal(validation.in_range, value, "x", low, high, low_open=low_open)


def test_layer_count_and_seed():
    assert [validation.layer_count(n) for n in range(1, 6)] == [1, 2, 3, 4, 5]
    assert validation.seed(0) == 0 and validation.seed(2**32 - 1) == 2**32 - 1
    for function, bad in [(validation.layer_count, 0), (validation.layer_count, 6), (validation.layer_count, 2.0)]:
        refusal(function, bad)
    for bad in (-1, 2**32, 1.0, True, "1", None):
        refusal(validation.seed, bad)


SIDES = st.integers(validation.MIN_SIDE, validation.MAX_SIDE)


@given(SIDES, SIDES, st.sampled_from("xX"), st.sampled_from(["", " ", "  "]))
def test_size_is_written_width_first_and_returned_height_first(width, height, sign, space):
    assert validation.size(f"{space}{width}{space}{sign}{space}{height}") == (height, width)
    assert validation.size(str(width)) == (width, width)


@given(st.integers(0, 10**30).filter(lambda side: not validation.MIN_SIDE <= side <= validation.MAX_SIDE), SIDES)
def test_sizes_out_of_range_are_refused(side, other):
    for text in (f"{side}", f"{side}x{other}", f"{other}x{side}"):
        assert "out of range" in refusal(validation.size, text)


@pytest.mark.parametrize(
    "bad", ["", "x", "64x", "x64", "64x64x3", "-64", "6.4", "1e3", "64 64", "٦٤", 64, None, "9" * 9999]
)
def test_size_refuses_other_text(bad):
    refusal(validation.size, bad)


@pytest.mark.parametrize("bad", [64, "64", (64,), (64, 64, 3), (64, 15), (64.0, 64), (True, 64), (10**5, 10**5), GRAY])
def test_shape_refuses(bad):
    refusal(validation.shape, bad)


@given(st.text() | st.binary() | st.lists(st.integers()) | st.complex_numbers())
def test_any_value_is_shown_on_one_short_line(value):
    text = describe_value(value)
    assert text.isprintable() and len(text) <= 100


def test_long_and_odd_values_are_shown_short():
    class Loud:
        def __repr__(self) -> str:
            return "one\ntwo\x1b[31m" * 1000

    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    assert "10002 characters" in describe_value("a" * 10_000)
    assert describe_value("a\nb") == r"'a\nb'"
    assert describe_value(GRAY) == "ndarray of shape (16, 16, 3), type float64"
    assert describe_value([GRAY, GRAY]) == "list of 2 entries"
    assert describe_value({"a": GRAY}) == "dict of 1 entries"
    assert describe_value(np.float64(0.5)) == "0.5" and describe_value((64, 32)) == "(64, 32)"
    for value in (Loud(), Broken(), 10**9999):
        assert describe_value(value).isprintable() and len(describe_value(value)) < 100


def test_regular_file_refuses_what_cannot_hold_a_picture(tmp_path: Path):
    (tmp_path / "empty.png").touch()
    os.mkfifo(tmp_path / "fifo.png")
    (tmp_path / "cat.png").write_text("x")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    assert validation.regular_file(f"{tmp_path}/cat.png", "picture") == tmp_path / "cat.png"
    cases = {"empty.png": "zero bytes", "fifo.png": "regular file", ".": "is a folder", "circle": "circle"}
    cases |= {"no.png": "not exist", "cat.png/x": "not exist", "n" * 9999: "too long", "a\nb\0": "NUL"}
    for name, said in cases.items():
        assert said in refusal(validation.regular_file, f"{tmp_path}/{name}", "picture")
    assert "regular file" in refusal(validation.regular_file, "/dev/zero", "picture")
    with (tmp_path / "sparse.png").open("wb") as file:
        file.truncate(validation.MAX_FILE_BYTES + 1)
    assert "too large" in refusal(validation.regular_file, tmp_path / "sparse.png", "picture")
    text = refusal(validation.regular_file, "flwer.jpg", "picture", ["china", "flower"])
    assert 'did you mean "flower"?' in text and "china, flower" in text


def test_output_folder_is_made_with_its_parents_and_left_empty(tmp_path: Path):
    assert validation.output_folder(str(tmp_path)) == tmp_path
    deep = tmp_path / "a" / "b" / "c"
    assert validation.output_folder(deep) == deep and deep.is_dir()
    assert validation.output_folder(deep) == deep and list(deep.iterdir()) == []


def test_relative_output_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert validation.output_folder("a/b") == Path("a/b") and (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize(
    "name, said",
    [
        ("file", "not a folder"),
        ("file/below", "not a folder"),
        ("file/far/below", "not a folder"),
        ("dangling", "not a folder"),
        ("new/" + "n" * 10_000, "too long"),
        ("new/nul\0name", "NUL"),
        ("new/\ud800", "cannot be a file name"),
    ],
)
def test_output_folder_refuses_and_leaves_nothing(tmp_path: Path, name: str, said: str):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert said in refusal(validation.output_folder, f"{tmp_path}/{name}")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["dangling", "file"]
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("bad", ["", "  ", None, 3, b"bytes"])
def test_output_folder_refuses_what_is_no_name(bad):
    refusal(validation.output_folder, bad)


@pytest.mark.parametrize(
    "code, said",
    [(errno.EROFS, "read-only"), (errno.ENOSPC, "disk is full"), (errno.EIO, os.strerror(errno.EIO))],
)
def test_output_folder_tells_why_the_trial_file_failed(tmp_path, monkeypatch, code, said):
    def fail(**options):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(tempfile, "TemporaryFile", fail)
    assert said in refusal(validation.output_folder, tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_output_folder_that_is_not_writable(unprivileged_folder: Path):
    unprivileged_folder.chmod(0o555)
    assert "permission is denied" in refusal(validation.output_folder, unprivileged_folder)
    assert "permission is denied" in refusal(validation.output_folder, unprivileged_folder / "below")


@pytest.fixture
def unprivileged_folder():
    """A folder of our own, seen without the rights of root, to whom nothing is forbidden."""
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(65534)
    try:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)
            os.chmod(name, 0o700)
    finally:
        if was_root:
            os.seteuid(0)
