"""A folder has one owner at a time, by the locks of Linux and macOS, by those of Windows, and without any."""

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import QUICK
from paths import ROOT
from patience import HANG
from refusals import refusal

from decoupling_lib.common.folder_lock import LOCK_FILE, folder_lock


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_locked_folder_is_refused_until_its_block_ends(tmp_path: Path):
    def lock() -> None:
        with folder_lock(tmp_path):
            pass

    with folder_lock(tmp_path):
        assert tmp_path.name[-12:] in refusal(lock)  # a long path is cut in the middle
        assert names(tmp_path) == []
    lock()


def test_a_missing_folder_cannot_be_locked(tmp_path: Path):
    def lock() -> None:
        with folder_lock(tmp_path / "missing"):
            pass

    assert "missing" in refusal(lock)


WINDOWS = """
import fcntl, os, subprocess, sys, types  # subprocess takes msvcrt for a sign of Windows
real = fcntl
sys.modules["fcntl"] = sys.modules["resource"] = None  # importing them fails, as on Windows

def locking(handle, mode, size):
    assert mode == 2 and size == 1
    try:
        real.lockf(handle, real.LOCK_EX | real.LOCK_NB, size)  # belongs to the process, and ends with it
    except OSError:
        raise PermissionError(13, "Permission denied") from None

sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
"""
"""What stands for Windows: no `fcntl` and no `resource`, but `msvcrt`, whose locks are on files."""
NEITHER = "import sys; sys.modules['fcntl'] = sys.modules['resource'] = None\n"
HOLD = """
from pathlib import Path
from decoupling_lib.common.folder_lock import folder_lock
import time
with folder_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_with_the_locks_of_windows_a_second_run_is_refused_and_no_file_is_left(tmp_path: Path):
    with python(WINDOWS + HOLD, tmp_path, HANG) as first:
        assert first.stdout.readline() == "locked\n"
        assert names(tmp_path) == [LOCK_FILE]
        second = python(WINDOWS + HOLD, tmp_path, 0)
        _, err = second.communicate(timeout=HANG)
        assert second.returncode == 1 and "in use by another run" in err
        first.kill()
    third = python(WINDOWS + HOLD, tmp_path, 0)  # the lock ended with its process, which left the file
    assert third.communicate(timeout=HANG) == ("locked\n", "") and names(tmp_path) == []


def test_without_any_locks_a_folder_is_used_all_the_same(tmp_path: Path):
    process = python(NEITHER + HOLD, tmp_path, 0)
    assert process.communicate(timeout=HANG) == ("locked\n", "") and names(tmp_path) == []


@pytest.mark.parametrize("system", [pytest.param(WINDOWS, marks=pytest.mark.slow), NEITHER])
def test_a_transfer_runs_without_fcntl_and_resource(system: str, pictures, tmp_path: Path):
    code = system + "import sys; from decoupling_lib.cli import main; main()"
    process = python(code, "transfer", *pictures, *QUICK, "--quiet", "--out", tmp_path / "out")
    assert process.communicate(timeout=HANG) == ("", "") and process.returncode == 0
    assert (tmp_path / "out" / "report.json").exists() and not (tmp_path / "out" / LOCK_FILE).exists()


def test_no_module_needs_what_windows_lacks():
    """Modules that only other systems have are imported where their lack is handled; calls likewise."""
    code = (
        "import pkgutil, importlib, sys, os\n"
        "for name in ('fcntl', 'resource', 'pwd', 'grp', 'termios', 'pty'): sys.modules[name] = None\n"
        "for name in ('fork', 'getuid', 'geteuid', 'sysconf', 'sysconf_names', 'sched_getaffinity', 'O_NOFOLLOW'):\n"
        "    vars(os).pop(name, None)\n"
        "import decoupling_lib\n"
        "rooms = ('common', 'images', 'engine', 'moments', 'runs.sweep_spec', 'commands', 'cli')\n"
        "for each in pkgutil.walk_packages(decoupling_lib.__path__, 'decoupling_lib.'):\n"
        "    own = each.name.removeprefix('decoupling_lib.')\n"
        "    if own.startswith(rooms[:4]) or own in rooms: importlib.import_module(each.name)\n"
        "from decoupling_lib.common.machine import usable_threads\n"
        "from decoupling_lib.common import memory\n"
        "print(usable_threads() >= 1, memory.peak_resident_bytes() >= 0)"
    )
    process = python(code)
    assert process.communicate(timeout=HANG) == ("True True\n", "")
