"""How much memory this process holds, has held at most, and can have."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MIB = 2**20
"""Bytes per MiB."""
ALLOWANCE = 120 * MIB
"""For what a run loads and compiles beside TensorFlow: traced functions, Matplotlib, buffers of threads."""


def available_mib() -> int | None:
    """Return how much memory this process can have in total, in MiB.

    It is the sum of what the process holds and what is free, or the limit of its control group if that is smaller.
    On macOS it is the physical memory. Windows is not asked.

    Returns
    -------
    int or None
        None if the system does not tell.
    """
    free = _read_bytes("/proc/meminfo", "MemAvailable:")
    if free is None:
        if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", ()):
            return None
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MIB
    return min([resident_bytes() + free, *_group_limits()]) // MIB


def _group_limits() -> Iterator[int]:
    """Yield the limits in bytes that control groups of both versions set on this process or on its container."""
    try:
        groups = [line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return
    root = Path("/sys/fs/cgroup")
    for kinds, place in groups:
        if kinds not in ("", "memory"):
            continue
        base, file = (root, "memory.max") if kinds == "" else (root / "memory", "memory.limit_in_bytes")
        for folder in (base / place.lstrip("/"), base):
            with suppress(OSError, ValueError):  # "max" is not a number, and not a limit
                yield int((folder / file).read_text())


def resident_bytes() -> int:
    """Return the bytes that this process holds now; where they are unknown, the most that it has held."""
    return _read_bytes("/proc/self/status", "VmRSS:") or peak_resident_bytes()


def peak_resident_bytes() -> int:
    """Return the most bytes that this process has held at one time; 0 where the system does not tell (Windows)."""
    # On Linux getrusage is wrong for this: a child starts with the peak of its parent.
    most = _read_bytes("/proc/self/status", "VmHWM:")
    if most is not None:
        return most
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _read_bytes(file: str, name: str) -> int | None:
    """Return an entry in kB of a file in /proc, in bytes; None if it is missing."""
    with suppress(OSError):
        for line in Path(file).read_text("utf-8").splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return None
