"""A picture with sliders, from a function that draws: something to move in a lesson, in a few lines."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

from ..common.errors import input_error
from ..plotting.settings import kit_settings
from ..plotting.style import new_figure
from .controls import integer_slider, slider
from .explorer import Explorer, Texts, View, live_explorer


def explore(
    title: str, draw: Callable[..., object], size: tuple[float, float] = (6.0, 4.0), **ranges: tuple[float, ...]
) -> Explorer:
    """Build a picture that is drawn again whenever one of its sliders is moved.

    A reader without a kernel sees the picture for the first values.

    Parameters
    ----------
    title : str
        Heading.
    draw : callable
        Receives empty axes and, by name, the value of each slider. It draws on the axes, and may return one line of
        text that is shown below the picture.
    size : tuple of two float
        Width and height in inches, at 80 pixels per inch.
    **ranges : tuple of three or four numbers
        Per slider: lowest value, highest value, first value, and the distance between two values. Integers give a
        slider of integers; without a distance it is 1.

    Returns
    -------
    Explorer
        Jupyter shows it as the last value of a cell.

    Raises
    ------
    InputError
        If a range is not of this form.
    """
    controls = {}
    for name, values in ranges.items():
        of_integers = all(isinstance(value, Integral) for value in values)
        formed = len(values) == 4 or (len(values) == 3 and of_integers)
        if not formed or not values[0] <= values[2] <= values[1]:
            accepted = "(lowest, highest, first) of integers, or (lowest, highest, first, distance)"
            raise input_error(f"range of {name}", "cannot be used", values, accepted, "give its numbers in this order")
        low, high, first, *distance = values
        if of_integers:
            controls[name] = integer_slider(name, int(first), int(low), int(high), "", *map(int, distance))
        else:
            controls[name] = slider(name, first, low, high, distance[0])

    @kit_settings
    def view(values: Any) -> View:
        figure = new_figure(*size, dpi=80)
        status = draw(figure.add_subplot(), **values)
        line = "" if status is None else str(status)
        return View(figure, f"{title}: {line}" if line else title, line)

    return live_explorer(Texts(title), controls, view)
