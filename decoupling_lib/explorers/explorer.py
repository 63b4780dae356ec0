"""The common parts of all explorers: labeled controls, a picture with a description, and a line of status."""

from __future__ import annotations

import base64
import html
import io
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets

from ..common.errors import InputError
from ..plotting.settings import kit_settings
from .worker import Worker

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TIMEOUT = 300
"""Seconds that the display of an explorer waits until it has finished drawing."""


@dataclass(frozen=True)
class View:
    """What an explorer shows at one time.

    Parameters
    ----------
    figure : Figure
        The picture.
    alt_text : str
        What the picture shows, for readers who do not see it.
    status : str
        One line about the result, shown below the picture.
    """

    figure: Figure
    alt_text: str
    status: str = ""


@dataclass(frozen=True, eq=False)
class Explorer:
    """Controls beside a picture; Jupyter displays it as the last value of a cell.

    Parameters
    ----------
    title : str
        Heading.
    box : ipywidgets.Widget
        The widget that contains all others.
    controls : mapping of str to ipywidgets.Widget
        Sliders and lists, by name.
    buttons : mapping of str to ipywidgets.Button
        Buttons, by their text.
    picture, status : ipywidgets.HTML
        Where results and messages are displayed.
    bar : ipywidgets.FloatProgress
        How far a run has come; hidden while there is none.
    worker : Worker
        Computes the results.
    """

    title: str
    box: ipywidgets.Widget
    controls: Mapping[str, ipywidgets.Widget]
    buttons: Mapping[str, ipywidgets.Button]
    picture: ipywidgets.HTML
    status: ipywidgets.HTML
    bar: ipywidgets.FloatProgress
    worker: Worker

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """Return the explorer and, for readers without a kernel, its picture once it has been drawn."""
        self.worker.wait(TIMEOUT)
        bundle: dict[str, Any] = self.box._repr_mimebundle_(**options)
        png = self.picture.value.partition("base64,")[2].partition('"')[0]
        return bundle | {"text/plain": f"explorer: {self.title}"} | ({"image/png": png} if png else {})

    def show(self, view: View) -> None:
        """Display a picture and its status.

        Parameters
        ----------
        view : View
            What to display.
        """
        self.picture.value = figure_html(view.figure, view.alt_text)
        self.show_status(view.status)

    def show_status(self, line: str) -> None:
        """Display a line below the picture; screen readers read it aloud.

        Parameters
        ----------
        line : str
            Plain text.
        """
        self.status.value = f'<div role="status" aria-live="polite">{html.escape(line)}</div>'

    def show_progress(self, share: float | None) -> None:
        """Display how far a run has come.

        Parameters
        ----------
        share : float or None
            Share of the run that is done, in [0, 1]; None hides the bar.
        """
        self.bar.layout.visibility = "hidden" if share is None else "visible"
        self.bar.value = share or 0.0

    def show_error(self, error: Exception) -> None:
        """Display an error as one line of status.

        Parameters
        ----------
        error : Exception
            An `InputError` is displayed by its message alone, any other error with its type.
        """
        line = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        self.show_status(" ".join(line.split()))


@kit_settings
def figure_html(figure: Figure, alt_text: str) -> str:
    """Return a figure as an HTML image.

    Parameters
    ----------
    figure : Figure
        The figure.
    alt_text : str
        Alternative text, not yet escaped.

    Returns
    -------
    str
        An `img` element that contains its data.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=figure.dpi, facecolor="white")
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{html.escape(alt_text)}" style="max-width: 100%" src="data:image/png;base64,{data}">'


def build_explorer(
    title: str,
    controls: Mapping[str, ipywidgets.Widget],
    work: Callable[[Explorer, Any, threading.Event], None],
    buttons: tuple[ipywidgets.Button, ...] = (),
) -> Explorer:
    """Arrange controls, picture and status as an explorer.

    Parameters
    ----------
    title : str
        Heading.
    controls : mapping of str to ipywidgets.Widget
        Sliders and lists, by name.
    work : callable
        Receives the explorer, a request, and the event that is set when it should finish early; see `Worker`.
    buttons : tuple of ipywidgets.Button
        Buttons below the controls.

    Returns
    -------
    Explorer
        The explorer; it draws nothing before its worker receives a request.
    """
    picture, status = ipywidgets.HTML(), ipywidgets.HTML()
    # Hidden, it keeps its place between runs; where nothing is run it takes none.
    shape = ipywidgets.Layout(width="100%", visibility="hidden", display="" if buttons else "none")
    bar = ipywidgets.FloatProgress(0.0, min=0.0, max=1.0, layout=shape)
    column = ipywidgets.VBox([*controls.values(), *([ipywidgets.HBox(buttons)] if buttons else [])])
    heading = ipywidgets.HTML(f"<h3>{html.escape(title)}</h3>")
    result = ipywidgets.VBox([picture, bar, status], layout=ipywidgets.Layout(flex="1 1 30em", min_width="20em"))
    row = ipywidgets.HBox([column, result], layout=ipywidgets.Layout(flex_flow="row wrap"))
    box = ipywidgets.VBox([heading, row])
    explorer = Explorer(
        title, box, dict(controls), {button.description: button for button in buttons}, picture, status, bar,
        Worker(lambda request, stop: work(explorer, request, stop), lambda error: explorer.show_error(error)),
    )  # fmt: skip
    explorer.show_status("")
    return explorer


def live_explorer(
    title: str, controls: Mapping[str, ipywidgets.Widget], draw: Callable[[Mapping[str, Any]], View]
) -> Explorer:
    """Return an explorer that draws again whenever a control changes.

    If controls change faster than the explorer draws, some values are skipped, but never the last ones.

    Parameters
    ----------
    title : str
        Heading.
    controls : mapping of str to ipywidgets.Widget
        Sliders and lists, by name.
    draw : callable
        Maps the values of the controls, by name, to what is shown.

    Returns
    -------
    Explorer
        The explorer; it draws its first values at once.
    """

    def work(explorer: Explorer, values: Mapping[str, Any], stop: threading.Event) -> None:
        explorer.show(draw(values))

    explorer = build_explorer(title, controls, work)

    def update(_: Any = None) -> None:
        explorer.worker.submit({name: control.value for name, control in controls.items()})

    for control in controls.values():
        control.observe(update, "value")
    explorer.show_status("drawing …")  # a first picture that needs a network takes seconds
    update()
    return explorer
