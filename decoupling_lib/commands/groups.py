"""The groups in which a command's help shows its options, and options that several commands share."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption

BASIC, STYLE, METHOD, NETWORK, INPUTS, EXPERT = "Basic", "Style", "Method", "Network", "Inputs", "Expert"


class GroupedCommand(TyperCommand):
    """A command whose options all belong to groups; `--help` is in the first one and not in a group of its own."""

    def get_help_option(self, ctx: Any) -> TyperOption | None:
        """Return the option `--help`.

        Parameters
        ----------
        ctx : typer's context
            The context of the call, whose type is private to typer.

        Returns
        -------
        TyperOption or None
            The option, as typer makes it, in the group `BASIC`.
        """
        option = super().get_help_option(ctx)
        if option is not None:
            option.rich_help_panel = BASIC
        return option


NetworkOption = Annotated[
    str | None, typer.Option(help="vgg19 or vgg16.", show_default="the best available", rich_help_panel=NETWORK)
]
WeightsOption = Annotated[
    str | None,
    typer.Option(
        help="imagenet, hed, random, or a file of weights.", show_default="the best available", rich_help_panel=NETWORK
    ),
]
