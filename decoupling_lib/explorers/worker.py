"""Computing off the widgets' event queue: of many requests that come while one is worked on, the newest counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

Work = Callable[[Any, threading.Event], None]


class Worker:
    """Works on one request at a time, in a thread of its own; the newest one that waits replaces all before it.

    Parameters
    ----------
    work : is given a request and an event that is set when the work should end soon: because of `stop`, or because a
        newer request waits. Its exceptions go to `fail`.
    fail : hears of them.
    """

    def __init__(self, work: Work, fail: Callable[[Exception], None]):
        self._work, self._fail = work, fail
        self._lock = threading.Lock()
        self._waiting: list[Any] = []  # at most one
        self._stop = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self.started = 0
        """How many requests have been begun."""

    @property
    def busy(self) -> bool:
        return not self._idle.is_set()

    def ask(self, request: Any) -> None:
        """Has a request worked on as soon as what runs has ended, which it is told to do."""
        with self._lock:
            self._waiting = [request]
            self._stop.set()
            if self._idle.is_set():
                self._idle.clear()
                threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Tells what runs to end, and forgets what waits."""
        with self._lock:
            self._waiting = []
            self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Waits until nothing runs and nothing waits; returns whether that was so in time."""
        return self._idle.wait(seconds)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._idle.set()
                    return
                (request,), self._waiting = self._waiting, []
                self._stop = stop = threading.Event()
                self.started += 1
            try:
                self._work(request, stop)
            except Exception as error:  # whatever it is, the next request must find a thread that lives
                self._fail(error)
