"""The output folder of a command, what is said of its images, and the error of a run that fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..common import validation
from ..common.errors import OutputError, RunEndedError, describe_value
from ..common.folder_lock import folder_lock
from ..common.interrupts import raise_from_now_on

if TYPE_CHECKING:
    from ..images.pictures import Picture
    from ..moments.samples import Sample


class FaultError(Exception):
    """A run failed although its input is valid; the message is one line."""


def print_notes(*images: Picture | Sample) -> None:
    """Print on stderr what the user should know about how images were read, each note once.

    Parameters
    ----------
    *images : Picture or Sample
        The images, or samples of their brightness.
    """
    for note in dict.fromkeys(note for image in images for note in image.notes):
        print(note, file=sys.stderr)


@contextmanager
def offer_to_resume(folder: Path) -> Iterator[None]:
    """Say how to continue if a run with a journal in its folder is interrupted.

    Parameters
    ----------
    folder : Path
        The folder.

    Yields
    ------
    None
        The block is the run.

    Raises
    ------
    KeyboardInterrupt
        With the next step as its message, if the run was interrupted.
    """
    step = f"finished work is kept in {folder}; repeat the command with --resume to continue"
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(step) from None
    except RunEndedError as ended:
        if ended.status == "interrupted":
            raise KeyboardInterrupt(step) from None
        raise


@contextmanager
def open_output_folder(out: str | os.PathLike[str]) -> Iterator[Path]:
    """Create a folder if necessary, and keep other runs out of it until the block ends.

    Parameters
    ----------
    out : str or path
        The folder.

    Yields
    ------
    Path
        The folder, which exists.

    Raises
    ------
    InputError
        If the folder cannot be created or written to, or another run uses it.
    FaultError
        If the operating system refuses a write in the block, for example because the disk is full or the folder was
        deleted.
    """
    raise_from_now_on()
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
                raise FaultError(f"the output folder was deleted or moved during the run: {where}") from None
            raise FaultError(f"{type(cause).__name__} while writing into {folder}: {error}") from None
