"""Bad input, systematically: hostile values for every option of every command that reads or writes users' files.

Each call is valid except for these values, and is stopped where its work would begin: nothing is computed even if the
values are accepted, and a message other than the stop shows that an option was checked before.
"""

import hashlib
import json
import os
import random
import shutil
from pathlib import Path

import distributed
import pytest
import typer

from decoupling_lib import cli
from decoupling_lib.commands.output import open_output_folder
from decoupling_lib.common.errors import InputError, input_error
from decoupling_lib.figures import gallery, redraw
from decoupling_lib.figures.spec import FigureSpec
from decoupling_lib.moments import coupled
from decoupling_lib.networks import dead_channels, weights
from decoupling_lib.runs import execute

pytestmark = pytest.mark.faults
DRAWN = ("--network", "vgg16", "--weights", "random")
OUT = ("--out", "out", "--quiet")
CALLS = {  # by the option whose values this call checks; "" is for all others
    "transfer": {"": ("a.png", "b.png", *OUT, *DRAWN, "--layers", "1")},
    "rerun": {"": ("report.json", *OUT), "--only": ("manifest.json", *OUT)},
    "sweep": {"": ("sweep.toml", *OUT, "--scheduler", "tcp://127.0.0.1:9")},
    "figures": {"": ("--only", "4.5", *OUT, *DRAWN)},
    "zeros": {"": (*OUT, *DRAWN, "--layers", "1")},
    "moments": {"": ("a.png",), "--sample": ("--sample", "ten")}
    | dict.fromkeys(("--column", "--delimiter", "--decimal", "--thousands"), ("numbers.csv", "--column", "height")),
}
FILES = {"transfer": 2, "rerun": 1, "sweep": 1, "figures": 0, "zeros": 0, "moments": 1}
"""The number of files that a call begins with."""
STOP = "stopped where the work would begin"
SWEEP = 'pairs = [["a.png", "b.png"]]\n[fixed]\nlayers = 1\nnetwork = "vgg16"\nweights = "random"\n'
VALUES = ("", " ", "-1", "0", "1", "9" * 400, "9" * 5000, "-" + "9" * 5000, "1e999", "-inf", "nan", "1e-320", "0x10")
VALUES += ("\0", "a\0b", "\ud800", "\udcff\udcfe", "\x1b[31mred\x1b[0m", "a\nb\r\n", "\u2028", "\u202eevil", "é" * 300)
VALUES += ("x" * 5000, "../" * 500, "/dev/zero", "/dev/null/x", "/proc/self/mem", "~", "*", "$(touch marker)", "١٢")
VALUES += ("%s%n", "{0}", "[bold]x[/bold]", "--", "-", "--nosuch", "-rf", "@/etc/passwd", "true", "None", "[]", "fifo")
VALUES += ("64x", "64x64x64", "2049", "99999999x1", "chelsae", "a" * 255, "folder", "empty", "picture.png/x", "1,2,,3")
VALUES += ("\ufeff", "loop", "1_0")
EACH = 1500


def names(command: str) -> list[str]:
    """Return the long names of a command's options that take a value."""
    found = typer.main.get_command(cli.app).commands[command].params
    options = [option for option in found if option.param_type_name == "option" and not option.is_flag]
    return [name for option in options for name in option.opts if name not in ("--help",)]


def stop(*_: object, **__: object) -> None:
    raise input_error("run", STOP, "valid values", "nothing", "the test stops here")


def draw(source) -> None:
    """Draw a figure that shows a network, up to the drawing itself."""
    source.network(1)
    stop()


def clutter(folder: Path) -> None:
    """Put files and folders into the way."""
    os.mkfifo(folder / "fifo")
    (folder / "loop").symlink_to("loop")
    (folder / "folder").mkdir()
    (folder / "empty").touch()
    (folder / "picture.png").write_bytes(b"no picture")


