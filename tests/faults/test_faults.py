"""Faults during a run, each injected into real processes: the table in tests/README.md, row by row."""

import json
import os
import pty
import resource
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from command_line import QUICK, finish, run, start
from keras_files import write_legacy
from outputs import assert_same_arrays
from paths import ROOT
from patience import HANG
from permissions import obey_permissions
from PIL import Image

from decoupling_lib.common.atomic_files import write_text
from decoupling_lib.common.errors import InputError
from decoupling_lib.common.folder_lock import folder_lock
from decoupling_lib.networks import weights

pytestmark = [pytest.mark.faults, pytest.mark.slow]
LONG = ("--network", "vgg16", "--weights", "random", "--size", "24", "--layers", "2", "--steps", "6")
LONG += ("--refinements", "2", "--tolerance", "1e-6", "--quiet", "--out")
"""A run of a few seconds that saves a state after each step."""


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until a condition holds, while a process is running."""
    until = time.monotonic() + HANG
    while not condition():
        assert process.poll() is None and time.monotonic() < until, process.communicate()
        time.sleep(0.005)


def has_state(folder: Path) -> bool:
    """Return whether a run has saved a state in its folder."""
    return any((folder / "unfinished").glob("*.npz"))


def outputs(folder: Path) -> list[Path]:
    """Return the files in a folder, without the states of an interrupted run."""
    return [file for file in folder.rglob("*") if file.is_file() and "unfinished" not in file.parts]


def assert_whole(file: Path) -> None:
    """Assert that a file is complete: its reader finds no damage."""
    if file.suffix == ".png":
        with Image.open(file) as picture:
            picture.load()
    elif file.suffix == ".npz":
        with np.load(file) as data:
            dict(data)
    else:
        json.loads(file.read_text("utf-8"))


@pytest.fixture(scope="module")
def undisturbed(pictures, tmp_path_factory) -> Path:
    """Return the folder of the run that the others are compared with."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert run("transfer", *pictures, *LONG, folder) == (0, "", "")
    return folder


@pytest.mark.parametrize("kibibytes", [1, 60])
def test_a_full_disk_ends_a_run_in_one_line_and_resume_continues_it(
    kibibytes, pictures, undisturbed, tmp_path, record_property
):
    """No file may exceed a size: the first state, or a later one, does not fit."""
    full = kibibytes * 1024

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (full, full))

    folder = tmp_path / "out"
    command = ("transfer", *pictures, *LONG, folder)
    code, out, err = run(*command, preexec_fn=limit)
    assert (code, out, err.count("\n")) == (1, "", 1) and str(folder) in err and "File too large" in err
    assert not (folder / "report.json").exists()
    for file in outputs(folder):
        assert_whole(file)
    assert run(*command, "--resume") == (0, "", "")
    assert_same_arrays(folder, undisturbed)
    assert {file.name for file in folder.iterdir()} == {file.name for file in undisturbed.iterdir()}
    record_property("faults injected", 1)
    record_property("runs resumed", 1)


