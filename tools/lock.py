"""Read the entries of requirements.lock, as uv writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"


class Pin(NamedTuple):
    """One version of a package; several pins of one package have markers that exclude each other."""

    name: str
    version: Version
    marker: Marker | None
    hashes: tuple[str, ...]
    needed_by: tuple[str, ...]
    """The packages that require it; the kit itself is "decoupling (pyproject.toml)"."""


def read(path: Path = LOCK) -> list[Pin]:
    """Return the pins in the order of the file.

    Raises ValueError for an entry that does not pin one exact version.
    """
    entries = re.split(r"\n(?=\S)", path.read_text("utf-8"))
    return [_pin(entry) for entry in entries if entry.strip() and not entry.startswith("#")]


def _pin(entry: str) -> Pin:
    head, *comments = re.split(r"#(?= )", entry)
    requirement = Requirement(entry.splitlines()[0].split("\\")[0])
    exact = [each.version for each in requirement.specifier if each.operator == "==" and "*" not in each.version]
    if len(exact) != 1 or len(requirement.specifier) != 1:
        raise ValueError(f"not a pin of one version: {head.splitlines()[0]}")
    needed = " ".join(comments).replace("via", " ", 1)
    return Pin(
        canonicalize_name(requirement.name),
        Version(exact[0]),
        requirement.marker,
        tuple(re.findall(r"--hash=(sha256:[0-9a-f]{64})\b", head)),
        tuple(line.strip() for line in needed.splitlines() if line.strip()),
    )


def here(pins: Iterable[Pin]) -> dict[str, Pin]:
    """Return the pins that this Python on this system installs, by name."""
    return {pin.name: pin for pin in pins if pin.marker is None or pin.marker.evaluate()}
