"""Silence: what the process writes to its stderr is discarded until the last block ends."""

import os
import subprocess
import sys
import threading

import pytest
from paths import ROOT

from decoupling_lib.common.silence import silence_stderr


def visible_part(capfd: pytest.CaptureFixture[str], text: bytes) -> str:
    """Return what arrives at the process's stderr of a text that is written without going through Python."""
    os.write(2, text)
    return capfd.readouterr().err


@pytest.mark.parametrize("first_to_end", [0, 1])
def test_stderr_returns_after_blocks_that_overlap_in_two_threads(first_to_end: int, capfd):
    inside, leave = threading.Barrier(3), [threading.Event(), threading.Event()]

    def block(number: int) -> None:
        with silence_stderr:
            inside.wait(10)
            leave[number].wait(10)

    threads = [threading.Thread(target=block, args=(number,)) for number in (0, 1)]
    descriptors = len(os.listdir("/proc/self/fd"))
    for thread in threads:
        thread.start()
    inside.wait(10)
    assert visible_part(capfd, b"both run") == ""
    for number, expected in ((first_to_end, ""), (1 - first_to_end, "text")):
        leave[number].set()
        threads[number].join(10)
        assert visible_part(capfd, b"text") == expected
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_stderr_is_silent_until_the_outer_block_ends_even_by_an_error(capfd):
    with pytest.raises(ZeroDivisionError), silence_stderr:
        with silence_stderr:
            assert visible_part(capfd, b"inside") == ""
        assert visible_part(capfd, b"still inside") == ""
        raise ZeroDivisionError
    assert visible_part(capfd, b"outside") == "outside"


def test_a_closed_stderr_stays_closed():
    code = """
import os
from decoupling_lib.common.silence import silence_stderr
os.close(2)
with silence_stderr:
    pass
try:
    os.fstat(2)
except OSError:
    print("closed")
"""
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "closed\n"
