"""The command line in processes of its own, for the tests of commands, faults and sweeps."""

import os
import signal
import subprocess
import sys
from typing import NamedTuple

from paths import ROOT

QUICK = ("--network", "vgg16", "--weights", "random", "--size", "24", "--layers", "1")
QUICK += ("--rule", "rk4", "--steps", "3", "--tolerance", "1e-4")


class Said(NamedTuple):
    """How a call of the command line ended."""

    code: int
    out: str
    err: str


def start(*arguments: object) -> subprocess.Popen[str]:
    """The command line in a fresh process."""
    command = [sys.executable, "-m", "decoupling_lib.cli", *map(str, arguments)]
    # A test run in the background ignores SIGINT, and a child would inherit that; a handler it does not.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, before)
