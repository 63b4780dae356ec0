"""Silence for libraries that write to the terminal without going through Python."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from .shared_context import SharedContext


@contextmanager
def _discard_stderr() -> Iterator[None]:
    """Redirect stderr to the null device; if it is closed, it stays closed."""
    try:
        copy = os.dup(2)
    except OSError:
        yield
        return
    try:
        null = os.open(os.devnull, os.O_WRONLY)
    except OSError:
        os.close(copy)
        raise
    os.dup2(null, 2)
    os.close(null)
    yield
    os.dup2(copy, 2)
    os.close(copy)


silence_stderr = SharedContext(_discard_stderr)
"""Discards what the process writes to its stderr, descriptor 2, while blocks run.

The descriptor belongs to the whole process: nothing that any thread writes there appears until the last block ends.
Raises OSError if the null device cannot be opened."""
