"""Changes of state that belongs to the whole process, made while any block needs them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ContextDecorator


class SharedContext(ContextDecorator):
    """A change of the process that begins with the first of several blocks and is undone when the last one ends.

    Blocks may be nested, and may overlap in several threads: with a context manager of its own, each would restore what
    another one had set. An instance is used in a `with` statement, or as the decorator of a function.

    Parameters
    ----------
    create : callable
        Returns the context manager that makes the change and undoes it. It learns nothing of errors in the blocks.

    Attributes
    ----------
    depth : int
        How many blocks run now, in all threads.

    Examples
    --------
    >>> from contextlib import contextmanager
    >>> @contextmanager
    ... def speak():
    ...     print("begin")
    ...     yield
    ...     print("end")
    >>> spoken = SharedContext(speak)
    >>> with spoken, spoken:
    ...     print(spoken.depth)
    begin
    2
    end
    """

    def __init__(self, create: Callable[[], AbstractContextManager[object]]):
        self._create, self._lock = create, threading.Lock()
        self._inner: AbstractContextManager[object] | None = None
        self.depth = 0

    def __enter__(self) -> None:
        with self._lock:
            if self.depth == 0:
                inner = self._create()
                inner.__enter__()
                self._inner = inner
            self.depth += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.depth -= 1
            if self.depth == 0 and self._inner is not None:
                inner, self._inner = self._inner, None
                inner.__exit__(None, None, None)
