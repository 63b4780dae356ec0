"""`decoupling weights`: Keras's files."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import checks


def weights(network: Annotated[str, typer.Option(help="vgg19 or vgg16.")] = "vgg19") -> None:
    """Fetch Keras's ImageNet weights into Keras's cache and verify them."""
    from .. import weights as sources
    from ..architectures import ARCHITECTURES

    print(sources.fetch(checks.choice(network, ARCHITECTURES, "network")))