def test_a_disk_that_fills_up_while_pictures_are_drawn_loses_nothing_that_was_computed(
    pictures, tmp_path, record_property
):
    """Arrays and report fit below the limit on the size of files; the page that holds all pictures does not."""
    whole, folder = tmp_path / "whole", tmp_path / "out"
    command = ("transfer", *pictures, *QUICK, "--quiet", "--out")
    assert run(*command, whole) == (0, "", "")
    sizes = sorted((file.stat().st_size, file.name) for file in whole.iterdir())
    (second, _), (largest, name) = sizes[-2:]
    assert name == "report.html"

    def fill():
        resource.setrlimit(resource.RLIMIT_FSIZE, ((second + largest) // 2,) * 2)

    code, out, err = run(*command, folder, preexec_fn=fill)
    assert (code, out, err.count("\n")) == (1, "", 1) and name in err and "--resume" in err
    assert_same_arrays(folder, whole)
    assert json.loads((folder / "report.json").read_text())["missing_pictures"] == [name]
    before = (folder / "arrays.npz").stat().st_mtime_ns
    assert run(*command, folder, "--resume") == (0, "", "")
    assert (folder / "arrays.npz").stat().st_mtime_ns == before
    assert {file.name for file in folder.iterdir()} == {file.name for file in whole.iterdir()}
    record_property("faults injected", 1)
    record_property("runs resumed", 1)


def test_in_a_used_folder_the_report_is_that_of_the_new_run_even_if_a_picture_cannot_be_written(
    pictures, undisturbed, tmp_path, record_property
):
    """The second run writes its arrays and its report; only one picture has no place."""
    folder = tmp_path / "out"
    shutil.copytree(undisturbed, folder)
    (folder / "losses.png").unlink()
    (folder / "losses.png").mkdir()
    command = ("transfer", *pictures[::-1], *LONG, folder)
    code, out, err = run(*command)
    assert (code, out, err.count("\n")) == (1, "", 1) and "losses.png" in err and "--resume" in err
    same = [file.name for file in outputs(folder) if file.read_bytes() == (undisturbed / file.name).read_bytes()]
    assert same == []
    report = json.loads((folder / "report.json").read_text())
    assert report["missing_pictures"] == ["losses.png"]
    assert report["inputs"][0]["name"] == Path(pictures[1]).name
    (folder / "losses.png").rmdir()
    before = (folder / "arrays.npz").stat().st_mtime_ns
    assert run(*command, "--resume") == (0, "", "")
    assert (folder / "arrays.npz").stat().st_mtime_ns == before
    assert json.loads((folder / "report.json").read_text()) == report | {"missing_pictures": []}
    record_property("faults injected", 1)
    record_property("runs resumed", 1)


def test_a_read_only_folder_is_refused(pictures, tmp_path, record_property):
    folder = tmp_path / "out"
    folder.mkdir(mode=0o555)
    code, out, err = run("transfer", *pictures, *LONG, folder, preexec_fn=obey_permissions)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "permission is denied" in err and str(folder)[-12:] in err  # a long path is shortened in the middle
    assert list(folder.iterdir()) == []
    record_property("faults injected", 1)


def test_a_folder_that_becomes_read_only_keeps_the_saved_states(pictures, undisturbed, tmp_path, record_property):
    folder = tmp_path / "out"
    command = ("transfer", *pictures, *LONG, folder)
    process = start(*command, preexec_fn=obey_permissions)
    wait_until(lambda: has_state(folder), process)
    for place in (folder / "unfinished", folder):
        place.chmod(0o555)
    code, out, err = finish(process)
    for place in (folder, folder / "unfinished"):
        place.chmod(0o755)
    assert (code, out, err.count("\n")) == (1, "", 1) and "Permission" in err and str(folder) in err
    assert has_state(folder) and outputs(folder) == []
    assert run(*command, "--resume") == (0, "", "")
    assert_same_arrays(folder, undisturbed)
    record_property("faults injected", 1)
    record_property("runs resumed", 1)


def test_a_run_whose_folder_is_deleted_ends_in_one_line(pictures, tmp_path, record_property):
    folder = tmp_path / "out"
    process = start("transfer", *pictures, *LONG, folder)
    wait_until(lambda: has_state(folder), process)
    while folder.exists():  # a state may be written while it is being deleted
        shutil.rmtree(folder, ignore_errors=True)
    code, out, err = finish(process)
    assert (code, out, err.count("\n")) == (1, "", 1) and "deleted or moved" in err
    assert not folder.exists()
    record_property("faults injected", 1)


def test_a_second_run_into_the_same_folder_is_refused(pictures, undisturbed, tmp_path, record_property):
    folder = tmp_path / "out"
    command = ("transfer", *pictures, *LONG, folder)
    first = start(*command)
    wait_until(lambda: has_state(folder), first)
    first.send_signal(signal.SIGSTOP)  # it holds the folder while the others start
    try:
        for second in ((*command, "--resume"), ("zeros", "--layers", 1, "--seeds", 1, "--out", folder)):
            code, out, err = run(*second)
            assert (code, out, err.count("\n")) == (2, "", 1) and "in use by another run" in err
            record_property("faults injected", 1)
    finally:
        first.send_signal(signal.SIGCONT)
    assert finish(first) == (0, "", "")
    assert_same_arrays(folder, undisturbed)


def test_a_folder_is_free_again_after_its_run_is_killed(tmp_path, record_property):
    code = (
        "import sys, time; from pathlib import Path; from decoupling_lib.common.folder_lock import folder_lock\n"
        "with folder_lock(Path(sys.argv[1])): print('locked', flush=True); time.sleep(3600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(InputError, match="in use by another run"), folder_lock(tmp_path):
            pass
        other.kill()
    with folder_lock(tmp_path):
        pass
    with folder_lock(tmp_path):
        assert list(tmp_path.iterdir()) == []
    record_property("faults injected", 1)


@pytest.mark.parametrize("name", ["result.png", "panel.png"])
def test_a_folder_in_a_pictures_place_is_named_and_left_alone(name, pictures, tmp_path, record_property):
    folder = tmp_path / "out"
    (folder / name / "mine").mkdir(parents=True)
    command = ("transfer", *pictures, *QUICK, "--quiet", "--out", folder)
    code, out, err = run(*command)
    assert (code, out, err.count("\n")) == (1, "", 1) and name in err and "--resume" in err
    report = json.loads((folder / "report.json").read_text())
    assert (folder / name / "mine").is_dir() and report["missing_pictures"] == [name]
    assert_whole(folder / "arrays.npz")
    (folder / name).rename(tmp_path / "mine")
    assert run(*command, "--resume") == (0, "", "")
    assert_whole(folder / name)
    record_property("faults injected", 1)
    record_property("runs resumed", 1)


@pytest.mark.parametrize("name", ["arrays.npz", "report.json"])
def test_a_folder_in_the_place_of_what_was_computed_is_named_and_left_alone(name, pictures, tmp_path, record_property):
    folder = tmp_path / "out"
    (folder / name / "mine").mkdir(parents=True)
    code, out, err = run("transfer", *pictures, *QUICK, "--quiet", "--out", folder)
    assert (code, out, err.count("\n")) == (1, "", 1) and name in err
    assert (folder / name / "mine").is_dir() and not list(folder.glob("*.png"))
    record_property("faults injected", 1)


def test_a_link_in_place_of_a_partial_file_is_not_followed(tmp_path, record_property):
    mine, out = tmp_path / "mine.txt", tmp_path / "out"
    mine.write_text("mine")
    out.mkdir()
    (out / ".report.json.part").symlink_to(mine)
    write_text(out / "report.json", "{}")
    assert mine.read_text() == "mine" and [file.name for file in out.iterdir()] == ["report.json"]
    record_property("faults injected", 1)


JUMPING = """
import itertools, sys, time
real, calls = time.time, itertools.count()
time.time = lambda: real() + (-1e9, 1e7, 0.0, -3600.0)[next(calls) % 4]
from decoupling_lib import cli
sys.argv = ["decoupling", *sys.argv[1:]]
cli.main()
"""


def test_a_clock_that_jumps_changes_no_number(pictures, undisturbed, tmp_path, record_property):
    """The run is on a terminal, so that progress bars and their ETA are tested too."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    command = [argument for argument in ("transfer", *pictures, *LONG, tmp_path / "out") if argument != "--quiet"]
    process = subprocess.Popen(
        [sys.executable, "-c", JUMPING, *map(str, command)], cwd=ROOT, stdout=subprocess.PIPE, stderr=theirs, text=True
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:  # the other side is closed
            break
        if not more:
            break
        shown += more
    os.close(ours)
    out, _ = process.communicate(timeout=HANG)
    assert process.returncode == 0, shown
    assert b"%|" in shown and b"Traceback" not in shown and str(tmp_path / "out") in out
    assert_same_arrays(tmp_path / "out", undisturbed)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert 0 < report["wall_seconds"] < HANG and all(0 <= stage["seconds"] < HANG for stage in report["stages"])
    record_property("faults injected", 1)


def test_weights_that_change_during_a_run_do_not_affect_it_but_prevent_resuming(pictures, tmp_path, record_property):
    file = write_legacy(tmp_path / "weights.h5", weights.read("vgg16", "random", 3))
    command = ["transfer", *pictures, *LONG[:-1], "--out"]
    command[command.index("random")] = file
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert run(*command, whole) == (0, "", "")

    def change() -> None:
        with h5py.File(file, "r+") as content:
            kernel = content["block1_conv1"]["block1_conv1_W_1:0"]
            kernel[0, 0, 0, 0] = kernel[0, 0, 0, 0] + 1

    process = start(*command, broken)
    wait_until(lambda: has_state(broken), process)
    process.kill()
    process.communicate()
    running = start(*command, tmp_path / "running")
    wait_until(lambda: has_state(tmp_path / "running"), running)
    change()
    assert finish(running) == (0, "", "")
    assert_same_arrays(tmp_path / "running", whole)
    code, out, err = run(*command, broken, "--resume")
    assert (code, out, err.count("\n")) == (2, "", 1) and "belongs to other settings" in err
    origin, target = pictures
    inputs = ("--origin", origin, "--target", target)
    code, out, err = run("rerun", whole / "report.json", *inputs, "--out", tmp_path / "again", "--quiet")
    assert (code, out, err.count("\n")) == (2, "", 1) and "weights differ" in err
    record_property("faults injected", 3)
