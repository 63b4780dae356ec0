"""The annex's own self-transfer for figures 4.2 and 4.4, with the curve that its index error plotted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..common.arrays import Floats
from ..common.errors import RunEndedError
from ..engine.distances import block_error
from ..engine.features import block_slices
from ..engine.journal import Chapter, Journal
from ..engine.normalization import Route
from ..methods.choice import create_method
from ..transfers import steps
from ..transfers.network_source import NetworkSource
from ..transfers.options import AS_THESIS, Options
from .kept_transfers import open_journal

if TYPE_CHECKING:
    from ..transfers.setup import Experiment


@dataclass(frozen=True)
class AnnexRun:
    """A self-transfer by the annex's descent.

    Parameters
    ----------
    experiment : Experiment
        Picture, network and reference.
    step1, step3 : Route
        Steps 1 and 3. Step 2 repeats Step 1.
    plotted : ndarray, shape (k, 2)
        Network passes since the start of Step 3, and the first layer's relative error from c, while the deepest layer
        moves. The annex plots this curve in place of the deepest layer's: it takes the losses in reverse order, and
        numbers them in the usual order.
    """

    experiment: Experiment
    step1: Route
    step3: Route
    plotted: Floats

    @property
    def passes(self) -> int:
        """Network passes of both steps."""
        return sum(leg.passes.total for route in (self.step1, self.step3) for leg in route.legs)


@lru_cache(maxsize=1)
def run_annex(source: NetworkSource, picture: str, side: int, iterations: int) -> AnnexRun:
    """Transfer the style of a picture to itself as the annex's code does, slips included.

    The result is not judged by its decoupled style, which would take longer than the descent.

    Parameters
    ----------
    source : NetworkSource
        The network, with ReLU and maximum pooling here.
    picture : str
        Name of a bundled picture.
    side : int
        Side in pixels to which it is resized.
    iterations : int
        Maximum number of iterations per leg.

    Returns
    -------
    AnnexRun
        The last one is kept, because its images and its curves are two figures.

    Raises
    ------
    RunEndedError
        If a leg was interrupted or diverged.
    """
    from ..transfers.setup import complete_setup, gather_inputs  # not at the top: this loads TensorFlow

    choices: dict[str, Any] = AS_THESIS | {
        "size": (side, side),
        "network": source.architecture,
        "weights": source.weights,
        "iterations": iterations,
        "annex_slips": True,
    }
    inputs = gather_inputs(picture, picture, Options(**choices))
    with open_journal(inputs) as journal:
        experiment = complete_setup(inputs)
        method = create_method(experiment.method_settings)
        context = experiment.context(journal=Chapter(journal, "step1"))
        step1 = _require_end(steps.measure_style(context, experiment.origin.array, method), "step1")
        chapter = Chapter(journal, "step3")
        watch = _FirstLayerWatch(experiment, step1.style, chapter)
        context = replace(context, listen=watch, journal=chapter)
        step3 = _require_end(steps.impose_style(context, step1.x, step1.style, method), "step3")
        return AnnexRun(experiment, step1, step3, watch.curve())


@dataclass
class _FirstLayerWatch:
    """A listener that measures the first layer while the deepest one moves; see `AnnexRun.plotted`."""

    experiment: Experiment
    style: Floats
    journal: Journal
    points: list[tuple[int, float]] = field(default_factory=list)

    def __call__(self, step: int, layer: str, progress: float, x: Floats | None) -> None:
        features, blocks = self.experiment.features, block_slices(self.experiment.features.blocks)
        if x is None or layer != list(blocks)[-1] or self.journal.find(_KEPT) is not None:
            return
        first = next(iter(blocks.values()))
        f = features.map.values(x)  # not counted: the descent does not need it
        error = block_error(f[first], self.style[first], self.experiment.reference.live[first])
        self.points.append((features.passes.total, error))
        if progress == 1:
            # Kept before the leg is: a leg that the journal has as finished is not followed again.
            self.journal.keep(_KEPT, {"points": np.array(self.points)}, finished=True)

    def curve(self) -> Floats:
        """Return the measured points, with the passes counted from the first one."""
        kept = self.journal.find(_KEPT)
        points = np.array(self.points) if kept is None else kept["points"]
        return points - [points[0, 0], 0]


_KEPT = "first_layer"
"""Name under which a journal keeps the points of `_FirstLayerWatch`."""


def _require_end(route: Route, name: str) -> Route:
    """Return a route that came to its end."""
    if route.status != "done":
        raise RunEndedError(route.status, name, None)
    return route
