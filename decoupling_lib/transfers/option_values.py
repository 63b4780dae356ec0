"""What each option of a transfer accepts, by itself; which options exclude each other is in `options`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..common import validation
from ..common.errors import input_error
from ..engine.ode import RULES
from ..methods.baselines import OPTIMIZERS
from ..methods.choice import METHODS
from ..networks.architectures import ACTIVATIONS, ARCHITECTURES, LAYER_SETS, POOLINGS, PRECISIONS
from . import references
from .mixtures import validate_mixture

_CHOICES: dict[str, Collection[str]] = {
    "layer_set": LAYER_SETS,
    "method": METHODS,
    "network": ARCHITECTURES,
    "activation": ACTIVATIONS,
    "pooling": POOLINGS,
    "precision": PRECISIONS,
    "rule": RULES,
    "optimizer": OPTIMIZERS,
    "reference": references.REFERENCES,
}
_INTEGER_RANGES: dict[str, Mapping[str, int]] = {
    "layers": {"low": 1, "high": 5},
    "max_side": {"low": validation.MIN_SIDE, "high": validation.MAX_SIDE},
    "steps": {"low": 1, "high": 100_000},
    "refinements": {"low": 0, "high": 1000},
    "corrections": {"low": 0, "high": 100},
    "iterations": {"low": 1, "high": 10_000_000},
    "noise_draws": {"low": 1, "high": 1000},
}
_RANGES: dict[str, Mapping[str, Any]] = {
    "softness": {"low": 0, "high": 2, "low_open": True},
    "growth": {"low": 0, "high": 10, "low_open": True},
    "damping": {"low": 0, "high": 100},
    "smoothing": {"low": 0, "high": 100},
    "tolerance": {"low": 1e-12, "high": 1e-1},
    "threshold": {"low": 0, "high": 1, "low_open": True},
    "learning_rate": {"low": 0, "high": 1e6, "low_open": True},
    "strength": {"low": 0, "high": 1},
}
_SWITCHES = ("annex_slips", "keep_colors", "colors_only")


def validate_option(name: str, value: Any) -> None:
    """Refuse a value that an option cannot have.

    Parameters
    ----------
    name : str
        Name of a field of `options.Options`.
    value : object
        Its value.

    Raises
    ------
    InputError
        If the value has the wrong type or is out of range.
    """
    label = {"layers": "number of layers", "max_side": "longest side"}.get(name, name.replace("_", " "))
    if name in _CHOICES:
        validation.choice(value, _CHOICES[name], label)
    elif name in _INTEGER_RANGES:
        validation.integer_in_range(value, label, **_INTEGER_RANGES[name])
    elif name in _RANGES:
        validation.in_range(value, label, **_RANGES[name])
    elif name == "size":
        for side in validation.shape(value):
            validation.integer_in_range(side, "side of the size", validation.MIN_SIDE, validation.MAX_SIDE)
    elif name == "seed":
        validation.seed(value)
    elif name in _SWITCHES:
        if not isinstance(value, bool):
            raise input_error(label, "can only be on or off", value, "true or false", "give one of them")
    elif name == "mix":
        validate_mixture(value)
    elif name in ("mask", "origin_mask"):
        if not isinstance(value, str):
            raise input_error(label, "is not named", value, "the name of an image file", "give the name as text")
        validation.path(value, label)
    elif not isinstance(value, str):  # weights: HDF5 would be loaded if `networks.weights` were asked
        accepted = "imagenet, hed, random, or the name of a file"
        raise input_error("weights", "are not named", value, accepted, "give a name as text")
    else:
        validation.path(value, "name of the weights")
