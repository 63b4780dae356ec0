"""The file of a style flow: a .npz of plain arrays and one JSON text, which is not trusted when it is read."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from ..common import safe_npz, validation
from ..common.arrays import Floats
from ..common.atomic_files import atomic_write
from ..common.errors import input_error, os_input_error, output_error
from ..engine.features import block_slices
from ..engine.fixed_curve import Curve
from ..networks.architectures import ACTIVATIONS, ARCHITECTURES, IMAGE, POOLINGS, convolutions_up_to
from .references import REFERENCES
from .style_flow import FlowLeg, ImageRecord, StyleFlow, network_blocks

FORMAT = 1
"""Version of the file's format; another one is refused."""
MAX_BYTES = 2**28
MAX_STEPS = 100_000
_ACCEPTED = "a file that `decoupling flow` has written"
_NETWORK = {
    "architecture": str, "weights": str, "sha256": str, "layers": list, "activation": str, "softness": float,
    "growth": float, "pooling": str, "temperatures": dict,
}  # fmt: skip


class _DamagedError(Exception):
    """What a file has is not a flow; the message is the predicate of a sentence."""


def save_flow(flow: StyleFlow, path: str | os.PathLike[str]) -> Path:
    """Write a flow, whole or not at all.

    Parameters
    ----------
    flow : StyleFlow
        The flow.
    path : str or path
        A name that ends in .npz, in an existing folder; an existing file is replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        The name does not end in .npz.
    OutputError
        The file cannot be written.
    """
    target = flow_path(path)
    about = _describe(flow)
    arrays: dict[str, Any] = _arrays(flow)  # NumPy types its keyword allow_pickle too
    about["checksum"] = _checksum(arrays, about)
    try:
        with atomic_write(target) as sibling, open(sibling, "wb") as file:
            np.savez(file, about=np.array(json.dumps(about)), **arrays)
    except OSError as error:
        raise output_error(error, "file of the flow", target, "a .npz file in an existing folder") from None
    return target


