"""Bad input, systematically: hostile values for every option of every command that reads or writes a user's files.

Each call would be refused for another reason anyway, so nothing is computed whatever the values are worth.
"""

import os
import random
from pathlib import Path

import pytest
import typer

from decoupling_lib import cli

pytestmark = pytest.mark.faults
CALLS = {  # with a reason of its own to be refused
    "transfer": ["nosuch.png", "nosuch.png", "--out", "out"],
    "rerun": ["nosuch.json", "--out", "out"],
    "sweep": ["nosuch.toml", "--out", "out"],
    "figures": ["--only", "99.9", "--out", "out"],
    "zeros": ["--weights", "nosuch.h5", "--out", "out"],
    "moments": ["nosuch.csv"],
}
VALUES = ("", " ", "-1", "0", "1", "9" * 400, "9" * 5000, "-" + "9" * 5000, "1e999", "-inf", "nan", "1e-320", "0x10")
VALUES += ("\0", "a\0b", "\ud800", "\udcff\udcfe", "\x1b[31mred\x1b[0m", "a\nb\r\n", "\u2028", "\u202eevil", "é" * 300)
VALUES += ("x" * 5000, "../" * 500, "/dev/zero", "/dev/null/x", "/proc/self/mem", "~", "*", "$(touch marker)", "١٢")
VALUES += ("%s%n", "{0}", "[bold]x[/bold]", "--", "-", "--nosuch", "-rf", "@/etc/passwd", "true", "None", "[]", "fifo")
VALUES += ("64x", "64x64x64", "2049", "99999999x1", "chelsae", "a" * 255, "folder", "empty", "picture.png/x", "1,2,,3")
VALUES += ("\ufeff", "loop", "1_0")
EACH = 1500


def names(command: str) -> list[str]:
    """The long names of a command's options that take a value."""
    found = typer.main.get_command(cli.app).commands[command].params
    options = [option for option in found if option.param_type_name == "option" and not option.is_flag]
    return [name for option in options for name in option.opts if name not in ("--help",)]


@pytest.fixture
def place(tmp_path: Path, tmp_path_factory, monkeypatch) -> Path:
    """A folder to work in, with things in the way."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "picture.png").write_bytes(b"no picture")
    monkeypatch.chdir(tmp_path)
    built = typer.main.get_command(cli.app)  # once, since that is most of what a refused call takes
    monkeypatch.setattr(typer.main, "get_command", lambda app: built)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))  # Keras itself writes there
    return tmp_path


def tried(decoupling, place: Path, *arguments: str) -> None:
    before = sorted(place.rglob("*"))
    said = decoupling(*arguments)
    assert (said.code, said.out) == (2, ""), (arguments, said)
    line = said.err.removesuffix("\n")
    assert line != said.err and "\n" not in line and line.startswith("decoupling: "), (arguments, said.err[:2000])
    assert line.isprintable() and len(line) < 2000, (arguments, line[:3000])
    assert sorted(place.rglob("*")) == before, arguments


@pytest.mark.parametrize("command", CALLS)
def test_hostile_values_of_options_are_refused_in_a_line(command: str, decoupling, place: Path, record_property):
    draw, options = random.Random(command), names(command)
    assert options
    for number in range(EACH):
        arguments = list(CALLS[command])
        # Each option meets each value in turn, alone or with others.
        chosen = [options[number % len(options)], *draw.sample(options, draw.choice((0, 0, 1, 3)) % len(options))]
        for name in chosen:
            if name == "--only" and command == "figures" or name == "--weights" and command == "zeros":
                arguments = [part for part in arguments if part not in (name, "99.9", "nosuch.h5")]
            arguments += [name, draw.choice([value for value in VALUES if value != "--"])]
        tried(decoupling, place, command, *arguments)
    record_property("inputs tried", EACH)


@pytest.mark.parametrize("command", CALLS)
def test_hostile_arguments_are_refused_in_a_line(command: str, decoupling, place: Path, record_property):
    usual = [part for part in CALLS[command] if not part.startswith("nosuch")]
    wanted = 2 if command == "transfer" else 0 if command in ("figures", "zeros") else 1
    for value in VALUES:
        tried(decoupling, place, command, *[value] * max(wanted, 1), *usual)
        tried(decoupling, place, command, *CALLS[command], value, value)  # more than it takes
        tried(decoupling, place, command, *CALLS[command], f"--{value}")
        if value not in ("--",):
            tried(decoupling, place, value, *CALLS[command])
    record_property("inputs tried", 4 * len(VALUES) - 1)
