"""How much memory it takes to apply a style flow to an image, estimated from sizes alone.

Besides what the process holds with TensorFlow loaded, there are the images of the fixed-point iteration (`IMAGES`, in
the type of the image) and the activations of one tile: one residual per entry of every activation, and a few tensors
of the largest one. No TensorFlow is loaded here.
"""

from __future__ import annotations

import math

from ..common.errors import input_error
from ..common.memory import ALLOWANCE, MIB, available_mib, resident_bytes
from ..networks.architectures import ARCHITECTURES, Operation, operations_up_to
from ..networks.tile_plan import default_side
from .flow_settings import FlowSettings
from .style_flow import StyleFlow

LIBRARIES = 640 * MIB
"""What a process holds that has loaded TensorFlow. The one that asks, to hand out work, need not have loaded it."""
IMAGES = 12
"""The image before a leg and now, the velocity of the last step, a midpoint and the gradient there; and of the mixing
two iterates, a residual, and four of earlier differences."""
LOADING = 16
"""Bytes per color value that reading or saving an image may take: two float64 copies."""
SCRATCH = 3
"""Number of tensors of the largest activation beside the residuals."""


def estimate_flow_mib(flow: StyleFlow, shape: tuple[int, ...], settings: FlowSettings) -> int:
    """Return the estimated peak memory of a process that applies a flow.

    Parameters
    ----------
    flow : StyleFlow
        The flow.
    shape : tuple of int
        Shape of the image, which begins with (H, W).
    settings : FlowSettings
        How it is applied.

    Returns
    -------
    int
        MiB, including what a process holds before it begins.
    """
    item, values = 8 if settings.precise else 4, 3 * math.prod(shape[:2])
    operations = operations_up_to(flow.network["architecture"], flow.network["layers"])
    side = settings.tile or default_side(operations)
    tile = item * _tile_entries(operations, flow.network["architecture"], [min(side, length) for length in shape[:2]])
    images = max(item * (IMAGES + 4 * bool(settings.corrections)), LOADING) * values
    return round((max(resident_bytes(), LIBRARIES) + ALLOWANCE + tile + images) / MIB)


def _tile_entries(operations: tuple[Operation, ...], architecture: str, sides: list[int]) -> int:
    widths = {each.name: each.outputs for each in ARCHITECTURES[architecture]}
    (height, width), total, largest = sides, 0, 0
    for kind, name in operations:
        entries = height * width * widths[name]
        total, largest = total + entries, max(largest, entries)
        if kind == "pooling":
            height, width = height // 2, width // 2
    return total + SCRATCH * largest


def require_flow_memory(flow: StyleFlow, shape: tuple[int, ...], settings: FlowSettings) -> None:
    """Refuse an image that does not fit into memory.

    Parameters
    ----------
    flow : StyleFlow
        The flow.
    shape : tuple of int
        Shape of the image, which begins with (H, W).
    settings : FlowSettings
        How it is applied.

    Raises
    ------
    InputError
        If the estimate exceeds what this machine has available.
    """
    needed, most = estimate_flow_mib(flow, shape, settings), available_mib()
    if most is not None and needed > most:
        accepted, step = (
            f"at most {most}, which is what is available",
            "make the image smaller, or use a smaller --tile",
        )
        raise input_error("estimated memory in MiB", "is too large", needed, accepted, step)
