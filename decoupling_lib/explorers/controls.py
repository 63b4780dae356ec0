"""Labeled controls, each in a row with a question mark that explains it; `style_sheet` says how wide they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets

from ..plotting.pages import element
from .exhibit import write_html


def slider(label: str, value: float, low: float, high: float, step: float, tip: str = "") -> ipywidgets.FloatSlider:
    """Return a slider that reports its value while it moves.

    Parameters
    ----------
    label : str
        Text beside the slider.
    value, low, high, step : float
        First value, range and distance between values.
    tip : str
        One sentence that explains it; by default, there is none.

    Returns
    -------
    ipywidgets.FloatSlider
        The slider.
    """
    return ipywidgets.FloatSlider(value, min=low, max=high, step=step, description=label, tooltip=tip or label)


def integer_slider(label: str, value: int, low: int, high: int, tip: str = "", step: int = 1) -> ipywidgets.IntSlider:
    """Return a slider over integers.

    Parameters
    ----------
    label : str
        Text beside the slider.
    value, low, high : int
        First value and range.
    tip : str
        One sentence that explains it; by default, there is none.
    step : int
        Distance between values.

    Returns
    -------
    ipywidgets.IntSlider
        The slider.
    """
    return ipywidgets.IntSlider(value, min=low, max=high, step=step, description=label, tooltip=tip or label)


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
        One sentence that explains it; by default, there is none.

    Returns
    -------
    ipywidgets.FloatLogSlider
        The slider.
    """
    return ipywidgets.FloatLogSlider(
        value, base=10, min=low, max=high, step=0.05, description=label, tooltip=tip or label, readout_format=".2g"
    )


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
        One sentence that explains it; by default, there is none.

    Returns
    -------
    ipywidgets.Dropdown
        The list.
    """
    return ipywidgets.Dropdown(options=options, value=value, description=label, tooltip=tip or label)


def checkbox(label: str, value: bool, tip: str = "") -> ipywidgets.Checkbox:
    """Return a box to tick.

    Parameters
    ----------
    label : str
        Text beside the box.
    value : bool
        Whether it is ticked at first.
    tip : str
        One sentence that explains it; by default, there is none.

    Returns
    -------
    ipywidgets.Checkbox
        The box.
    """
    return ipywidgets.Checkbox(value, description=label, tooltip=tip or label, indent=False)


def explain(control: ipywidgets.DOMWidget) -> ipywidgets.HBox:
    """Return a row with a control and, if there is something to explain, a question mark.

    Parameters
    ----------
    control : ipywidgets.DOMWidget
        The control. Its tooltip explains it, if that is another text than its label.

    Returns
    -------
    ipywidgets.HBox
        The row. The question mark tells the tooltip to those who point at it, reach it by keyboard, or touch it.
    """
    parts, label, tip = [control], control.description, control.tooltip
    if tip and tip != label:
        mark = element("button", "?", type="button", class_="dl-help", data_tip=tip, aria_label=f"{label}: {tip}")
        parts.append(ipywidgets.HTML(write_html(mark)).add_class("dl-mark"))
    return ipywidgets.HBox(parts).add_class("dl-control")


def show_row(row: ipywidgets.Widget, shown: bool) -> None:
    """Show or hide a control's row, for screen readers too.

    Parameters
    ----------
    row : ipywidgets.Widget
        The row.
    shown : bool
        Whether it is to be seen.
    """
    row.layout.display = "" if shown else "none"


def set_values(controls: Mapping[str, ipywidgets.Widget], values: Mapping[str, Any]) -> None:
    """Set controls to values.

    Parameters
    ----------
    controls : mapping of str to ipywidgets.Widget
        Controls by name.
    values : mapping of str to Any
        Values by name; controls that are not named stay as they are.
    """
    for name, value in values.items():
        controls[name].value = value


def get_values(controls: Mapping[str, ipywidgets.Widget]) -> dict[str, Any]:
    """Return the values of controls, by name.

    Parameters
    ----------
    controls : mapping of str to ipywidgets.Widget
        Controls by name.

    Returns
    -------
    dict of str to Any
        Their values. That of a logarithmic slider is the number that it shows, of two digits: a browser moves it to the
        nearest step of the slider, 0.000501 for 0.0005. It also returns 0.29 with the rounding of its own arithmetic.
    """
    return {name: _read(control) for name, control in controls.items()}


def watch(controls: Mapping[str, ipywidgets.Widget], react: Callable[[], None]) -> None:
    """Call a function after each change of controls that `get_values` sees.

    A browser reports its rounding of a slider as soon as it draws it, which may be after a run has ended. That is no
    change.

    Parameters
    ----------
    controls : mapping of str to ipywidgets.Widget
        Controls by name.
    react : callable
        What to call.
    """
    known = get_values(controls)

    def look(_: Any) -> None:
        nonlocal known
        if (values := get_values(controls)) != known:
            known = values
            react()

    for control in controls.values():
        control.observe(look, "value")


def _read(control: ipywidgets.Widget) -> Any:
    if isinstance(control, ipywidgets.FloatLogSlider):
        return float(format(control.value, control.readout_format))
    return float(f"{control.value:.12g}") if isinstance(control, ipywidgets.FloatSlider) else control.value
