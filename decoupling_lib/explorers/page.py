"""All explorers on one page, which can fill a projector."""

from __future__ import annotations

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
    return ipywidgets.VBox([tabs, projector.add_class("dl-projector")]).add_class("dl-page")
