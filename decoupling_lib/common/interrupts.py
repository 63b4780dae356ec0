"""Ctrl-C while programs start and large libraries load, when Python's own answer is a traceback."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

EXIT_CODE = 130
_stderr = 2


def end_at_once() -> None:
    """Let Ctrl-C end the process with one line, without cleaning up: for the time before anything is written."""
    global _stderr
    with suppress(OSError):  # stderr is closed
        _stderr = os.dup(2)  # while libraries load, descriptor 2 may be silent
    signal.signal(signal.SIGINT, _end)


def raise_from_now_on() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again after `end_at_once`; any other answer to it stays."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def postpone_interrupt() -> Iterator[None]:
    """Raise a KeyboardInterrupt of the block at its end: in the middle of an import, libraries answer it in many ways.

    Only the main thread receives interrupts, and only Python's own answer to them is postponed.

    Yields
    ------
    None
        The block runs to its end.

    Raises
    ------
    KeyboardInterrupt
        After the block, if one was received.
    """
    own = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not own or threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: received.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if received:
        raise KeyboardInterrupt


def _end(number: int, frame: object) -> None:
    with suppress(OSError):
        os.write(_stderr, b"decoupling: interrupted\n")
    os._exit(EXIT_CODE)
