"""Where figures keep the transfers that they show until all are drawn, so that a failure loses no computation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.journal import NOWHERE, Journal

if TYPE_CHECKING:
    from ..transfers.setup import Inputs

FOLDER = "unfinished_transfers"
"""Folder in the one of the figures; each transfer has a folder of its own in it."""
_place: ContextVar[tuple[Path, bool] | None] = ContextVar("place", default=None)


@contextmanager
def keep_transfers(folder: Path, resume: bool = False) -> Iterator[None]:
    """Keep what the transfers of figures have computed in a folder, and delete it if the block ends without an error.

    Parameters
    ----------
    folder : Path
        The existing folder of the figures.
    resume : bool
        Whether to use what an earlier run has kept there.

    Yields
    ------
    None
        In the block, `open_journal` returns journals in the folder.
    """
    place = folder / FOLDER
    token = _place.set((place, resume))
    try:
        yield
        _clear(place)
    finally:
        _place.reset(token)


@contextmanager
def open_journal(inputs: Inputs) -> Iterator[Journal]:
    """Open the journal of a transfer in the folder of `keep_transfers`; elsewhere, one that keeps nothing.

    Parameters
    ----------
    inputs : Inputs
        What the transfer starts from.

    Yields
    ------
    Journal
        It has what an earlier run of the same transfer has kept, if that is to be used.
    """
    from ..runs.checkpoint import DiskJournal, fingerprint  # not at the top: it loads TensorFlow

    if (chosen := _place.get()) is None:
        yield NOWHERE
        return
    place, resume = chosen
    key = fingerprint(inputs)
    own = place / key[:16]
    for each in (place, own):  # not the folder of the figures, which is gone if the user has deleted it
        each.mkdir(exist_ok=True)
    with DiskJournal(own, key, resume) as journal:
        yield journal


def describe_failures(reasons: Mapping[str, str], step: str = "draw only what is missing") -> str:
    """Return one line about figures that could not be drawn.

    Parameters
    ----------
    reasons : mapping of str to str
        Why, by the numbers of the figures; not empty.
    step : str
        What the command does when it is repeated with --resume, in the infinitive.

    Returns
    -------
    str
        The numbers, the first reason, and the next step.
    """
    why = next(iter(reasons.values()))
    others = "all others are drawn, and the transfers that were computed are kept"
    return f"could not draw figure {', '.join(reasons)} ({why}); {others}; repeat the command with --resume to {step}"


def _clear(place: Path) -> None:
    """Delete all checkpoints of transfers, but nothing that the user has put beside them."""
    if not place.is_dir():
        return
    from ..runs.checkpoint import DiskJournal

    with suppress(OSError):  # what is left takes space and does no other harm
        for own in place.iterdir():
            DiskJournal(own, "", resume=False)
            own.rmdir()
        place.rmdir()
