"""Bounds of measured numbers for particular network weights, which are known by their sha256 (`expected_bounds.toml`).

The relations that a lesson shows hold for any weights, but its numbers hold only for the weights they were measured
with. A lesson therefore confirms a number here, and with other weights says that nothing was asserted.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
import tomllib
from typing import Any

from ..common import validation
from ..common.errors import input_error


@functools.cache
def table() -> dict[str, dict[str, Any]]:
    """Return all bounds.

    Returns
    -------
    dict
        By sha256: {"label": str, "bounds": {name: [low, high]}}.
    """
    return tomllib.loads((importlib.resources.files(__package__) / "expected_bounds.toml").read_text("utf-8"))


def bounds(name: str, sha256: str) -> tuple[float, float] | None:
    """Return the bounds of a number.

    Parameters
    ----------
    name : str
        Name of the number, such as "fidelity block1_conv1".
    sha256 : str
        Checksum of the weights, 64 hexadecimal digits.

    Returns
    -------
    tuple of two floats, or None
        The smallest and the largest value; None for weights without bounds.

    Raises
    ------
    InputError
        A name that no weights have bounds for, or a text that is no sha256.
    """
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256):
        accepted = "64 hexadecimal digits"
        step = "take it from the report or the network"
        raise input_error("sha256 of weights", "is not a checksum", sha256, accepted, step)
    validation.choice(name, sorted({name for row in table().values() for name in row["bounds"]}), "expected number")
    if sha256 not in table() or name not in table()[sha256]["bounds"]:
        return None
    low, high = table()[sha256]["bounds"][name]
    return low, high


def confirm(name: str, value: float, sha256: str) -> str:
    """Assert that a measured number lies within its bounds.

    Parameters
    ----------
    name : str
        Name of the number.
    value : float
        The measured number.
    sha256 : str
        Checksum of the weights it was measured with.

    Returns
    -------
    str
        One line that says whether the number was asserted.

    Raises
    ------
    AssertionError
        The number is out of its bounds.
    InputError
        As from `bounds`.
    """
    known = bounds(name, sha256)
    if known is None:
        return f"{name} {value:.3g}: not asserted (no bounds for weights {sha256[:8]})"
    low, high = known
    label = table()[sha256]["label"]
    assert low <= value <= high, f"{name} is {value:.6g} with {label}, not within {low:g} to {high:g}"
    return f"{name} {value:.3g}: asserted, within {low:g} to {high:g} for {label}"
