"""`decoupling weights`: Keras's files."""

from __future__ import annotations

from typing import Annotated

import typer

from ..common import validation


def weights(network: Annotated[str, typer.Option(help="vgg19 or vgg16.")] = "vgg19") -> None:
    """Fetch Keras's ImageNet weights into Keras's cache and verify them."""
    from ..networks import weights as sources
    from ..networks.architectures import ARCHITECTURES

    print(sources.fetch(validation.choice(network, ARCHITECTURES, "network")))
