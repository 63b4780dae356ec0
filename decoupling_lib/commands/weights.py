"""`decoupling weights`: Keras's files of weights."""

from __future__ import annotations

from typing import Annotated

import typer

from ..common import validation
from ..common.interrupts import raise_from_now_on


def weights_command(network: Annotated[str, typer.Option(help="vgg19 or vgg16.")] = "vgg19") -> None:
    """Download Keras's ImageNet weights into Keras's cache, and verify them."""
    raise_from_now_on()
    from ..networks import weights as sources
    from ..networks.architectures import ARCHITECTURES

    print(sources.fetch(validation.choice(network, ARCHITECTURES, "network")))
