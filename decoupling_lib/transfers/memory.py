"""How much memory a run needs at its peak, estimated from sizes alone, and whether the machine has that much.

For an image of N = 3HW numbers and n features, the peak is the sum of what the process holds already, an allowance, the
residuals of a linearization (one number per activation and per entry that is pooled), `IMAGES` float64 images, and the
largest of

- the gradient Gram matrix of a leg (and Step 0): the Jacobian of its depth, n N numbers in the dtype of the network,
  and scratch memory for its computation;
- the refinement: the Jacobians of all depths, which are changed in place, and the scratch memory;
- the method `projected`: the held Jacobian, and two float64 arrays of its size.
"""

from __future__ import annotations

import math

import numpy as np

from ..common.errors import input_error
from ..common.memory import ALLOWANCE, MIB, available_mib, resident_bytes
from ..engine.context import Settings
from ..methods.method import MethodSettings
from ..networks.channel_means import ChannelMeans
from ..networks.compiled import JACOBIAN_MEMORY
from ..networks.vgg import Network

IMAGES = 56
"""Twenty pairs of Anderson's differences, the images of the equations, nodes, images that are kept or drawn."""
SCRATCH = 2
"""Number of tensors of the largest activation that were observed at the same time; `JACOBIAN_MEMORY` allows twice."""


def estimate_peak(means: ChannelMeans, shape: tuple[int, int], settings: Settings, method: MethodSettings) -> int:
    """Return the estimated peak memory of a run.

    Parameters
    ----------
    means : ChannelMeans
        The features.
    shape : tuple of int
        (H, W) of the larger image.
    settings : Settings
        How legs are followed.
    method : MethodSettings
        The method.

    Returns
    -------
    int
        MiB, including what this process holds already.
    """
    maps = [means.prefix(depth) for depth in range(1, len(means.blocks) + 1)]
    pixels = 3 * math.prod(shape)
    sizes = [sum(block.size for block in each.blocks) for each in maps]
    items = [np.dtype(each.precision).itemsize for each in maps]
    jacobians = [size * pixels * item for size, item in zip(sizes, items, strict=True)]
    networks = [_network_bytes(each.network, shape, item) for each, item in zip(maps, items, strict=True)]
    residuals, scratch = networks[-1]
    phases = [own + each + work for each, (own, work) in zip(jacobians, networks, strict=True)]
    if method.name == "decoupled" and settings.refinements > 0:
        phases.append(residuals + sum(jacobians) + scratch)
    if method.name == "projected" and len(maps) > 1:
        phases.append(residuals + jacobians[-2] + 16 * sizes[-2] * pixels)
    return round((resident_bytes() + ALLOWANCE + 8 * IMAGES * pixels + max(phases)) / MIB)


def _network_bytes(network: Network, shape: tuple[int, int], item: int) -> tuple[int, int]:
    """Return the bytes of the residuals of a linearization, and of the scratch memory beside them."""
    (height, width), channels, entries, largest = shape, 3, 0, 3 * math.prod(shape)
    for kind, name in network.operations:
        if kind == "convolution":
            channels = network.channels(name)
        size = height * width * channels
        entries, largest = entries + size, max(largest, size)
        if kind == "pooling":
            height, width = height // 2, width // 2
    return item * entries, max(JACOBIAN_MEMORY // 2, SCRATCH * item * largest)


def require(needed: int, limit: int | None) -> None:
    """Refuse a run that does not fit into memory.

    Parameters
    ----------
    needed : int
        Estimated peak in MiB.
    limit : int or None
        Maximum in MiB. None means `available_mib`.

    Raises
    ------
    InputError
        If `needed` exceeds the limit.
    """
    if limit is None:
        most, source = available_mib(), "which is what this machine has available"
    else:
        most, source = limit, "the value of --memory-limit"
    if most is not None and needed > most:
        step = "use a smaller --size or --max-side, or fewer --layers"
        raise input_error("estimated memory in MiB", "is too large", needed, f"at most {most}, {source}", step)
