"""What goes wrong under a run: the table in this folder's README, fault by fault, injected into real processes."""

import ctypes
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
from command_line import QUICK, start
from keras_files import write_legacy
from outputs import assert_same_arrays
from paths import ROOT
from PIL import Image

from decoupling_lib.common.atomic_files import folder_lock, write_text
from decoupling_lib.common.errors import InputError
from decoupling_lib.networks import weights

pytestmark = pytest.mark.faults
LONG = ("--network", "vgg16", "--weights", "random", "--size", "24", "--layers", "2", "--steps", "6")
LONG += ("--refinements", "2", "--tolerance", "1e-6", "--quiet", "--out")
"""A run of some seconds that keeps a state after each step."""


def launched(*arguments: object, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    """The command line in a process of its own, in which `before` is called first."""
    command = [sys.executable, "-m", "decoupling_lib.cli", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=before
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def obey_permissions() -> None:
    """Takes from a child of root the right to write where the permission bits forbid it; others have none."""
    if os.geteuid() == 0:
        drop, override, search = 24, 1, 2  # prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH)
        for capability in (override, search):
            assert ctypes.CDLL(None, use_errno=True).prctl(drop, capability, 0, 0, 0) == 0


def wait_until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Until something holds of a process that is still running."""
    until = time.monotonic() + 120
    while not true():
        assert process.poll() is None and time.monotonic() < until, process.communicate()
        time.sleep(0.005)


def keeps_something(folder: Path) -> bool:
    return any((folder / "unfinished").glob("*.npz"))


def visible(folder: Path) -> list[Path]:
    """What a user sees in a folder, states of a broken run left out."""
    return [file for file in folder.rglob("*") if file.is_file() and "unfinished" not in file.parts]


def assert_whole(file: Path) -> None:
    """Asserts that its reader finds no damage in a file."""
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
    """The folder of the run that the others are compared with."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert ended(start("transfer", *pictures, *LONG, folder)) == (0, "", "")
    return folder


@pytest.mark.parametrize("kibibytes", [1, 60])
def test_where_nothing_more_can_be_written_a_line_says_so_and_resume_goes_on(
    kibibytes, pictures, undisturbed, tmp_path, record_property
):
    """No file may grow beyond a limit: the first state, or a later one, does not fit."""
    full = kibibytes * 1024

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (full, full))

    folder = tmp_path / "out"
    command = ("transfer", *pictures, *LONG, folder)
    code, out, err = ended(launched(*command, before=limited))
    assert (code, out, err.count("\n")) == (1, "", 1) and str(folder) in err and "File too large" in err
    assert not (folder / "report.json").exists()
    for file in visible(folder):
        assert_whole(file)
    assert ended(start(*command, "--resume")) == (0, "", "")
    assert_same_arrays(folder, undisturbed)
    assert {file.name for file in folder.iterdir()} == {file.name for file in undisturbed.iterdir()}
    record_property("faults injected", 1)
    record_property("runs resumed", 1)


def test_in_a_used_folder_no_report_tells_of_pictures_that_are_another_runs(
    pictures, undisturbed, tmp_path, record_property
):
    """The second run writes its pictures, and then cannot go on; the earlier report is gone."""
    folder = tmp_path / "out"
    shutil.copytree(undisturbed, folder)
    (folder / "losses.png").unlink()
    (folder / "losses.png").mkdir()
    command = ("transfer", *pictures[::-1], *LONG, folder)
    code, out, err = ended(start(*command))
    assert (code, out, err.count("\n")) == (1, "", 1) and "losses.png" in err
    same = {file.name: file.read_bytes() == (undisturbed / file.name).read_bytes() for file in visible(folder)}
    assert same["arrays.npz"] and not same["result.png"] and "report.json" not in same
    (folder / "losses.png").rmdir()
    assert ended(start(*command, "--resume")) == (0, "", "")
    assert json.loads((folder / "report.json").read_text())["inputs"][0]["name"] == Path(pictures[1]).name
    record_property("faults injected", 1)
    record_property("runs resumed", 1)


def test_a_folder_that_is_read_only_is_refused_before_anything_is_computed(pictures, tmp_path, record_property):
    folder = tmp_path / "out"
    folder.mkdir(mode=0o555)
    began = time.monotonic()
    code, out, err = ended(launched("transfer", *pictures, *LONG, folder, before=obey_permissions))
    assert (code, out, err.count("\n")) == (2, "", 1) and "permission is denied" in err and str(folder) in err
    assert list(folder.iterdir()) == [] and time.monotonic() - began < 60
    record_property("faults injected", 1)


def test_a_folder_that_becomes_read_only_keeps_what_is_done(pictures, undisturbed, tmp_path, record_property):
    folder = tmp_path / "out"
    command = ("transfer", *pictures, *LONG, folder)
    process = launched(*command, before=obey_permissions)
    wait_until(lambda: keeps_something(folder), process)
    for place in (folder / "unfinished", folder):
        place.chmod(0o555)
    code, out, err = ended(process)
    for place in (folder, folder / "unfinished"):
        place.chmod(0o755)
    assert (code, out, err.count("\n")) == (1, "", 1) and "Permission" in err and str(folder) in err
    assert keeps_something(folder) and visible(folder) == []
    assert ended(start(*command, "--resume")) == (0, "", "")
    assert_same_arrays(folder, undisturbed)
    record_property("faults injected", 1)
    record_property("runs resumed", 1)


def test_a_folder_that_is_deleted_under_a_run_ends_it_in_a_line(pictures, tmp_path, record_property):
    folder = tmp_path / "out"
    process = start("transfer", *pictures, *LONG, folder)
    wait_until(lambda: keeps_something(folder), process)
    while folder.exists():  # a state may be written while it is being deleted
        shutil.rmtree(folder, ignore_errors=True)
    code, out, err = ended(process)
    assert (code, out, err.count("\n")) == (1, "", 1) and "deleted or moved under the run" in err
    assert not folder.exists()
    record_property("faults injected", 1)


def test_of_two_runs_into_one_folder_the_second_is_refused(pictures, undisturbed, tmp_path, record_property):
    folder = tmp_path / "out"
    command = ("transfer", *pictures, *LONG, folder)
    first = start(*command)
    wait_until(lambda: keeps_something(folder), first)
    first.send_signal(signal.SIGSTOP)  # it holds the folder for as long as the others take to start
    try:
        for second in ((*command, "--resume"), ("zeros", "--layers", 1, "--seeds", 1, "--out", folder)):
            code, out, err = ended(start(*second))
            assert (code, out, err.count("\n")) == (2, "", 1) and "in use by another run" in err
            record_property("faults injected", 1)
    finally:
        first.send_signal(signal.SIGCONT)
    assert ended(first) == (0, "", "")
    assert_same_arrays(folder, undisturbed)


def test_a_folder_is_free_again_when_its_run_has_ended_even_by_a_kill(tmp_path, record_property):
    code = (
        "import sys, time; from pathlib import Path; from decoupling_lib.common import atomic_files\n"
        "with atomic_files.folder_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match="in use by another run"), folder_lock(tmp_path):
            pass
        other.kill()
    with folder_lock(tmp_path):
        pass
    with folder_lock(tmp_path):
        assert list(tmp_path.iterdir()) == []
    record_property("faults injected", 1)


def test_a_file_in_the_way_is_told_and_left_alone(pictures, tmp_path, record_property):
    folder = tmp_path / "out"
    (folder / "result.png" / "mine").mkdir(parents=True)
    code, out, err = ended(start("transfer", *pictures, *QUICK, "--quiet", "--out", folder))
    assert (code, out, err.count("\n")) == (1, "", 1) and "result.png" in err
    assert (folder / "result.png" / "mine").is_dir() and not (folder / "report.json").exists()
    record_property("faults injected", 1)


def test_a_link_where_a_half_written_file_would_be_is_not_followed(tmp_path, record_property):
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
    """On a terminal, so that bars and their ETA run too."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    command = [argument for argument in ("transfer", *pictures, *LONG, tmp_path / "out") if argument != "--quiet"]
    process = subprocess.Popen(
        [sys.executable, "-c", JUMPING, *map(str, command)], cwd=ROOT, stdout=subprocess.PIPE, stderr=theirs, text=True
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:  # the other side is closed
            break
        if not more:
            break
        said += more
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert b"%|" in said and b"Traceback" not in said and "outputs in" in out
    assert_same_arrays(tmp_path / "out", undisturbed)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert 0 < report["wall_seconds"] < 300 and all(0 <= stage["seconds"] < 300 for stage in report["stages"])
    record_property("faults injected", 1)


def test_weights_that_change_during_a_run_do_not_change_it_but_are_not_resumed(pictures, tmp_path, record_property):
    file = write_legacy(tmp_path / "weights.h5", weights.read("vgg16", "random", 3))
    command = ["transfer", *pictures, *LONG[:-1], "--out"]
    command[command.index("random")] = file
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert ended(start(*command, whole)) == (0, "", "")

    def change() -> None:
        with h5py.File(file, "r+") as content:
            kernel = content["block1_conv1"]["block1_conv1_W_1:0"]
            kernel[0, 0, 0, 0] = kernel[0, 0, 0, 0] + 1

    process = start(*command, broken)
    wait_until(lambda: keeps_something(broken), process)
    process.kill()
    process.communicate()
    running = start(*command, tmp_path / "running")
    wait_until(lambda: keeps_something(tmp_path / "running"), running)
    change()
    assert ended(running) == (0, "", "")
    assert_same_arrays(tmp_path / "running", whole)
    code, out, err = ended(start(*command, broken, "--resume"))
    assert (code, out, err.count("\n")) == (2, "", 1) and "belongs to other settings" in err
    again = start(
        "rerun", whole / "report.json", "--origin", pictures[0], "--target", pictures[1], "--out", tmp_path / "again",
        "--quiet",
    )  # fmt: skip
    code, out, err = ended(again)
    assert (code, out, err.count("\n")) == (2, "", 1) and "weights are other ones" in err
    record_property("faults injected", 3)
