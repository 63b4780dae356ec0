"""All explorers on one page."""

from __future__ import annotations

import ipywidgets

from . import gradient_flow, moments, noise_zeros, transfer

TABS = {
    "1 Gradients": gradient_flow.explorer,
    "2 Moments": moments.explorer,
    "4-7 Transfer": transfer.explorer,
    "8 Noise": noise_zeros.explorer,
}


def page() -> ipywidgets.Tab:
    """The four explorers as tabs; each computes in a thread of its own, so the page is there before they are."""
    return ipywidgets.Tab([make().box for make in TABS.values()], titles=list(TABS))
