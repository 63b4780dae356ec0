"""Bounds that measured numbers keep with particular network weights, known by their sha256 (`expected_bounds.toml`).

A lesson's relations hold for any weights; its numbers hold for those they were measured with. So a lesson confirms a
number here, and with other weights says that nothing was asserted.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
import tomllib

from ..common import validation
from ..common.errors import input_error


@functools.cache
def table() -> dict[str, dict]:
    """sha256 -> {"label": str, "bounds": {name: [low, high]}}."""
    return tomllib.loads((importlib.resources.files(__package__) / "expected_bounds.toml").read_text("utf-8"))


def bounds(name: str, sha256: str) -> tuple[float, float] | None:
    """(low, high) of a number with these weights, or None for weights that are not in the table.

    Raises `InputError` for a name that no weights have, or what is not a sha256.
    """
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256):
        accepted = "64 hexadecimal digits"
        raise input_error("sha256 of weights", "is not one", sha256, accepted, "take it from the report or network")
    validation.choice(name, sorted({name for row in table().values() for name in row["bounds"]}), "expected number")
    if sha256 not in table() or name not in table()[sha256]["bounds"]:
        return None
    low, high = table()[sha256]["bounds"][name]
    return low, high


def confirm(name: str, value: float, sha256: str) -> str:
    """One line that says whether the number was asserted; `AssertionError` if it is out of its bounds."""
    known = bounds(name, sha256)
    if known is None:
        return f"{name} {value:.3g}: not asserted (no bounds for weights {sha256[:8]})"
    low, high = known
    label = table()[sha256]["label"]
    assert low <= value <= high, f"{name} is {value:.6g} with {label}, not within {low:g} to {high:g}"
    return f"{name} {value:.3g}: asserted, within {low:g} to {high:g} for {label}"
