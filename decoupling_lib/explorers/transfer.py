"""The transfer explorer of lesson 7: a whole transfer with its settings as controls, to run and to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np

from ..common.errors import RunEndedError
from ..engine.context import Step
from ..engine.features import block_slices
from ..images.bundled import bundled_pictures
from ..images.quality import psnr
from ..plotting.features import show_distances
from ..plotting.settings import kit_settings
from ..plotting.style import new_figure, show_picture
from ..transfers.options import Options
from .controls import dropdown, integer_slider, log_slider, slider
from .explorer import Explorer, View, build_explorer

if TYPE_CHECKING:
    from ..transfers.run import Transfer
    from ..transfers.setup import Experiment

METHODS = (
    ("decoupled: the damped lift", "decoupled"),
    ("projected: descent that holds the layers below", "projected"),
    ("descent: the thesis's annex", "descent"),
    ("direct: all layers at once, by L-BFGS", "direct"),
)
"""The methods to choose from: text of the list, and value of the option."""
FRAME_SECONDS = 0.5
"""Minimum time between two pictures of a run."""


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
        The step of each accepted point.
    distances : dict of str to list of float
        By layer, the distance from noise at each accepted point, relative to the length of the reference.
    """

    origin: np.ndarray
    target: np.ndarray
    x: np.ndarray | None = None
    steps: list[int] = field(default_factory=list)
    distances: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Request:
    """What the worker has to do: run a transfer, or only estimate what it takes."""

    run: bool
    values: Mapping[str, Any]
    set_running: Callable[[bool], None]


def transfer_explorer() -> Explorer:
    """Build the explorer of pictures, layers, method, learning rate, steps, softness and size.

    Returns
    -------
    Explorer
        Its buttons run and stop the transfer; before a run it shows what the run will take.
    """
    pictures = list(bundled_pictures())
    controls = {
        "origin": dropdown("origin, the style", pictures, "coffee", "the picture that gives the style"),
        "target": dropdown(
            "target, the content", pictures, "china", "the picture that gives the content; the origin: a self-transfer"
        ),
        "layers": integer_slider("layers", 2, 1, 5, "number of style layers, starting with the first"),
        "method": dropdown("method", METHODS, "decoupled"),
        "rate": log_slider("learning rate", 5e-4, -5, 0, "of descent and projected; the annex uses 5e-4"),
        "iterations": integer_slider(
            "iterations", 200, 10, 2000, "maximum iterations per leg of descent, projected and direct", 10
        ),
        "steps": integer_slider("steps per leg", 16, 4, 48, "of the decoupled method"),
        "softness": slider("softness", 0.29, 0.02, 1, 0.01, "how much the kinks of the network are smoothed"),
        "size": integer_slider("size in pixels", 48, 32, 192, "side of the squares that both pictures become", 16),
    }
    run = ipywidgets.Button(description="Run", button_style="primary", tooltip="run the transfer")
    stop = ipywidgets.Button(description="Stop", disabled=True, tooltip="stop the run and keep its latest image")
    built = build_explorer("A transfer, step by step", controls, _work, (run, stop))

    def values() -> dict[str, Any]:
        return {name: control.value for name, control in controls.items()}

    def set_running(running: bool) -> None:
        for control in (*controls.values(), run):
            control.disabled = running
        stop.disabled = not running

    def request_estimate(_: Any = None) -> None:
        if not run.disabled:  # during a run, nothing may replace it
            built.worker.submit(_Request(False, values(), set_running))

    def request_run(_: Any) -> None:
        set_running(True)
        built.worker.submit(_Request(True, values(), set_running))

    def request_stop(_: Any) -> None:
        built.worker.stop()
        built.show_status("stopping …")

    for control in controls.values():
        control.observe(request_estimate, "value")
    run.on_click(request_run)
    stop.on_click(request_stop)
    request_estimate()
    return built


