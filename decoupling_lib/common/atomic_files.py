"""Files that appear whole or not at all, and a folder that one run at a time writes into."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import input_error, os_input_error


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """The name of a sibling to write to: on leaving it takes the place of `path`; after an error it is removed.

    A killed process leaves the sibling, `.NAME.part`, which the next one of that name overwrites. So a file has one
    writer at a time; where several runs could meet, see `held`. Raises `OSError` where nothing can be written.
    """
    target = Path(path)
    sibling = target.with_name(f".{target.name}.part")
    with suppress(OSError):
        sibling.unlink()  # what a killed process left; a link would lead elsewhere
    try:
        yield sibling
        os.replace(sibling, target)
    except BaseException:
        with suppress(OSError):
            sibling.unlink()
        raise


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Writes a text as UTF-8, whole or not at all, and returns its path; raises `OSError`."""
    with atomic_write(path) as sibling:
        sibling.write_text(text, encoding="utf-8")
    return Path(path)


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Keeps other runs out of an existing folder, until left or until the process ends, however it ends.

    The lock is on the folder itself, so none is left behind. Some network file systems have no such locks: there two
    runs are not kept apart. Raises `InputError` while another run holds the folder, or where it is gone.
    """
    accepted = "a folder that no other run writes into"
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise os_input_error(error, "output folder", folder, accepted) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            step = "wait for it to end, or choose another folder"
            raise input_error("output folder", "is in use by another run", folder, accepted, step) from None
        except OSError:  # no such locks here
            pass
        yield
    finally:
        os.close(handle)
