"""The common parts of all explorers: texts, presets, labeled controls, pictures with descriptions, and a status."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets

from ..common.errors import InputError
from ..plotting.pages import element
from ..plotting.style import encode_figure
from .controls import explain, get_values, set_values, watch
from .exhibit import Exhibit, write_html
from .style_sheet import style_widget
from .worker import Worker

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TIMEOUT = 300
"""Seconds that the display of an explorer waits until it has finished drawing."""
PICTURE = "picture"
"""The name of the only picture of most explorers."""


@dataclass(frozen=True)
class Texts:
    """What an explorer says about itself.

    Parameters
    ----------
    title : str
        Heading.
    caption : str
        What is to be seen, in a sentence or two.
    question : str
        One question that moving the controls answers.
    """

    title: str
    caption: str = ""
    question: str = ""


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
        One line about the result, shown above the picture.
    """

    figure: Figure
    alt_text: str
    status: str = ""


class Explorer:
    """Controls beside pictures; Jupyter displays it as the last value of a cell.

    Parameters
    ----------
    texts : Texts
        Heading, caption and question.
    controls : mapping of str to ipywidgets.Widget
        Sliders and lists, by name.
    work : callable
        Receives the explorer, a request, and the event that is set when it should finish early; see `Worker`. Nothing
        is drawn before the worker receives a request.
    presets : mapping of str to mapping
        By the name of a button, the values to which it sets the controls.
    buttons : tuple of ipywidgets.DOMWidget
        Buttons that act, such as Run.
    exhibits : mapping of str to Exhibit, optional
        The pictures by name. Default: one, `PICTURE`.
    body : ipywidgets.Widget, optional
        The widget that arranges the pictures. Default: the one picture.
    footer : tuple of ipywidgets.Widget
        What stands below the pictures; with it, there is a bar of progress.
    still : callable, optional
        Returns a plot of all pictures, for readers without a kernel. Default: the one picture.

    Attributes
    ----------
    title : str
        Heading.
    box : ipywidgets.Widget
        The widget that contains all others.
    rows : mapping of str to ipywidgets.Widget
        The rows of the controls, which can be hidden.
    presets, buttons : mapping of str to ipywidgets.Button
        Buttons, by their text.
    status : ipywidgets.HTML
        The line above the pictures.
    bar : ipywidgets.FloatProgress
        How far a run has come; hidden while there is none.
    worker : Worker
        Computes the results.
    """

    def __init__(
        self,
        texts: Texts,
        controls: Mapping[str, ipywidgets.Widget],
        work: Callable[[Explorer, Any, threading.Event], None],
        presets: Mapping[str, Mapping[str, Any]],
        buttons: tuple[ipywidgets.DOMWidget, ...] = (),
        exhibits: Mapping[str, Exhibit] | None = None,
        body: ipywidgets.Widget | None = None,
        footer: tuple[ipywidgets.Widget, ...] = (),
        still: Callable[[], Figure] | None = None,
    ):
        self.title, self.controls = texts.title, dict(controls)
        self.rows = {name: explain(control) for name, control in controls.items()}
        self.presets = {name: ipywidgets.Button(description=name, tooltip=f"preset: {name}") for name in presets}
        self.buttons = {button.description: button for button in buttons}
        self.exhibits = {PICTURE: Exhibit("the picture")} if exhibits is None else dict(exhibits)
        self.status = ipywidgets.HTML().add_class("dl-status")
        # Hidden, it keeps its place between runs; where nothing is run it takes none.
        shape = ipywidgets.Layout(width="100%", visibility="hidden", display="" if footer else "none")
        self.bar = ipywidgets.FloatProgress(0.0, min=0.0, max=1.0, layout=shape)
        self.worker = Worker(lambda request, stop: work(self, request, stop), self.show_error)
        self._view: View | None = None
        self._still, self._held = still, False
        if body is None:
            body = ipywidgets.Box([self.exhibits[PICTURE].box]).add_class("dl-only")
        intro = [_introduce(texts), *(_line_up(each) for each in (self.presets, self.buttons) if each)]
        parts = {
            "dl-intro": intro,
            "dl-result": [self.status, self.bar, body, *footer],
            "dl-controls": list(self.rows.values()),
        }
        boxes = [ipywidgets.VBox(children).add_class(name) for name, children in parts.items()]
        self.box = ipywidgets.Box([style_widget(), *boxes]).add_class("dl-explorer")
        self.show_status("")

    @property
    def picture(self) -> ipywidgets.HTML:
        """The only picture, where there is one."""
        return self.exhibits[PICTURE].html

    @property
    def held(self) -> bool:
        """Whether several controls are being set, and only the last change counts."""
        return self._held

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Set several controls in the block as if at once; what they cause is up to the caller, after the block."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def choose(self, values: Mapping[str, Any]) -> None:
        """Set controls to values, in one step.

        Parameters
        ----------
        values : mapping of str to Any
            Values by the names of the controls.
        """
        with self.hold():
            set_values(self.controls, values)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """Return the explorer and, for readers without a kernel, its picture once it has been drawn."""
        self.worker.wait(TIMEOUT)
        bundle: dict[str, Any] = self.box._repr_mimebundle_(**options)
        figure = self._still() if self._still is not None else self._view.figure if self._view is not None else None
        still = {} if figure is None else {"image/png": encode_figure(figure)}
        return bundle | {"text/plain": f"explorer: {self.title}"} | still

    def show(self, view: View) -> None:
        """Display the only picture and its status.

        Parameters
        ----------
        view : View
            What to display.
        """
        self._view = view
        self.exhibits[PICTURE].show_figure(view.figure, view.alt_text)
        self.show_status(view.status)

    def show_status(self, line: str) -> None:
        """Display a line above the pictures; screen readers read it aloud.

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


def _introduce(texts: Texts) -> ipywidgets.HTML:
    """Return heading, caption and question."""
    caption = element("p", texts.caption) if texts.caption else None
    question = element("p", texts.question, class_="dl-question") if texts.question else None
    text = element("div", element("h3", texts.title), caption, question)
    return ipywidgets.HTML(write_html(text)).add_class("dl-text")


def _line_up(buttons: Mapping[str, ipywidgets.Widget]) -> ipywidgets.Box:
    return ipywidgets.Box(list(buttons.values())).add_class("dl-buttons")


def live_explorer(
    texts: Texts,
    controls: Mapping[str, ipywidgets.Widget],
    draw: Callable[[Mapping[str, Any]], View],
    presets: Mapping[str, Mapping[str, Any]] | None = None,
) -> Explorer:
    """Return an explorer that draws again whenever a control changes.

    If controls change faster than the explorer draws, some values are skipped, but never the last ones.

    Parameters
    ----------
    texts : Texts
        Heading, caption and question.
    controls : mapping of str to ipywidgets.Widget
        Sliders and lists, by name.
    draw : callable
        Maps the values of the controls, by name, to what is shown.
    presets : mapping of str to mapping, optional
        By the name of a button, what differs from the first values of the controls. With presets, there is a button
        Reset. Default: neither.

    Returns
    -------
    Explorer
        The explorer; it draws its first values at once.
    """

    def work(explorer: Explorer, values: Mapping[str, Any], stop: threading.Event) -> None:
        explorer.show(draw(values))

    first = get_values(controls)
    changes = {} if presets is None else {**presets, "Reset": {}}
    explorer = Explorer(texts, controls, work, changes)

    def update() -> None:
        if not explorer.held:
            explorer.worker.submit(get_values(controls))

    def set_preset(values: Mapping[str, Any]) -> None:
        explorer.choose(values)
        update()

    watch(controls, update)
    for name, change in changes.items():
        explorer.presets[name].on_click(lambda _, values=first | dict(change): set_preset(values))
    explorer.show_status("drawing …")  # a first picture that needs a network takes seconds
    update()
    return explorer