def options(values: Mapping[str, Any]) -> Options:
    """Return the options that the controls stand for.

    Step 3 is left as its legs leave it, without refinement steps.

    Parameters
    ----------
    values : mapping of str to Any
        Values of the explorer's controls, by name.

    Returns
    -------
    Options
        The options; the learning rate is set only for the methods that use it.
    """
    descends = values["method"] in ("descent", "projected")
    return Options(
        layers=values["layers"], size=(values["size"], values["size"]), method=values["method"],
        learning_rate=values["rate"] if descends else None, iterations=values["iterations"],
        steps=values["steps"], softness=values["softness"], refinements=0,
    )  # fmt: skip


@kit_settings
def draw(state: RunState, status: str = "") -> View:
    """Draw origin, target and the current image, and below them each layer's distance from noise.

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
    current = f"Step {state.steps[-1]}" if state.steps and state.steps[-1] < Step.JUDGING else "result"
    titles = ("origin", "target", current if state.x is not None else "not run yet")
    for place, (image, title) in enumerate(zip((state.origin, state.target, state.x), titles, strict=True)):
        show_picture(figure.add_subplot(grid[0, place]), image, title)
    ax = figure.add_subplot(grid[1, :])
    if state.steps:
        show_distances(ax, state.distances, state.steps)
    else:
        ax.text(0.5, 0.5, "the layers' distances from noise come here", ha="center", va="center", color="0.4")
        ax.set_axis_off()
    return View(figure, f"origin, target, {titles[2]}, and the layers' distances from noise. {status}", status)


def _work(explorer: Explorer, request: _Request, stop: threading.Event) -> None:
    """Estimate what a run takes, or run it."""
    try:
        explorer.show_status("preparing …" if request.run else "estimating time and memory …")
        # Here: TensorFlow takes seconds to load.
        from ..transfers.estimate import estimate_run
        from ..transfers.setup import complete_setup, gather_inputs

        inputs = gather_inputs(request.values["origin"], request.values["target"], options(request.values))
        state = RunState(inputs.origin.array, inputs.target.array)
        if not request.run:
            if not stop.is_set():
                explorer.show(draw(state, f"press Run; {estimate_run(inputs)}"))
            return
        explorer.show(draw(state, "Step 0: measuring noise …"))
        _run(explorer, complete_setup(inputs), state, stop)
    finally:
        if request.run:
            request.set_running(False)


def _run(explorer: Explorer, experiment: Experiment, state: RunState, stop: threading.Event) -> None:
    from ..runs.execute import execute

    means, v = experiment.features.map, experiment.reference.values
    slices, last = block_slices(means.blocks), 0.0
    state.distances = {name: [] for name in slices}

    def listen(step: int, layer: str, progress: float, x: np.ndarray | None) -> None:
        nonlocal last
        if stop.is_set():
            raise KeyboardInterrupt
        if x is None:
            return
        f = means.values(x)
        state.steps.append(step)
        for name, at in slices.items():
            state.distances[name].append(float(np.linalg.norm(f[at] - v[at]) / np.linalg.norm(v[at])))
        judging = step == Step.JUDGING
        if not judging:
            state.x = x
        if time.monotonic() - last > FRAME_SECONDS:
            explorer.show(draw(state, "judging the result …" if judging else f"Step {step} {layer}: {progress:.0%}"))
            last = time.monotonic()

    try:
        result = execute(experiment, listen=listen).transfer
    except RunEndedError as ended:
        result = ended.execution.transfer
    end = result.routes.get("step3")
    if end is not None:
        state.x = end.x
    explorer.show(draw(state, _summarize(result)))


def _summarize(result: Transfer) -> str:
    cost = f"{result.passes.total:,} network passes"
    if result.status == "interrupted":
        return f"stopped in {list(result.routes)[-1]}; the latest image is shown; {cost}"
    if result.status != "done":
        return f"the run {result.status} in {list(result.routes)[-1]}: try more steps or more softness"
    errors = ", ".join(f"{layer} {error:.1%}" for layer, error in result.style_relative_error.items())
    quality = ""
    if np.array_equal(result.origin, result.target):
        quality = f"; PSNR of the self-transfer {psnr(result.routes['step3'].x, result.origin):.1f} dB"
    return f"done; style error {errors}{quality}; {cost}"
