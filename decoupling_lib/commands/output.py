"""The folder that a command writes into, and what it says when the run itself, not its input, goes wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..common import validation
from ..common.atomic_files import folder_lock
from ..common.errors import OutputError, describe_value


class FaultError(Exception):
    """The run itself went wrong; the message is one line."""


@contextmanager
def writing(out: str | os.PathLike[str]) -> Iterator[Path]:
    """A folder, made if needed, that no other run writes into meanwhile.

    What the operating system refuses from then on, a full disk or a folder that was deleted, is a `FaultError`. Raises
    `InputError` for a folder that cannot be made or written to, or that another run holds.
    """
    folder = validation.output_folder(out)
    with folder_lock(folder):
        try:
            yield folder
        except (OSError, OutputError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            cause = error if isinstance(error, OSError) else error.__context__
            if not folder.is_dir():
                where = describe_value(folder)
                raise FaultError(f"the output folder was deleted or moved under the run: {where}") from None
            raise FaultError(f"{type(cause).__name__} while writing into {folder}: {error}") from None
