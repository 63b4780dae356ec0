"""What all explorers are made of: labeled controls, a picture with its description, a line that says how it is."""

from __future__ import annotations

import base64
import html
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets
from IPython.display import Image
from matplotlib.figure import Figure

from ..common.errors import InputError
from .worker import Worker

WIDE = ipywidgets.Layout(width="30em")
LABEL = {"description_width": "11em"}
PATIENCE = 300
"""Seconds that a static picture waits for an explorer to have drawn."""


@dataclass(frozen=True)
class Drawn:
    """A picture, what it shows in words, and a line about it."""

    figure: Figure
    words: str
    said: str = ""


@dataclass(frozen=True, eq=False)
class Explorer:
    """Controls beside a picture; Jupyter shows it as the last value of a cell.

    Parameters
    ----------
    title : its heading. box : all of it. controls : by name. buttons : by what is written on them.
    picture, status : where results and messages stand. worker : computes.
    """

    title: str
    box: ipywidgets.Widget
    controls: Mapping[str, ipywidgets.Widget]
    buttons: Mapping[str, ipywidgets.Button]
    picture: ipywidgets.HTML
    status: ipywidgets.HTML
    worker: Worker

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        return self.box._repr_mimebundle_(**options) | {"text/plain": f"explorer: {self.title}"}

    def static(self) -> Image | None:
        """The picture as it is now, for readers without a kernel; None on a page of Voilà, whose readers have one."""
        if os.environ.get("SERVER_SOFTWARE", "").startswith("voila"):
            return None
        self.worker.wait(PATIENCE)
        found = self.picture.value.partition("base64,")[2].partition('"')[0]
        return Image(base64.b64decode(found), format="png")

    def show(self, drawn: Drawn) -> None:
        """Puts a picture and its line into place."""
        self.picture.value = as_html(drawn.figure, drawn.words)
        self.say(drawn.said)

    def say(self, line: str) -> None:
        """Shows a line below the picture, which a screen reader reads aloud."""
        self.status.value = f'<div role="status" aria-live="polite">{html.escape(line)}</div>'

    def fail(self, error: Exception) -> None:
        """Shows what went wrong in a line: bad input in its own words, anything else by its name as well."""
        line = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        self.say(" ".join(line.split()))


def as_html(figure: Figure, words: str) -> str:
    """A figure as an image in HTML with `words` as its alternative text."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=figure.dpi, facecolor="white")
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{html.escape(words)}" style="max-width: 100%" src="data:image/png;base64,{data}">'


def assemble(
    title: str,
    controls: Mapping[str, ipywidgets.Widget],
    work: Callable[[Explorer, Any, Any], None],
    buttons: tuple[ipywidgets.Button, ...] = (),
) -> Explorer:
    """An explorer whose `work` is called with it, a request and the event that asks for an end."""
    picture, status = ipywidgets.HTML(), ipywidgets.HTML()
    column = ipywidgets.VBox([*controls.values(), *([ipywidgets.HBox(buttons)] if buttons else [])])
    heading = ipywidgets.HTML(f"<h3>{html.escape(title)}</h3>")
    shown = ipywidgets.VBox([picture, status], layout=ipywidgets.Layout(flex="1 1 30em", min_width="20em"))
    row = ipywidgets.HBox([column, shown], layout=ipywidgets.Layout(flex_flow="row wrap"))
    box = ipywidgets.VBox([heading, row])
    explorer = Explorer(
        title, box, dict(controls), {button.description: button for button in buttons}, picture, status,
        Worker(lambda request, stop: work(explorer, request, stop), lambda error: explorer.fail(error)),
    )  # fmt: skip
    explorer.say("")
    return explorer


def live(title: str, controls: Mapping[str, ipywidgets.Widget], draw: Callable[[Mapping[str, Any]], Drawn]) -> Explorer:
    """An explorer that draws anew whenever a control changes; of many changes in a row the last is sure to be drawn.

    Parameters
    ----------
    draw : is given the controls' values by name.
    """

    def work(explorer: Explorer, values: Mapping[str, Any], stop: Any) -> None:
        explorer.show(draw(values))

    explorer = assemble(title, controls, work)

    def changed(_: Any = None) -> None:
        explorer.worker.ask({name: control.value for name, control in controls.items()})

    for control in controls.values():
        control.observe(changed, "value")
    changed()
    return explorer
