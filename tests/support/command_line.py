"""The command line in processes of its own, for the tests of commands, faults and sweeps."""

import signal
import subprocess
import sys
from typing import NamedTuple

from paths import ROOT
from patience import HANG

QUICK = ("--network", "vgg16", "--weights", "random", "--size", "24", "--layers", "1")
QUICK += ("--rule", "rk4", "--steps", "3", "--tolerance", "1e-4")


class Outcome(NamedTuple):
    """The exit code of a call of the command line, and what it printed."""

    code: int
    out: str
    err: str


def start(*arguments: object, cwd: object = ROOT, **options: object) -> subprocess.Popen[str]:
    """Start the command line in a new process; `options` go to `subprocess.Popen`."""
    command = [sys.executable, "-m", "decoupling_lib", *map(str, arguments)]
    # A test run in the background ignores SIGINT, and a child process would inherit that, but not a handler.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    finally:
        signal.signal(signal.SIGINT, before)


def finish(process: subprocess.Popen[str]) -> Outcome:
    """Wait until a process ends, and return its outcome."""
    out, err = process.communicate(timeout=HANG)
    return Outcome(process.returncode, out, err)


def run(*arguments: object, **options: object) -> Outcome:
    """Run the command line in a new process until it ends."""
    return finish(start(*arguments, **options))
