"""A worker thread for explorers, so that computing never blocks the widgets; only the newest waiting request counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ..common.stop_requests import interruptible

Work = Callable[[Any, threading.Event], None]
"""Handles a request; the event is set when it should finish early."""


class Worker:
    """Handle one request at a time in a thread of its own; a new request replaces one that is still waiting.

    Parameters
    ----------
    work : callable
        Handles a request. The event that it receives is set when it should finish early: because `stop` was called, or
        because a newer request is waiting. Calculations with networks then end by `KeyboardInterrupt`, which need not
        be caught; see `common.stop_requests`.
    on_error : callable
        Callback that receives each exception that `work` raises.

    Attributes
    ----------
    started : int
        Number of requests whose handling has begun.
    """

    def __init__(self, work: Work, on_error: Callable[[Exception], None]):
        self._work, self._on_error = work, on_error
        self._lock = threading.Lock()
        self._waiting: list[Any] = []  # at most one
        self._stop = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self.started = 0

    @property
    def busy(self) -> bool:
        """Whether a request is being handled or waits."""
        return not self._idle.is_set()

    def submit(self, request: Any) -> None:
        """Ask the current request to finish early, and handle this one next.

        Parameters
        ----------
        request : Any
            What `work` receives.
        """
        with self._lock:
            self._waiting = [request]
            self._stop.set()
            if self._idle.is_set():
                self._idle.clear()
                threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> bool:
        """Ask the current request to finish early, and drop the one that waits.

        Returns
        -------
        bool
            Whether one was dropped, which is never handled.
        """
        with self._lock:
            dropped, self._waiting = bool(self._waiting), []
            self._stop.set()
        return dropped

    def wait(self, seconds: float) -> bool:
        """Wait until no request is being handled and none waits.

        Parameters
        ----------
        seconds : float
            Maximum time to wait.

        Returns
        -------
        bool
            False if the time was not enough.
        """
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
                with interruptible(stop.is_set):
                    self._work(request, stop)
            except KeyboardInterrupt:
                pass  # the work ended early, as it was asked to
            except Exception as error:  # any kind: the thread must survive for the next request
                self._on_error(error)
