"""Labeled controls of one look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets

from .explorer import LABEL, WIDE


def slider(label: str, value: float, low: float, high: float, step: float, tip: str = "") -> ipywidgets.FloatSlider:
    """A slider that reports while it is moved."""
    return ipywidgets.FloatSlider(
        value, min=low, max=high, step=step, description=label, tooltip=tip or label, style=LABEL, layout=WIDE
    )


def whole(label: str, value: int, low: int, high: int, tip: str = "", step: int = 1) -> ipywidgets.IntSlider:
    """A slider over whole numbers."""
    return ipywidgets.IntSlider(
        value, min=low, max=high, step=step, description=label, tooltip=tip or label, style=LABEL, layout=WIDE
    )


def logarithmic(label: str, value: float, low: int, high: int, tip: str = "") -> ipywidgets.FloatLogSlider:
    """A slider from 10^low to 10^high, equal ratios equally far apart."""
    return ipywidgets.FloatLogSlider(
        value, base=10, min=low, max=high, step=0.05, description=label, tooltip=tip or label, readout_format=".2g",
        style=LABEL, layout=WIDE,
    )  # fmt: skip


def choice(label: str, options: Sequence[Any], value: Any, tip: str = "") -> ipywidgets.Dropdown:
    """A list to choose from; options are values, or pairs of what is shown and a value."""
    return ipywidgets.Dropdown(
        options=options, value=value, description=label, tooltip=tip or label, style=LABEL, layout=WIDE
    )
