"""A run of the transfer explorer: what it shows on its way, and how it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..common.arrays import Floats
from ..common.durations import describe_rest
from ..common.errors import RunEndedError
from ..common.stop_requests import interruptible
from ..engine.context import Step
from ..engine.features import DifferentiableFeatures, block_slices
from ..images.quality import psnr
from ..plotting.features import show_distances
from ..plotting.settings import kit_settings
from ..plotting.style import new_figure, show_picture
from ..transfers.advice import advise
from .explorer import Explorer, View

if TYPE_CHECKING:
    from ..runs.pace import Pace
    from ..transfers.estimate import Estimate
    from ..transfers.run import Transfer
    from ..transfers.setup import Experiment, Inputs

FRAME_SECONDS = 0.5
"""Minimum time between two pictures of a run."""
NAMES = {"learning_rate": "learning rate", "softness": "softness", "steps": "steps"}
"""What the explorer calls the options that `transfers.advice` names."""
LINE_SECONDS = 0.2
"""Minimum time between two lines of status."""
DRAWING_SHARE = 0.15
"""Share of a run's time that drawing may take, about."""
JUDGING = "Step 1 of the decoupled method measures the style of the result, to compare it with the origin's"


@dataclass
class Desk:
    """What an explorer keeps from one request to the next.

    Parameters
    ----------
    set_running : callable
        Receives whether a run goes on.
    estimate : tuple, optional
        The latest estimate, after the values for which it was made.
    """

    set_running: Callable[[bool], None]
    estimate: tuple[Mapping[str, Any], Estimate] | None = None


@dataclass(frozen=True)
class Request:
    """What the worker has to do: run a transfer, or only estimate what it takes.

    Parameters
    ----------
    run : bool
        Whether to run it.
    values : mapping of str to Any
        Values of the explorer's controls, by name.
    desk : Desk
        What the explorer keeps.
    """

    run: bool
    values: Mapping[str, Any]
    desk: Desk


@dataclass
class RunState:
    """The state of a run that the explorer shows.

    Parameters
    ----------
    origin, target : ndarray, shape (H, W, 3)
        The images, resized.
    x : ndarray, optional
        The image that the run has reached, shape (H, W, 3).
    steps : list of int
        The step of each point that is shown.
    distances : dict of str to list of float
        By layer, the distance from the reference at each of these points, relative to the length of the reference.
    place : str
        Step and layer of the latest point.
    finished : bool
        Whether Step 3 has ended, so that the image is the result.
    """

    origin: np.ndarray
    target: np.ndarray
    x: np.ndarray | None = None
    steps: list[int] = field(default_factory=list)
    distances: dict[str, list[float]] = field(default_factory=dict)
    place: str = "Step 0"
    finished: bool = False


@kit_settings
def draw(state: RunState, status: str = "") -> View:
    """Draw origin, target and the current image, and below them each layer's distance from the reference.

    Parameters
    ----------
    state : RunState
        What to draw.
    status : str
        The line below the picture.

    Returns
    -------
    View
        The picture and its status.
    """
    figure = new_figure(8, 5.6, dpi=100)
    grid = figure.add_gridspec(2, 3, height_ratios=(1, 1.1))
    current = "result" if state.finished else f"Step {state.steps[-1]}" if state.steps else ""
    titles = ("origin", "target", current if state.x is not None else "not run yet")
    for place, (image, title) in enumerate(zip((state.origin, state.target, state.x), titles, strict=True)):
        show_picture(figure.add_subplot(grid[0, place]), image, title)
    ax = figure.add_subplot(grid[1, :])
    if state.steps:
        show_distances(ax, state.distances, state.steps)
    else:
        ax.text(0.5, 0.5, "the layers' distances from the reference come here", ha="center", va="center", color="0.4")
        ax.set_axis_off()
    return View(figure, f"origin, target, {titles[2]}, and the layers' distances from the reference. {status}", status)


def handle(explorer: Explorer, request: Request, stop: threading.Event) -> None:
    """Estimate what a run takes, or run it; see `worker.Worker`.

    Parameters
    ----------
    explorer : Explorer
        Where to show it.
    request : Request
        What to do.
    stop : threading.Event
        Set when the run should end early.
    """
    # Here and below: TensorFlow takes seconds to load.
    from ..transfers.setup import gather_inputs
    from .transfer import options

    state = None
    try:
        explorer.show_status("preparing …" if request.run else "estimating time and memory …")
        inputs = gather_inputs(request.values["origin"], request.values["target"], options(request.values))
        state = RunState(inputs.origin.array, inputs.target.array)
        expected = _estimate(request, inputs)
        if request.run:
            _run(explorer, inputs, expected, state, stop)
        else:
            explorer.show(draw(state, f"press Run; {expected}"))
    except KeyboardInterrupt:
        if state is None:
            explorer.show_status("stopped before Step 0")
        else:
            explorer.show(draw(state, _describe_stop(state)))
    finally:
        if request.run:
            explorer.show_progress(None)
            request.desk.set_running(False)


def _estimate(request: Request, inputs: Inputs) -> Estimate:
    """Return the estimate of a run; that of the latest values is not made again."""
    from ..transfers.estimate import estimate_run

    desk = request.desk
    if desk.estimate is None or desk.estimate[0] != request.values:
        desk.estimate = (request.values, estimate_run(inputs))
    return desk.estimate[1]


