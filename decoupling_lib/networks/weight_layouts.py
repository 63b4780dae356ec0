"""Where the arrays of VGG's convolutions lie in a Keras file, in every layout, of whole models and of nested ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import h5py

from .architectures import ARCHITECTURES

_NAME = re.compile(r"(block[1-5]_conv[1-4])(?:_\d+)?")
"""The name of a convolution; Keras adds a number to it if a process has built several networks."""
_WEIGHT = re.compile(rf"(?:.*/)?{_NAME.pattern}(?:/.*|_[Wb](?:_.*)?)", re.S)
"""The name of a weight of a convolution, as in "vgg16/block1_conv1/kernel:0" or "block1_conv1_W_1:0"."""
_MAX_GROUPS, _MAX_DEPTH = 10_000, 20  # Keras's files have about a hundred groups, ten deep
_LEGACY_ROOT = "model_weights"
"""The group of a whole model's weights in HDF5; beside it lies the state of its optimizer."""


def find_layers(file: h5py.File) -> dict[str, list[Any]]:
    """Return the arrays of convolutions in any layout; none is read yet.

    Parameters
    ----------
    file : h5py.File
        The open file.

    Returns
    -------
    dict of str to list
        The HDF5 items [kernel, bias] by convolution; in a damaged file, anything may be in the list.

    Raises
    ------
    ValueError
        A link leads out of the file, there are too many groups, or a layer is there twice.
    """
    root = _own_item(file, _LEGACY_ROOT) if _LEGACY_ROOT in file else file
    groups = list(_walk(root))
    return _find_legacy_layers(groups) or _order_legacy_layers(root) or _find_keras3_layers(groups)


def find_architecture(layers: dict[str, list[Any]]) -> str | None:
    """Return the architecture to which layers belong.

    Parameters
    ----------
    layers : dict of str to list
        What `find_layers` returned.

    Returns
    -------
    str or None
        "vgg16" or "vgg19"; None if it is neither.
    """
    known = (name for name, chain in ARCHITECTURES.items() if set(layers) == {layer.name for layer in chain})
    return next(known, None)


def _walk(root: h5py.Group) -> Iterator[tuple[str, h5py.Group]]:
    """Yield all groups that lie in the file, with their paths; what an optimizer keeps is not a weight."""
    groups: list[tuple[str, Any]] = [("", root)]
    for path, group in groups:  # the list grows while it is walked
        if len(groups) > _MAX_GROUPS or path.count("/") > _MAX_DEPTH:
            raise ValueError("has too many groups, or groups nested too deeply")
        yield path, group
        own = (name for name in group if isinstance(group.get(name, getlink=True), h5py.HardLink))
        items = ((name, group[name]) for name in own if path or not name.startswith("optimizer"))
        groups.extend((f"{path}/{name}", item) for name, item in items if isinstance(item, h5py.Group))


def _find_legacy_layers(groups: list[tuple[str, h5py.Group]]) -> dict[str, list[Any]]:
    """Return the layers of groups whose attribute `weight_names` lists their weights, those of nested models too."""
    found: dict[str, list[Any]] = {}
    for path, group in groups:
        own: dict[str, list[Any]] = {}
        layer = _NAME.fullmatch(path.rpartition("/")[2])
        for name in map(_text, group.attrs.get("weight_names", ())):
            match = layer or _WEIGHT.fullmatch(name)
            if match is not None:
                own.setdefault(match[1], []).append(_own_item(group, name))
        _add(found, own)
    return found


def _order_legacy_layers(root: h5py.Group) -> dict[str, list[Any]]:
    """Return layers of unknown names by their order, which the attribute `layer_names` gives, if their number fits."""
    pairs: list[list[Any]] = []
    for layer in map(_text, root.attrs.get("layer_names", ())):
        group = _own_item(root, layer)
        items = [_own_item(group, _text(name)) for name in group.attrs.get("weight_names", ())]
        for kernel, bias in zip(items, items[1:], strict=False):
            if _is_kernel(kernel) and getattr(bias, "ndim", None) == 1:
                pairs.append([kernel, bias])
    return _name_by_order(pairs)


def _find_keras3_layers(groups: list[tuple[str, h5py.Group]]) -> dict[str, list[Any]]:
    found: list[tuple[str, str, list[Any]]] = []
    for path, group in groups:
        if path.endswith("/vars") and set(group) == {"0", "1"}:
            kernel, bias = _own_item(group, "0"), _own_item(group, "1")
            if _is_kernel(kernel):
                found.append((path, _text(group.attrs.get("name", "")), [kernel, bias]))
    named: dict[str, list[Any]] = {}
    for _, name, items in found:
        if match := _NAME.fullmatch(name):
            _add(named, {match[1]: items})
    if named:
        return named
    # Other names, or none in older files. The groups conv2d, conv2d_1, ... number the layers in order of creation.
    found.sort(key=lambda entry: [int(t) if t.isdigit() else t for t in re.split(r"(\d+)", entry[0])])
    return _name_by_order([items for _, _, items in found])


def _is_kernel(item: Any) -> bool:
    """Return whether an item is the kernel of a convolution; those of hed other than VGG's are 1x1."""
    return isinstance(item, h5py.Dataset) and item.ndim == 4 and item.shape[:2] != (1, 1)


def _name_by_order(pairs: list[list[Any]]) -> dict[str, list[Any]]:
    """Return kernels and biases by the names of the network that has so many convolutions; none if no network has."""
    orders = {len(layers): layers for layers in ARCHITECTURES.values()}
    return {layer.name: pair for layer, pair in zip(orders.get(len(pairs), ()), pairs, strict=False)}


def _add(found: dict[str, list[Any]], more: dict[str, list[Any]]) -> None:
    if both := found.keys() & more.keys():
        raise ValueError(f"has layer {min(both)} twice")
    found.update(more)


def _own_item(group: h5py.Group, path: str) -> Any:
    """Return an item that lies in this file; a link could lead to any file, or to a pipe that never ends."""
    for part in path.split("/"):
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise ValueError("has a link that leads elsewhere")
        group = group[part]
    return group


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