def flow_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a flow's file; refuse a name that does not end in .npz.

    Parameters
    ----------
    path : str or path
        The path received; nothing needs to exist there.
    """
    target = validation.path(path, "file of the flow")
    if target.suffix.lower() != ".npz":
        accepted = "the name of a .npz file in an existing folder"
        raise input_error("file of the flow", "is not named .npz", target, accepted, "end its name with .npz")
    return target


def checksum(flow: StyleFlow) -> str:
    """Return the sha256 of all that a flow consists of, by which a report names it."""
    return _checksum(_arrays(flow), _describe(flow))


def load_flow(path: str | os.PathLike[str]) -> StyleFlow:
    """Read a flow. Its weights are looked for when it is applied.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    StyleFlow
        With arrays that have the right shapes and finite values.

    Raises
    ------
    InputError
        For a file that is missing, of another kind or version, damaged or changed, with one line.
    """
    file = validation.regular_file(path, "file of the flow", accepted=_ACCEPTED)
    step = "make the flow again, or give another file"
    if file.stat().st_size > MAX_BYTES:
        raise input_error("file of the flow", "is too large", file, f"at most {MAX_BYTES // 2**20} MiB", step)
    try:
        arrays = safe_npz.parse_archive(file.read_bytes())
        about = json.loads(str(arrays.pop("about")))
        if not isinstance(about, dict) or about.get("kind") != "style flow":
            raise ValueError
    except OSError as error:
        raise os_input_error(error, "file of the flow", file, _ACCEPTED) from None
    except Exception:  # noqa: BLE001 - zipfile, NumPy and JSON fail with errors of every kind
        raise input_error("file of the flow", "is not one, or is damaged", file, _ACCEPTED, step) from None
    if about.get("format") != FORMAT or isinstance(about["format"], bool):
        step = "make the flow again with this version of the kit"
        raise input_error("file of the flow", "has another format", about.get("format"), f"format {FORMAT}", step)
    try:
        if about.pop("checksum", None) != _checksum(arrays, about):
            raise _DamagedError("has changed since it was written: its checksum differs")
        return _compose(about, arrays)
    except _DamagedError as error:
        raise input_error("file of the flow", str(error), file, _ACCEPTED, step) from None
    except (KeyError, TypeError, ValueError, OverflowError):
        raise input_error("file of the flow", "is damaged", file, _ACCEPTED, step) from None


def _describe(flow: StyleFlow) -> dict[str, Any]:
    try:
        kit = version("decoupling")
    except PackageNotFoundError:  # a source tree that is not installed
        kit = "unknown"
    return {
        "kind": "style flow", "format": FORMAT, "kit": kit, "network": dict(flow.network), "seed": flow.seed,
        "reference": flow.reference, "delta": flow.delta, "origin": asdict(flow.origin), "target": asdict(flow.target),
    }  # fmt: skip


def _arrays(flow: StyleFlow) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {
        "values": flow.values, "live": flow.live, "scales": flow.scales,
        "origin_style": flow.origin_style, "target_style": flow.target_style,
    }  # fmt: skip
    for leg in flow.legs:
        arrays |= {
            f"{leg.layer}.grid": leg.there.grid, f"{leg.layer}.there": leg.there.multipliers,
            f"{leg.layer}.back": leg.back.multipliers, f"{leg.layer}.there_gram": leg.there_gram,
            f"{leg.layer}.back_gram": leg.back_gram,
        }  # fmt: skip
    return arrays


def _checksum(arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> str:
    """Return the sha256 of everything but the kit's version, which changes no result."""
    content = {name: value for name, value in about.items() if name != "kit"}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _compose(about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> StyleFlow:
    """Return the flow that a file describes; every value is checked."""
    network, delta = _check_network(about["network"]), about["delta"]
    blocks = network_blocks(network["architecture"], network["layers"])
    n = sum(block.size for block in blocks)

    def take(name: str, shape: tuple[int, ...], kind: str = "f") -> Floats:
        array = arrays[name]
        if array.dtype.kind != kind or array.shape != shape:
            raise _DamagedError(f"has an array {name!r} of another shape or type than its network asks for")
        if kind == "f" and not np.isfinite(array).all():
            raise _DamagedError(f"has values in {name!r} that are not finite")
        return array

    legs = []
    for layer, moving in block_slices(blocks).items():
        grid, size = arrays[f"{layer}.grid"], moving.stop
        steps = grid.size - 1
        take(f"{layer}.grid", (steps + 1,))
        if not 1 <= steps <= MAX_STEPS or grid[0] != 0 or grid[-1] != 1 or np.diff(grid).min() <= 0:
            raise _DamagedError(f"has a grid of {layer} that does not lead from 0 to 1")
        there, back = (Curve(grid, take(f"{layer}.{name}", (steps, size))) for name in ("there", "back"))
        grams = (take(f"{layer}.{name}_gram", (size, size)) for name in ("there", "back"))
        legs.append(FlowLeg(layer, there, Curve(1.0 - grid[::-1], back.multipliers), *grams))
    scales = take("scales", (n,))
    if scales.min() <= 0 or not isinstance(delta, float) or not 0 <= delta <= 100:
        raise _DamagedError("has damping out of range")
    return StyleFlow(
        network=network,
        seed=validation.seed(about["seed"]),
        reference=validation.choice(about["reference"], REFERENCES, "reference of the flow"),
        values=take("values", (n,)),
        live=take("live", (n,), "b").astype(bool),
        delta=delta,
        scales=scales,
        origin_style=take("origin_style", (n,)),
        target_style=take("target_style", (n,)),
        legs=tuple(legs),
        origin=_check_image(about["origin"]),
        target=_check_image(about["target"]),
    )


def _check_network(network: Any) -> dict[str, Any]:
    """Return the description of a network whose names are known and whose numbers are in range."""
    if not isinstance(network, dict) or any(not isinstance(network.get(name), kind) for name, kind in _NETWORK.items()):
        raise _DamagedError("does not describe its network")
    names = [*(each.name for each in ARCHITECTURES[network["architecture"]])]
    depths = [-1 if layer == IMAGE else names.index(layer) for layer in network["layers"]]
    if not depths or depths != sorted(set(depths)):
        raise _DamagedError("has layers out of order")
    chain = {each.name for each in convolutions_up_to(network["architecture"], network["layers"])}
    temperatures = network["temperatures"]
    known = network["activation"] in ACTIVATIONS and network["pooling"] in POOLINGS
    if not known or temperatures.keys() != chain:
        raise _DamagedError("describes a network that this version of the kit does not know")
    numbers = [*temperatures.values(), network["softness"], network["growth"]]
    if not all(isinstance(t, float) and math.isfinite(t) and t > 0 for t in numbers):
        raise _DamagedError("has a temperature that is not above 0")
    return network


def _check_image(image: Any) -> ImageRecord:
    record = ImageRecord(**image)
    texts, sides = (record.name, record.sha256), (record.height, record.width)
    if not all(isinstance(text, str) for text in texts) or not all(type(s) is int and 0 < s < 2**31 for s in sides):
        raise _DamagedError("does not describe its images")
    return record
