"""Bars for whole runs, whose parts move them by what they are estimated to cost, so that their ETA is honest."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np
from tqdm.auto import tqdm

from ..transfers.estimate import Estimate


class RunProgress:
    """Hears a run (`listen` is a `legs.Listener`) and shows how far it is; None shows nothing."""

    def __init__(self, estimate: Estimate | None):
        self._parts = [] if estimate is None else [part for part in estimate.parts if part.step > 0]
        self._ends = np.cumsum([(part.seconds.low + part.seconds.high) / 2 for part in self._parts])
        self._place, self._share = -1, 0.0
        self._bar = _bar(float(self._ends[-1]) if len(self._ends) else 1.0, estimate is None)

    def __enter__(self) -> RunProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def listen(self, step: int, layer: str, progress: float, x: np.ndarray | None) -> None:
        """Takes an accepted point; the first one of a leg that was taken up again is not of this run's doing."""
        if self._bar.disable:
            return
        begun = self._place >= 0 and self._parts[self._place]
        new = not begun or (step, layer) != (begun.step, begun.layer) or progress < self._share
        if new:
            self._place = self._next(step, layer)
            self._bar.set_description_str(f"Step {step} {layer}" if step < 4 else f"Judging {layer}")
        self._share = progress
        begin = self._ends[self._place - 1] if self._place else 0.0
        at = float(begin + progress * (self._ends[self._place] - begin))
        if new and progress > 0:
            self._bar.initial += at - self._bar.n
        self._bar.update(at - self._bar.n)

    def _next(self, step: int, layer: str) -> int:
        later = range(self._place + 1, len(self._parts))
        return next(i for i in later if (self._parts[i].step, self._parts[i].layer) == (step, layer))


class PartsProgress:
    """One bar over parts that are done whole, one after another.

    Parameters
    ----------
    seconds : by name, about how long each part takes.
    quiet : shows nothing.
    """

    def __init__(self, seconds: Mapping[str, float], quiet: bool = False):
        self._begins = dict(zip(seconds, np.cumsum([0.0, *seconds.values()])[:-1], strict=True))
        self._bar = _bar(sum(seconds.values()), quiet)

    def __enter__(self) -> PartsProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def begin(self, name: str) -> None:
        """All parts before this one are done."""
        self._bar.set_description_str(name)
        self._bar.update(float(self._begins[name]) - self._bar.n)


class CountProgress:
    """A bar over things that end in any order, with an ETA by how many are done.

    Parameters
    ----------
    total : how many. quiet : shows nothing.
    """

    def __init__(self, total: int, quiet: bool = False):
        self._bar = tqdm(total=total, disable=True if quiet else None, smoothing=0, file=sys.stderr)
        self._failed = 0

    def __enter__(self) -> CountProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def one(self, name: str, failed: bool) -> None:
        """One more has ended."""
        self._failed += failed
        self._bar.set_description_str(name + (f" ({self._failed} failed)" if self._failed else ""))
        self._bar.update()


def _bar(total: float, quiet: bool) -> tqdm:
    return tqdm(
        total=total,
        disable=True if quiet else None,  # None: where stderr is no terminal
        bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}",
        smoothing=0,
        file=sys.stderr,
    )
