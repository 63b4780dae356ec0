"""How much memory a run takes at its peak, told from sizes alone, and whether the machine has that much.

With N = 3HW numbers a picture and n features, the peak is what the process holds already, an allowance, the residuals
of a linearization (a number for each activation and each entry that is pooled), `PICTURES` float64 pictures, and the
largest of

- a leg's Gram matrix (and Step 0): the Jacobian of its depth, n N numbers in the network's dtype, and the scratch of
  making it;
- the refinement: the Jacobians of all depths, which are worked on in place, and the scratch;
- `projected`: the held Jacobian, and twice in float64.
"""

from __future__ import annotations

import math
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..common.errors import input_error
from ..engine.context import Settings
from ..methods.method import MethodSettings
from ..networks.channel_means import ChannelMeans
from ..networks.compiled import JACOBIAN_MEMORY
from ..networks.vgg import Network

MIB = 2**20
PICTURES = 56
"""Twenty pairs of Anderson's differences, the equations' own, nodes, pictures kept and drawn."""
SCRATCH = 2
"""Tensors of the largest activation that are seen to live at once; `JACOBIAN_MEMORY` allows for twice as many."""
ALLOWANCE = 120 * MIB
"""For what a run loads and compiles on its way: traced functions, matplotlib, threads' buffers."""


def peak(means: ChannelMeans, shape: tuple[int, int], settings: Settings, method: MethodSettings) -> int:
    """The estimated peak of a run, MiB, from (height, width) of its larger picture."""
    maps = [means.prefix(depth) for depth in range(1, len(means.blocks) + 1)]
    pixels = 3 * math.prod(shape)
    sizes = [sum(block.size for block in each.blocks) for each in maps]
    items = [np.dtype(each.precision).itemsize for each in maps]
    jacobians = [size * pixels * item for size, item in zip(sizes, items, strict=True)]
    networks = [_network(each.network, shape, item) for each, item in zip(maps, items, strict=True)]
    residuals, scratch = networks[-1]
    phases = [own + each + work for each, (own, work) in zip(jacobians, networks, strict=True)]
    if method.name == "decoupled" and settings.refinements > 0:
        phases.append(residuals + sum(jacobians) + scratch)
    if method.name == "projected" and len(maps) > 1:
        phases.append(residuals + jacobians[-2] + 16 * sizes[-2] * pixels)
    return round((resident() + ALLOWANCE + 8 * PICTURES * pixels + max(phases)) / MIB)


def _network(network: Network, shape: tuple[int, int], item: int) -> tuple[int, int]:
    """The residuals of a linearization and the scratch beside them, in bytes."""
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
    """Raises `InputError` where `needed` MiB are more than `limit`, or, without one, than the machine has left."""
    most, whose = (limit, "--memory-limit") if limit is not None else (available(), "what this machine has left")
    if most is not None and needed > most:
        step = "use a smaller --size or --max-side, or fewer --layers"
        raise input_error("estimated memory in MiB", "does not fit", needed, f"at most {most}, {whose}", step)


def available() -> int | None:
    """The MiB that this process can have: what it holds, what is free, and no more than its control group's limit."""
    free = _entry("/proc/meminfo", "MemAvailable:")
    if free is None:
        if "SC_PHYS_PAGES" not in os.sysconf_names:
            return None
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MIB
    return min([resident() + free, *_group_limits()]) // MIB


def _group_limits() -> Iterator[int]:
    """Limits in bytes that control groups set on this process; of both versions, and of a container's root."""
    try:
        groups = [line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return
    root = Path("/sys/fs/cgroup")
    for kinds, place in groups:
        if kinds not in ("", "memory"):
            continue
        folder, file = (root, "memory.max") if kinds == "" else (root / "memory", "memory.limit_in_bytes")
        for where in (folder / place.lstrip("/"), folder):
            with suppress(OSError, ValueError):  # "max" is no number, and no limit
                yield int((where / file).read_text())


def resident() -> int:
    """The bytes that this process holds now; where Linux does not tell, the most that it has held is near enough."""
    return _entry("/proc/self/status", "VmRSS:") or peak_resident()


def peak_resident() -> int:
    """The most bytes that this process has held."""
    # Not getrusage on Linux: there a child begins with the peak of the process that started it.
    most = _entry("/proc/self/status", "VmHWM:")
    if most is not None:
        return most
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _entry(file: str, name: str) -> int | None:
    """A number of kilobytes in a file of Linux's, in bytes; None where there is none."""
    with suppress(OSError):
        for line in Path(file).read_text("utf-8").splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return None
