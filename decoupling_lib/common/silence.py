"""Silences libraries that write to the terminal past Python."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_inside = 0  # blocks that run now, in all threads
_kept: int | None = None  # stderr, meanwhile


@contextmanager
def silence_stderr() -> Iterator[None]:
    """Sends the process's descriptor 2, its stderr, nowhere; a process that has closed it is left as it is.

    Blocks may nest, and overlap in several threads. The descriptor is the whole process's, so nothing that any thread
    writes there is seen until the last of them is left.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside, _kept
    with _lock:
        if _inside == 0:
            _kept = _silence()
        _inside += 1


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if _inside == 0 and _kept is not None:
            os.dup2(_kept, 2)
            os.close(_kept)


def _silence() -> int | None:
    """A descriptor of what stderr was; None where it is closed."""
    try:
        kept = os.dup(2)
    except OSError:
        return None
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
    except OSError:
        os.close(kept)
        raise
    os.dup2(nowhere, 2)
    os.close(nowhere)
    return kept
