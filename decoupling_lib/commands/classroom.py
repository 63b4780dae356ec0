"""`decoupling classroom`: the explorers as a page."""

from __future__ import annotations

from typing import Annotated

import typer

from .output import FaultError


def classroom(
    port: Annotated[int, typer.Option(help="Of the server, on this machine only.")] = 8866,
    browser: Annotated[bool, typer.Option(help="Open the page in the default browser.")] = True,
) -> None:
    """Show the explorers, sliders over the kit's calculations, as a page in the browser; Ctrl-C ends it."""
    from ..explorers.server import serve

    code = serve(port, browser, lambda address: print(f"explorers: {address}  (Ctrl-C ends them)", flush=True))
    if code:
        raise FaultError(f"the page's server ended with exit code {code}")
