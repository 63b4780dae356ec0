"""All explorers on one page."""

from __future__ import annotations

import ipywidgets

from . import gradient_flow, moments, noise_zeros, transfer

TABS = {
    "1 Gradients": gradient_flow.gradient_explorer,
    "2 Moments": moments.moment_explorer,
    "4-7 Transfer": transfer.transfer_explorer,
    "8 Noise": noise_zeros.noise_explorer,
}
"""The explorers by the titles of their tabs, which begin with the numbers of the lessons."""


def page() -> ipywidgets.Tab:
    """Return the four explorers as tabs.

    Each computes in a thread of its own, so the page appears before their first pictures.

    Returns
    -------
    ipywidgets.Tab
        The page.
    """
    return ipywidgets.Tab([build().box for build in TABS.values()], titles=list(TABS))
