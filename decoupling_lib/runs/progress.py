"""Progress bars for whole runs: every part moves the bar by its estimated duration, so that the ETA is realistic."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from tqdm.auto import tqdm

from ..engine.context import Step
from .pace import Pace

if TYPE_CHECKING:
    from ..transfers.estimate import Estimate


class RunProgress:
    """The bar of one transfer, as a context manager. Its method `listen` is the callback of the run.

    Parameters
    ----------
    estimate : Estimate or None
        What the run is expected to take; without it nothing is shown.
    """

    def __init__(self, estimate: Estimate | None):
        self._pace = None if estimate is None else Pace(estimate)
        self._bar = create_bar(1.0 if self._pace is None else self._pace.total, estimate is None)

    def __enter__(self) -> RunProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def listen(self, step: int, layer: str, progress: float, x: np.ndarray | None) -> None:
        """Move the bar to an accepted point of a leg; see `engine.context.Listener`.

        The bar jumps to the first point of a leg, which an earlier run may have begun. The time that remains is that of
        `pace.Pace`.

        Parameters
        ----------
        step : int
            A value of `engine.context.Step`.
        layer : str
            Name of the moving block.
        progress : float
            Share of the leg that is done, in [0, 1].
        x : ndarray or None
            The image; not used.
        """
        if self._pace is None or self._bar.disable:
            return
        self._pace.move(step, layer, progress)
        self._bar.set_description_str(f"Judging {layer}" if step == Step.JUDGING else f"Step {step} {layer}", False)
        self._bar.bar_format = _FORMAT.replace("{remaining}", tqdm.format_interval(self._pace.remaining))
        self._bar.update(self._pace.done - self._bar.n)


class PartsProgress:
    """One bar for parts that run one after another, as a context manager.

    Parameters
    ----------
    seconds : mapping of str to float
        Approximate duration of each part by name, in their order.
    quiet : bool
        Whether to show nothing.
    """

    def __init__(self, seconds: Mapping[str, float], quiet: bool = False):
        self._begins = dict(zip(seconds, np.cumsum([0.0, *seconds.values()])[:-1], strict=True))
        self._bar = create_bar(sum(seconds.values()), quiet)

    def __enter__(self) -> PartsProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def begin(self, name: str) -> None:
        """Move the bar to the beginning of a part.

        Parameters
        ----------
        name : str
            Name of the part; all parts before it count as done.
        """
        self._bar.set_description_str(name)
        self._bar.update(float(self._begins[name]) - self._bar.n)


class CountProgress:
    """A bar for tasks that end in any order, as a context manager; its ETA follows from how many are done.

    Parameters
    ----------
    total : int
        Number of tasks.
    quiet : bool
        Whether to show nothing.
    """

    def __init__(self, total: int, quiet: bool = False):
        self._bar = tqdm(total=total, disable=True if quiet else None, smoothing=0, file=sys.stderr)
        self._failed = 0

    def __enter__(self) -> CountProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def count(self, name: str, failed: bool) -> None:
        """Count a task that has ended.

        Parameters
        ----------
        name : str
            Its name.
        failed : bool
            Whether it failed.
        """
        self._failed += failed
        self._bar.set_description_str(name + (f" ({self._failed} failed)" if self._failed else ""))
        self._bar.update()


_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"


def create_bar(total: float, quiet: bool) -> tqdm:
    """Return a bar on stderr that shows a share and an ETA.

    Parameters
    ----------
    total : float
        What counts as all.
    quiet : bool
        Whether to show nothing, as where stderr is not a terminal.
    """
    return tqdm(
        total=total,
        disable=True if quiet else None,  # None: disabled where stderr is not a terminal
        bar_format=_FORMAT,
        smoothing=0,
        file=sys.stderr,
    )
