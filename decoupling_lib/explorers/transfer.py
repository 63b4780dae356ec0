"""The transfer explorer of lesson 7: a whole transfer with its settings as controls, to run and to stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets

from ..images.bundled import bundled_pictures
from ..transfers.options import Options
from .controls import checkbox, dropdown, integer_slider, log_slider, show_control, slider
from .explorer import Explorer, build_explorer
from .transfer_run import Desk, Request, handle

METHODS = (
    ("decoupled: the damped lift", "decoupled"),
    ("projected: descent, lower layers held", "projected"),
    ("descent: the thesis's annex", "descent"),
    ("direct: all layers at once, by L-BFGS", "direct"),
)
"""The methods to choose from: text of the list, and value of the option."""
REFERENCE_TEXTS = (
    ("automatic", ""),
    ("noise", "noise"),
    ("natural noise, 1/frequency", "natural"),
    ("mean of photographs", "photographs"),
    ("midpoint of both pictures", "midpoint"),
    ("the target itself", "target"),
)
"""The references to choose from: text of the list, and value of the option; the first is midpoint, or noise for a
self-transfer."""
OWN_CONTROLS = {
    "decoupled": ("steps",),
    "projected": ("automatic", "rate", "iterations"),
    "descent": ("rate", "iterations"),
    "direct": ("iterations",),
}
"""The controls that act for some methods only, by method."""


def transfer_explorer() -> Explorer:
    """Build the explorer of pictures, layers, method, its own settings, softness and size.

    Returns
    -------
    Explorer
        Its buttons run and stop the transfer; before a run it shows what the run will take. Controls that do not act
        for the chosen method are hidden.
    """
    pictures = list(bundled_pictures())
    controls = {
        "origin": dropdown("origin, the style", pictures, "coffee", "the picture that gives the style"),
        "target": dropdown(
            "target, the content", pictures, "china", "the picture that gives the content; the origin: a self-transfer"
        ),
        "layers": integer_slider("layers", 2, 1, 5, "number of style layers, starting with the first"),
        "method": dropdown("method", METHODS, "decoupled"),
        "reference": dropdown("reference", REFERENCE_TEXTS, "", "the images whose features both pictures are moved to"),
        "automatic": checkbox("automatic learning rate", True, "choose the learning rate in each iteration"),
        "rate": log_slider("learning rate", 5e-4, -5, 0, "the annex uses 5e-4"),
        "iterations": integer_slider("iterations", 200, 10, 2000, "maximum iterations per leg", 10),
        "steps": integer_slider("steps per leg", 16, 4, 48, "more steps are slower and fail less often"),
        "softness": slider("softness", 0.29, 0.02, 1, 0.01, "how much the kinks of the network are smoothed"),
        "size": integer_slider("size in pixels", 48, 32, 192, "side of the squares that both pictures become", 16),
    }
    run = ipywidgets.Button(description="Run", button_style="primary", tooltip="run the transfer")
    stop = ipywidgets.Button(description="Stop", disabled=True, tooltip="stop the run and keep its latest image")
    built = build_explorer("A transfer, step by step", controls, handle, (run, stop))
    started: dict[str, Any] = {}

    def values() -> dict[str, Any]:
        return {name: control.value for name, control in controls.items()}

    def set_running(running: bool) -> None:
        for control in (*controls.values(), run):
            control.disabled = running
        stop.disabled = not running

    desk = Desk(set_running)

    def change(_: Any = None) -> None:
        if run.disabled:
            # A message that was on its way when the run began: the controls keep showing the settings of the run.
            for name, value in started.items():
                controls[name].value = value
            return
        show_controls(controls)
        built.worker.submit(Request(False, values(), desk))

    def request_run(_: Any) -> None:
        if run.disabled:  # pressed twice
            return
        set_running(True)
        started.update(values())
        built.worker.submit(Request(True, values(), desk))

    def request_stop(_: Any) -> None:
        built.show_status("stopping …")
        if built.worker.stop():  # the run had not begun
            built.show_status("stopped before Step 0")
            set_running(False)

    for control in controls.values():
        control.observe(change, "value")
    run.on_click(request_run)
    stop.on_click(request_stop)
    change()
    return built


def show_controls(controls: Mapping[str, ipywidgets.Widget]) -> None:
    """Hide the controls that do not act for the chosen method, and show the others.

    Parameters
    ----------
    controls : mapping of str to ipywidgets.Widget
        The explorer's controls, by name.
    """
    own = OWN_CONTROLS[controls["method"].value]
    for name in {name for names in OWN_CONTROLS.values() for name in names}:
        chosen = name == "rate" and "automatic" in own and controls["automatic"].value
        show_control(controls[name], name in own and not chosen)


def options(values: Mapping[str, Any]) -> Options:
    """Return the options that the controls stand for.

    Step 3 is left as its legs leave it, without refinement steps. What a hidden control would set has its default.

    Parameters
    ----------
    values : mapping of str to Any
        Values of the explorer's controls, by name.

    Returns
    -------
    Options
        The options.
    """
    own = OWN_CONTROLS[values["method"]]
    automatic = "automatic" in own and values["automatic"]
    chosen: dict[str, Any] = {name: values[name] for name in ("iterations", "steps") if name in own}
    if "rate" in own and not automatic:
        chosen["learning_rate"] = values["rate"]
    return Options(
        layers=values["layers"], size=(values["size"], values["size"]), method=values["method"],
        softness=values["softness"], reference=values["reference"] or None, refinements=0, **chosen,
    )  # fmt: skip
