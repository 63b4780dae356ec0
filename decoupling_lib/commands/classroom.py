"""`decoupling classroom`: the explorers as a page."""

from __future__ import annotations

from typing import Annotated

import typer

from ..common.interrupts import raise_from_now_on
from .output import FaultError


def classroom_command(
    port: Annotated[int, typer.Option(help="Port of the server, which only this machine can reach.")] = 8866,
    browser: Annotated[bool, typer.Option(help="Whether to open the page in the default browser.")] = True,
) -> None:
    """Show the explorers in the browser: sliders for the kit's calculations. Ctrl-C ends it."""
    from ..explorers.server import serve

    raise_from_now_on()
    code = serve(port, browser, lambda address: print(f"explorers: {address}  (Ctrl-C ends them)", flush=True))
    if code:
        raise FaultError(f"the server of the page ended with exit code {code}")
