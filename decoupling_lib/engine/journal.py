"""What a long run writes down on its way, so that an interrupted run can continue to the same result.

A journal keeps named states, each a few arrays. The engine gives it the latest state of the leg that is running and the
end of every finished leg, and asks for them at the start of a leg. Where they are kept is not the engine's business: on
disk for the command line (`runs.checkpoint`), in a dictionary for tests, by default nowhere.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .features import Counted, Passes

Arrays = Mapping[str, NDArray[Any]]
"""Named arrays."""


class Journal(Protocol):
    """Where states are kept, the latest of each name."""

    def find(self, name: str) -> Arrays | None:
        """Return what was kept under a name, or None."""
        ...

    def keep(self, name: str, arrays: Arrays, finished: bool = False) -> None:
        """Keep a state in place of the earlier one of that name.

        Parameters
        ----------
        name : str
            Name of the state.
        arrays : mapping of str to ndarray
            The state.
        finished : bool
            Whether it is the end of a leg. Other states may wait to be written.
        """
        ...


class Nowhere:
    """The journal of a run that nobody will resume."""

    def find(self, name: str) -> None:
        """Return None: nothing was kept."""

    def keep(self, name: str, arrays: Arrays, finished: bool = False) -> None:
        """Keep nothing."""


NOWHERE = Nowhere()


@dataclass(frozen=True)
class Chapter:
    """A part of a journal in which names begin with the chapter's title.

    Parameters
    ----------
    journal : Journal
        The whole journal.
    title : str
        What the names of this part begin with.
    """

    journal: Journal
    title: str

    def find(self, name: str) -> Arrays | None:
        """Return what was kept under a name in this chapter, or None."""
        return self.journal.find(f"{self.title}.{name}")

    def keep(self, name: str, arrays: Arrays, finished: bool = False) -> None:
        """Keep a state in this chapter; see `Journal.keep`."""
        self.journal.keep(f"{self.title}.{name}", arrays, finished)


class Tally:
    """What a leg has cost so far and how it went, including the time before an interruption.

    Parameters
    ----------
    features : Counted
        The map whose passes are counted from now on.
    kept : mapping of str to ndarray, optional
        A state that contains the `arrays` of an earlier tally.

    Attributes
    ----------
    progress : float
        Share of the way that is done, in [0, 1].
    curve : list of tuple
        Pairs (passes so far, relative error), one for each accepted point.
    """

    def __init__(self, features: Counted, kept: Arrays | None = None):
        self._counter, self._before = features.passes, features.passes.copy()
        self._began = time.perf_counter()
        self.progress = 0.0
        self.curve: list[tuple[int, float]] = []
        if kept is not None:
            record = unpack(kept["tally"])
            self._counter.add(Passes(**record["passes"]))
            self._began -= record["seconds"]
            self.progress, self.curve = record["progress"], [(count, error) for count, error in record["curve"]]

    @property
    def passes(self) -> Passes:
        """Passes of this leg so far."""
        return self._counter.since(self._before)

    @property
    def seconds(self) -> float:
        """Seconds that this leg has taken so far."""
        return time.perf_counter() - self._began

    def note(self, progress: float, error: float) -> None:
        """Add an accepted point to the curve.

        Parameters
        ----------
        progress : float
            Share of the way that is done, in [0, 1].
        error : float
            Relative error of the moving block.
        """
        self.progress = progress
        self.curve.append((self.passes.total, error))

    def arrays(self) -> dict[str, NDArray[np.uint8]]:
        """Return the tally as an entry of a state to be kept."""
        record = {
            "passes": asdict(self.passes),
            "seconds": self.seconds,
            "progress": self.progress,
            "curve": self.curve,
        }
        return {"tally": pack(record)}


def pack(record: Any) -> NDArray[np.uint8]:
    """Return a record of JSON types as an array of bytes, (n,); floats keep all their bits."""
    return np.frombuffer(json.dumps(record).encode(), dtype=np.uint8)


def unpack(array: NDArray[np.uint8]) -> Any:
    """Return the record that `pack` made into an array; tuples come back as lists."""
    return json.loads(array.tobytes().decode())
