"""The progress bar of `decoupling apply`: images that are done, and the share of the one that is being done here."""

from __future__ import annotations

from .progress import create_bar


class FlowProgress:
    """A bar whose unit is one image, as a context manager; its ETA takes all images for equally large.

    Parameters
    ----------
    total : int
        Number of images.
    steps : int
        Number of steps of each; see `transfers.flow_application.apply_flow`.
    quiet : bool
        Whether to show nothing.
    """

    def __init__(self, total: int, steps: int, quiet: bool = False):
        self._total, self._steps, self._ended, self._kept, self._failed = total, steps, 0, 0, 0
        self._bar = create_bar(float(total), quiet)

    def __enter__(self) -> FlowProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def keep(self) -> None:
        """Leave out an image that an earlier run has done: it says nothing about the time that the others take."""
        self._kept += 1
        self._bar.total = float(self._total - self._kept)
        self._bar.refresh()

    def step(self, name: str, count: int) -> None:
        """Move the bar within the image that is being done in this process.

        Parameters
        ----------
        name : str
            Name of the image.
        count : int
            Number of its steps that are done.
        """
        self._move(name, self._ended + count / self._steps)

    def end(self, name: str, failed: bool) -> None:
        """Count an image that has ended.

        Parameters
        ----------
        name : str
            Name of the image.
        failed : bool
            Whether it failed.
        """
        self._ended, self._failed = self._ended + 1, self._failed + failed
        self._move(name, self._ended)

    def _move(self, name: str, place: float) -> None:
        failed = f", {self._failed} failed" if self._failed else ""
        done = f"{self._ended + self._kept}/{self._total}{failed}"
        self._bar.set_description_str(f"{name} ({done})", False)
        self._bar.update(place - self._bar.n)
