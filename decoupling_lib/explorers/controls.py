"""Labeled controls that share one look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets

LABEL_STYLE = {"description_width": "10em"}
WIDTH = {"width": "32em"}
"""The layout of each control; every one gets its own, so that it can be hidden alone."""


def slider(label: str, value: float, low: float, high: float, step: float, tip: str = "") -> ipywidgets.FloatSlider:
    """Return a slider that reports its value while it moves.

    Parameters
    ----------
    label : str
        Text beside the slider.
    value, low, high, step : float
        First value, range and distance between values.
    tip : str
        Tooltip; by default, the label.

    Returns
    -------
    ipywidgets.FloatSlider
        The slider.
    """
    return ipywidgets.FloatSlider(
        value, min=low, max=high, step=step, description=label, tooltip=tip or label, style=LABEL_STYLE,
        layout=WIDTH,
    )  # fmt: skip


def integer_slider(label: str, value: int, low: int, high: int, tip: str = "", step: int = 1) -> ipywidgets.IntSlider:
    """Return a slider over integers.

    Parameters
    ----------
    label : str
        Text beside the slider.
    value, low, high : int
        First value and range.
    tip : str
        Tooltip; by default, the label.
    step : int
        Distance between values.

    Returns
    -------
    ipywidgets.IntSlider
        The slider.
    """
    return ipywidgets.IntSlider(
        value, min=low, max=high, step=step, description=label, tooltip=tip or label, style=LABEL_STYLE,
        layout=WIDTH,
    )  # fmt: skip


def log_slider(label: str, value: float, low: int, high: int, tip: str = "") -> ipywidgets.FloatLogSlider:
    """Return a slider with a logarithmic scale from 10^low to 10^high.

    Parameters
    ----------
    label : str
        Text beside the slider.
    value : float
        First value.
    low, high : int
        Exponents of the range.
    tip : str
        Tooltip; by default, the label.

    Returns
    -------
    ipywidgets.FloatLogSlider
        The slider.
    """
    return ipywidgets.FloatLogSlider(
        value, base=10, min=low, max=high, step=0.05, description=label, tooltip=tip or label, readout_format=".2g",
        style=LABEL_STYLE, layout=WIDTH,
    )  # fmt: skip


def dropdown(label: str, options: Sequence[Any], value: Any, tip: str = "") -> ipywidgets.Dropdown:
    """Return a list to choose from.

    Parameters
    ----------
    label : str
        Text beside the list.
    options : sequence
        Values, or pairs of text and value.
    value : Any
        First value.
    tip : str
        Tooltip; by default, the label.

    Returns
    -------
    ipywidgets.Dropdown
        The list.
    """
    return ipywidgets.Dropdown(
        options=options, value=value, description=label, tooltip=tip or label, style=LABEL_STYLE, layout=WIDTH
    )


def checkbox(label: str, value: bool, tip: str = "") -> ipywidgets.Checkbox:
    """Return a box to tick.

    Parameters
    ----------
    label : str
        Text beside the box.
    value : bool
        Whether it is ticked at first.
    tip : str
        Tooltip; by default, the label.

    Returns
    -------
    ipywidgets.Checkbox
        The box.
    """
    return ipywidgets.Checkbox(value, description=label, tooltip=tip or label, style=LABEL_STYLE, layout=WIDTH)


def show_control(control: ipywidgets.Widget, shown: bool) -> None:
    """Show or hide a control, for screen readers too.

    Parameters
    ----------
    control : ipywidgets.Widget
        The control.
    shown : bool
        Whether it is to be seen.
    """
    control.layout.display = "" if shown else "none"
