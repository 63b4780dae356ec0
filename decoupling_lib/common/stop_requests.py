"""Stopping a long calculation from outside, where it runs in a thread and no Ctrl-C can reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_asked: ContextVar[Callable[[], bool] | None] = ContextVar("asked", default=None)


@contextmanager
def interruptible(asked: Callable[[], bool]) -> Iterator[None]:
    """Let `asked` interrupt what the block calculates, in this thread.

    Every pass through a network asks, so an interruption takes no longer than one pass.

    Parameters
    ----------
    asked : callable
        Returns whether to stop; called often.

    Yields
    ------
    None
        The block ends with `KeyboardInterrupt`, as after Ctrl-C, once `asked` returns True.
    """
    token = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(token)


def check_interruption() -> None:
    """End the calculation here if that has been asked for.

    Raises
    ------
    KeyboardInterrupt
        In a block of `interruptible` whose callable returns True; nowhere else.
    """
    asked = _asked.get()
    if asked is not None and asked():
        raise KeyboardInterrupt
