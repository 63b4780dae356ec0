"""A lock for a folder into which one run at a time writes; it belongs to the operating system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import InputError, input_error, os_input_error

try:
    import fcntl
except ImportError:  # Windows
    fcntl: Any = None  # type: ignore[no-redef]
try:
    import msvcrt
except ImportError:  # every other system
    msvcrt: Any = None  # type: ignore[no-redef]

LOCK_FILE = ".decoupling.lock"
"""The file that is locked on Windows, which cannot lock a folder itself."""
_ACCEPTED = "a folder that no other run writes into"


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Keep other runs out of an existing folder until the block or the process ends, however it ends.

    The lock is on the folder itself, so that no lock file is left behind; on Windows, which has no such locks, on the
    file `LOCK_FILE` in it, which only a killed process leaves, unlocked. Where neither exists, and on network file
    systems without locks, two runs are not kept apart.

    Parameters
    ----------
    folder : Path
        An existing folder.

    Yields
    ------
    None
        The block runs while the folder is locked.

    Raises
    ------
    InputError
        Another run has locked the folder, or the folder cannot be opened.
    """
    if fcntl is not None:
        place, flags = folder, os.O_RDONLY
    elif msvcrt is not None:
        place, flags = folder / LOCK_FILE, os.O_RDWR | os.O_CREAT
    else:
        yield
        return
    try:
        handle = os.open(place, flags)
    except OSError as error:
        raise os_input_error(error, "output folder", folder, _ACCEPTED) from None
    try:
        _lock(handle, folder)
        yield
    finally:
        os.close(handle)
        if place != folder:
            with suppress(OSError):  # another run has opened it by now
                place.unlink()


def _lock(handle: int, folder: Path) -> None:
    """Lock an open folder, or an open file in it; the lock ends when it is closed."""
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError):
        raise _in_use(folder) from None
    except OSError:  # this file system has no such locks
        pass


def _in_use(folder: Path) -> InputError:
    step = "wait for it to end, or choose another folder"
    return input_error("output folder", "is in use by another run", folder, _ACCEPTED, step)
