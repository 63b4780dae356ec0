"""The gradient-flow explorer of lesson 1: how a step rule follows a gradient curve to a reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..engine.features import Block, ClosedForm
from ..engine.ode import integrate
from ..plotting.portraits import Portrait, bowl, gradient_curve, portrait, show_portrait, unit_speed
from .controls import choice, slider, whole
from .explorer import Drawn, Explorer, live

EXTENT = (-3.0, 3.0, -2.0, 2.0)
VALUE = 1.0
"""Of the reference: every feature has it somewhere in the window."""
FLAT = 1e-9
"""A gradient shorter than this counts as none."""
RULES = ("euler", "midpoint", "rk4")


def waves() -> ClosedForm:
    """f(x, y) = (x² + y²)/2 + sin(2x) cos(2y)/2: level sets that bend."""
    return ClosedForm(
        (Block("f", 1),),
        lambda p: np.array([p @ p / 2 + np.sin(2 * p[0]) * np.cos(2 * p[1]) / 2]),
        lambda p: np.array([[p[0] + np.cos(2 * p[0]) * np.cos(2 * p[1]), p[1] - np.sin(2 * p[0]) * np.sin(2 * p[1])]]),
    )


FEATURES = {
    "circles: (x² + y²)/2": lambda: bowl(1.0),
    "ellipses: (x² + 3y²)/2": lambda: bowl(3.0),
    "waves: (x² + y²)/2 + sin 2x cos 2y / 2": waves,
}


def explorer() -> Explorer:
    """Starting point, step rule, number of steps and feature; shows the points of the rule on the exact curve."""
    controls = {
        "feature": choice("feature", list(FEATURES), list(FEATURES)[1]),
        "x": slider("start, first", 2.4, *EXTENT[:2], 0.1, "first coordinate of the starting point"),
        "y": slider("start, second", 1.6, *EXTENT[2:], 0.1, "second coordinate of the starting point"),
        "rule": choice("step rule", RULES, "euler"),
        "steps": whole("steps", 4, 1, 40, "how many equal steps the way is cut into: one over their size"),
    }
    return live("Following a gradient to its reference", controls, draw)


def draw(values: Mapping[str, Any]) -> Drawn:
    """The exact curve from the starting point, and the points of the rule."""
    name, start, rule, steps = values["feature"], (values["x"], values["y"]), values["rule"], values["steps"]
    features = FEATURES[name]()
    figure = Figure(figsize=(7.5, 5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    gradient = features.linearize(np.array(start)).jacobian()
    if np.linalg.norm(gradient) < FLAT:
        show_portrait(ax, _background(name))
        ax.plot(*start, "kx", markersize=10)
        said = "Here the gradient is zero: there is no direction to go. Move the starting point."
        return Drawn(figure, f"level sets of {name}; the starting point has no gradient", said)
    exact, points = gradient_curve(features, np.array(start), VALUE), [np.array(start)]
    change = VALUE - float(features.values(points[0])[0])
    integrate(unit_speed(features, change), points[0], rule, steps, on_step=lambda _, x: points.append(x))
    show_portrait(ax, replace(_background(name), curves=(exact,)))
    ax.plot(*np.stack(points).T, "k.--", linewidth=1, label=f"{rule}, {steps} steps")
    ax.set(xlim=EXTENT[:2], ylim=EXTENT[2:])
    ax.legend(fontsize=8, loc="lower right")
    reached = float(features.values(points[-1])[0])
    said = f"{rule}, {steps} steps of size {1 / steps:.3g}: ends at f = {reached:.4g}, asked for {VALUE:g}"
    if abs(float(features.values(exact[-1])[0]) - VALUE) < 1e-6:
        said += f"; {np.linalg.norm(points[-1] - exact[-1]):.2g} away from where the exact curve ends"
    else:
        said += "; the exact curve runs into a point without gradient, and ends there"
    return Drawn(figure, f"gradient curve of {name} from {start}: {said}", said)


@lru_cache(maxsize=len(FEATURES))
def _background(name: str) -> Portrait:
    return portrait(FEATURES[name](), [], VALUE, EXTENT)
