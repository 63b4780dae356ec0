"""A run of the transfer explorer: what it shows on its way, and how it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np

from ..common.arrays import Floats
from ..common.durations import describe_rest
from ..common.errors import RunEndedError
from ..common.stop_requests import interruptible
from ..engine.context import Step
from ..engine.features import DifferentiableFeatures, block_slices
from ..images.quality import psnr
from ..transfers.advice import advise
from ..transfers.options import Options
from .explorer import Explorer
from .own_pictures import OwnPictures
from .transfer_board import Board, Outcome, RunState
from .transfer_files import command_line, offer_files

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
    board : Board
        The pictures.
    own : OwnPictures
        Uploaded pictures.
    links : ipywidgets.HTML
        Where the files of a finished run are offered.
    estimate : tuple, optional
        The latest estimate, after the values for which it was made.
    """

    set_running: Callable[[bool], None]
    board: Board = field(default_factory=Board)
    own: OwnPictures = field(default_factory=OwnPictures)
    links: ipywidgets.HTML = field(default_factory=lambda: ipywidgets.HTML().add_class("dl-links"))
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
    options : Options
        The options that they stand for.
    settings : mapping of str to str
        The values in words, by the labels of the controls that act.
    desk : Desk
        What the explorer keeps.
    """

    run: bool
    values: Mapping[str, Any]
    options: Options
    settings: Mapping[str, str]
    desk: Desk

    @property
    def names(self) -> tuple[str, str]:
        """The names of origin and target."""
        return self.values["origin"], self.values["target"]


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

    state, board = None, request.desk.board
    try:
        explorer.show_status("preparing …" if request.run else "estimating time and memory …")
        with request.desk.own.open_files(*request.names) as (origin, target):
            inputs = gather_inputs(origin, target, request.options)
        state = RunState(inputs.origin.array, inputs.target.array, request.names)
        if request.run or not _shows(board, state):
            request.desk.links.value = ""
            board.begin(state)
        expected = _estimate(request, inputs)
        if request.run:
            _run(explorer, request, inputs, expected, state, stop)
        else:
            explorer.show_status(f"press Run; {expected}")
    except KeyboardInterrupt:
        explorer.show_status("stopped before Step 0" if state is None else _describe_stop(state))
    finally:
        if request.run:
            explorer.show_progress(None)
            request.desk.set_running(False)


def _shows(board: Board, state: RunState) -> bool:
    """Return whether the images on the board are those of a state: then its run, if there was one, stays on it."""
    shown = board.state
    return shown is not None and shown.names == state.names and all(
        np.array_equal(a, b) for a, b in ((shown.origin, state.origin), (shown.target, state.target))
    )  # fmt: skip


def _estimate(request: Request, inputs: Inputs) -> Estimate:
    """Return the estimate of a run; that of the latest values is not made again."""
    from ..transfers.estimate import estimate_run

    desk = request.desk
    if desk.estimate is None or desk.estimate[0] != request.values:
        desk.estimate = (request.values, estimate_run(inputs))
    return desk.estimate[1]


def _run(
    explorer: Explorer, request: Request, inputs: Inputs, expected: Estimate, state: RunState, stop: threading.Event
) -> None:
    from ..runs.execute import execute
    from ..runs.pace import Pace
    from ..transfers.setup import complete_setup

    board = request.desk.board
    view = _RunView(explorer, board, expected, Pace(expected), state, stop)
    with interruptible(view.look):
        experiment = complete_setup(inputs)
        view.features, view.reference = experiment.features.map, experiment.reference.values
        try:
            result = execute(experiment, listen=view.listen).transfer
        except RunEndedError as ended:
            result = ended.execution.transfer
    for step, name in enumerate(("step1", "step2", "step3"), start=1):
        if name in result.routes:
            state.images[step] = result.routes[name].x
    if result.status == "done":
        state.images[Step.TRANSFER] = result.result
        state.outcome = _judge(result, request.settings)
        files = {"origin": state.origin, "target": state.target, "result": result.result}
        files |= {f"step{step}": image for step, image in state.images.items() if step < Step.TRANSFER}
        request.desk.links.value = offer_files(files, command_line(*request.names, request.options))
    board.show(state)
    explorer.show_status(_summarize(result, experiment, state))


def _judge(result: Transfer, settings: Mapping[str, str]) -> Outcome:
    """Return the numbers that count; where there is no gap, none can be left."""
    gaps = result.style_gaps
    left = {layer: gap / gaps["untouched"][layer] for layer, gap in gaps["result"].items() if gaps["untouched"][layer]}
    same = np.array_equal(result.origin, result.target)
    return Outcome(result.result, left, psnr(result.result, result.origin) if same else None, settings)


class _RunView:
    """Shows how far a run has come, and ends it when asked to."""

    def __init__(
        self,
        explorer: Explorer,
        board: Board,
        expected: Estimate,
        pace: Pace,
        state: RunState,
        stop: threading.Event,
    ):
        self._explorer, self._board, self._pace = explorer, board, pace
        self._state, self._stop = state, stop
        self._zero = expected.parts[0].seconds.middle
        self._began = time.monotonic()
        self._next_line = self._next_frame = 0.0
        self._text = "measuring the reference"
        self.features: DifferentiableFeatures | None = None
        self.reference: Floats = np.empty(0)
        self.look()

    def listen(self, step: int, layer: str, progress: float, x: Floats | None) -> None:
        """Take a point; see `engine.context.Listener`."""
        state, judging = self._state, step == Step.JUDGING
        self._pace.move(step, layer, progress)
        state.place = f"the judging of {layer}" if judging else f"Step {step}, {layer}"
        self._text = f"{progress:.0%}"
        # The path by which an image is judged is no part of the transfer: it has no place in the plot.
        if x is not None and not judging:
            self._add_point(step, x)
        if self._stop.is_set():
            raise KeyboardInterrupt
        if time.monotonic() >= self._next_frame:
            began = time.monotonic()
            self._board.show(state)
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

    def _add_point(self, step: int, x: Floats) -> None:
        assert self.features is not None
        state, v = self._state, self.reference
        f = self.features.values(x)
        state.steps.append(step)
        for name, at in block_slices(self.features.blocks).items():
            distance = float(np.linalg.norm(f[at] - v[at]) / np.linalg.norm(v[at]))
            state.distances.setdefault(name, []).append(distance)
        state.images[step] = x


def _summarize(result: Transfer, experiment: Experiment, state: RunState) -> str:
    """Return one line about how a run ended."""
    passes, outcome = result.passes.total, state.outcome
    cost = f"{passes:,} network {'pass' if passes == 1 else 'passes'}"
    if result.status == "interrupted":
        return f"{_describe_stop(state)}; {cost}"
    if outcome is None:
        options = experiment.options
        smooth = options.has_kinks and options.method != "descent"
        step = "try the smooth network" if smooth else advise(options, result.status, NAMES)
        return f"the run {result.status} in {state.place}: {step}"
    if not result.style_relative_error:
        return f"done, but the style of the result could not be measured; {cost}"
    told = [f"style gap left: {', '.join(f'{layer} {left:.1%}' for layer, left in outcome.gap_left.items())}"]
    if outcome.psnr is not None:
        exact = outcome.psnr == np.inf
        told = ["the self-transfer is exact" if exact else f"PSNR of the self-transfer {outcome.psnr:.1f} dB"]
    return f"done; {'; '.join(told)}{_describe_unfinished(result, experiment)}; {cost}"


def _describe_stop(state: RunState) -> str:
    return f"stopped in {state.place}" + ("; the latest images are shown" if state.images else "")


def _describe_unfinished(result: Transfer, experiment: Experiment) -> str:
    """Return how many legs ended before their targets, for the methods that make iterations."""
    settings = experiment.method_settings
    unfinished = sum(leg.status == "max_steps" for leg in result.legs)
    if settings.name == "decoupled" or not unfinished:
        return ""
    legs = "1 leg" if unfinished == 1 else f"{unfinished} legs"
    rate = " or a larger learning rate" if settings.learning_rate is not None else ""
    return f"; {legs} ended before the target: try more iterations{rate}"
