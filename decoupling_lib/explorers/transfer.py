"""The transfer explorer of lesson 7: a whole transfer with its settings as sliders, to be run and stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ipywidgets
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..images.bundled import bundled_pictures
from ..plotting.features import show_distances
from ..plotting.style import show_picture
from .controls import choice, logarithmic, slider, whole
from .explorer import Drawn, Explorer, assemble

METHODS = (
    ("decoupled: the damped lift", "decoupled"),
    ("projected: descent that holds the layers below", "projected"),
    ("descent: the thesis's annex", "descent"),
    ("direct: all layers at once, by L-BFGS", "direct"),
)
FRAME = 0.5
"""Seconds between two pictures of a run, at least."""


@dataclass
class Shown:
    """What a run has shown so far."""

    origin: np.ndarray
    target: np.ndarray
    x: np.ndarray | None = None
    steps: list[int] = field(default_factory=list)
    distances: dict[str, list[float]] = field(default_factory=dict)


def explorer() -> Explorer:
    """Pictures, layers, method, learning rate, steps, softness and size, with Run and Stop."""
    pictures = list(bundled_pictures())
    controls = {
        "origin": choice("origin, the style", pictures, "coffee"),
        "target": choice("target, the content", pictures, "china", "the same as the origin: a self-transfer"),
        "layers": whole("layers", 2, 1, 5, "how many style layers, from the first on"),
        "method": choice("method", METHODS, "decoupled"),
        "rate": logarithmic("learning rate", 5e-4, -5, 0, "of descent and projected; the annex's is 5e-4"),
        "iterations": whole("iterations", 200, 10, 2000, "most a leg: descent, projected, direct", 10),
        "steps": whole("steps a leg", 16, 4, 48, "of the decoupled method"),
        "softness": slider("softness", 0.29, 0.02, 1, 0.01, "how far the network's kinks are rounded off"),
        "size": whole("size, pixels", 48, 32, 192, "both pictures become squares of this side", 16),
    }
    run = ipywidgets.Button(description="Run", button_style="primary", tooltip="run the transfer")
    stop = ipywidgets.Button(description="Stop", disabled=True, tooltip="stop, and keep what is done")
    found = assemble("A transfer, step by step", controls, _work, (run, stop))

    def values() -> dict[str, Any]:
        return {name: control.value for name, control in controls.items()}

    def lock(running: bool) -> None:
        for control in (*controls.values(), run):
            control.disabled = running
        stop.disabled = not running

    def weigh(_: Any = None) -> None:
        if not run.disabled:  # while it runs nothing may replace the run
            found.worker.ask((False, values(), lock))

    def start(_: Any) -> None:
        lock(True)
        found.worker.ask((True, values(), lock))

    for control in controls.values():
        control.observe(weigh, "value")
    run.on_click(start)
    stop.on_click(lambda _: (found.worker.stop(), found.say("stopping …")))
    weigh()
    return found


def options(values: Mapping[str, Any]) -> Any:
    """The `Options` of the controls' values; Step 3 is left as its legs leave it, without refinement steps."""
    from ..transfers.options import Options

    descends = values["method"] in ("descent", "projected")
    return Options(
        layers=values["layers"], size=(values["size"], values["size"]), method=values["method"],
        learning_rate=values["rate"] if descends else None, iterations=values["iterations"],
        steps=values["steps"], softness=values["softness"], refinements=0,
    )  # fmt: skip


def draw(shown: Shown, said: str = "") -> Drawn:
    """Origin, target, the picture now, and below them each layer's distance from noise."""
    figure = Figure(figsize=(8, 5.6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 3, height_ratios=(1, 1.1))
    now = f"Step {shown.steps[-1]}" if shown.steps and shown.steps[-1] < 4 else "result"
    titles = ("origin", "target", now if shown.x is not None else "not run yet")
    for place, (picture, title) in enumerate(zip((shown.origin, shown.target, shown.x), titles, strict=True)):
        show_picture(figure.add_subplot(grid[0, place]), picture, title)
    ax = figure.add_subplot(grid[1, :])
    if shown.steps:
        show_distances(ax, shown.distances, shown.steps)
    else:
        ax.text(0.5, 0.5, "the layers' distances from noise come here", ha="center", va="center", color="0.4")
        ax.set_axis_off()
    return Drawn(figure, f"origin, target, {titles[2]}, and the layers' distances from noise. {said}", said)


def _work(explorer: Explorer, request: tuple[bool, dict[str, Any], Any], stop: threading.Event) -> None:
    """Estimates what a run takes, or runs it."""
    running, values, lock = request
    try:
        from ..transfers.estimate import estimate_run
        from ..transfers.setup import complete_setup, gather_inputs  # here: TensorFlow takes seconds to load

        explorer.say("working out what it takes …" if not running else "preparing …")
        inputs = gather_inputs(values["origin"], values["target"], options(values))
        shown = Shown(inputs.origin.array, inputs.target.array)
        if not running:
            if not stop.is_set():
                explorer.show(draw(shown, f"press Run; {estimate_run(inputs)}"))
            return
        explorer.show(draw(shown, "Step 0: measuring noise …"))
        _run(explorer, complete_setup(inputs), shown, stop)
    finally:
        if running:
            lock(False)


def _run(explorer: Explorer, prepared: Any, shown: Shown, stop: threading.Event) -> None:
    from ..engine.features import block_slices

    means, v = prepared.features.map, prepared.reference.values
    slices, last = block_slices(means.blocks), 0.0
    shown.distances = {name: [] for name in slices}

    def listen(step: int, layer: str, progress: float, x: np.ndarray | None) -> None:
        nonlocal last
        if stop.is_set():
            raise KeyboardInterrupt
        if x is None:
            return
        f = means.values(x)
        shown.steps.append(step)
        for name, at in slices.items():
            shown.distances[name].append(float(np.linalg.norm(f[at] - v[at]) / np.linalg.norm(v[at])))
        if step < 4:
            shown.x = x
        if time.monotonic() - last > FRAME:
            explorer.show(draw(shown, f"Step {step} {layer}: {progress:.0%}" if step < 4 else "judging the result …"))
            last = time.monotonic()

    result = prepared.run(listen)
    ended = result.paths.get("step3")
    if ended is not None:
        shown.x = ended.x
    explorer.show(draw(shown, _summary(result)))


def _summary(result: Any) -> str:
    from ..images.quality import psnr

    cost = f"{result.passes.total:,} network passes"
    if result.status == "interrupted":
        return f"stopped in {list(result.paths)[-1]}; what was done is shown; {cost}"
    if result.status != "done":
        return f"the run {result.status} in {list(result.paths)[-1]}: try more steps or more softness"
    errors = ", ".join(f"{layer} {error:.1%}" for layer, error in result.style_relative_error.items())
    back = ""
    if np.array_equal(result.origin, result.target):
        back = f"; came back at {psnr(result.paths['step3'].x, result.origin):.1f} dB"
    return f"done; style off by {errors}{back}; {cost}"