@pytest.fixture
def place(tmp_path: Path, tmp_path_factory, pictures: tuple[str, str], monkeypatch) -> Path:
    """Return a working folder with the files that calls read and others in their way; calls stop where work begins."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))  # Keras itself writes there
    monkeypatch.delenv(weights.ENVIRONMENT, raising=False)
    clutter(tmp_path)
    (tmp_path / "out").mkdir()
    for picture in pictures:
        shutil.copy(picture, tmp_path)
    (tmp_path / "sweep.toml").write_text(SWEEP)
    (tmp_path / "numbers.csv").write_text("height,width\n" + "".join(f"{k},{k**2}\n" for k in range(9)))
    network = {"architecture": "vgg16", "weights": "random", "sha256": weights.read("vgg16", "random").sha256}
    read = [{"name": Path(p).name, "sha256": hashlib.sha256(Path(p).read_bytes()).hexdigest()} for p in pictures]
    report = {"command": "transfer", "options": {"layers": 1}, "network": network, "inputs": read, "arrays": {}}
    figure = {"number": "4.5", "source": {"architecture": "vgg16", "weights": "random"}, "network": network}
    figure |= {"versions": {}, "plotted": {}, "sha256": "", "machine": {}}
    for name, found in (("report", report), ("manifest", {"command": "figures", "figures": [figure]})):
        (tmp_path / f"{name}.json").write_text(json.dumps({"schema": 1} | found))
    command = typer.main.get_command(cli.app)  # built once, since that is most of the time of a refused call
    monkeypatch.setattr(typer.main, "get_command", lambda app: command)
    # Random weights of whatever seed are those of seed 0: drawing them would take longer than all else.
    random_weights = weights.read("vgg16", "random")
    monkeypatch.setattr(weights, "_random", lambda architecture, seed: random_weights)
    for where, name in (
        (execute, "complete_setup"),
        (dead_channels, "count_dead_channels"),
        (coupled, "coupled_moments"),
        (distributed, "Client"),
    ):
        monkeypatch.setattr(where, name, stop)
    figures = {number: FigureSpec(number, "", "", draw) for number in gallery.FIGURES}
    for where in (gallery, redraw):
        monkeypatch.setattr(where, "FIGURES", figures)
    return tmp_path


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, str]:
    """Return the message that refuses each value as an output folder; an empty one where it is accepted."""
    messages, place = {}, tmp_path_factory.mktemp("folders")
    clutter(place)
    (place / "home").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("HOME", str(place / "home"))
        before = set(place.rglob("*"))
        for value in VALUES:
            try:
                with open_output_folder(value) as folder:
                    where = os.path.expanduser(value)
                    assert os.path.isdir(where) and folder.samefile(where), value
            except InputError as error:
                messages[value] = str(error)
                assert set(place.rglob("*")) == before, value
            else:
                messages[value] = ""
                for new in sorted(set(place.rglob("*")) - before, reverse=True):
                    new.rmdir()
    return messages


def refusal(decoupling, place: Path, *arguments: str) -> str:
    """Return the line that a call is refused with."""
    before = sorted(place.rglob("*"))
    outcome = decoupling(*arguments)
    assert (outcome.code, outcome.out) == (2, ""), (arguments, outcome)
    line = outcome.err.removesuffix("\n")
    assert line != outcome.err and "\n" not in line and line.startswith("decoupling: "), (arguments, outcome.err[:2000])
    assert line.isprintable() and len(line) < 2000, (arguments, line[:3000])
    assert sorted(place.rglob("*")) == before, arguments
    return line


def stops(decoupling, place: Path, command: str) -> dict[str, str]:
    """Return the line that stops each of a command's valid calls."""
    lines = {}
    for option, arguments in CALLS[command].items():
        decoupling(command, *arguments)  # what this writes, such as the table of a sweep, the next call writes again
        lines[option] = refusal(decoupling, place, command, *arguments)
        assert STOP in lines[option]
    return lines


def test_hostile_output_folders_are_refused_in_a_line_or_created(folders: dict[str, str], record_property):
    for value, line in folders.items():
        assert line.isprintable() and len(line) < 2000, (value, line)
        assert not line or "; received " in line and "; accepted: " in line, (value, line)
    accepted = {value for value, line in folders.items() if not line}
    assert {"folder", "~", "*", "64x", "$(touch marker)", "\x1b[31mred\x1b[0m"} <= accepted
    assert not {"", " ", "\0", "a\0b", "\ud800", "x" * 5000, "fifo", "empty", "loop", "picture.png/x"} & accepted
    record_property("inputs tried", len(VALUES))


@pytest.mark.parametrize("command", CALLS)
def test_hostile_values_of_options_are_refused_in_a_line(
    command: str, folders: dict[str, str], decoupling, place: Path, input_numbers, record_property
):
    options, good = names(command), stops(decoupling, place, command)
    values = dict.fromkeys(options, [value for value in VALUES if value != "--"])
    values["--out"] = [
        value for value, line in folders.items() if line and value != "--"
    ]  # the others would be created
    numbers, checked = input_numbers(EACH), set()
    for number in numbers:
        draw = random.Random(f"{command} {number}")
        # Each option gets values in turn, alone or together with others.
        chosen = [options[number % len(options)], *draw.sample(options, draw.choice((0, 0, 1, 3)) % len(options))]
        call = chosen[0] if chosen[0] in CALLS[command] else ""
        arguments = [part for name in chosen for part in (name, draw.choice(values[name]))]
        line = refusal(decoupling, place, command, *CALLS[command][call], *arguments)
        if len(chosen) == 1 and line != good[call]:
            checked.add(chosen[0])
    assert checked == set(options) or len(numbers) < EACH / 2  # a few values need not reach every option
    record_property("inputs tried", len(numbers))


@pytest.mark.parametrize("command", CALLS)
def test_hostile_arguments_are_refused_in_a_line(command: str, decoupling, place: Path, record_property):
    good, call = stops(decoupling, place, command)[""], CALLS[command][""]
    options = call[FILES[command] :]
    for value in VALUES:
        assert refusal(decoupling, place, command, *[value] * max(FILES[command], 1), *options) != good, value
        refusal(decoupling, place, command, *call, value, value)  # too many arguments
        refusal(decoupling, place, command, *call, f"--{value}")
        if value not in ("--",):
            refusal(decoupling, place, value, *call)
    record_property("inputs tried", 4 * len(VALUES) - 1)
