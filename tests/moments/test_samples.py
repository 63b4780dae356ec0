"""Samples by name and from images, dequantization, and the command that shows their moments."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import refusal
from toys import SAMPLE

from decoupling_lib.common.errors import InputError
from decoupling_lib.images.pictures import load_picture
from decoupling_lib.moments.coupled import MOMENT_NAMES, coupled_moments
from decoupling_lib.moments.decoupling import decouple_moments
from decoupling_lib.moments.samples import dequantize, load_sample, read_sample, sample_names

LUMINANCE = (0.2125, 0.7154, 0.0721)  # ITU-R BT.709


def write(folder: Path, text: str) -> Path:
    path = folder / "numbers.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_image_gives_its_brightness_with_ties_broken(tmp_path):
    levels = np.random.default_rng(0).integers(0, 4, (20, 30, 1)).repeat(3, axis=2).astype(np.uint8)
    Image.fromarray(levels).save(tmp_path / "gray.png")
    values = read_sample(tmp_path / "gray.png").values
    assert values.shape == (600,) and len(np.unique(values)) == 600
    # Three channels of the same gray: a weighted mean of three draws inside one bin.
    np.testing.assert_allclose(values, levels[..., 0].ravel() / 255, atol=0.5 / 255)
    assert read_sample(tmp_path / "gray.png", max_side=24).values.shape == (16 * 24,)


def test_brightness_weighs_the_colors(tmp_path):
    image = np.random.default_rng(1).random((16, 17, 3))
    np.save(tmp_path / "image.npy", image)
    expected = sum(weight * image[..., k] for k, weight in enumerate(LUMINANCE)).ravel()
    np.testing.assert_allclose(read_sample(tmp_path / "image.npy").values, expected, rtol=1e-12)


def test_a_column_of_an_image_is_refused(tmp_path):
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / "black.png")
    with pytest.raises(InputError, match="column.*black.png.*leave"):
        read_sample(tmp_path / "black.png", column="size")


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8", "g", "i1", "u1", "i4", ">i8", "u8"])
def test_a_one_dimensional_array_is_read(tmp_path, dtype):
    values = np.array([0, 1, 2, 4, 7, 11, 16, 22], dtype=dtype)
    np.save(tmp_path / "list.npy", values)
    sample = read_sample(tmp_path / "list.npy")
    assert sample.values.dtype == np.float64 and sample.reading is None and "one-dimensional" in sample.description
    np.testing.assert_array_equal(sample.values, values.astype(float))
    refusal(read_sample, tmp_path / "list.npy", decimal="comma")


@pytest.mark.parametrize(
    "array",
    [np.array([{}] * 9), np.arange(9) + 1j, np.array(["1"] * 9), np.ones(9, bool), np.zeros((9, 1)), np.zeros((2, 9))]
    + [np.array(3.5), np.zeros((3, 3, 3, 3)), np.zeros(0), np.arange(6.0), np.array([np.nan] * 9), np.zeros((20, 5, 3))]
    + [np.zeros(9, [("a", float)]), np.full(9, np.longdouble("1e4000")), np.arange(9).astype("M8[s]")],
    ids=lambda array: f"{array.dtype.kind} {array.shape}",
)
def test_other_arrays_are_refused_in_one_line(tmp_path, array):
    np.save(tmp_path / "array.npy", array, allow_pickle=True)
    line = refusal(read_sample, tmp_path / "array.npy")
    assert array.ndim in (1, 3) or "one dimension" in line


def test_whole_numbers_in_an_array_that_a_double_cannot_hold_are_said_aloud(tmp_path):
    np.save(tmp_path / "large.npy", np.array([2**53 + k for k in range(8)]))
    assert "nearest double: 4" in read_sample(tmp_path / "large.npy").description
    np.save(tmp_path / "small.npy", np.arange(8))
    assert "nearest double" not in read_sample(tmp_path / "small.npy").description


def test_the_options_of_the_reader_are_those_of_the_function(tmp_path):
    path = write(tmp_path, "Länge;Breite\n" + "".join(f"1.00{k},5;7\n" for k in range(8)))
    expected = [1000.5 + k for k in range(8)]
    for options in ({}, {"delimiter": ";", "decimal": ",", "thousands": ".", "header": True}):
        sample = read_sample(path, "Länge", **options)
        assert list(sample.values) == expected
        assert (sample.reading.delimiter, sample.reading.thousands) == ("semicolon", "point")
    assert list(read_sample(path, 1).values) == expected
    wrong = {"delimiter": ("", "ab", "1", "-", 3), "decimal": ("", ";", "comma,", 1.5), "thousands": ("", "x", "..", 0)}
    wrong |= {"header": (1, "yes"), "column": (1.5, True, [], b"x")}
    for option, values in wrong.items():
        for value in values:
            line = refusal(read_sample, path, **{option: value})
            assert option in line and repr(value) in line
    assert "thousands" in refusal(read_sample, path, decimal="comma", thousands=",")


def test_samples_have_names():
    np.testing.assert_array_equal(load_sample("ten").values, SAMPLE)
    assert {"ten", "gamma", "china", "coffee"} <= set(sample_names())
    assert load_sample("gamma").values.shape == (1000,)
    assert load_sample("brick", max_side=32).values.shape == (1024,)
    with pytest.raises(InputError, match="eleven.*ten, gamma, china"):
        load_sample("eleven")


def test_dequantizing_breaks_ties_and_keeps_the_order_of_bins():
    x = np.random.default_rng(7).poisson(3, 300).astype(float)
    spread = dequantize(x, seed=1)
    assert len(np.unique(spread)) == 300
    np.testing.assert_array_equal(np.rint(spread), x)
    np.testing.assert_array_equal(spread, dequantize(x, seed=1))
    assert np.max(np.abs(dequantize(x, 1, 0.2) - x)) <= 0.1


@pytest.mark.parametrize(
    "x", [[2.0**53] * 2 + [2.0**53 + 2], [1.0, 1, 1 + 2e-16, 2], [1.7e308, -1.7e308, 0], [-1.0e308, 1e308], [np.nan, 1]]
)
def test_values_between_which_nothing_lies_are_not_spread(x):
    refusal(dequantize, x)


def test_values_that_leave_room_are_spread():
    for x in (
        2.0**53 + 64 * np.repeat(np.arange(9), 2),
        1e300 * np.arange(9),
        5e-324 * 2.0 ** np.arange(9) * 64,
        np.full(9, 0.1),
        np.array([0, 0, 0.1, 1e17]),
    ):
        np.testing.assert_allclose(dequantize(x), x, atol=np.max(np.diff(np.unique(x)), initial=0))


def test_the_command_prints_both_kinds_of_moments(decoupling, tmp_path):
    path = write(tmp_path, "\n".join(map(str, SAMPLE)))
    answer = json.loads(decoupling("moments", path, "--json").out)
    assert {"n", "coupled", "decoupled"} <= set(answer) and answer["n"] == 10
    np.testing.assert_array_equal(answer["coupled"], coupled_moments(SAMPLE))
    np.testing.assert_array_equal(answer["decoupled"], decouple_moments(SAMPLE).values)
    table = decoupling("moments", "--sample", "ten").out
    for name, value in zip(MOMENT_NAMES, answer["decoupled"], strict=True):
        (line,) = [line for line in table.splitlines() if line.startswith(name)]
        assert float(line.split()[-1]) == pytest.approx(value, rel=1e-8)


@pytest.mark.parametrize(
    ("text", "fragment"),
    [("0 1 " * 5, "3 different"), ("3 " * 9, "constant"), ("1 2 3 4 5 6", "received 6"), ("1 2 x 4 5 6 7", "text")],
)
def test_the_command_refuses_with_one_line(decoupling, tmp_path, text, fragment):
    end = decoupling("moments", write(tmp_path, text))
    assert end.code == 2 and end.out == ""
    assert fragment in end.err and end.err.count("\n") == 1


def test_the_command_says_what_a_file_was_taken_for(decoupling, tmp_path):
    path = write(tmp_path, "# by hand\nx;y\n" + "".join(f"{k},5;{k}\n" for k in range(9)))
    answer = json.loads(decoupling("moments", path, "--column", "x", "--json").out)
    assert answer["coupled"][0] == 4.5 and answer["n"] == 9
    reading = answer["reading"]
    assert (reading["delimiter"], reading["decimal"], reading["thousands"]) == ("semicolon", "comma", "none")
    assert reading["header"] is True and reading["names"] == ["x", "y"] and reading["column"] == 1
    (line,) = [each for each in decoupling("moments", path, "--column", 1).out.splitlines() if "read as" in each]
    for part in ("semicolon", "'x'", "header", "decimal comma", "UTF-8", "1 comment line"):
        assert part in line
    assert json.loads(decoupling("moments", "--sample", "ten", "--json").out)["reading"] is None


def test_the_options_of_the_command_settle_what_it_refuses(decoupling, tmp_path):
    path = write(tmp_path, "1,5\n2,7\n3,25\n4,1\n5,05\n6,9\n7,3\n8,8\n")
    end = decoupling("moments", path)
    assert end.code == 2 and "--decimal comma" in end.err and "--delimiter comma" in end.err
    answer = json.loads(decoupling("moments", path, "--decimal", "comma", "--json").out)
    assert answer["n"] == 8 and answer["coupled"][0] == pytest.approx(4.95)
    assert json.loads(decoupling("moments", path, "--delimiter", ",", "--json").out)["n"] == 16
    path = write(tmp_path, "0\n1.5\n2\n3\n4.25\n5\n6\n7.5\n9\n")
    assert "the first line, 0, counts" in decoupling("moments", path).out
    for options, count in ((("--column", 0), 8), (("--header",), 8), (("--no-header",), 9)):
        assert json.loads(decoupling("moments", path, *options, "--json").out)["n"] == count
    path = write(tmp_path, "1 234\n1 567\n2 345\n3 456\n4 567\n5 678\n9 012\n")
    assert decoupling("moments", path).code == 2
    assert json.loads(decoupling("moments", path, "--thousands", "space", "--json").out)["coupled"][0] > 1000
    end = decoupling("moments", "--sample", "ten", "--decimal", "comma")
    assert end.code == 2 and "--decimal" in end.err


@pytest.mark.parametrize("scale", ["e200", "e308", "e-200", "e-320"])
def test_the_command_never_prints_what_is_not_json(decoupling, tmp_path, scale):
    path = write(tmp_path, "".join(f"{digit}{scale}\n" for digit in "12345671"))
    end = decoupling("moments", path, "--json")
    assert end.code == 2 and end.out == "" and end.err.count("\n") == 1
    assert "floating point" in end.err or "not finite" in end.err


def test_the_command_needs_exactly_one_sample(decoupling, tmp_path):
    assert decoupling("moments").code == 2
    assert decoupling("moments", write(tmp_path, "1 2 3 4 5 6 7"), "--sample", "ten").code == 2


def test_ties_are_broken_on_request(decoupling, tmp_path):
    path = write(tmp_path, "1 2 " + "3 " * 10 + "4 5")
    assert "leg 4" in decoupling("moments", path).err
    assert json.loads(decoupling("moments", path, "--dequantize", "--json").out)["n"] == 14


NUMBERS = "1.5\n2\n3.25\n4\n5\n6.5\n7\n8\n"
EIGHT = [1.5, 2, 3.25, 4, 5, 6.5, 7, 8]
RGB = np.random.default_rng(17).integers(0, 256, (20, 24, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("x.heic", NUMBERS, "utf-8"),
        ("x.webp", NUMBERS, "utf-8"),
        ("x.png", NUMBERS, "utf-8"),
        ("x.dng", "a\n" + NUMBERS, "utf-8"),
        ("x.raw", NUMBERS, "utf-16"),
        ("x.npy", NUMBERS, "utf-8-sig"),
        ("x.ppm", NUMBERS, "utf-8"),
        ("x.tga", NUMBERS, "utf-8"),
        ("x", NUMBERS, "utf-8"),
        ("x.csv", "P2\n" + NUMBERS, "utf-8"),  # the name of a column, and how a Netpbm image begins
        ("x.txt", "BM\n" + NUMBERS, "utf-8"),  # and how a BMP image begins
        ("x.txt", "qoif\n" + NUMBERS, "utf-8"),
        ("x.tsv", "Größe\n" + NUMBERS, "cp1252"),
    ],
)
def test_text_is_read_as_numbers_whatever_its_name(tmp_path, name, text, encoding):
    (tmp_path / name).write_text(text, encoding)
    sample = read_sample(tmp_path / name)
    np.testing.assert_array_equal(sample.values, EIGHT)
    assert sample.reading is not None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP", "AVIF", "JPEG2000", "PPM", "TGA"])
@pytest.mark.parametrize("name", ["x.csv", "x.txt", "x", "x.dat", "x.heic"])
def test_an_image_gives_its_brightness_whatever_its_name(tmp_path, kind, name):
    image = Image.fromarray(RGB)
    image.save(tmp_path / "x.image", format=kind)
    with Image.open(tmp_path / "x.image") as stored:
        expected = (np.asarray(stored.convert("RGB")) / 255) @ LUMINANCE
    data = (tmp_path / "x.image").read_bytes()
    # Pillow writes the older TGA, which has no signature; the newer one ends with its own.
    tail = bytes(8) + b"TRUEVISION-XFILE.\0" if kind == "TGA" else b""
    (tmp_path / name).write_bytes(data + tail if not data.endswith(tail) else data)
    sample = read_sample(tmp_path / name)
    assert sample.reading is None
    np.testing.assert_allclose(sample.values, expected.ravel(), atol=0.6 / 255)


def test_an_array_is_read_whatever_its_name(tmp_path):
    for name in ("x.csv", "x.png", "x"):
        with open(tmp_path / name, "wb") as file:
            np.save(file, np.array(EIGHT))
        np.testing.assert_array_equal(read_sample(tmp_path / name).values, EIGHT)


def brand(name: bytes) -> bytes:
    return (16).to_bytes(4, "big") + b"ftyp" + name + bytes(104)


@pytest.mark.parametrize("name", ["own", "x.csv", "x.txt"])
@pytest.mark.parametrize(
    ("own", "data", "fact"),
    [
        ("x.heic", brand(b"heic"), "HEIC"),
        ("x.heif", brand(b"mif1"), "HEIC"),
        ("x.psd", b"8BPS\0\1" + bytes(50), "Photoshop"),
        ("x.CR3", brand(b"crx "), "raw"),
        ("x.raf", b"FUJIFILMCCD-RAW 0201" + bytes(50), "raw"),
        ("x.mp4", brand(b"isom"), "video"),
        ("x.pdf", b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n", "PDF"),
        ("x.svg", b'<?xml version="1.0"?>\n<svg xmlns="x">', "SVG"),
        ("x.jxl", b"\xff\x0a" + bytes(50), "JPEG XL"),
        ("x.exr", b"\x76\x2f\x31\x01" + bytes(50), "OpenEXR"),
        ("x.hdr", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n", "HDR"),
        ("x.xcf", b"gimp xcf v011\0", "GIMP"),
        ("x.ico", b"\0\0\1\0\1\0" + bytes(50), "icon"),
    ],
)
def test_a_picture_that_is_not_read_is_named_for_what_it_is(tmp_path, own, data, fact, name):
    file = tmp_path / (own if name == "own" else name)
    file.write_bytes(data)
    assert fact in refusal(read_sample, file).split("; received ")[0]


@pytest.mark.parametrize(
    ("name", "data", "fragment"),
    [
        ("x.dng", b"MM\0*\0\0\0\x08" + bytes(50), "raw"),  # a TIFF file but for its name
        ("x.arw", b"II*\0\x08\0\0\0" + bytes(50), "raw"),
        ("x.png", b"<!DOCTYPE html>\n<html>", "web page"),
        ("x.heic", bytes(9999), "zeros"),
        ("x.jpg", b"PK\3\4" + bytes(50), "archive"),
        ("x.xlsx", b"PK\3\4\x14\0\6\0" + bytes(50), "spreadsheet as CSV"),
        ("x.csv.gz", b"\x1f\x8b\x08\0" + bytes(50), "not text"),
        ("x.h5", b"\x89HDF\r\n\x1a\n" + bytes(50), "HDF5"),
        ("x.csv", b"a\0b\0", "not text"),
    ],
)
def test_other_files_are_refused_for_what_they_are(tmp_path, name, data, fragment):
    (tmp_path / name).write_bytes(data)
    assert fragment in refusal(read_sample, tmp_path / name)


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("x.gif", {"save_all": True}),
        ("x.webp", {"save_all": True}),
        ("x.png", {"icc_profile": b"no profile" * 30}),
        ("x.jpg", {"icc_profile": bytes(200)}),
        ("x.tif", {"icc_profile": b"acsp" * 50}),
    ],
)
def test_what_was_done_to_an_image_in_reading_is_said_as_by_transfer(tmp_path, decoupling, name, save):
    frames = {"append_images": [Image.fromarray(255 - RGB)]} if save.get("save_all") else {}
    Image.fromarray(RGB).save(tmp_path / name, **save, **frames)
    notes = load_picture(tmp_path / name).notes
    assert len(notes) == 1 and name in notes[0]
    code, out, err = decoupling("moments", tmp_path / name)
    assert (code, err) == (0, notes[0] + "\n") and out.startswith(f"{name}: 480 values")
    code, out, err = decoupling("moments", tmp_path / name, "--json")
    assert (code, err) == (0, "") and json.loads(out)["notes"] == list(notes)


def test_numbers_have_no_notes(tmp_path, decoupling):
    (tmp_path / "x.csv").write_text(NUMBERS)
    assert json.loads(decoupling("moments", tmp_path / "x.csv", "--json").out)["notes"] == []