def _run(explorer: Explorer, inputs: Inputs, expected: Estimate, state: RunState, stop: threading.Event) -> None:
    from ..runs.execute import execute
    from ..runs.pace import Pace
    from ..transfers.setup import complete_setup

    view = _RunView(explorer, expected, Pace(expected), state, stop)
    with interruptible(view.look):
        experiment = complete_setup(inputs)
        view.features, view.reference = experiment.features.map, experiment.reference.values
        try:
            result = execute(experiment, listen=view.listen).transfer
        except RunEndedError as ended:
            result = ended.execution.transfer
    if "step3" in result.routes:
        state.x, state.finished = result.routes["step3"].x, result.routes["step3"].status == "done"
    explorer.show(draw(state, _summarize(result, experiment, state)))


class _RunView:
    """Shows how far a run has come, and ends it when asked to."""

    def __init__(self, explorer: Explorer, expected: Estimate, pace: Pace, state: RunState, stop: threading.Event):
        self._explorer, self._pace, self._state, self._stop = explorer, pace, state, stop
        self._zero = expected.parts[0].seconds.middle
        self._began = time.monotonic()
        self._next_line = self._next_frame = 0.0
        self._text = "measuring the reference"
        self.features: DifferentiableFeatures | None = None
        self.reference: Floats = np.empty(0)
        explorer.show(draw(state))
        self.look()

    def listen(self, step: int, layer: str, progress: float, x: np.ndarray | None) -> None:
        """Take a point; see `engine.context.Listener`."""
        state, judging = self._state, step == Step.JUDGING
        self._pace.move(step, layer, progress)
        state.finished = state.finished or judging
        state.place = f"the judging of {layer}" if judging else f"Step {step}, {layer}"
        self._text = f"{progress:.0%}"
        # The path by which an image is judged is no part of the transfer: it has no place in the plot.
        if x is not None and not judging:
            self._add_point(step, x)
        if self._stop.is_set():
            raise KeyboardInterrupt
        if time.monotonic() >= self._next_frame:
            began = time.monotonic()
            self._explorer.show(draw(state, self._line()))
            taken = time.monotonic() - began
            self._next_frame = began + max(FRAME_SECONDS, taken / DRAWING_SHARE)

    def look(self) -> bool:
        """Refresh the line of status, and return whether to stop; called at every pass through the network."""
        now = time.monotonic()
        if now >= self._next_line and not self._stop.is_set():
            self._next_line = now + LINE_SECONDS
            self._explorer.show_status(self._line())
            total = self._zero + self._pace.total
            self._explorer.show_progress((min(now - self._began, self._zero) + self._pace.done) / total)
        return self._stop.is_set()

    def _line(self) -> str:
        late = self._zero - (time.monotonic() - self._began) if self.features is None else 0.0
        rest = describe_rest(max(late, 0.0) + self._pace.remaining)
        place = self._state.place
        if place.startswith("the judging"):
            return f"Judging {place.rpartition(' ')[2]}: {self._text}; {rest}. {JUDGING}."
        return f"{place}: {self._text}; {rest}"

    def _add_point(self, step: int, x: np.ndarray) -> None:
        assert self.features is not None
        state, v = self._state, self.reference
        f = self.features.values(x)
        state.steps.append(step)
        for name, at in block_slices(self.features.blocks).items():
            distance = float(np.linalg.norm(f[at] - v[at]) / np.linalg.norm(v[at]))
            state.distances.setdefault(name, []).append(distance)
        state.x = x


def _summarize(result: Transfer, experiment: Experiment, state: RunState) -> str:
    """Return one line about how a run ended."""
    passes = result.passes.total
    cost = f"{passes:,} network {'pass' if passes == 1 else 'passes'}"
    if result.status == "interrupted":
        return f"{_describe_stop(state)}; {cost}"
    if result.status != "done":
        return f"the run {result.status} in {state.place}: {advise(experiment.options, result.status, NAMES)}"
    if not result.style_relative_error:
        return f"done, but the style of the result could not be measured; {cost}"
    errors = ", ".join(f"{layer} {error:.1%}" for layer, error in result.style_relative_error.items())
    quality = ""
    if np.array_equal(result.origin, result.target):
        difference = psnr(result.routes["step3"].x, result.origin)
        exact = difference == np.inf
        quality = "; the self-transfer is exact" if exact else f"; PSNR of the self-transfer {difference:.1f} dB"
    return f"done; style error {errors}{quality}{_describe_unfinished(result, experiment)}; {cost}"


def _describe_stop(state: RunState) -> str:
    return f"stopped in {state.place}" + ("" if state.x is None else "; the latest image is shown")


def _describe_unfinished(result: Transfer, experiment: Experiment) -> str:
    """Return how many legs ended before their targets, for the methods that make iterations."""
    settings = experiment.method_settings
    unfinished = sum(leg.status == "max_steps" for leg in result.legs)
    if settings.name == "decoupled" or not unfinished:
        return ""
    legs = "1 leg" if unfinished == 1 else f"{unfinished} legs"
    rate = " or a larger learning rate" if settings.learning_rate is not None else ""
    return f"; {legs} ended before the target: try more iterations{rate}"
