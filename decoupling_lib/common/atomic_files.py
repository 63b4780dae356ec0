"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


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
    time; where several runs could meet, use `folder_lock.folder_lock`.

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
