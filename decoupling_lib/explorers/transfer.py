"""The transfer explorer of lessons 5 to 9: a whole transfer with its settings as controls, to run and to stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets

from ..common.errors import InputError
from ..images.bundled import bundled_pictures
from ..transfers.options import AS_THESIS, Options
from .controls import checkbox, dropdown, get_values, integer_slider, log_slider, show_row, slider, watch
from .explorer import Explorer, Texts
from .transfer_run import Desk, Request, handle

TEXTS = Texts(
    "A transfer, step by step",
    "Steps 1 and 2 remove the styles of both pictures, by moving them to a reference. Step 3 imposes the style of the "
    "origin on the target.",
    "Which reference leaves less of the style gap: noise or the midpoint? And which result do you like better?",
)
METHODS = (
    ("decoupled: damped lift", "decoupled"),
    ("projected descent", "projected"),
    ("descent: the annex", "descent"),
    ("direct: all at once", "direct"),
)
"""The methods to choose from: text of the list, and value of the option."""
REFERENCE_TEXTS = (
    ("automatic", ""),
    ("noise", "noise"),
    ("natural noise", "natural"),
    ("mean of photographs", "photographs"),
    ("midpoint of both", "midpoint"),
    ("the target itself", "target"),
)
"""The references to choose from: text of the list, and value of the option; the first is midpoint, or noise for a
self-transfer."""
NETWORKS = (("smooth", "smooth"), ("ReLU and maximum", "kinks"))
"""The networks to choose from: text of the list, and value of the control."""
OWN_CONTROLS = {
    "decoupled": ("steps",),
    "projected": ("automatic", "rate", "iterations"),
    "descent": ("rate", "iterations"),
    "direct": ("iterations",),
}
"""The controls that act for some methods only, by method."""
VIEW = "view"
"""The control that changes how images are shown, and nothing about the run."""
FIRST: dict[str, Any] = {
    "origin": "coffee", "target": "china", "method": "decoupled", "reference": "", "strength": 1.0, "colors": False,
    "network": "smooth", "layers": 2, "automatic": True, "rate": 5e-4, "iterations": 200, "steps": 16,
    "softness": 0.29, "size": 64,
}  # fmt: skip
"""The first values of all other controls."""
PRESETS: dict[str, dict[str, Any]] = {
    "the thesis": {"method": "descent", "reference": "noise", "network": "kinks", "iterations": 400},
    "self-transfer": {"target": "coffee"},
    "too large a rate": {"method": "descent", "reference": "noise", "network": "kinks", "rate": 1.0},
    "midpoint": {"reference": "midpoint"},
}
"""What each preset changes in `FIRST`; then it runs."""


def transfer_explorer() -> Explorer:
    """Build the explorer of pictures, method, reference, strength, colors, network, layers and size.

    Returns
    -------
    Explorer
        Its buttons run and stop the transfer, take a picture of one's own, and reset all. A preset sets all controls
        and runs. Before a run it shows what the run will take. Controls that do not act are hidden.
    """
    controls = _build_controls()
    settings = {name: control for name, control in controls.items() if name != VIEW}
    run = ipywidgets.Button(description="Run", button_style="primary", tooltip="run the transfer")
    stop = ipywidgets.Button(description="Stop", disabled=True, tooltip="stop the run and keep its latest images")
    reset = ipywidgets.Button(description="Reset", tooltip="set all controls back, and forget the runs")
    upload = ipywidgets.FileUpload(
        description="Own picture",
        accept="image/*",
        tooltip="a picture of at most 10 MB, which becomes the target",
        icon="",
    )
    upload.add_class("dl-upload")
    desk = Desk(lambda running: set_running(running))
    built = Explorer(
        TEXTS, controls, handle, PRESETS, (run, stop, reset, upload), desk.board.exhibits, desk.board.body,
        (desk.links,), desk.board.draw_still,
    )  # fmt: skip
    started: dict[str, Any] = {}

    def submit(run: bool) -> None:
        chosen = get_values(settings)
        words = {name: _describe(controls[name]) for name in settings if name in acting_controls(chosen)}
        built.worker.submit(Request(run, chosen, options(chosen), words, desk))

    def set_running(running: bool) -> None:
        for widget in (*settings.values(), *built.presets.values(), run, reset, upload):
            widget.disabled = running
        stop.disabled = not running

    def change() -> None:
        if built.held:
            return
        if run.disabled:
            # A message that was on its way when the run began: the controls keep showing the settings of the run.
            built.choose(started)
            return
        show_acting(built)
        submit(False)

    def request_run(_: Any = None) -> None:
        if run.disabled:  # pressed twice
            return
        set_running(True)
        started.update(get_values(settings))
        submit(True)

    def request_stop(_: Any) -> None:
        built.show_status("stopping …")
        if built.worker.stop():  # the run had not begun
            built.show_status("stopped before Step 0")
            set_running(False)

    def set_preset(values: Mapping[str, Any]) -> None:
        if run.disabled:
            return
        built.choose(values)
        show_acting(built)
        request_run()

    def start_again(_: Any) -> None:
        if run.disabled:
            return
        built.choose({**FIRST, VIEW: "pixels"})
        desk.links.value = ""
        desk.board.clear()
        change()

    def take_picture(_: Any) -> None:
        if not upload.value:
            return
        (file,), upload.value = upload.value, ()
        try:
            name = desk.own.add(file)
        except (InputError, OSError, ValueError) as error:
            built.show_error(error)
            return
        with built.hold():
            for place in ("origin", "target"):
                kept = controls[place].value
                controls[place].options = [*(each for each in controls[place].options if each != name), name]
                controls[place].value = kept
            controls["target"].value = name
        change()

    watch(settings, change)
    controls[VIEW].observe(lambda event: desk.board.set_view(event["new"]), "value")
    for name, values in PRESETS.items():
        built.presets[name].on_click(lambda _, values=FIRST | values: set_preset(values))
    run.on_click(request_run)
    stop.on_click(request_stop)
    reset.on_click(start_again)
    upload.observe(take_picture, "value")
    change()
    return built


def _build_controls() -> dict[str, ipywidgets.Widget]:
    pictures, first = list(bundled_pictures()), FIRST
    return {
        "origin": dropdown("origin", pictures, first["origin"], "The picture that gives the style."),
        "target": dropdown(
            "target", pictures, first["target"],
            "The picture that gives the content; the same one twice is a self-transfer, which should return.",
        ),
        "method": dropdown(
            "method", METHODS, first["method"], "How an image is moved from one list of style numbers to another."
        ),
        "reference": dropdown(
            "reference", REFERENCE_TEXTS, first["reference"],
            "Whose style numbers Steps 1 and 2 move both pictures to; automatic is the midpoint, or noise for a "
            "self-transfer.",
        ),
        "strength": slider(
            "strength", first["strength"], 0, 1, 0.05,
            "How much of the style is imposed, from 0, the target's own, to 1, that of the origin.",
        ),
        "colors": checkbox(
            "keep colors", first["colors"], "The result gets the colors of the target, and only brightness changes."
        ),
        "network": dropdown(
            "network", NETWORKS, first["network"],
            "ReLU and maximum pooling, as in the thesis, have kinks; the smooth network rounds them off.",
        ),
        "layers": integer_slider("layers", first["layers"], 1, 5, "Number of style layers, from the first one on."),
        "automatic": checkbox("automatic rate", first["automatic"], "The learning rate is chosen in each iteration."),
        "rate": log_slider("learning rate", first["rate"], -5, 0, "How far an iteration goes; the annex uses 5e-4."),
        "iterations": integer_slider(
            "iterations", first["iterations"], 10, 2000, "The largest number of iterations per leg.", 10
        ),
        "steps": integer_slider(
            "steps per leg", first["steps"], 4, 48, "More steps are slower and fail less often."
        ),
        "softness": slider(
            "softness", first["softness"], 0.02, 1, 0.01, "How much the kinks of the network are rounded off."
        ),
        "size": integer_slider(
            "size in pixels", first["size"], 32, 256,
            "Side of the squares that both pictures become; twice the side takes four times as long.", 16,
        ),
        VIEW: dropdown(
            "view", ("pixels", "smooth"), "pixels", "How small images are enlarged: as squares, or blurred."
        ),
    }  # fmt: skip


def _describe(control: ipywidgets.Widget) -> str:
    """Return the value of a control in words."""
    if hasattr(control, "label"):
        return str(control.label)
    value = control.value
    return f"{value:.2g}" if isinstance(value, float) else {True: "yes", False: "no"}.get(value, str(value))


def acting_controls(values: Mapping[str, Any]) -> set[str]:
    """Return the names of the controls that act on a run.

    Parameters
    ----------
    values : mapping of str to Any
        Values of the explorer's controls, by name.

    Returns
    -------
    set of str
        Names in `FIRST`.
    """
    own = OWN_CONTROLS[values["method"]]
    acting = set(FIRST) - {name for names in OWN_CONTROLS.values() for name in names} | set(own)
    if "automatic" in own and values["automatic"]:
        acting.remove("rate")
    return acting - ({"softness"} if values["network"] == "kinks" else set())


def show_acting(explorer: Explorer) -> None:
    """Hide the controls that do not act on the run, and show the others.

    Parameters
    ----------
    explorer : Explorer
        The transfer explorer.
    """
    acting = acting_controls(get_values(explorer.controls))
    for name in FIRST:
        show_row(explorer.rows[name], name in acting)


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
    acting = acting_controls(values)
    chosen: dict[str, Any] = {name: values[name] for name in ("iterations", "steps", "softness") if name in acting}
    if "rate" in acting:
        chosen["learning_rate"] = values["rate"]
    if values["network"] == "kinks":
        chosen |= {name: AS_THESIS[name] for name in ("activation", "pooling")}
    return Options(
        layers=values["layers"], size=(values["size"], values["size"]), method=values["method"],
        reference=values["reference"] or None, strength=values["strength"], keep_colors=values["colors"],
        refinements=0, **chosen,
    )  # fmt: skip
