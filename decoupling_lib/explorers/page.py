"""All explorers on one page, which can fill a projector."""

from __future__ import annotations

from collections.abc import Iterator

import ipywidgets

from . import gradient_flow, moments, noise_zeros, transfer

TABS = {
    "1 Gradients": gradient_flow.gradient_explorer,
    "2 Moments": moments.moment_explorer,
    "4 Noise": noise_zeros.noise_explorer,
    "5-9 Transfer": transfer.transfer_explorer,
}
"""The explorers by the titles of their tabs, which begin with the numbers of the lessons."""
PROJECTOR = "Projector"
"""The text of the button for large type."""
ARRIVED = "dl-arrived"
"""The class of a button that nobody sees. The page's template clicks it as soon as the browser has drawn it."""


def page() -> ipywidgets.VBox:
    """Return the four explorers as tabs, below a button that fills the window with them in large type.

    Each computes in a thread of its own, so the page appears before their first pictures.

    Returns
    -------
    ipywidgets.VBox
        The page.
    """
    projector = ipywidgets.ToggleButton(False, description=PROJECTOR, tooltip="large type, for a classroom's screen")
    tabs = ipywidgets.Tab([build().box for build in TABS.values()], titles=list(TABS))
    # Voilà asks for the states of all widgets, one by one, and listens to changes only when it has the last. What a
    # thread changes in between would be lost, often a first picture. So it is sent all states again when it listens.
    arrived = ipywidgets.Button(layout=ipywidgets.Layout(display="none")).add_class(ARRIVED)
    arrived.on_click(lambda _: [widget.send_state() for widget in _family(tabs)])
    return ipywidgets.VBox([tabs, projector.add_class("dl-projector"), arrived]).add_class("dl-page")


def _family(widget: ipywidgets.DOMWidget) -> Iterator[ipywidgets.Widget]:
    """Yield a widget, its layout, and all that it contains."""
    yield widget
    yield widget.layout
    for child in getattr(widget, "children", ()):
        yield from _family(child)
