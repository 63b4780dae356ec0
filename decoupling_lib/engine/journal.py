"""What a long run writes down on its way, so that one that was broken off goes on to the same result.

A journal keeps named states, each a few arrays. The engine hands it the newest state of the leg that is running and
the end of every finished one, and asks for them at the start of a leg. Where they are kept is not the engine's
business: on disk for the command line (`checkpoint`), in a dictionary for tests, by default nowhere.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from .features import Counted, Passes

Arrays = Mapping[str, np.ndarray]


class Journal(Protocol):
    """Where states are kept, the newest of each name."""

    def find(self, name: str) -> Arrays | None:
        """What was kept under a name, or None."""

    def keep(self, name: str, arrays: Arrays, finished: bool = False) -> None:
        """Keeps a state in place of the name's earlier one. One that is not the end of a leg may wait to be written."""


class Nowhere:
    """The journal of a run that nobody will take up again."""

    def find(self, name: str) -> None:
        """Nothing was kept."""

    def keep(self, name: str, arrays: Arrays, finished: bool = False) -> None:
        """Keeps nothing."""


NOWHERE = Nowhere()


@dataclass(frozen=True)
class Chapter:
    """A part of a journal in which names begin with the chapter's own."""

    journal: Journal
    title: str

    def find(self, name: str) -> Arrays | None:
        """See `Journal`."""
        return self.journal.find(f"{self.title}.{name}")

    def keep(self, name: str, arrays: Arrays, finished: bool = False) -> None:
        """See `Journal`."""
        self.journal.keep(f"{self.title}.{name}", arrays, finished)


class Tally:
    """What a leg has cost so far and how it went: passes, seconds, and its curve, the time before a break included.

    Parameters
    ----------
    features : whose passes are counted from now on.
    kept : a state into which an earlier tally put its `arrays`.
    """

    def __init__(self, features: Counted, kept: Arrays | None = None):
        self._counter, self._before = features.passes, features.passes.copy()
        self._began = time.perf_counter()
        self.progress = 0.0
        self.curve: list[tuple[int, float]] = []
        if kept is not None:
            told = unpack(kept["tally"])
            self._counter.add(Passes(**told["passes"]))
            self._began -= told["seconds"]
            self.progress, self.curve = told["progress"], [tuple(pair) for pair in told["curve"]]

    @property
    def passes(self) -> Passes:
        return self._counter.since(self._before)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._began

    def note(self, progress: float, error: float) -> None:
        """Adds an accepted point, at a share of the way, to the curve."""
        self.progress = progress
        self.curve.append((self.passes.total, error))

    def arrays(self) -> dict[str, np.ndarray]:
        """The tally as an entry of a state that is kept."""
        told = {"passes": asdict(self.passes), "seconds": self.seconds, "progress": self.progress, "curve": self.curve}
        return {"tally": pack(told)}


def pack(record: Any) -> np.ndarray:
    """A record of types that JSON knows, as an array, (n,) uint8; floats keep all their bits."""
    return np.frombuffer(json.dumps(record).encode(), dtype=np.uint8)


def unpack(array: np.ndarray) -> Any:
    """The inverse of `pack`; tuples come back as lists."""
    return json.loads(array.tobytes().decode())
