"""Samples from files and by name, and the command that shows their moments."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from decoupling_lib.common.errors import InputError
from decoupling_lib.moments import decoupling, samples

NUMBERS = [0, 0.5, 1, 1.7, 2.1, 3, 3.4, 5.2, 8.9, 13]


def written(folder: Path, text: str, name: str = "numbers.csv") -> Path:
    path = folder / name
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
)
def test_numbers_are_read_from_any_common_layout(tmp_path, text):
    np.testing.assert_array_equal(samples.read(written(tmp_path, text)).values, NUMBERS)


def test_a_column_is_chosen_by_name(tmp_path):
    rows = "\n".join(f"{k},{value}" for k, value in enumerate(NUMBERS))
    path = written(tmp_path, f"count, size\n{rows}\n")
    np.testing.assert_array_equal(samples.read(path, column="size").values, NUMBERS)
    for column, said in ((None, "count, size"), ("sizes", "count, size")):
        with pytest.raises(InputError, match=said):
            samples.read(path, column=column)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1\n2\nabc\n4\n5\n6\n7\n", "text in line 3"),
        ("1\n2\nnan\n4\n5\n6\n7\n", "not finite in line 3"),
        ("1,2,,4,5,6,7,8", "empty cell in line 1"),
        ("1 2 3 4 5 6", "too few values; received 6"),
        ("1,5;2,5;3,5", "mixes separators"),
        ("hello\nworld\n", "text in line 2"),
        ("a,b\n1,2\n3\n", "1 cells in line 3"),
        ("2\n1_000", "text in line 2"),
        ("\n \n", "too few values"),
    ],
)
def test_what_is_not_a_sample_is_refused_in_one_line(tmp_path, text, said):
    with pytest.raises(InputError, match=said) as caught:
        samples.read(written(tmp_path, text), column="a" if text.startswith("a,b") else None)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "numbers.dat"
    path.write_bytes(bytes(range(128, 256)))
    with pytest.raises(InputError, match="not text"):
        samples.read(path)
    with pytest.raises(InputError, match="does not exist"):
        samples.read(tmp_path / "nothing.csv")


def test_a_picture_gives_its_brightness_with_ties_broken(tmp_path):
    levels = np.random.default_rng(0).integers(0, 4, (20, 30, 1)).repeat(3, axis=2).astype(np.uint8)
    Image.fromarray(levels).save(tmp_path / "gray.png")
    values = samples.read(tmp_path / "gray.png").values
    assert values.shape == (600,) and len(np.unique(values)) == 600
    # Three channels of the same gray: a weighted mean of three draws inside one bin.
    np.testing.assert_allclose(values, levels[..., 0].ravel() / 255, atol=0.5 / 255)
    assert samples.read(tmp_path / "gray.png", max_side=24).values.shape == (16 * 24,)


def test_named_samples():
    np.testing.assert_array_equal(samples.named("ten").values, NUMBERS)
    assert {"ten", "gamma", "china", "coffee"} <= set(samples.names())
    assert samples.named("brick", max_side=32).values.shape == (1024,)
    with pytest.raises(InputError, match="ten, gamma, china"):
        samples.named("eleven")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "decoupling_lib.cli", "moments", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_command_prints_both_kinds_of_moments(tmp_path):
    path = written(tmp_path, "\n".join(map(str, NUMBERS)))
    answer = json.loads(run(path, "--json").stdout)
    assert set(answer) == {"n", "coupled", "decoupled"} and answer["n"] == 10
    np.testing.assert_array_equal(answer["coupled"], decoupling.coupled(np.array(NUMBERS)))
    np.testing.assert_array_equal(answer["decoupled"], decoupling.decouple(np.array(NUMBERS)).values)
    table = run("--sample", "ten").stdout
    for name, value in zip(decoupling.NAMES, answer["decoupled"], strict=True):
        (line,) = [line for line in table.splitlines() if line.startswith(name)]
        assert float(line.split()[-1]) == pytest.approx(value, rel=1e-8)


@pytest.mark.parametrize(
    ("text", "said"),
    [("0 1 " * 5, "3 different"), ("3 " * 9, "constant"), ("1 2 3 4 5 6", "too few"), ("1 2 x 4 5 6 7", "text")],
)
def test_the_command_refuses_with_one_line(tmp_path, text, said):
    done = run(written(tmp_path, text))
    assert done.returncode == 2 and done.stdout == ""
    assert said in done.stderr and done.stderr.count("\n") == 1


def test_the_command_needs_exactly_one_sample(tmp_path):
    assert run().returncode == 2
    assert run(written(tmp_path, "1 2 3 4 5 6 7"), "--sample", "ten").returncode == 2


def test_ties_are_broken_on_demand(tmp_path):
    path = written(tmp_path, "1 2 " + "3 " * 10 + "4 5")
    assert "leg 4" in run(path).stderr
    assert json.loads(run(path, "--dequantize", "--json").stdout)["n"] == 14
