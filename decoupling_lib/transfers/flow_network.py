"""The network of a style flow. No TensorFlow is loaded here."""

from __future__ import annotations

import os

from ..common.errors import describe_value, input_error
from ..networks import weights as weight_sources
from ..networks.vgg import Network
from .style_flow import StyleFlow


def find_network(flow: StyleFlow, weights: str | os.PathLike[str] | None = None) -> Network:
    """Return the network of a flow.

    Parameters
    ----------
    flow : StyleFlow
        The flow.
    weights : str or path, optional
        The weights, if they are not where the flow was made; their checksum decides. Default: the flow's own source.

    Raises
    ------
    InputError
        If there are no such weights, or they have another checksum.
    """
    about = flow.network
    source, wanted = about["weights"] if weights is None else weights, about["sha256"]
    step = f"give the file with sha256 {wanted[:12]}... by --weights"
    if weights is None and source not in weight_sources.SOURCES and not os.path.isfile(source):
        raise input_error("weights of the flow", "are not available", source, f"the file with sha256 {wanted}", step)
    found = weight_sources.read(about["architecture"], source, flow.seed)
    if found.sha256 != wanted:
        name = f"weights {describe_value(os.fspath(source))}"
        raise input_error(name, "are not those of the flow", f"sha256 {found.sha256}", f"sha256 {wanted}", step)
    return Network(
        found,
        tuple(about["layers"]),
        about["activation"],
        about["softness"],
        about["growth"],
        about["pooling"],
        about["temperatures"],
    )
