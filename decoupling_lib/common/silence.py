"""Silence for libraries that write to the terminal without going through Python."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_depth = 0  # how many blocks run now, in all threads
_stderr: int | None = None  # a copy of the descriptor while it is silent; None if it was closed


@contextmanager
def silence_stderr() -> Iterator[None]:
    """Discard what the process writes to its stderr, descriptor 2, while the block runs.

    Blocks may be nested, and may overlap in several threads. The descriptor belongs to the whole process: nothing that
    any thread writes there appears until the last block ends. If stderr is closed, it stays closed.

    Yields
    ------
    None
        The block runs in silence.

    Raises
    ------
    OSError
        The null device cannot be opened.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _depth, _stderr
    with _lock:
        if _depth == 0:
            _stderr = _redirect_stderr()
        _depth += 1


def _leave() -> None:
    global _depth
    with _lock:
        _depth -= 1
        if _depth == 0 and _stderr is not None:
            os.dup2(_stderr, 2)
            os.close(_stderr)


def _redirect_stderr() -> int | None:
    """Redirect stderr to the null device; return a copy of the old descriptor, or None if it is closed."""
    try:
        copy = os.dup(2)
    except OSError:
        return None
    try:
        null = os.open(os.devnull, os.O_WRONLY)
    except OSError:
        os.close(copy)
        raise
    os.dup2(null, 2)
    os.close(null)
    return copy
