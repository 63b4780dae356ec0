"""Files that appear whole or not at all, and a lock for a folder into which one run at a time writes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import input_error, os_input_error


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text file as UTF-8, whole or not at all.

    Parameters
    ----------
    path : str or os.PathLike
        The file; an existing one is replaced.
    text : str
        Its content.

    Returns
    -------
    Path
        The path of the file.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    with atomic_write(path) as sibling:
        sibling.write_text(text, encoding="utf-8")
    return Path(path)


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a sibling path to write to, which replaces `path` when the block ends.

    After an error in the block the sibling is removed and `path` stays as it was. A killed process leaves the sibling,
    ``.NAME.part``, and the next writer of the same name overwrites it. A file must therefore have one writer at a
    time; where several runs could meet, use `folder_lock`.

    Parameters
    ----------
    path : str or os.PathLike
        The file to write or replace, in an existing folder.

    Yields
    ------
    Path
        The sibling, which does not exist yet.

    Raises
    ------
    OSError
        The sibling cannot take the place of `path`.
    """
    target = Path(path)
    sibling = target.with_name(f".{target.name}.part")
    with suppress(OSError):
        sibling.unlink()  # left by a killed process; if it is a link, writing would change the file it leads to
    try:
        yield sibling
        os.replace(sibling, target)
    except BaseException:
        with suppress(OSError):
            sibling.unlink()
        raise


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Keep other runs out of an existing folder until the block or the process ends, however it ends.

    The lock is on the folder itself, so that no lock file is left behind. On network file systems without such locks
    two runs are not kept apart.

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
        except OSError:  # this file system has no such locks
            pass
        yield
    finally:
        os.close(handle)
